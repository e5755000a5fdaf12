"""Pieces of an object on their way: one side wants them, the other gives them or says why not."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from yosegi.core.identifiers import Digest
from yosegi.core.values import Value
from yosegi.trust.envelope import Bytes
from yosegi.trust.explanation import Explanation

CHUNK = 256 * 1024
"""Bytes of one piece. Four travel at once, and a sealed parcel with four stays below what a document may have."""
AT_ONCE = 4

TaskName = Annotated[str, StringConstraints(min_length=1, max_length=400)]


class ChunkRequest(Value):
    """A piece that is asked for.

    Args:
        task: the key of the task that it belongs to; whoever gives it decides by that task.
        sha256: of the whole object.
        offset: where the piece begins.
        length: how many bytes.
    """

    task: TaskName
    sha256: Digest
    offset: int = Field(ge=0)
    length: int = Field(ge=0, le=CHUNK)

    @property
    def name(self) -> tuple[str, str, int]:
        """What its answer is known by."""
        return self.task, self.sha256, self.offset


class Chunk(Value):
    """A piece that was asked for, or why it is not given.

    Args:
        refused: why not; absent if it is given.
        later: whether it may be given later, and is to be asked for again.
    """

    task: TaskName
    sha256: Digest
    offset: int = Field(ge=0)
    data: Annotated[Bytes, Field(max_length=CHUNK)] = b""
    refused: Explanation | None = None
    later: bool = False

    @property
    def name(self) -> tuple[str, str, int]:
        """Which want it answers."""
        return self.task, self.sha256, self.offset

    @classmethod
    def why_not(cls, want: ChunkRequest, why: Explanation, *, later: bool = False) -> Chunk:
        """The answer that gives nothing."""
        return cls(task=want.task, sha256=want.sha256, offset=want.offset, refused=why, later=later)
