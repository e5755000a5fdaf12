"""Entries, tree, checkpoints, sequencer and stores: a site's append-only record, and the views folded from it.

Each name is imported when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from yosegi.core.lazy_names import lazy_names

if TYPE_CHECKING:
    from yosegi.ledger.behind import LedgerBehind as LedgerBehind
    from yosegi.ledger.checkpoint import Checkpoint as Checkpoint
    from yosegi.ledger.entry import Entry as Entry
    from yosegi.ledger.header import Header as Header
    from yosegi.ledger.ledger import Ledger as Ledger
    from yosegi.ledger.receipt import Receipt as Receipt
    from yosegi.ledger.receipt import verify_entries as verify_entries
    from yosegi.ledger.receipt import verify_leaves as verify_leaves
    from yosegi.ledger.sequencer import NotRestored as NotRestored
    from yosegi.ledger.sequencer import Overtaken as Overtaken
    from yosegi.ledger.sqlite import SqliteStore as SqliteStore
    from yosegi.ledger.store import Db as Db
    from yosegi.ledger.store import Locked as Locked
    from yosegi.ledger.store import Stale as Stale
    from yosegi.ledger.store import Store as Store
    from yosegi.ledger.store import StoreDamaged as StoreDamaged
    from yosegi.ledger.store import StoreFailed as StoreFailed
    from yosegi.ledger.upcast import Upcasters as Upcasters
    from yosegi.ledger.view import View as View
    from yosegi.ledger.witness import Forked as Forked
    from yosegi.ledger.witness import check_contains as check_contains
    from yosegi.ledger.witness import check_continues as check_continues
    from yosegi.ledger.witness import common_history as common_history
    from yosegi.ledger.write import ERASED as ERASED
    from yosegi.ledger.write import LEDGER as LEDGER
    from yosegi.ledger.write import OPENED as OPENED
    from yosegi.ledger.write import REFILLED as REFILLED
    from yosegi.ledger.write import Draft as Draft
    from yosegi.ledger.write import Write as Write

__all__ = [
    "Ledger",
    "LedgerBehind",
    "Write",
    "Draft",
    "Entry",
    "Header",
    "View",
    "Db",
    "Receipt",
    "verify_entries",
    "verify_leaves",
    "Checkpoint",
    "check_contains",
    "check_continues",
    "common_history",
    "Forked",
    "Store",
    "SqliteStore",
    "Upcasters",
    "LEDGER",
    "OPENED",
    "ERASED",
    "REFILLED",
    "Locked",
    "NotRestored",
    "Overtaken",
    "Stale",
    "StoreDamaged",
    "StoreFailed",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "behind": ("LedgerBehind",),
        "checkpoint": ("Checkpoint",),
        "entry": ("Entry",),
        "header": ("Header",),
        "ledger": ("Ledger",),
        "receipt": ("Receipt", "verify_entries", "verify_leaves"),
        "sequencer": ("NotRestored", "Overtaken"),
        "sqlite": ("SqliteStore",),
        "store": ("Db", "Locked", "Stale", "Store", "StoreDamaged", "StoreFailed"),
        "upcast": ("Upcasters",),
        "view": ("View",),
        "witness": ("Forked", "check_contains", "check_continues", "common_history"),
        "write": ("ERASED", "LEDGER", "OPENED", "REFILLED", "Draft", "Write"),
    },
)
