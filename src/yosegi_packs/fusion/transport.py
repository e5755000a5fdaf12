"""One run of torax: the example's configuration, changed where the plan says, and what comes out.

Citrin et al., "TORAX: a fast and differentiable tokamak transport simulator in JAX", arXiv:2406.06718 (2024). torax is
imported when it is first needed and compiles on first use: a minute, or eight seconds where `JAX_COMPILATION_CACHE_DIR`
names a folder in which an earlier process left what it had compiled. It must not be imported before a process forks:
JAX runs threads.
"""

from __future__ import annotations

import copy
import functools
import logging
import os
import warnings
from typing import Any, Final

from yosegi.core.capability import Infeasible
from yosegi.core.errors import YosegiError
from yosegi_packs.fusion.scenario import Plan, Scenario

__all__ = ["TransportStopped", "configure", "run", "summarise"]

MEGA: Final = 1e6


class TransportStopped(YosegiError):
    """torax ended before its time for a numerical reason: nothing is known of the point."""

    code = "transport_stopped"

    def __init__(self, plan: Plan, reason: str, seconds: float) -> None:
        self.plan, self.reason, self.seconds = plan, reason, seconds
        super().__init__(
            f"torax stopped at {seconds:.2f} s with {reason} for {plan}: nothing is known; try a neighbour"
        )


@functools.cache
def library() -> Any:
    """torax, imported once a process, on the CPU unless `JAX_PLATFORMS` says otherwise."""
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torax imports jaxopt, which is no longer maintained
        import torax

    # It tells of every start and step; a site's log has its own line for each task.
    logging.getLogger("absl").setLevel(logging.ERROR)
    return torax


def configure(plan: Plan, seconds: float) -> dict[str, Any]:
    """The configuration for a plan: the shipped example, with six of its values replaced.

    Args:
        plan: how the machine is run.
        seconds: of the model's time; the example divides the resistivity's time by 200, so that it is not real time.
    """
    library()
    from torax.examples import iterhybrid_predictor_corrector

    made: dict[str, Any] = copy.deepcopy(iterhybrid_predictor_corrector.CONFIG)
    made["numerics"]["t_final"] = seconds
    made["profile_conditions"]["Ip"] = plan.current * MEGA
    made["sources"]["generic_heat"].update(P_total=plan.power * MEGA, gaussian_location=plan.heating_radius)
    made["sources"]["generic_current"]["gaussian_location"] = plan.drive_radius
    made["pedestal"].update(n_e_ped=plan.density, n_e_ped_is_fGW=True)
    return made


def run(plan: Plan, seconds: float) -> Any:
    """Integrate to the end; the data tree of torax's output.

    Raises:
        Infeasible: the plasma radiates away or its core empties: no such plasma.
        TransportStopped: the integration broke down.
    """
    torax = library()
    tree, history = torax.run_simulation(torax.ToraxConfig.from_dict(configure(plan, seconds)), progress_bar=False)
    error = history.sim_error.name
    if error == "LOW_TEMPERATURE_COLLAPSE":
        raise Infeasible(f"the plasma collapses at {float(tree.time[-1]):.2f} s: its temperature falls below the least")
    if error != "NO_ERROR":
        raise TransportStopped(plan, error, float(tree.time[-1]))
    return tree


def summarise(tree: Any) -> Scenario:
    """The scenario's figures at the end of a run."""
    end = {name: float(value) for name, value in tree.scalars.dataset.isel(time=-1).items() if value.ndim == 0}
    times, powers = tree.time.values, tree.scalars.dataset["P_fusion"].values
    before = float(powers[int((times <= 0.9 * times[-1]).sum()) - 1])
    return Scenario(
        fusion_power=round(end["P_fusion"] / MEGA, 4),
        gain=round(end["Q_fusion"], 5),
        q_min=round(end["q_min"], 5),
        greenwald_fraction=round(end["fgw_n_e_line_avg"], 5),
        beta_n=round(end["beta_N"], 5),
        lh_ratio=round(end["P_SOL_total"] / end["P_LH"], 5),
        h98=round(end["H98"], 5),
        confinement_time=round(end["tau_E"], 5),
        stored_energy=round(end["W_thermal_total"] / MEGA, 4),
        bootstrap_fraction=round(end["f_bootstrap"], 5),
        drift=round(abs(end["P_fusion"] - before) / end["P_fusion"], 6),
        steps=len(times) - 1,
    )
