"""What a ledger says of objects: each is a stream, and whatever else names one does so in its facts.

An entry of any type may name objects in its facts under `objects`, by name. References are facts and not bodies, so
that they stand for ever; the bytes may be erased.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yosegi.core.object import ObjectRef
from yosegi.data.store import name_of
from yosegi.ledger import Draft, Write

PUT = "object.put"
"""A person brought it to this site."""
RECEIVED = "object.received"
"""Its bytes came from another site, and are those of its digest."""
RELEASED = "object.released"
"""Another site may have its bytes: decided before the first of them leaves, and again for each piece."""
REFUSED = "object.refused"
"""Its bytes will not come: why stands in the body."""
ERASED = "object.erased"
"""Its bytes were taken away for good; what names it stays."""


def object_stream(digest: str) -> str:
    """The stream of an object."""
    return f"object/{name_of(digest)}"


def naming(objects: Mapping[str, ObjectRef]) -> dict[str, Any]:
    """What an entry that names objects adds to its facts."""
    return {"objects": {name: ref.json() for name, ref in objects.items()}} if objects else {}


def about(
    kind: str,
    ref: ObjectRef,
    *,
    charter: str,
    actor: str,
    peer: str = "",
    task: str = "",
    team: str = "",
    on_behalf_of: str | None = None,
    body: Mapping[str, Any] | None = None,
) -> Write:
    """The write of one entry in an object's own stream."""
    more = {key: value for key, value in (("peer", peer), ("task", task), ("team", team)) if value}
    draft = Draft(kind, {"objects": {"it": ref.json()}} | more, body)
    return Write(object_stream(ref.sha256), None, (draft,), charter=charter, actor=actor, on_behalf_of=on_behalf_of)


def erased(digest: str, reason: str, *, by: str) -> Write:
    """The write that says that an object's bytes are gone for good."""
    return Write(object_stream(digest), None, (Draft(ERASED, {"digest": digest}, {"reason": reason}),), "", by)
