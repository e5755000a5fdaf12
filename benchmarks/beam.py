"""Tuning a ring within its loss limit: our cautious planner, the same without caution, and Nelder and Mead.

Each run has its own machine (misalignments, gradient errors, hysteresis, drift) that no planner is told of, begins at
zero kicks (machines that lose more than half the limit there are left out) and has the same number of shots; noise is
that of the twin. What counts is the true loss at each setting asked for, and the true orbit at the setting that each
would leave the machine at.

    python -m benchmarks.beam --runs 50 --shots 40
"""

from __future__ import annotations

import argparse
import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import scipy

from yosegi.planner import Caution, Objective, Observation, OutcomeConstraint, Parameter, Problem, suggest
from yosegi_packs.accelerator.machine import KNOBS, LIMIT, LOSS_LIMIT, Machine, loss_of, rms

ORBIT_NOISE, LOSS_NOISE = 0.005, 0.03
"""Millimetres; relative."""
REACH = 0.06
"""Thirty microradians: what moves the orbit by about the length of the halo, so that a rising loss is seen in time."""
SHOT = 20.0
"""Seconds that a shot takes."""


@dataclass
class Run:
    """One machine, and what was asked of it."""

    seed: int
    drift: float = 1.0
    asked: list[tuple[float, float]] = field(default_factory=list)
    settings: list[np.ndarray] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.machine, self._dice = Machine(self.seed), np.random.default_rng([self.seed, 3])

    def shot(self, kicks: np.ndarray) -> tuple[float, float]:
        """Measured rms orbit (mm) and loss (per cent an hour)."""
        seconds = self.drift * SHOT * len(self.asked)
        true = self.machine.measure(dict(zip(KNOBS, kicks.tolist(), strict=True)), seconds)
        self.asked.append((true["ORBIT"], true["LOSS"]))
        self.settings.append(kicks)
        return (
            abs(true["ORBIT"] + self._dice.normal(0.0, ORBIT_NOISE)),
            true["LOSS"] * float(np.exp(self._dice.normal(0.0, LOSS_NOISE))),
        )

    @property
    def beyond(self) -> int:
        """Settings whose true loss was beyond the limit."""
        return sum(loss > LOSS_LIMIT for _, loss in self.asked)

    def left(self, measured: list[tuple[float, float]]) -> float:
        """True orbit, now, at the best setting that was measured to keep the limit."""
        kept = [i for i, (_, loss) in enumerate(measured) if loss <= LOSS_LIMIT] or [0]
        best = min(kept, key=lambda i: measured[i][0])
        orbit = self.machine.orbit(self.settings[best], self.drift * SHOT * len(self.asked))
        return rms(orbit) if loss_of(orbit) <= LOSS_LIMIT * 10 else float("nan")


def ours(run: Run, shots: int, caution: bool) -> list[tuple[float, float]]:
    """The planner, one point at a time."""
    zero = dict.fromkeys(KNOBS, 0.0)
    problem = Problem(
        tuple(Parameter.continuous(name, -LIMIT, LIMIT, resolution=1.0) for name in KNOBS),
        (Objective("orbit", "minimise", noise=ORBIT_NOISE),),
        outcome_constraints=(OutcomeConstraint("log_loss", at_most=float(np.log(LOSS_LIMIT)), noise=LOSS_NOISE),),
        caution=Caution((zero,), probability=0.98, reach=REACH, again=10) if caution else None,
    )
    history: list[Observation] = []
    measured: list[tuple[float, float]] = []
    while len(measured) < shots:
        [one] = suggest(problem, history, seed=run.seed * 1000 + len(measured))
        kicks = np.array([float(one.values[name]) for name in KNOBS])
        measured.append(run.shot(kicks))
        orbit, loss = measured[-1]
        history.append(Observation(one.values, {"orbit": orbit, "log_loss": float(np.log(loss))}))
    return measured


def simplex(run: Run, shots: int) -> list[tuple[float, float]]:
    """Nelder and Mead's simplex from zero, as operators use it: a penalty where the loss limit is passed."""
    measured: list[tuple[float, float]] = []

    class Over(Exception):
        pass

    def value(kicks: np.ndarray) -> float:
        if len(measured) == shots:
            raise Over
        measured.append(run.shot(np.clip(kicks, -LIMIT, LIMIT)))
        orbit, loss = measured[-1]
        return orbit + 10.0 * max(0.0, float(np.log(loss / LOSS_LIMIT)))

    step = 0.15 * 2 * LIMIT / 3.0
    start = np.vstack([np.zeros(len(KNOBS)), step * np.eye(len(KNOBS))])
    with contextlib.suppress(Over):
        scipy.optimize.minimize(
            value, start[0], method="Nelder-Mead", options={"initial_simplex": start, "maxfev": 10 * shots}
        )
    while len(measured) < shots:
        measured.append(run.shot(run.settings[-1]))
    return measured


def safe_machines(count: int) -> list[int]:
    """The first machines that lose at most half the limit at zero kicks."""
    found: list[int] = []
    seed = 0
    while len(found) < count:
        if loss_of(Machine(seed).orbit(np.zeros(len(KNOBS)))) <= LOSS_LIMIT / 2:
            found.append(seed)
        seed += 1
    return found


PLANNERS: dict[str, Callable[[Run, int], list[tuple[float, float]]]] = {
    "ours, cautious": lambda run, shots: ours(run, shots, True),
    "ours": lambda run, shots: ours(run, shots, False),
    "Nelder-Mead": simplex,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--shots", type=int, default=40)
    parser.add_argument("--drift", type=float, default=1.0, help="times the machine's own")
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    for name, planner in PLANNERS.items():
        if options.only and options.only != name:
            continue
        beyond, gains, worst = 0, [], 0.0
        for seed in safe_machines(options.runs):
            run = Run(seed, options.drift)
            start = rms(run.machine.orbit(np.zeros(len(KNOBS))))
            measured = planner(run, options.shots)
            beyond += run.beyond
            worst = max(worst, max(loss for _, loss in run.asked))
            gains.append(run.left(measured) / start)
        print(json.dumps({
            "planner": name, "drift": options.drift, "runs": options.runs, "shots": options.shots,
            "beyond": beyond, "share": round(beyond / options.runs / options.shots, 4), "worst": round(worst, 2),
            "orbit_left": [round(float(q), 3) for q in np.nanquantile(gains, [0.5, 0.25, 0.75])],
        }), flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
