"""Answers about capabilities: one line of the catalogue, and a whole contract."""

from __future__ import annotations

from typing import Literal

from yosegi.core.contract import Conduct, Contract, EffectClass, Fidelity, Kind, LinearConstraint, Sensitivity
from yosegi.services.answer import Answer, Decimals, JsonObject, ToldBy


class CapabilitySummary(Answer):
    """One line of the catalogue.

    Args:
        ref: `site/name@version`.
        cost: the most that one task may cost.
        why: when it may be used, where its owner states windows.
        charter: under which it is offered; empty for this site's own.
    """

    ref: str
    told_by: ToldBy
    title: str
    kind: Kind
    effect: EffectClass
    simulated: bool
    cost: Decimals
    available: bool
    why: str
    charter: str


class ContractDetail(Answer):
    """A contract with its digest, and amounts in whole units. What each field means stands with the contract.

    Args:
        ref: `site/name@version`.
        digest: names the contract in every task.
        inputs: JSON Schema 2020-12, with UCUM units.
        outputs: the same.
        cost: the most that one task may cost.
        time_limit: seconds of wall time after which a task is ended by force.
        stop_grace: seconds it has to reach its safe state; the engine's own if none.
        windows: when it may be used, as its owner wrote it; empty where it always may be.
    """

    ref: str
    told_by: ToldBy
    digest: str
    format: str
    name: str
    title: str
    description: str
    field: str
    kind: Kind
    effect: EffectClass
    inputs: JsonObject
    outputs: JsonObject
    constraints: tuple[LinearConstraint, ...]
    fidelity: Fidelity | None
    cost: Decimals
    time_limit: float
    approval: bool
    can_query: bool
    can_cancel: Literal["queued", "running"]
    on_revoked: Literal["finish", "safe_stop", "abort"]
    safe_state: str
    stop_grace: float | None
    conduct: tuple[Conduct, ...]
    simulated: bool
    twin: str | None
    sensitivity: Sensitivity
    export_class: str
    windows: str = ""

    @classmethod
    def of(cls, ref: str, contract: Contract, *, windows: str = "") -> ContractDetail:
        """A contract as it is shown, with when it may be used."""
        fields = {name: getattr(contract, name) for name in Contract.model_fields}
        shown = {"ref": ref, "told_by": ref.partition("/")[0], "digest": contract.digest, "windows": windows}
        return cls(**fields | shown | {"cost": contract.cost.decimals()})
