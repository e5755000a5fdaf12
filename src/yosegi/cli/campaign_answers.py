"""`yosegi campaign answer`: the best with its uncertainty, what was learned and gained, and how to cite it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from yosegi.cli.connection import CAMPAIGNS, client_of, with_site
from yosegi.cli.output import as_json, explained, say, show_json, show_table
from yosegi.core.errors import Invalid

if TYPE_CHECKING:
    from yosegi.services.campaigns.schemas import AccelerationDetail, BestTrial, CampaignAnswer, LearnedDetail


@click.command()
@click.argument("name", shell_complete=CAMPAIGNS)
@click.option("--methods", is_flag=True, help="The paragraph for a paper alone.")
@click.option("--bibtex", is_flag=True, help="The citation alone.")
@with_site
@as_json
@explained
def answer(name: str, methods: bool, bibtex: bool, json_: bool, **site: Any) -> None:
    """Show a campaign's answer as it stands: the best, what the model learned, what was gained, methods and citation.

    \b
    Example: yosegi campaign answer anneal-2026
             yosegi campaign answer anneal-2026 --bibtex >> paper.bib
    """
    if methods + bibtex + json_ > 1:
        raise Invalid("campaign answer", "--methods, --bibtex and --json exclude each other", "Name one of them")
    handle = client_of(**site).campaign(name)
    found = handle.answer()
    if json_:
        show_json(found)
    elif methods:
        say(found.methods)
    elif bibtex:
        say(found.bibtex, nl=False)
    else:
        _say(found, handle.state().units)


def _say(found: CampaignAnswer, units: Mapping[str, str]) -> None:
    best = [found.best] if found.best is not None else list(found.front)
    say(("Best" if found.best is not None else "Front: no trial is better in all") if best else "No answer yet")
    for trial in best:
        say(f"  trial {trial.trial}: {_outcomes(trial, units)} at {point(trial, units)}")
    for one in found.learned:
        _say_learned(one)
    if found.acceleration is not None:
        _say_gained(found.acceleration)
    say(f"\nMethods\n{found.methods}\n\nCitation\n{found.bibtex}", nl=False)


def quantity(value: object, unit: str) -> str:
    """A value and its unit."""
    return (f"{value:.4g}" if isinstance(value, float) else str(value)) + ("" if unit == "1" else f" {unit}")


def point(trial: BestTrial, units: Mapping[str, str]) -> str:
    """Where a trial lies: a candidate's id, and each parameter in its unit."""
    told = ", ".join(f"{name} {quantity(value, units.get(name, '1'))}" for name, value in trial.values.items())
    return f"{trial.candidate} ({told})" if trial.candidate else told


def _outcomes(trial: BestTrial, units: Mapping[str, str]) -> str:
    return ", ".join(
        f"{name} {quantity(value, '1')}"
        + (f" ± {trial.errors[name]:.2g}" if name in trial.errors else "")
        + ("" if units.get(name, "1") == "1" else f" {units[name]}")
        for name, value in trial.outcomes.items()
    )


def _say_learned(one: LearnedDetail) -> None:
    at_best = ""
    if one.best is not None and one.best_sd is not None:
        at_best = f"at the best {one.best:.4g} ± {quantity(one.best_sd, one.unit)}, "
    say(
        f"\nLearned of {one.name}: {at_best}explains {100 * one.r_squared:.0f} % of the variance; a measurement "
        f"scatters by {quantity(one.noise, one.unit)}"
    )
    slices = sorted(one.slices, key=lambda s: -s.importance)
    rows = ((s.parameter, f"{100 * s.importance:.0f} %", *_span(one, s.mean)) for s in slices)
    show_table(("parameter", "importance", "lowest along it", "highest"), rows)


def _span(one: LearnedDetail, mean: tuple[float, ...]) -> tuple[str, str]:
    return quantity(min(mean), one.unit), quantity(max(mean), one.unit)


def _say_gained(of: AccelerationDetail) -> None:
    say(f"\nGained: the best came with trial {of.trials} of those completed")
    if of.baseline_trials is not None:
        say(f"  before: {of.baseline_trials:g} trials, {of.over_baseline:.3g} times as many")
    if of.random_trials is not None:
        say(
            f"  at random: {of.random_trials:.3g} trials expected ({of.random_low:.3g} to {of.random_high:.3g}), "
            f"{of.over_random:.3g} times as many"
        )
