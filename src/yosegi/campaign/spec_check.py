"""Holding a campaign against the contracts it names, before anything is recorded: each finding with its place."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from yosegi.campaign.findings import BadCampaign
from yosegi.campaign.spec import CampaignSpec, ConstraintSpec, ParameterSpec, SourceSpec, StepSpec
from yosegi.campaign.step_inputs import place_of
from yosegi.core import canonical
from yosegi.core.amounts import Amounts
from yosegi.core.contract import Contract, LinearConstraint
from yosegi.core.errors import Invalid, NotFound
from yosegi.core.file_findings import FileFinding
from yosegi.core.identifiers import split_capability
from yosegi.core.object import is_object
from yosegi.core.samples import is_sample
from yosegi.core.schema import schema_of
from yosegi.core.toml_lines import KeyPath
from yosegi.planner import Linear

_SAME = ("kind", "effect", "inputs", "outputs", "constraints", "fidelity")
MOST_ROWS_SAID = 3
"""Rows of a table of candidates that are named for one finding."""


def check_against(spec: CampaignSpec, contracts: Mapping[str, Contract]) -> None:
    """Hold a campaign against the contracts it names.

    Raises:
        NotFound: a capability nobody offers.
        BadCampaign: whatever `findings_against` finds.
    """
    for ref in spec.capabilities():
        if ref not in contracts:
            raise NotFound("capability", ref, tuple(sorted(contracts)))
    if found := tuple(findings_against(spec, contracts)):
        raise BadCampaign(f"campaign {spec.name}", found)


def findings_against(spec: CampaignSpec, contracts: Mapping[str, Contract]) -> Iterator[FileFinding]:
    """Everything that would have trials refused or unread.

    An input without a value, or of another unit, type or range; a level that is none of the contract's; a constraint of
    the contract that is broken; an outcome that no step yields; a budget below the greatest cost of one trial.
    """
    seen: set[tuple[str, str]] = set()
    for place, source in enumerate(spec.source):
        for number, step in enumerate(source.step):
            if any(ref not in contracts for ref in step.alternatives()):
                continue  # that nobody offers it is said by whoever looked for it
            at = ("source", place, "step", number)
            yield from _check_alternatives(source, step, contracts, at)
            yield from _check_shipment(source, step, contracts, at)
            for finding in _check_step(spec, source, step, contracts[step.capability], at):
                if (finding.where, finding.why) not in seen:
                    seen.add((finding.where, finding.why))
                    yield finding
        if all(ref in contracts for step in source.step for ref in step.alternatives()):
            yield from _check_outcomes(spec, place, source, contracts)
            if place == 0:
                yield from _check_budget(spec, contracts)


def taken_over(spec: CampaignSpec, contracts: Mapping[str, Contract]) -> CampaignSpec:
    """The campaign with the linear constraints and the resolutions of its first source's contracts among its own.

    Only of the first, which answers the question itself: what another source cannot be asked is learned for that source
    alone, and narrows no search. Inputs that stay the same go into the bound; a constraint on what an earlier step
    yields, or on levels, cannot be stated beforehand and is left to the owner. A parameter that states no resolution
    gets the coarsest of the inputs it gives; one that an equation ties to others keeps its freedom, as their steps need
    not meet it.
    """
    found = list(spec.constraint)
    for step in spec.source[0].step:
        for constraint in contracts[step.capability].constraints:
            own = _own(spec, step, constraint, contracts[step.capability])
            if own is not None and own.weights and not any(_same(own, known) for known in found):
                found.append(own)
    spec = spec if len(found) == len(spec.constraint) else spec.model_copy(update={"constraint": tuple(found)})
    steps = resolutions_of(spec, contracts)
    stepped = tuple(
        p.model_copy(update={"resolution": steps[p.name]}) if p.name in steps else p for p in spec.parameter
    )
    return spec.model_copy(update={"parameter": stepped}) if steps else spec


def said_of_taken_over(spec: CampaignSpec, contracts: Mapping[str, Contract]) -> tuple[str, ...]:
    """What the campaign gets from the contracts, each in a line for people."""
    taken = taken_over(spec, contracts)
    lines = [f"{formula(one)} ({one.of})" for one in taken.constraint[len(spec.constraint) :]]
    before = {parameter.name: parameter.resolution for parameter in spec.parameter}
    for parameter in taken.parameter:
        if parameter.resolution is not None and before[parameter.name] is None:
            unit = "" if parameter.unit == "1" else f" {parameter.unit}"
            lines.append(f"{parameter.name} in steps of {parameter.resolution:g}{unit} ({spec.source[0].name})")
    return tuple(lines)


def resolutions_of(spec: CampaignSpec, contracts: Mapping[str, Contract]) -> dict[str, float]:
    """The resolution that each parameter gets from the first source's contracts, in the parameter's unit."""
    tied = {name for one in spec.constraint if one.equals is not None for name in one.weights}
    if spec.candidates is not None:
        return {}
    found: dict[str, float] = {}
    for parameter in spec.parameter:
        if parameter.kind not in ("continuous", "integer") or parameter.resolution or parameter.name in tied:
            continue
        given = [
            schema["resolution"]
            for step in spec.source[0].step
            for name, schema in contracts[step.capability].inputs.get("properties", {}).items()
            if name not in step.set and step.bind.get(name, name) == parameter.name and "resolution" in schema
        ]
        width = math.inf if parameter.low is None or parameter.high is None else parameter.high - parameter.low
        if given and 0 < max(given) <= width:
            found[parameter.name] = float(max(given))
    return found


def formula(constraint: ConstraintSpec) -> str:
    """A linear constraint as it would be written by hand."""
    bounds = {name: getattr(constraint, name) for name in ("equals", "at_least", "at_most")}
    return str(Linear(dict(constraint.weights), **bounds))


def worst_cost_of(source: SourceSpec, contracts: Mapping[str, Contract]) -> Amounts:
    """The most one trial of a source may cost."""
    return sum((worst_step_cost(step, contracts) for step in source.step), Amounts())


def budget_notes(spec: CampaignSpec, contracts: Mapping[str, Contract]) -> Iterator[FileFinding]:
    """Each line of the budget that may end the campaign before its stop rule does: no fault, but worth knowing."""
    source, wanted = spec.source[0], spec.stop.trials
    if wanted is None:
        return
    need = worst_cost_of(source, contracts)
    for unit in spec.budget:
        if need[unit] and (payable := spec.budget[unit] // need[unit]) < wanted:
            most, enough = (Amounts({unit: milli}).decimals()[unit] for milli in (need[unit], wanted * need[unit]))
            yield FileFinding(
                ("budget", unit),
                f"budget of {unit}",
                f"pays for {payable} of the {wanted} trials of {source.name} that the stop rule asks for, at "
                f"{most} {unit} each at most",
                f"{enough} {unit} would be enough for all, without other sources",
                fatal=False,
            )


def worst_step_cost(step: StepSpec, contracts: Mapping[str, Contract]) -> Amounts:
    """The most one step may cost, of each unit, wherever it goes."""
    costs = [contracts[ref].cost for ref in step.alternatives()]
    return Amounts(
        {unit: max(cost[unit] for cost in costs) for unit in dict.fromkeys(u for cost in costs for u in cost)}
    )


def _check_alternatives(
    source: SourceSpec, step: StepSpec, contracts: Mapping[str, Contract], at: KeyPath
) -> Iterator[FileFinding]:
    """An alternative answers the same question in the same words; what it costs and how long it takes may differ."""
    first = contracts[step.capability]
    where = f"source {source.name}, step {step.name} ({step.capability})"
    for ref in step.any_of:
        differs = [name for name in _SAME if getattr(contracts[ref], name) != getattr(first, name)]
        if differs:
            why = f"{ref} has another contract: {', '.join(differs)}"
            yield FileFinding((*at, "any_of", ref), where, why, "make it a source of its own")


def _check_shipment(
    source: SourceSpec, step: StepSpec, contracts: Mapping[str, Contract], at: KeyPath
) -> Iterator[FileFinding]:
    """What is shipped to a step is a sample, made by an earlier step at another site, and goes to one site."""
    if step.shipment is None:
        return
    where, path = f"source {source.name}, step {step.name} ({step.capability})", (*at, "shipment")
    properties = contracts[step.capability].inputs.get("properties", {})
    makers = {one.name: [split_capability(ref)[0] for ref in one.alternatives()] for one in source.step}
    to = split_capability(step.capability)[0]
    given = [bound.partition(".")[0] for name, bound in step.bind.items() if is_sample(properties.get(name, {}))]
    if not any(site != to for first in given for site in makers.get(first, ())):
        todo = "bind one of its samples to what an earlier step made at another site, or leave shipment out"
        yield FileFinding(path, where, "no sample is shipped to it", todo)
    if step.any_of:
        yield FileFinding(path, where, "a sample is shipped to one site, and it names several", "leave any_of out")


def _check_step(
    spec: CampaignSpec, source: SourceSpec, step: StepSpec, contract: Contract, at: KeyPath
) -> Iterator[FileFinding]:
    where = f"source {source.name}, step {step.name} ({step.capability})"
    properties: dict[str, Any] = contract.inputs.get("properties", {})
    for kind, names in (("set", step.set), ("bind", step.bind)):
        for name in names:
            if name not in properties:
                todo = f"it has {', '.join(properties)}"
                yield FileFinding((*at, kind, name), where, f"the contract has no input {name!r}", todo)
    for name in contract.inputs.get("required", ()):
        if not _has_value(spec, step, name):
            todo = "name a parameter so, or use set or bind"
            yield FileFinding(at, where, f"nothing gives its input {name!r}", todo)
    for name, schema in properties.items():
        yield from _check_input(spec, step, name, schema, at, contract)
    for constraint in contract.constraints:
        yield from _check_constraint(spec, step, constraint, contract, at, where)


def _has_value(spec: CampaignSpec, step: StepSpec, name: str) -> bool:
    bound = step.bind.get(name, name)
    columns = spec.candidates.columns if spec.candidates is not None else {}
    known = {*(parameter.name for parameter in spec.parameter), *spec.constants, *columns}
    return name in step.set or name in step.bind or bound in known


def _check_input(
    spec: CampaignSpec, step: StepSpec, name: str, schema: Mapping[str, Any], at: KeyPath, of: Contract
) -> Iterator[FileFinding]:
    if name in step.set:
        path = (*at, "set", name)
        yield from _check_constant(path, f"set of step {step.name}", name, step.set[name], schema, step.capability, of)
        return
    bound = step.bind.get(name, name)
    for place, parameter in enumerate(spec.parameter):
        if parameter.name == bound:
            yield from _check_parameter(spec, parameter, ("parameter", place), schema, step.capability, of)
            return
    if name not in step.bind and name in spec.constants:
        path = ("constants", name)
        yield from _check_constant(path, "constants", name, spec.constants[name], schema, step.capability, of)


def _check_constant(
    path: KeyPath, where: str, name: str, value: Any, schema: Mapping[str, Any], ref: str, of: Contract
) -> Iterator[FileFinding]:
    if is_object(schema):
        if not re.fullmatch(r"sha256:[0-9a-f]{64}", str(value)):
            why = f"{name} is an object, and {value!r} is no digest"
            yield FileFinding(path, where, why, "put the file here first: yosegi object put")
    elif misfit := _misfit(value, schema, of):
        yield FileFinding(path, where, f"{name} = {value!r} is not what {ref} takes: {misfit}")


def _check_parameter(
    spec: CampaignSpec,
    parameter: ParameterSpec,
    at: KeyPath,
    schema: Mapping[str, Any],
    ref: str,
    of: Contract,
) -> Iterator[FileFinding]:
    where, unit = f"parameter {parameter.name}", schema.get("unit", "1")
    if unit != parameter.unit:
        why = f"{parameter.name} is in {parameter.unit!r} and the contract of {ref} wants {unit!r}"
        yield FileFinding((*at, "unit"), where, why, "state it in that unit")
        return
    if spec.candidates is not None:
        yield from _check_column(spec, parameter, schema, ref, of)
        return
    if parameter.kind in ("ordinal", "categorical"):
        for level in parameter.levels:
            if misfit := _misfit(level, schema, of):
                why = f"the level {level!r} is not what {ref} takes: {misfit}"
                yield FileFinding((*at, "levels"), where, why)
        return
    yield from _check_range(parameter, at, schema, ref, of)


def _check_range(
    parameter: ParameterSpec, at: KeyPath, schema: Mapping[str, Any], ref: str, of: Contract
) -> Iterator[FileFinding]:
    where, unit = f"parameter {parameter.name}", schema.get("unit", "1")
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and parameter.low is not None and parameter.low < low:
        why = f"{parameter.name} goes down to {parameter.low:g}, the contract of {ref} to {low:g} {unit}"
        yield FileFinding((*at, "low"), where, why)
    if high is not None and parameter.high is not None and parameter.high > high:
        why = f"{parameter.name} goes up to {parameter.high:g}, the contract of {ref} to {high:g} {unit}"
        yield FileFinding((*at, "high"), where, why)
    if _resolved(schema, of).get("type") == "integer" and parameter.kind == "continuous":
        why = f"{ref} takes whole numbers"
        yield FileFinding((*at, "kind"), where, why, 'say kind = "integer"')
    elif _is_of_levels(_resolved(schema, of)):
        yield FileFinding((*at, "kind"), where, f"{ref} takes {_levels_said(_resolved(schema, of))}", "state levels")


def _check_column(
    spec: CampaignSpec, parameter: ParameterSpec, schema: Mapping[str, Any], ref: str, of: Contract
) -> Iterator[FileFinding]:
    column = spec.candidates.columns.get(parameter.name, ()) if spec.candidates is not None else ()
    bad: dict[str, list[int]] = {}
    checked: dict[Any, str] = {}
    for row, cell in enumerate(column, start=1):
        misfit = checked.setdefault(cell, _misfit(cell, schema, of)) if cell not in checked else checked[cell]
        if misfit:
            bad.setdefault(misfit, []).append(row)
    for misfit, rows in list(bad.items())[:MOST_ROWS_SAID]:
        why = f"{parameter.name} of row {rows[0]} is not what {ref} takes: {misfit}"
        yield FileFinding(("candidates",), "candidates", why + (f" ({len(rows)} rows)" if len(rows) > 1 else ""))


def _check_constraint(
    spec: CampaignSpec,
    step: StepSpec,
    constraint: LinearConstraint,
    contract: Contract,
    at: KeyPath,
    where: str,
) -> Iterator[FileFinding]:
    """One whose inputs all stay the same holds or does not."""
    own = _own(spec, step, constraint, contract)
    if own is None or own.weights:
        return
    known = contract.defaults | spec.constants | step.set
    values = {name: known[name] for name in constraint.weights if name in known}
    if broken := constraint.broken_by(values):
        yield FileFinding(at, where, f"its contract's constraint is broken: {broken}")


def _check_outcomes(
    spec: CampaignSpec, place: int, source: SourceSpec, contracts: Mapping[str, Contract]
) -> Iterator[FileFinding]:
    where, yielded = f"source {source.name}", 0
    steps = {step.name: contracts[step.capability] for step in source.step}
    asked = [("objective", number, one.name, one.unit) for number, one in enumerate(spec.objective)]
    asked += [("limit", number, one.name, one.unit) for number, one in enumerate(spec.limit)]
    for kind, number, name, unit in asked:
        found = place_of(source, contracts, name)
        properties = steps[found[0]].outputs.get("properties", {}) if found and found[0] in steps else {}
        if found is None or found[1] not in properties:
            if place == 0 or name in source.value:
                todo = f'say where it is read: value = {{ {name} = "step.output" }}'
                yield FileFinding(("source", place), where, f"no step yields the {kind} {name!r}", todo)
            continue
        yielded += 1
        schema = properties[found[1]]
        if (given := schema.get("unit", "1")) != unit:
            yield FileFinding((kind, number, "unit"), where, f"{name} comes in {given!r} and the {kind} is in {unit!r}")
        numeric = _resolved(schema, steps[found[0]]).get("type", "number") in ("number", "integer")
        if not numeric and not (kind == "objective" and spec.main.goal == "boundary"):
            yield FileFinding(
                (kind, number, "name"), where, f"{name} is no number", "only the goal boundary takes labels"
            )
    if not yielded and place:
        yield FileFinding(("source", place), where, f"yields none of {', '.join(spec.outcomes)}", "leave it out")


def _check_budget(spec: CampaignSpec, contracts: Mapping[str, Contract]) -> Iterator[FileFinding]:
    need = worst_cost_of(spec.source[0], contracts)
    for unit in spec.budget:
        if need[unit] > spec.budget[unit]:
            given, most = spec.budget.decimals()[unit], need.decimals()[unit]
            why = f"{given} {unit} do not pay for one trial of {spec.source[0].name}, which may cost {most}"
            yield FileFinding(("budget", unit), "budget", why)


def _own(spec: CampaignSpec, step: StepSpec, constraint: LinearConstraint, contract: Contract) -> ConstraintSpec | None:
    """A contract's constraint over the campaign's parameters; None where it cannot be stated so."""
    numeric = {p.name for p in spec.parameter if p.kind in ("continuous", "integer")}
    weights: dict[str, float] = {}
    fixed = 0.0
    for name, weight in constraint.weights.items():
        bound = step.bind.get(name, name)
        if name in step.set or (bound not in numeric and name in spec.constants):
            value = step.set.get(name, spec.constants.get(name))
            if isinstance(value, bool) or not isinstance(value, int | float):
                return None
            fixed += weight * value
        elif bound in numeric:
            weights[bound] = weights.get(bound, 0.0) + weight
        elif not _has_value(spec, step, name) and name in contract.defaults:
            value = contract.defaults[name]
            if isinstance(value, bool) or not isinstance(value, int | float):
                return None
            fixed += weight * value
        else:
            return None
    bounds = {
        name: None if bound is None else bound - fixed
        for name in ("equals", "at_least", "at_most")
        for bound in (getattr(constraint, name),)
    }
    return ConstraintSpec(weights=weights, of=step.capability, **bounds)


def _same(one: ConstraintSpec, other: ConstraintSpec) -> bool:
    return one.model_copy(update={"of": None}) == other.model_copy(update={"of": None})


def _resolved(schema: Mapping[str, Any], of: Contract) -> Mapping[str, Any]:
    """A property with what its reference leads to, one step: enums of pydantic stand in `$defs`."""
    reference = schema.get("$ref", "")
    definitions = of.inputs.get("$defs", {}) | of.outputs.get("$defs", {})
    return schema | definitions.get(reference.removeprefix("#/$defs/"), {}) if reference else schema


def _is_of_levels(schema: Mapping[str, Any]) -> bool:
    return "enum" in schema or "const" in schema or schema.get("type") in ("string", "boolean")


def _levels_said(schema: Mapping[str, Any]) -> str:
    levels = schema.get("enum", [schema["const"]] if "const" in schema else [])
    return ", ".join(map(repr, levels)) or f"a {schema.get('type')}"


def _misfit(value: Any, schema: Mapping[str, Any], of: Contract) -> str:
    """Why a value does not fit one input, or the empty text."""
    definitions = of.inputs.get("$defs")
    whole = {"type": "object", "properties": {"value": dict(schema)}}
    if definitions:
        whole["$defs"] = definitions
    try:
        schema_of(canonical.dumps(whole)).check({"value": value}, "it")
    except Invalid as error:
        unit = schema.get("unit", "1")
        return error.why.removeprefix("value: ") + ("" if unit == "1" else f" ({unit})")
    return ""
