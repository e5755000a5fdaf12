"""Tuning a ring within its loss limit: our planner with and without caution, Nelder and Mead, and Xopt.

Each run has its own machine (misalignments, gradient errors, hysteresis, drift) that no planner is told of, begins at
zero kicks (machines that lose more than half the limit there are left out) and has the same number of shots; noise is
that of the twin. A shot puts the machine back, as `ring.shot` does; the model of the ring is called as the twin's IOC
calls it, without the waiting between. What counts is the true loss at each setting asked for, and the true orbit at
the setting that each would leave the machine at.

    python -m benchmarks.beam --skip 20 --runs 50 --shots 40 [--drift 0] [--record FILE]
        [--xopt XOPT_ENVIRONMENT/bin/python]

Xopt needs torch and an environment of its own: `uv pip install xopt`, 4.7 GB. See `benchmarks/beam_xopt.py`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import scipy

from yosegi.planner import Caution, Objective, Observation, OutcomeConstraint, Parameter, Problem, suggest
from yosegi.planner.margin import Margin
from yosegi_packs.accelerator.machine import KNOBS, LIMIT, LOSS_LIMIT, Machine, loss_of, rms

ORBIT_NOISE, LOSS_NOISE = 0.005, 0.03
"""Millimetres; relative."""
REACH = 0.06
"""Thirty microradians: what moves the orbit by about the length of the halo, so that a rising loss is seen in time."""
PROBABILITY = 0.98
"""That a setting is to keep the limit with."""
SHOT = 20.0
"""Seconds that a shot takes."""


@dataclass
class Run:
    """One machine, and what was asked of it."""

    seed: int
    drift: float = 1.0
    back: bool = True
    """Whether a shot puts everything back, as `ring.shot` does."""
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
        if self.back:
            self.machine.measure(dict.fromkeys(KNOBS, 0.0), seconds)
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
        caution=Caution((zero,), probability=PROBABILITY, reach=REACH, again=10) if caution else None,
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


def xopt(run: Run, shots: int, python: str, safety: bool) -> list[tuple[float, float]]:
    """Xopt's constrained expected improvement, from zero and four random settings within a reach of it."""
    question = {
        "knobs": KNOBS,
        "limit": LIMIT,
        "at_most": float(np.log(LOSS_LIMIT)),
        "seed": run.seed,
        "safety": safety,
    }
    first = np.random.default_rng([run.seed, 4]).uniform(-1.0, 1.0, (len(KNOBS) + 1, len(KNOBS))) * REACH * 2 * LIMIT
    first[0] = 0.0
    measured: list[tuple[float, float]] = []
    with subprocess.Popen(
        [python, str(Path(__file__).with_name("beam_xopt.py"))], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True, env=os.environ | {"OMP_NUM_THREADS": "1"},
    ) as asked:  # fmt: skip
        if asked.stdin is None or asked.stdout is None:
            raise RuntimeError("no pipes to Xopt")
        print(json.dumps(question), file=asked.stdin)
        for number in range(shots):
            kicks = (
                first[number] if number < len(first) else np.array(list(json.loads(asked.stdout.readline()).values()))
            )
            measured.append(run.shot(kicks))
            orbit, loss = measured[-1]
            told = dict(zip(KNOBS, kicks.tolist(), strict=True)) | {"orbit": orbit, "log_loss": float(np.log(loss))}
            ask = len(first) <= number + 1 < shots
            print(json.dumps(told | {"ask": ask}), file=asked.stdin, flush=True)
    return measured


def knowing(run: Run, shots: int, harm: bool) -> list[tuple[float, float]]:
    """Who knows the ring, held back by the planner's `Margin` alone, and goes for the least orbit or the most loss."""
    dice = np.random.default_rng([run.seed, 5])
    asked: list[np.ndarray] = []
    measured: list[tuple[float, float]] = []
    while len(measured) < shots:
        at = np.zeros(len(KNOBS))
        if asked:
            X = np.array(asked)
            left = np.log(LOSS_LIMIT / np.array([loss for _, loss in measured]))
            margin = Margin.of(X, left, LOSS_NOISE, REACH, PROBABILITY)
            kept = X[left >= 0.0]
            away = dice.uniform(-REACH, REACH, (400, len(KNOBS))) * dice.choice([1.0, 0.5, 0.25], (400, 1))
            near = np.clip(kept[dice.integers(len(kept), size=400)] + away, -0.5, 0.5)
            near = near[margin.log_kept(near) >= np.log(PROBABILITY)]
            orbits = [run.machine.orbit(2 * LIMIT * one, run.drift * SHOT * len(measured)) for one in near]
            worth = [loss_of(orbit) if harm else -rms(orbit) for orbit in orbits]
            at = near[int(np.argmax(worth))] if len(near) else X[int(np.argmax(left))]
        asked.append(at)
        measured.append(run.shot(2 * LIMIT * at))
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
    "who knows": partial(knowing, harm=False),
    "who knows and harms": partial(knowing, harm=True),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument(
        "--skip", type=int, default=0, help="machines; the first 20 were those that constants were chosen on"
    )
    parser.add_argument("--machines", help="their numbers, instead of --skip and --runs: it takes long to find them")
    parser.add_argument("--shots", type=int, default=40)
    parser.add_argument("--drift", type=float, default=1.0, help="times the machine's own")
    parser.add_argument("--stays", action="store_true", help="the machine is left where a shot brought it")
    parser.add_argument("--only", default="")
    parser.add_argument("--record", type=Path, help="a file that gets a line of JSON for each run")
    parser.add_argument("--xopt", help="a Python that has Xopt")
    options = parser.parse_args()
    planners = dict(PLANNERS)
    machines = (
        [int(one) for one in options.machines.split(",")]
        if options.machines
        else safe_machines(options.skip + options.runs)[options.skip :]
    )
    if options.xopt:
        planners["Xopt"] = partial(xopt, python=options.xopt, safety=False)
        planners["Xopt, safety region"] = partial(xopt, python=options.xopt, safety=True)
    for name, planner in planners.items():
        if options.only and options.only != name:
            continue
        beyond, gains, worst = 0, [], 0.0
        for seed in machines:
            run = Run(seed, options.drift, not options.stays)
            start = rms(run.machine.orbit(np.zeros(len(KNOBS))))
            measured = planner(run, options.shots)
            beyond += run.beyond
            worst = max(worst, max(loss for _, loss in run.asked))
            gains.append(run.left(measured) / start)
            if options.record:
                row = {
                    "planner": name, "drift": options.drift, "stays": options.stays, "machine": seed,
                    "asked": options.shots, "beyond": run.beyond, "worst": max(loss for _, loss in run.asked),
                    "orbit_left": gains[-1],
                }  # fmt: skip
                with options.record.open("a") as rows:
                    print(json.dumps(row), file=rows)
        shares = [round(float(q), 3) for q in np.nanquantile(gains, [0.5, 0.25, 0.75])]
        asked = len(machines) * options.shots
        print(json.dumps({
            "planner": name, "drift": options.drift, "stays": options.stays, "runs": len(machines), "asked": asked,
            "beyond": beyond, "share": round(beyond / asked, 4), "worst": round(worst, 2), "orbit_left": shares,
        }), flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
