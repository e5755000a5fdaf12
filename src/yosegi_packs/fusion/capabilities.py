"""Capabilities: the scenario at two fidelities."""

from __future__ import annotations

from typing import Final

from yosegi.core.capability import Fidelity, capability
from yosegi_packs.fusion.scenario import Current, Density, Limits, Plan, Power, Radius, Scenario, check
from yosegi_packs.fusion.transport import run, summarise

__all__ = ["scenario_full", "scenario_quick"]

FIELD: Final = "fusion"
QUICK, FULL = 5.0, 20.0
"""s of the model's time: the shipped example's own, and where its fusion power is within 0.2 % of what it comes to."""


def _answer(plan: Plan, seconds: float, limits: Limits) -> Scenario:
    found = summarise(run(plan, seconds))
    if limits == "enforced":
        check(found)
    return found


@capability(
    "scenario.quick@1",
    kind="simulation",
    effect="pure",
    field=FIELD,
    cost={"node_h": "0.05"},
    time_limit=600,
    simulated=True,
    fidelity=Fidelity(
        of="fusion_power",
        level="1-D transport with QLKNN, 5 s",
        noise="none",
        bias="not steady: density and heat still rise, and the limits are checked on what is not yet there",
    ),
)
def scenario_quick(
    power: Power = 51.0,
    heating_radius: Radius = 0.13,
    density: Density = 0.74,
    current: Current = 10.5,
    drive_radius: Radius = 0.36,
    limits: Limits = "enforced",
) -> Scenario:
    """Fusion power of an ITER-like hybrid scenario, stopped before it is steady (simulated).

    torax 1.4 with its shipped configuration of an ITER hybrid plasma and QLKNN transport, for 5 s of the model's time.
    The pedestal's temperature is prescribed: fusion power per auxiliary power alone would run to the least power, so
    maximise the fusion power, or the gain with a floor under power and `lh_ratio`.

    Args:
        power: auxiliary, to electrons and ions as 68 to 32.
        heating_radius: where it is deposited, in normalised radius.
        density: of electrons at the top of the pedestal, as a fraction of the Greenwald density.
        current: of the plasma.
        drive_radius: where the driven current flows (46 % of all current, as prescribed), in normalised radius.
        limits: enforced makes a scenario that breaks one infeasible; reported leaves it to the campaign.

    Raises:
        Infeasible: a limit is broken, or the plasma collapses.
        TransportStopped: the integration broke down.
    """
    return _answer(Plan(power, heating_radius, density, current, drive_radius), QUICK, limits)


@capability(
    "scenario.full@1",
    kind="simulation",
    effect="pure",
    field=FIELD,
    cost={"node_h": "0.1"},
    time_limit=1200,
    simulated=True,
    fidelity=Fidelity(
        of="fusion_power",
        level="1-D transport with QLKNN, 20 s",
        noise="none",
        bias="pedestal temperature and driven current prescribed; no radiation, no impurity transport, no sawteeth",
    ),
)
def scenario_full(
    power: Power = 51.0,
    heating_radius: Radius = 0.13,
    density: Density = 0.74,
    current: Current = 10.5,
    drive_radius: Radius = 0.36,
    limits: Limits = "enforced",
) -> Scenario:
    """Fusion power of an ITER-like hybrid scenario, steady (simulated).

    The same as `scenario.quick@1`, for 20 s of the model's time, in which current diffuses as in 4000 s.

    Args:
        power: auxiliary, to electrons and ions as 68 to 32.
        heating_radius: where it is deposited, in normalised radius.
        density: of electrons at the top of the pedestal, as a fraction of the Greenwald density.
        current: of the plasma.
        drive_radius: where the driven current flows (46 % of all current, as prescribed), in normalised radius.
        limits: enforced makes a scenario that breaks one infeasible; reported leaves it to the campaign.

    Raises:
        Infeasible: a limit is broken, or the plasma collapses.
        TransportStopped: the integration broke down.
    """
    return _answer(Plan(power, heating_radius, density, current, drive_radius), FULL, limits)
