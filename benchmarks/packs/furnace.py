"""The furnace question measured: `python -m benchmarks.packs.furnace race|figure`: powders to a quarter of rutile.

Campaigns as in examples/titania.toml (a powder costs ten answers of the kinetics) on worlds whose truth is drawn from
a seed, one proposal at a time, until the powder heated is within 0.02 of the target by the truth: by the planner with
both sources and with powders alone, by Optuna's TPE with powders alone (which is told the distance from the target, for
it knows no target), by points at random, and by published kinetics alone (points at random, those heated at which the
kinetics say 0.25 within 0.02). Costs are counted in powders, the kinetics' with them. `--peers` names other planners of
`benchmarks.planner.adapters`, told as Optuna is; some need an environment of their own (benchmarks/planner/README.md).
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from benchmarks.packs.race import ADAPTERS

from yosegi.planner import Objective, Observation, Parameter, Planner, Problem, Source, suggest
from yosegi_packs.materials.furnace import analysed
from yosegi_packs.materials.titania import transformed
from yosegi_packs.materials.twin_world import TwinWorld

TARGET, NEAR = 0.25, 0.02
LIMIT = 60
"""Powders after which a search is counted as having used that many and no more."""

POWDER, KINETICS = 10.0, 1.0
PARAMETERS = (
    Parameter.continuous("temperature", 880.0, 1080.0, resolution=1.0),
    Parameter.continuous("hold", 0.25, 8.0, resolution=0.05, log=True),
)
FIGURE = Path(__file__).parents[2] / "docs" / "packs" / "furnace.svg"
WORLD = 3
"""Of the figure: the seed of its truth."""

Asked = tuple[str, float, float]
"""Source, temperature in K, hold in h."""

Search = Callable[[TwinWorld, int], float]


def heated(world: TwinWorld, values: dict[str, float], number: int) -> tuple[float, float, bool]:
    """What is measured of a fresh powder, its standard error, and whether it is near the target by the truth."""
    name = world.anneal(values["temperature"], values["hold"], f"{number}")
    seen = analysed(world.scan(name))
    return seen.rutile, seen.standard_error, abs(world.powder(name).share - TARGET) <= NEAR


def planned(
    *, both: bool = False, planner: str | Planner = "gp", distance: bool = False, asked: list[Asked] | None = None
) -> Search:
    """A campaign by a planner.

    Args:
        both: with the kinetics beside the furnace.
        planner: which.
        distance: whether it is told the distance from the target, to be made small, and not the fraction.
        asked: is given what was asked for, in its order.
    """
    sources = (Source("furnace", POWDER), Source("kinetics", KINETICS))[: 2 if both else 1]
    goal = Objective("rutile") if distance else Objective("rutile", "target", target=TARGET)
    problem = Problem(PARAMETERS, (goal,), sources=sources)

    def search(world: TwinWorld, seed: int) -> float:
        history: list[Observation] = []
        spent, powders = 0.0, 0
        while powders < LIMIT:
            [proposal] = suggest(problem, history, count=1, seed=10_000 * seed + len(history), planner=planner)
            values = {name: float(proposal.values[name]) for name in ("temperature", "hold")}
            if proposal.source == "kinetics":
                found, error, near, cost = transformed(values["temperature"], values["hold"]), 0.0, False, KINETICS
            else:
                found, error, near = heated(world, values, powders)
                powders, cost = powders + 1, POWDER
            spent += cost
            told = abs(found - TARGET) if distance else found
            source = proposal.source or "furnace"
            if asked is not None:
                asked.append((source, values["temperature"], values["hold"]))
            history.append(Observation(proposal.values, {"rutile": told}, {"rutile": error}, source, cost))
            if near:
                break
        return spent / POWDER

    return search


def at_random(*, by_kinetics: bool) -> Search:
    """Points at random, evenly in the temperature and the hold's logarithm; the kinetics may choose among them."""

    def search(world: TwinWorld, seed: int) -> float:
        draw = np.random.default_rng(seed)
        spent, powders = 0.0, 0
        while powders < LIMIT:
            values = {"temperature": draw.uniform(880.0, 1080.0), "hold": 0.25 * 32.0 ** draw.uniform()}
            if by_kinetics:
                spent += KINETICS
                if abs(transformed(values["temperature"], values["hold"]) - TARGET) > NEAR:
                    continue
            spent, powders = spent + POWDER, powders + 1
            if heated(world, values, powders)[2]:
                break
        return spent / POWDER

    return search


