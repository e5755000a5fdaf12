"""Which keys counted when, as a site that signs and checks words about samples knows them."""

from __future__ import annotations

from yosegi.governance.charter.key_history import KeyHistory
from yosegi.governance.charter.registry import Registry
from yosegi.governance.charter.statement import Statement


def keys_of(registry: Registry, charter: str) -> KeyHistory:
    """The keys of every member at every moment, by the statements that were accepted here."""
    documents = registry.documents(charter)
    stated = (one for one in documents if one.payload_type in Statement.payload_types)
    return KeyHistory(Statement.read(one.payload) for one in stated)
