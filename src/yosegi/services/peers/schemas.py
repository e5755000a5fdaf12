"""Answers about this site and its peers."""

from __future__ import annotations

from yosegi.services.answer import Answer, ToldBy


class SiteInfo(Answer):
    """Which site this is, and the format in which it answers."""

    site: str
    title: str
    format: str = "yosegi.api.v1"


class PeerStatus(Answer):
    """How a peer is reached under a charter.

    Args:
        reach: in words.
        heard_seconds_ago: seconds since it was heard; none if it never was since this site started.
        unheard_seconds: seconds for which it has not been heard.
        trouble: why nothing it sends is taken, or why it was not reached the last time.
        clock_seconds: by how many seconds its clock differs, where that is too many; else 0.
        waiting: messages that wait for it.
        suspended_there: whether it says that it has suspended this site.
    """

    charter: str
    peer: str
    reach: str
    heard_seconds_ago: float | None
    unheard_seconds: float
    trouble: str
    clock_seconds: int
    waiting: int
    suspended_there: bool = False
    told_by: ToldBy