SEARCHES: dict[str, Search] = {
    "points at random": at_random(by_kinetics=False),
    "points at random that the kinetics like": at_random(by_kinetics=True),
    "Optuna TPE, powders alone": planned(planner=ADAPTERS["optuna-tpe"], distance=True),
    "planner, powders alone": planned(),
    "planner, kinetics and powders": planned(both=True),
}


def race(worlds: int, peers: Sequence[str] = ()) -> None:
    """Every search on every world, from the same seeds; with peers named, those and points at random alone."""
    print("| search | median cost | mean | arrived | times cheaper than at random (95 %) |\n|---|---|---|---|---|")
    pick = np.random.default_rng(0).integers(0, worlds, (2000, worlds))
    base = np.empty(0)
    base_name = next(iter(SEARCHES))
    named = {f"{peer}, powders alone": planned(planner=ADAPTERS[peer], distance=True) for peer in peers}
    for name, search in ({base_name: SEARCHES[base_name]} | named if peers else SEARCHES).items():
        costs = []
        for seed in range(worlds):
            with tempfile.TemporaryDirectory() as folder:
                costs.append(search(TwinWorld(Path(folder), seed=seed), seed))
        cost = np.array(costs)
        base = base if base.size else cost
        low, high = np.quantile(base[pick].mean(axis=1) / cost[pick].mean(axis=1), (0.025, 0.975))
        ratio = f"{base.mean() / cost.mean():.1f} ({low:.1f} to {high:.1f})"
        arrived = f"{(cost < LIMIT).sum()} of {worlds}"
        print(f"| {name} | {np.median(cost):.1f} | {cost.mean():.1f} | {arrived} | {ratio} |", flush=True)


def draw() -> None:
    """One world: where a quarter is rutile by published kinetics and in truth, and what a campaign asked for."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "yosegi"
    from matplotlib import pyplot as plt

    asked: list[Asked] = []
    with tempfile.TemporaryDirectory() as folder:
        world = TwinWorld(Path(folder), seed=WORLD)
        planned(both=True, asked=asked)(world, WORLD)
        truth = world.truth
    figure, axes = plt.subplots(figsize=(6.6, 4.4), layout="constrained")
    temperature, hold = np.meshgrid(np.linspace(880.0, 1080.0, 201), np.geomspace(0.25, 8.0, 101))
    published = np.vectorize(transformed)(temperature, hold)
    true = np.vectorize(transformed)(temperature + truth.offset, hold, truth.barrier, truth.factor)
    for fraction, colour, label in ((published, "#0072b2", "published kinetics"), (true, "0.2", "the hidden truth")):
        axes.contourf(temperature, hold, fraction, (TARGET - NEAR, TARGET + NEAR), colors=[colour], alpha=0.25)
        axes.contour(temperature, hold, fraction, (TARGET,), colors=[colour])
        axes.plot([], [], color=colour, label=f"a quarter rutile: {label}")
    for source, colour, mark in (("kinetics", "#0072b2", "x"), ("furnace", "#d55e00", "o")):
        at = np.array([one[1:] for one in asked if one[0] == source]).reshape(-1, 2)
        axes.plot(at[:, 0], at[:, 1], mark, color=colour, label=f"asked of the {source} ({len(at)}, simulated)")
    powders = [one for one in asked if one[0] == "furnace"]
    for number, (_, x, y) in enumerate(powders, 1):
        axes.annotate(str(number), (x, y), textcoords="offset points", xytext=(5, 4), fontsize=8)
    axes.set(xlabel="temperature, K", ylabel="hold, h", yscale="log", title="Powders, in their order")
    axes.legend(fontsize=8, frameon=False)
    figure.savefig(FIGURE, metadata={"Date": None})
    print(f"wrote {FIGURE}")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("race", "figure"))
    parser.add_argument("--worlds", type=int, default=20)
    parser.add_argument("--peers", nargs="*", default=(), choices=sorted(ADAPTERS), help="for `race`: these alone")
    given = parser.parse_args()
    if given.what == "race":
        race(given.worlds, given.peers)
    else:
        draw()


if __name__ == "__main__":
    main()
