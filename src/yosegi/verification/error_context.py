"""Who checks entries says which one is wrong, whatever it was that did not hold."""

from __future__ import annotations

from yosegi.core.errors import Corrupt, YosegiError
from yosegi.ledger import Entry


class naming:
    """Turns any refusal inside into one that names the entry.

    Args:
        entry: which one.
        todo: what to do about it.
    """

    def __init__(self, entry: Entry, todo: str = "") -> None:
        self._where, self._todo = f"entry {entry.sequence} ({entry.type} in {entry.stream})", todo

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, YosegiError | KeyError | TypeError | ValueError) and not isinstance(error, Corrupt):
            raise Corrupt(self._where, str(error), self._todo) from None
