"""What the author of an engine writes against: its settings, what its site gives it, and how it is made from both.

An installed package names its class in the entry points `yosegi.engines`; from then on `[engine.NAME] kind = "…"` in a
site's settings makes one. Nothing else is registered anywhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import ConfigDict, Field

from yosegi.core.values import Value
from yosegi.execution.engines.entry_points import Publication

if TYPE_CHECKING:
    from yosegi.core.clock import Clock
    from yosegi.core.contract import Contract
    from yosegi.core.engine import Engine, LateOutcome
    from yosegi.core.supervision import TaskScope
    from yosegi.data import ObjectStore
    from yosegi.data.pulling import Offload
    from yosegi.ledger import Ledger
    from yosegi.trust.envelope import Envelope
    from yosegi.trust.signer import Signer


class EngineSettings(Value):
    """What stands in `[engine.NAME]` beside `kind`; unknown fields are refused.

    A kind adds fields of its own, each with a unit in its name, a default where one is safe, and a docstring, which
    `yosegi engine show` prints.
    """

    model_config = ConfigDict(use_attribute_docstrings=True)

    publish: tuple[Publication, ...] = ()
    """Capabilities it does: each `package.module:attribute`, or the name of an installed pack for all that it has."""
    slots: int = Field(default=1, ge=1, le=256)
    """Tasks of all its capabilities together that it is given at once."""


@dataclass(frozen=True, slots=True)
class EngineConcern:
    """What about an engine's settings does not fit its contracts or this machine, found before anything is opened.

    Args:
        field: where it stands in `[engine.NAME]`, e.g. `("job", "node_count")`.
        why: what is wrong.
        todo: what to do about it.
        fatal: whether the site does not start with it; otherwise it is a warning.
    """

    field: tuple[str, ...]
    why: str
    todo: str = ""
    fatal: bool = True


@dataclass(frozen=True, slots=True)
class EngineServices:
    """What a site gives an engine when it makes one.

    Args:
        name: the engine's, from `[engine.NAME]`.
        site: the site's.
        folder: the engine's own, there or not; kept from one start to the next.
        clock: the site's time; an engine takes no other.
        signer: the site's key.
        scope: for what it does beside its tasks; the site shows how that is, and ends it.
        ledger: for what must not be forgotten, in streams named for the engine.
        store: where objects among inputs and outputs lie.
        contracts: of what it does, by name and version.
        entries: where each of them is found, `package.module:attribute`, by name and version. Only a worker imports
            them.
        on_late: takes the outcome of a task that no `run` waits for any more.
        offload: does long work with the disk.
        successions: what earlier keys of the site said of those that followed, for programs that know an earlier one.
        home: the folder of the site, which nobody's code needs to see; None where there is none.
    """

    name: str
    site: str
    folder: Path
    clock: Clock
    signer: Signer
    scope: TaskScope
    ledger: Ledger
    store: ObjectStore
    contracts: Mapping[str, Contract]
    entries: Mapping[str, str]
    on_late: LateOutcome
    offload: Offload = asyncio.to_thread
    successions: tuple[Envelope, ...] = ()
    home: Path | None = None


class EngineKind(Protocol):
    """What an entry point of `yosegi.engines` names: a class with its settings, and how one is made.

    The class is imported by the site's own process, once a site names its kind, so what it imports is trusted as the
    site itself is. It may have a second classmethod, `examine(settings, contracts)`, that gives an `EngineConcern` for
    each thing that does not fit: `yosegi site doctor` tells them all at once, where `open` ends at the first. The
    contracts are None where they could not be had.
    """

    Settings: type[EngineSettings]

    def open(self, settings: Any, services: EngineServices) -> Engine:
        """Make one, from settings of the class `Settings`; nothing is started. A classmethod.

        Raises:
            Invalid: settings that do not fit the contracts, or this machine.
        """
        ...
