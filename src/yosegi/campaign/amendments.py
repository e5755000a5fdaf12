"""What people do to a campaign beside starting and stopping it, as entries and as a fold follows them.

They bring measurements, want a point measured or take one back, and give the campaign other bounds.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from yosegi.campaign.known_points import why_broken
from yosegi.campaign.measurements import Measurements, check_rows, digest_of, wrong_with_point
from yosegi.campaign.repeated_rows import check_new
from yosegi.campaign.spec import CampaignSpec, StopSpec
from yosegi.campaign.state import Campaign
from yosegi.campaign.trial import Trial
from yosegi.core.errors import Conflict, Invalid
from yosegi.core.states import CampaignState, TrialState
from yosegi.ledger import Draft, Entry
from yosegi.trust.envelope import Envelope
from yosegi.trust.keys import PublicKey

ADDED = "measurements.added"
WANTED = "trial.wanted"
WITHDRAWN = "trial.withdrawn"
EXTENDED = "campaign.extended"

CHANGEABLE = frozenset({"budget", "stop", "parallel", "conduct", "parameter"})
"""What an extension may change of a campaign: how far it goes and where it looks, never what it asks."""


# -- the entries ----------------------------------------------------------------------------------------------------


def added(
    campaign: Campaign, brought: Measurements, envelope: Envelope | None, keys: Sequence[PublicKey] = ()
) -> Draft:
    """The entry of measurements that a person brings; with the keys that sign for them, so that anybody can check it.

    Raises:
        Invalid, NotFound: they do not fit the campaign.
        Conflict: the same rows were brought before, or the campaign was aborted.
    """
    check_rows(campaign.spec, brought.source, brought.rows)
    _alive(campaign, "takes no measurements")
    digest = digest_of(brought.source, brought.rows)
    if digest in campaign.brought:
        raise Conflict(f"campaign {campaign.spec.name}", "has these measurements already", "nothing was changed")
    check_new(campaign, brought.source, brought.rows)
    facts = {"source": brought.source, "count": len(brought.rows), "digest": digest, "by": brought.person}
    body: dict[str, Any] = {"rows": [row.model_dump(mode="json") for row in brought.rows], "file": brought.file}
    if envelope is not None:
        body["document"] = envelope.model_dump(mode="json")
        body["keys"] = [key.model_dump(mode="json") for key in keys]
    return Draft(ADDED, facts, body)


def wanted(campaign: Campaign, source: str, values: Mapping[str, Any], candidate: str, why: str, by: str) -> Draft:
    """The entry of a point that a person wants measured.

    Raises:
        Invalid, NotFound: it is no point of the campaign's space, or there is no such source.
        Conflict: the campaign does not run.
    """
    spec = campaign.spec
    spec.source_named(source)
    if campaign.state not in (CampaignState.RUNNING, CampaignState.HELD):
        raise Conflict(f"campaign {spec.name}", f"is {campaign.state} and asks for nothing", "extend or resume it")
    point = {p.name: values.get(p.name, spec.columns_of(candidate).get(p.name)) for p in spec.parameter}
    given = {name: value for name, value in point.items() if value is not None}
    wrong = [*wrong_with_point(spec, {**values, **given}, candidate), *_outside(spec, given)]
    if wrong:
        raise Invalid("the point", "; ".join(wrong))
    return Draft(WANTED, {"source": source, "by": by}, {"values": given, "candidate": candidate, "why": why})


def withdrawn(campaign: Campaign, number: int, *, skip: bool, why: str, by: str) -> Draft:
    """The entry by which a trial is taken back, as far as its owner can, and perhaps never asked again.

    Raises:
        Invalid: no reason is given, or there is no such trial.
        Conflict: it is over.
    """
    if not why.strip():
        raise Invalid(f"trial {number}", "no reason is given", "say why, for the record")
    if not 1 <= number <= len(campaign.trials):
        raise Invalid(f"trial {number}", "was never proposed", f"there are {len(campaign.trials)}")
    trial = campaign.trial(number)
    if trial.state.final:
        raise Conflict(f"trial {number}", f"is {trial.state} already", "nothing was changed")
    return Draft(WITHDRAWN, {"trial": number, "skip": skip, "by": by}, {"why": why})


def extended(campaign: Campaign, changes: Mapping[str, Any], why: str) -> tuple[CampaignSpec, Draft]:
    """The campaign's file after an extension, and the entry that records it.

    Raises:
        Invalid: it changes what is asked, or something that does not hold.
        Conflict: the campaign was aborted.
    """
    if unknown := changes.keys() - CHANGEABLE:
        raise Invalid(
            f"extending campaign {campaign.spec.name}", f"changes {', '.join(sorted(unknown))}", _instead_of(unknown)
        )
    if not changes:
        raise Invalid(f"extending campaign {campaign.spec.name}", "changes nothing")
    _alive(campaign, "cannot be extended")
    spec = extended_spec(campaign.spec, changes)
    kinds = {p.name: (p.kind, p.unit) for p in campaign.spec.parameter}
    if other := [p.name for p in spec.parameter if p.name not in kinds]:
        raise Invalid("the space", f"has no parameter {', '.join(other)}", f"its parameters are {', '.join(kinds)}")
    if {p.name: (p.kind, p.unit) for p in spec.parameter} != kinds:
        raise Invalid("the space", "has other parameters, kinds or units", "clone the campaign to ask something else")
    return spec, Draft(EXTENDED, {}, {"changes": dict(changes), "why": why})


def _instead_of(unknown: Collection[str]) -> str:
    """What to write in place of fields that no extension changes: their stop rule, else what may be changed."""
    if rules := sorted(StopSpec.model_fields.keys() & unknown):
        return f"it is part of stop: stop = {{ {rules[0]} = … }}"
    return f"an extension changes {', '.join(sorted(CHANGEABLE))}; clone the campaign to ask something else"


def extended_spec(spec: CampaignSpec, changes: Mapping[str, Any]) -> CampaignSpec:
    """A specification with some of its fields as an extension states them; a stop rule or budget line changes alone."""
    before = spec.record()
    merged = dict(before)
    for name, value in changes.items():
        if name in ("stop", "budget"):
            if not isinstance(value, Mapping):
                raise Invalid(f"campaign {spec.name}", f"{name} is no table", f"e.g. {name} = {{…}}")
            merged[name] = {key: one for key, one in {**before[name], **value}.items() if one is not None}
        elif name == "parameter":
            if not isinstance(value, Sequence) or not all(isinstance(p, Mapping) and "name" in p for p in value):
                raise Invalid(f"campaign {spec.name}", "parameter is no list of tables that each have a name")
            known = {p["name"]: p for p in value}
            merged[name] = [{**p, **known.pop(p["name"], {})} for p in before[name]] + list(known.values())
        else:
            merged[name] = value
    return CampaignSpec.read(merged, what=f"campaign {spec.name}")


def _alive(campaign: Campaign, why: str) -> None:
    if campaign.state is CampaignState.ABORTED:
        raise Conflict(f"campaign {campaign.spec.name}", f"was aborted and {why}", "clone it")


def _outside(spec: CampaignSpec, values: Mapping[str, Any]) -> list[str]:
    """A point that is asked for keeps bounds and constraints; what was measured elsewhere may lie outside."""
    found = []
    for p in spec.parameter:
        value = values.get(p.name)
        if isinstance(value, bool) or not isinstance(value, int | float) or p.kind in ("ordinal", "categorical"):
            continue
        if (p.low is not None and value < p.low) or (p.high is not None and value > p.high):
            found.append(f"{p.name} = {value:g} lies outside {p.low} to {p.high} {p.unit}")
    return found + [broken for constraint in spec.constraint if (broken := why_broken(values, constraint))]


# -- the fold -------------------------------------------------------------------------------------------------------


def follow_wanted(campaign: Campaign, entry: Entry) -> dict[str, Any]:
    """A trial that a person asked for, beside those of the planner."""
    facts, body = entry.facts, entry.body or {}
    trial = Trial(
        len(campaign.trials) + 1,
        facts["source"],
        body.get("values", {}),
        body.get("why", ""),
        {},
        position=entry.position,
        candidate=body.get("candidate", ""),
        proposed_at=entry.time,
        origin="person",
        by=facts["by"],
    )
    return {"trials": campaign.trials.proposed((trial,)), "tally": campaign.tally.proposed((trial,))}


def follow_withdrawn(campaign: Campaign, entry: Entry) -> dict[str, Any]:
    """A trial that is to be taken back."""
    trial = campaign.trial(entry.facts["trial"])
    marked = replace(
        trial, skip=bool(entry.facts["skip"]), taken_back=(entry.body or {}).get("why", "") or "taken back"
    )
    return {"trials": campaign.trials.replaced(marked)}


def follow_extended(campaign: Campaign, entry: Entry) -> dict[str, Any]:
    """Other bounds; what the planner had no more to propose in, it may have now."""
    body = entry.body or {}
    spec = extended_spec(campaign.spec, body["changes"]) if "changes" in body else campaign.spec
    over = len(campaign.ended_order) - campaign.imported
    changes: dict[str, Any] = {
        "spec": spec,
        "exhausted": False,
        "extended_from": (*campaign.extended_from, (over, campaign.spec)),
    }
    if "conduct" in body.get("changes", {}):
        changes["conduct"] = spec.conduct
    if "mandate" in entry.facts:
        changes["mandate"] = entry.facts["mandate"]
    return changes


def imported_trials(campaign: Campaign, entry: Entry) -> tuple[Trial, ...]:
    """Trials that are over when they come; of rows that were erased nothing is left but their number."""
    facts, body = entry.facts, entry.body or {}
    rows = body.get("rows") or [{}] * facts["count"]
    return tuple(
        Trial(
            len(campaign.trials) + n,
            facts["source"],
            row.get("values", {}),
            "",
            {},
            state=TrialState(row.get("state", "failed")),
            why=row.get("note", ""),
            position=entry.position,
            candidate=row.get("candidate", ""),
            proposed_at=entry.time,
            over_at=entry.time,
            origin="imported",
            by=facts["by"],
        )
        for n, row in enumerate(rows, start=1)
    )
