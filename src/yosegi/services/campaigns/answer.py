"""A campaign's answer: the best with its uncertainty, what the model learned, what was gained, and how to cite it."""

from __future__ import annotations

import math
from importlib import metadata

from yosegi.campaign import Campaign, CampaignSpec
from yosegi.campaign.mixing import step_seed
from yosegi.campaign.problem import history_of, problem_of
from yosegi.campaign.tally import badness
from yosegi.core.identifiers import split_capability
from yosegi.core.states import TrialState
from yosegi.planner.learned import LearnedOutcome, RandomSearch, learned, random_search
from yosegi.services.campaigns.schemas import (
    AccelerationDetail,
    CampaignAnswer,
    LearnedDetail,
    ParityRow,
    SliceDetail,
)
from yosegi.services.campaigns.summary import best_of, objective_of


def answer_of(campaign: Campaign, entry: str) -> CampaignAnswer:
    """The answer as it stands; it takes as long as the planner takes for one proposal.

    Args:
        campaign: at some position.
        entry: hash of the entry at that position.
    """
    problem, history = problem_of(campaign.spec), history_of(campaign)
    seed, best = step_seed(campaign.spec, campaign.position), campaign.best()
    found = learned(problem, history, None if best is None else dict(best.values), seed)
    chance = None if best is None or best.value is None else random_search(problem, history, best.value, seed)
    return CampaignAnswer(
        name=campaign.spec.name,
        position=campaign.position,
        entry=entry,
        objectives=tuple(objective_of(one) for one in campaign.spec.objective),
        best=None if best is None else best_of(best),
        front=tuple(best_of(trial) for trial in campaign.front()),
        learned=tuple(_learned(campaign, one) for one in found),
        acceleration=None if best is None else _acceleration(campaign, chance),
        methods=methods_of(campaign),
        bibtex=bibtex_of(campaign, entry),
    )


def _learned(campaign: Campaign, one: LearnedOutcome) -> LearnedDetail:
    return LearnedDetail(
        name=one.name,
        unit=campaign.spec.outcome_units[one.name],
        r_squared=one.r_squared,
        noise=one.noise,
        covered=one.covered,
        best=None if one.best is None else one.best[0],
        best_sd=None if one.best is None else one.best[1],
        parity=tuple(ParityRow(measured=p.measured, predicted=p.predicted, sd=p.sd) for p in one.parity),
        slices=tuple(
            SliceDetail(parameter=s.parameter, at=s.at, mean=s.mean, sd=s.sd, importance=s.importance)
            for s in one.slices
        ),
    )


def _acceleration(campaign: Campaign, chance: RandomSearch | None) -> AccelerationDetail:
    trials = trials_to_best(campaign)
    before = campaign.spec.baseline.trials
    finite = chance is not None and math.isfinite(chance.expected)
    expected, low, high = (chance.expected, chance.low, chance.high) if chance is not None and finite else (None,) * 3
    return AccelerationDetail(
        trials=trials,
        baseline_trials=before,
        over_baseline=None if before is None else before / trials,
        random_trials=expected,
        random_low=low,
        random_high=high,
        over_random=None if expected is None else expected / trials,
        over_random_low=None if low is None else low / trials,
        over_random_high=None if high is None else high / trials,
    )


def trials_to_best(campaign: Campaign) -> int:
    """Completed trials of the first source that the campaign made itself, in the order they ended, to their best.

    What was brought counts neither as a trial nor as what was gained.
    """
    first, goal = campaign.spec.source[0].name, campaign.spec.main
    own = [
        trial
        for trial in map(campaign.trial, campaign.ended_order)
        if trial.source == first and trial.state is TrialState.COMPLETED and trial.origin != "imported"
    ]
    kept = [trial for trial in own if campaign.spec.keeps_limits(trial.outcomes)] or own
    best = min(kept, key=lambda trial: badness(goal, trial), default=None)
    return 1 if best is None else own.index(best) + 1


