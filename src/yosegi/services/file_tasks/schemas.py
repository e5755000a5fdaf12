"""Answers about work with files."""

from __future__ import annotations

from typing import Literal

from yosegi.services.answer import Answer, JsonObject

FileTaskState = Literal["completed", "failed", "canceled"]


class FileTaskDetail(Answer):
    """One piece of work with files, which was done as soon as it was asked for.

    Args:
        command: the verb.
        arguments: as they were given.
        result: `output` where it was done, `error` where it was not.
    """

    id: str
    command: str
    arguments: JsonObject
    state: FileTaskState
    result: JsonObject
