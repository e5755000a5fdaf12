"""Answers about erasures: what is taken away for good, where it is gone, and who has not answered yet."""

from __future__ import annotations

from typing import Literal

from yosegi.services.answer import Answer, Timestamp


class ErasureStatus(Answer):
    """Where one erasure stands.

    Args:
        subject: an object's digest, or `home/owner/key` of a task.
        by: an officer here, or the peer that asked.
        done_here: whether it is gone at this site.
        gone: sites where it is gone.
        waiting: sites that have not answered, or wait for a person.
        not_taken: why a site will not hear of it, by site.
    """

    what: Literal["object", "task"]
    subject: str
    why: str
    by: str
    since: Timestamp
    done_here: bool
    gone: tuple[str, ...]
    waiting: tuple[str, ...]
    not_taken: dict[str, str]


class ErasureOrdered(ErasureStatus):
    """The same, as soon as it is ordered; `objects` are the task's objects here, which are erased by themselves."""

    objects: tuple[str, ...]