def methods_of(campaign: Campaign) -> str:
    """A paragraph for a paper: what was varied, sought and measured, by whom, and how it was chosen."""
    spec = campaign.spec
    varied = ", ".join(f"{p.name}" + (f" ({p.unit})" if p.unit != "1" else "") for p in spec.parameter)
    sought = " and ".join(
        f"{one.name} ({one.goal}{'' if one.target is None else f' {one.target:g}'}"
        f"{'' if one.unit == '1' else f', {one.unit}'})"
        for one in spec.objective
    )
    bounds = [
        " and ".join(
            f"{word} {value:g}{'' if one.unit == '1' else f' {one.unit}'}"
            for word, value in (("≥", one.at_least), ("≤", one.at_most))
            if value is not None
        )
        for one in spec.limit
    ]
    limits = "; ".join(f"{one.name} {bound}" for one, bound in zip(spec.limit, bounds, strict=True))
    done = {s.name: campaign.tally.count(s.name, TrialState.COMPLETED) for s in spec.source}
    sources = "; ".join(
        f"{done[s.name]} of {s.name} ({', '.join(ref for step in s.step for ref in step.alternatives())})"
        for s in spec.source
    )
    owners = ", ".join(sorted({split_capability(ref)[0] for ref in spec.capabilities()}))
    failed = sum(
        campaign.tally.count(s.name, TrialState.FAILED, TrialState.INFEASIBLE, TrialState.REFUSED) for s in spec.source
    )
    table = "" if spec.candidates is None else f" among {len(spec.candidates.ids)} candidates"
    imported = f" {campaign.imported} earlier measurements were imported." if campaign.imported else ""
    imported += _learned_from(spec)
    return (
        f"{spec.question} We varied {varied}{table} and sought {sought}"
        f"{f', subject to {limits}' if limits else ''}. Trials were chosen by the planner {spec.planner!r} of Yosegi "
        f"{metadata.version('yosegi')} (seed {spec.seed}), up to {spec.parallel} at a time. Completed: {sources}; "
        f"{failed} gave no value.{imported} Work was carried out at {owners} under signed requests; every decision, "
        f"request and result is on record in campaign {spec.name} of team {spec.team} under the charter "
        f"{spec.charter}, and its bundle verifies and replays offline. Before: {spec.baseline.description}"
        f"{f' ({spec.baseline.trials:g} trials)' if spec.baseline.trials else ''}."
    )


def _learned_from(spec: CampaignSpec) -> str:
    """Which earlier campaigns and tables the planner knew, in a sentence; nothing where it knew none."""
    if not spec.earlier:
        return ""
    known = []
    for one in spec.earlier:
        named = f"campaign {one.campaign}" if one.campaign is not None else f"table {one.table} ({one.name})"
        known.append(f"{len(one.rows)} measurements of the earlier {named}")
    return f" The planner also learned from {' and from '.join(known)}, as far as they helped to predict."


def bibtex_of(campaign: Campaign, entry: str) -> str:
    """How to cite a campaign: by the hash of its last entry."""
    spec = campaign.spec
    fields = {
        "title": _braced(spec.title),
        "author": _braced(f"{{{spec.team}}}"),
        "year": _braced(campaign.started[:4]),
        "howpublished": _braced(f"Yosegi campaign {spec.name}, charter {spec.charter}"),
        "note": _braced(f"ledger entry {entry}"),
    }
    lines = ",\n".join(f"  {name} = {value}" for name, value in fields.items())
    return f"@misc{{{spec.name},\n{lines}\n}}\n"


def _braced(text: str) -> str:
    """A text in braces, without what would end it or act in TeX."""
    safe = text.replace("\\", "/")
    for special in "#$%&_~^":
        safe = safe.replace(special, "\\" + special if special in "#$%&_" else " ")
    return f"{{{safe}}}"
