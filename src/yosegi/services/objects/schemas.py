"""Answers about objects: what they are, where they are, and every entry that names them."""

from __future__ import annotations

from yosegi.core.contract_terms import Sensitivity
from yosegi.services.answer import Answer, Timestamp, ToldBy


class ObjectSummary(Answer):
    """One object that this site knows, under the strictest label of everything that names it.

    Args:
        sha256: names its bytes.
        size: bytes.
        site: where it was made or first put.
        sources: the capabilities it came from.
        here: whether its bytes are at this site.
        erased: whether they were taken away for good.
        state: on its way, and what hinders it; empty where there is nothing to say.
        names: by which steps call it.
        teams: whose it is.
        since: when it was last named.
    """

    sha256: str
    size: int
    media_type: str
    site: str
    sensitivity: Sensitivity
    export_classes: tuple[str, ...]
    sources: tuple[str, ...]
    here: bool
    erased: bool
    state: str
    told_by: ToldBy
    names: tuple[str, ...]
    teams: tuple[str, ...]
    since: Timestamp


class ObjectNaming(Answer):
    """One entry that names an object."""

    kind: str
    stream: str
    name: str
    peer: str
    task: str
    team: str
    charter: str
    actor: str
    time: Timestamp
    sequence: int
    sensitivity: Sensitivity


class ObjectDetail(ObjectSummary):
    """One object and every entry that names it."""

    history: tuple[ObjectNaming, ...]


class ObjectsCollected(Answer):
    """What was taken away because no entry names it: how many, how many bytes, and their digests."""

    collected: int
    bytes: int
    sha256: tuple[str, ...]
