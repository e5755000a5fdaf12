"""A campaign as a paper tells it: what was varied, sought and measured, how it was chosen, and how to cite it."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import metadata
from itertools import pairwise

from yosegi.campaign import Campaign, CampaignSpec
from yosegi.campaign.spec import ParameterSpec, SourceSpec
from yosegi.core.identifiers import split_capability
from yosegi.core.states import TrialState

_LISTED = 8
"""Levels of a parameter that are named one by one."""
_FAILED = (TrialState.FAILED, TrialState.INFEASIBLE, TrialState.REFUSED)


def methods_of(campaign: Campaign) -> str:
    """A paragraph for a paper: what was varied within which range, sought and measured, by whom, how it was chosen."""
    spec = campaign.spec
    varied = ", ".join(f"{p.name} ({_range(spec, p)})" for p in spec.parameter)
    sought = " and ".join(
        f"{one.name} ({one.goal}{'' if one.target is None else f' {one.target:g}'}"
        f"{'' if one.unit == '1' else f', {one.unit}'})"
        for one in spec.objective
    )
    done = {s.name: campaign.tally.count(s.name, TrialState.COMPLETED) for s in spec.source}
    sources = "; ".join(f"{done[s.name]} of {s.name} ({', '.join(_capabilities(s))})" for s in spec.source)
    failed = sum(campaign.tally.count(s.name, *_FAILED) for s in spec.source)
    owners = ", ".join(sorted({split_capability(ref)[0] for ref in spec.capabilities()}))
    table = "" if spec.candidates is None else f" among {len(spec.candidates.ids)} candidates"
    limits = _limits(spec)
    sentences = [
        spec.question,
        f"We varied {varied}{table} and sought {sought}{f', subject to {limits}' if limits else ''}.",
        f"Trials were chosen by the planner {spec.planner!r} of Yosegi {metadata.version('yosegi')} "
        f"(seed {spec.seed}), up to {spec.parallel} at a time.",
        *_extensions(campaign),
        f"Completed: {sources}; {failed} gave no value.",
        *_simulated(campaign),
        *([f"{campaign.imported} earlier measurements were imported."] if campaign.imported else []),
        *_learned_from(spec),
        f"Work was carried out at {owners} under signed requests; every decision, request and result is on record in "
        f"campaign {spec.name} of team {spec.team} under the charter {spec.charter}, and its bundle verifies and "
        "replays offline.",
        f"Before: {spec.baseline.description}{f' ({spec.baseline.trials:g} trials)' if spec.baseline.trials else ''}.",
    ]
    return " ".join(sentences)


def _range(spec: CampaignSpec, p: ParameterSpec) -> str:
    """Between what a parameter was varied, in its unit."""
    unit = "" if p.unit == "1" else f" {p.unit}"
    column = () if spec.candidates is None else spec.candidates.columns.get(p.name, ())
    if p.kind in ("ordinal", "categorical"):
        levels = p.levels or tuple(sorted(set(column), key=str))
        if len(levels) > _LISTED:
            return f"{len(levels)} levels"
        return ", ".join(f"{level:g}" if isinstance(level, float) else str(level) for level in levels) + unit
    numbers = [float(cell) for cell in column if isinstance(cell, int | float)]
    low = p.low if p.low is not None else min(numbers, default=None)
    high = p.high if p.high is not None else max(numbers, default=None)
    if low is None or high is None:
        return p.unit
    step = f" in steps of {p.resolution:g}{unit}" if p.resolution is not None and spec.candidates is None else ""
    return f"{low:g} to {high:g}{unit}{step}{', on a logarithmic scale' if p.log else ''}"


def _limits(spec: CampaignSpec) -> str:
    bounds = [
        " and ".join(
            f"{word} {value:g}{'' if one.unit == '1' else f' {one.unit}'}"
            for word, value in (("≥", one.at_least), ("≤", one.at_most))
            if value is not None
        )
        for one in spec.limit
    ]
    return "; ".join(f"{one.name} {bound}" for one, bound in zip(spec.limit, bounds, strict=True))


def _extensions(campaign: Campaign) -> Iterator[str]:
    """What each extension changed, a sentence each."""
    for (trials, before), (_, after) in pairwise([*campaign.extended_from, (0, campaign.spec)]):
        if changes := "; ".join(_changes(before, after)):
            yield f"After {trials} trials the campaign was extended: {changes}."


def _changes(before: CampaignSpec, after: CampaignSpec) -> Iterator[str]:
    for old, new in zip(before.parameter, after.parameter, strict=True):
        if (was := _range(before, old)) != (now := _range(after, new)):
            yield f"{new.name} {now} (before, {was})"
    was_rules, rules = (spec.stop.model_dump() | {"parallel": spec.parallel} for spec in (before, after))
    for name, value in rules.items():
        if value != was_rules[name]:
            yield f"{_RULES[name]} {_said(value)} (before, {_said(was_rules[name])})"
    if before.conduct != after.conduct:
        yield f"conduct {after.conduct} (before, {before.conduct})"
    had, has = before.budget.decimals(), after.budget.decimals()
    for unit in sorted({*had, *has}):
        if had.get(unit) != has.get(unit):
            yield f"budget {has.get(unit, 'not bounded')} {unit} (before, {had.get(unit, 'not bounded')})"


_RULES = {
    "target": "stop at the value",
    "trials": "stop after trials",
    "price": "stop at the price",
    "least_gain": "stop below the gain",
    "parallel": "trials at a time",
}
"""How the rules that an extension may change are called."""


def _said(value: float | None) -> str:
    return "none" if value is None else f"{value:g}"


def _simulated(campaign: Campaign) -> Iterator[str]:
    """Whose work was simulated, if any was."""
    refs = campaign.spec.capabilities()
    found = [ref for ref in refs if ref in campaign.contracts and campaign.contracts[ref].simulated]
    if len(found) == len(refs):
        yield "All of this was simulated: no real instrument took part."
    elif found:
        yield f"Simulated, without a real instrument: {', '.join(found)}."


def _capabilities(source: SourceSpec) -> list[str]:
    return [ref for step in source.step for ref in step.alternatives()]


def _learned_from(spec: CampaignSpec) -> Iterator[str]:
    """Which earlier campaigns and tables the planner knew, in a sentence; nothing where it knew none."""
    known = []
    for one in spec.earlier:
        named = f"campaign {one.campaign}" if one.campaign is not None else f"table {one.table} ({one.name})"
        known.append(f"{len(one.rows)} measurements of the earlier {named}")
    if known:
        yield f"The planner also learned from {' and from '.join(known)}, as far as they helped to predict."


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
