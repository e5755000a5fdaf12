"""The engines of a home: each made from its table in site.toml by the class of its kind, with the contracts it does."""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from yosegi.app.home import Home
from yosegi.app.keyring import successions
from yosegi.app.settings import Settings
from yosegi.core.clock import Clock
from yosegi.core.contract import Contract
from yosegi.core.engine import LateOutcome
from yosegi.core.errors import Invalid
from yosegi.core.supervision import Supervisor
from yosegi.data import ObjectStore
from yosegi.execution.engines.derivation import derive_publications
from yosegi.execution.engines.plugin import EngineServices
from yosegi.execution.engines.process.settings import ProcessSettings
from yosegi.execution.engines.registry import EngineTable, examined, kind_of
from yosegi.execution.ports import Published
from yosegi.ledger import Ledger
from yosegi.trust.signer import Signer

log = logging.getLogger("yosegi.server")
OpenEngines = Callable[[LateOutcome], Mapping[str, Published]]
"""Makes a site's engines, none of them started; what it publishes by name and version."""


IMPORT_SECONDS = 60.0
"""What importing may take where an engine does not say."""


@dataclass(frozen=True, slots=True)
class DerivedEngine:
    """An engine's table in site.toml, with the contracts and entries of what it publishes, by name and version."""

    table: EngineTable
    contracts: Mapping[str, Contract]
    entries: Mapping[str, str]


async def derived(tables: Iterable[EngineTable], home: Path) -> list[DerivedEngine]:
    """Each engine with the contracts of what it publishes, derived in a worker, shut in where its tasks are.

    Raises:
        Invalid, CannotDerive: what is published is no capability or pack that can be imported here.
        Invalid: two capabilities of one name.
    """
    tables = list(tables)
    free = [table for table in tables if not _is_shut_in(table)]
    named = dict.fromkeys(p for table in free for p in table.settings.publish)
    plain = await derive_publications(named, time_limit=max(map(_import_seconds, free), default=IMPORT_SECONDS))
    found, taken = [], dict[str, str]()
    for table in tables:
        known = await _derived_shut_in(table, home) if _is_shut_in(table) else plain
        by_entry = {entry: c for publication in table.settings.publish for entry, c in known[publication].items()}
        for entry, contract in by_entry.items():
            if contract.name in taken:
                why = f"{taken[contract.name]} and {entry} of engine {table.name} both have it"
                raise Invalid(f"capability {contract.name}", why, "publish one of them")
            taken[contract.name] = f"{entry} of engine {table.name}"
        contracts = {contract.name: contract for contract in by_entry.values()}
        found.append(DerivedEngine(table, contracts, {contract.name: entry for entry, contract in by_entry.items()}))
    return found


def _import_seconds(table: EngineTable) -> float:
    """Seconds that importing what an engine publishes may take."""
    return table.settings.import_seconds if isinstance(table.settings, ProcessSettings) else IMPORT_SECONDS


def _is_shut_in(table: EngineTable) -> bool:
    return isinstance(table.settings, ProcessSettings) and table.settings.sandbox != "none"


async def _derived_shut_in(table: EngineTable, home: Path) -> Mapping[str, Mapping[str, Contract]]:
    settings = table.settings
    with tempfile.TemporaryDirectory() as work:
        sandbox = settings.shut_in(Path(work), home) if isinstance(settings, ProcessSettings) else None
        return await derive_publications(settings.publish, time_limit=_import_seconds(table), sandbox=sandbox)


def open_engines(
    engines: Iterable[DerivedEngine],
    home: Home,
    settings: Settings,
    clock: Clock,
    signer: Signer,
    ledger: Ledger,
    objects: ObjectStore,
    supervisor: Supervisor,
    on_late: LateOutcome,
) -> Mapping[str, Published]:
    """The engines of a home, none of them started; what it publishes by name and version.

    Raises:
        Invalid: settings that do not fit the contracts, or this machine.
    """
    # Scratch of engines that were taken out of the settings, or that died with the machine.
    shutil.rmtree(home.work, ignore_errors=True)
    published: dict[str, Published] = {}
    for one in engines:
        services = EngineServices(
            name=one.table.name,
            site=settings.site,
            folder=home.work if one.table.table == ("process",) else home.engines / one.table.name,
            clock=clock,
            signer=signer,
            scope=supervisor.scope(f"engine {one.table.name}"),
            ledger=ledger,
            store=objects,
            contracts=one.contracts,
            entries=one.entries,
            on_late=on_late,
            successions=successions(home),
            home=home.folder.absolute(),
        )
        for concern in examined(one.table.kind, one.table.settings, one.contracts):
            if not concern.fatal:
                place = ".".join((*one.table.table, *concern.field))
                log.warning("%s: %s. %s", place, concern.why, concern.todo)
        engine = kind_of(one.table.kind).open(one.table.settings, services)
        slots = one.table.settings.slots
        published |= {name: Published(contract, engine, slots) for name, contract in one.contracts.items()}
    return published
