"""Entries, tree, checkpoints, sequencer and stores: a site's append-only record, and the views folded from it."""

from yosegi.ledger.behind import LedgerBehind
from yosegi.ledger.checkpoint import Checkpoint
from yosegi.ledger.entry import Entry
from yosegi.ledger.header import Header
from yosegi.ledger.ledger import Ledger
from yosegi.ledger.receipt import Receipt, verify_entries, verify_leaves
from yosegi.ledger.sequencer import NotRestored, Overtaken
from yosegi.ledger.sqlite import SqliteStore
from yosegi.ledger.store import Db, Locked, Stale, Store, StoreDamaged, StoreFailed
from yosegi.ledger.upcast import Upcasters
from yosegi.ledger.view import View
from yosegi.ledger.witness import Forked, check_contains, check_continues, common_history
from yosegi.ledger.write import ERASED, LEDGER, OPENED, REFILLED, Draft, Write

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
