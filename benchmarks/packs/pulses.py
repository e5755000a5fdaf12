"""The gate question measured: `python -m benchmarks.packs.pulses time|table|race|figure`.

`table` answers every pulse by both sources (half a minute; kept in `data/pulses.csv`); `race` compares searches on it;
`figure` draws docs/packs/pulses.svg.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time
from pathlib import Path

import numpy as np
from benchmarks.packs.race import CACHE, PEERS, SEARCHES, Answer, Table, load, run, save
from scipy.stats import qmc

from yosegi_packs.quantum import Gate, drag, drag_quick
from yosegi_packs.quantum.gate import evolved, library
from yosegi_packs.quantum.transmon import Pulse, coherence_limit, first_order

TABLE = CACHE / "pulses.csv"
FIGURE = Path(__file__).parents[2] / "docs" / "packs" / "pulses.svg"
HARDWARE = {"t1": 68.0, "t2": 89.0}
NAMES = ("duration", "derivative", "detuning", "amplitude")
LOW, HIGH = (6.0, 0.0, -5.0, 0.95), (40.0, 1.5, 25.0, 1.05)
ROUNDS = (1, 3, 2, 4)
COSTS = (0.15, 1.0)
UNIT = "costly answers, by seconds of a task forked from `warm_gate`"
PULSES = 512


def recipes() -> list[dict[str, float]]:
    """Pulses that fill the space of the example's campaign, rounded as the contract does."""
    points = qmc.scale(qmc.Sobol(len(NAMES), scramble=True, rng=2026).random(PULSES), LOW, HIGH)
    return [{n: round(float(v), r) for n, v, r in zip(NAMES, point, ROUNDS, strict=True)} for point in points]


def build() -> None:
    """Every pulse by both sources; neither has noise, so that the costly one is the truth."""
    rows = recipes()

    def answers(source: object) -> tuple[Answer, ...]:
        made: list[Gate] = [source(**row, **HARDWARE) for row in rows]  # type: ignore[operator]
        return tuple(Answer(one.log10_error, 0.0) for one in made)

    costly = answers(drag)
    truth = tuple(answer.value for answer in costly)
    save(TABLE, Table("pulses", "log10_error", COSTS, UNIT, tuple(rows), answers(drag_quick), costly, truth))


def timed() -> None:
    """Seconds of processor time, and memory."""
    start = time.process_time()
    library()
    print(f"import qutip {time.process_time() - start:.2f} s")
    for name, source in (("gate.drag-quick@1", drag_quick), ("gate.drag@1", drag)):
        took = []
        for duration in (6.0, 10.0, 20.0, 40.0):
            start = time.process_time()
            source(duration, 0.5, 0.0, **HARDWARE)
            took.append(time.process_time() - start)
        print(f"{name}: median {statistics.median(took):.4f} s, {min(took):.4f} to {max(took):.4f}")
    print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB at most")


def draw() -> None:
    """Errors against the derivative, and the best pulse of each duration against the coherence limit."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "yosegi"
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10.5, 4.3), layout="constrained")
    shares = np.linspace(0.0, 1.5, 31)
    for duration, colour in ((12.0, "#d55e00"), (20.0, "#0072b2"), (32.0, "#009e73")):
        found = [evolved(Pulse(duration, float(share), 0.0, 1.0, -200.0), (0.0, 0.0)) for share in shares]
        left.semilogy(shares, [error for error, _ in found], color=colour, label=f"error, {duration:g} ns")
        left.semilogy(shares, [leakage for _, leakage in found], color=colour, linestyle=":")
    left.set(xlabel="derivative λ", ylabel="without relaxation: error (line), leakage (dotted)")
    left.set_title("On resonance: λ = ½ keeps the phase, λ = 1 leaks least", fontsize=9)
    left.legend(fontsize=8, frameon=False)
    durations = np.arange(6.0, 41.0, 4.0)
    best = [calibrated(float(duration)) for duration in durations]
    right.loglog(durations, [drag(float(d), 0.0, 0.0, **HARDWARE).error for d in durations], "x", color="0.5")
    right.loglog(durations, [drag(float(d), 0.5, 0.0, **HARDWARE).error for d in durations], "^", color="#d55e00")
    right.loglog(durations, [one.error for one in best], "o", color="#0072b2")
    right.loglog(durations, [coherence_limit(float(d), 68.0, 89.0) for d in durations], color="0.2", linewidth=0.8)
    right.legend(
        ("λ = 0, on resonance", "λ = ½, on resonance", "λ, detuning, amplitude calibrated", "waits only"), fontsize=8
    )
    right.set(xlabel="duration, ns", ylabel="average gate error, T1 = 68 µs, T2 = 89 µs")
    figure.savefig(FIGURE, metadata={"Date": None})
    least = min(zip(durations, best, strict=True), key=lambda pair: pair[1].error)
    print(f"least error {least[1].error:.3g} at {least[0]:g} ns, {least[1].excess:.2f} times the limit; wrote {FIGURE}")


def calibrated(duration: float) -> Gate:
    """The best pulse of a duration, by simplex from the best by first order."""
    from scipy.optimize import minimize

    def quick(x: np.ndarray) -> float:
        return float(np.log10(first_order(Pulse(duration, x[0], 10.0 * x[1], 1.0 + 0.1 * x[2], -200.0))[0] + 1e-9))

    def costly(x: np.ndarray) -> float:
        return drag(
            duration, float(x[0]), float(10.0 * x[1]), **HARDWARE, amplitude=float(1.0 + 0.1 * x[2])
        ).log10_error

    start = minimize(quick, [1.0, 0.5, 0.0], method="Nelder-Mead", options={"maxfev": 400}).x
    found = minimize(costly, start, method="Nelder-Mead", options={"maxfev": 60}).x
    return drag(duration, float(found[0]), float(10.0 * found[1]), **HARDWARE, amplitude=float(1.0 + 0.1 * found[2]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("time", "table", "race", "figure"))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--searches", nargs="*", default=[*SEARCHES, *PEERS], help="for `race`")
    options = parser.parse_args()
    if options.what == "race":
        table = load(TABLE, "pulses", "log10_error", COSTS, UNIT)
        run(table, options.seeds, 150.0, 0.01, options.searches)
    else:
        {"time": timed, "table": build, "figure": draw}[options.what]()


if __name__ == "__main__":
    main()
