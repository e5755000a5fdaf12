"""What a team asks: one campaign file (TOML), read strictly, and checked against the contracts it names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from yosegi.core.amounts import Amounts
from yosegi.core.contract import Conduct, Contract
from yosegi.core.errors import Invalid, NotFound
from yosegi.core.identifiers import CapabilityRef, CharterId, Key, PersonId, TeamId
from yosegi.core.object import is_object
from yosegi.core.toml_text import parse_toml
from yosegi.core.values import Value

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,39}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=4000)]


class ParameterSpec(Value):
    """One thing to vary, in a stated unit."""

    name: Name
    kind: Literal["continuous", "integer", "ordinal", "categorical"] = "continuous"
    low: float | None = None
    high: float | None = None
    levels: tuple[str | int | float | bool, ...] = ()
    unit: str = "1"
    log: bool = False
    resolution: float | None = Field(default=None, gt=0)


class ConstraintSpec(Value):
    """A linear constraint between parameters."""

    weights: dict[Name, float]
    equals: float | None = None
    at_least: float | None = None
    at_most: float | None = None


class ObjectiveSpec(Value):
    """What is wanted of one output."""

    name: Name
    goal: Literal["minimise", "maximise", "target"] = "minimise"
    target: float | None = None
    noise: float | None = Field(default=None, ge=0)
    unit: str = "1"


class StopSpec(Value):
    """When the campaign has its answer, or enough."""

    target: float | None = None
    """Stop when a trial of the first source reaches this value of the objective."""
    trials: int | None = Field(default=None, ge=1)
    price: float | None = Field(default=None, gt=0)
    least_gain: float | None = Field(default=None, gt=0)
    """Stop when the best next trial is expected to gain less, in the objective's unit per unit of price."""


class StepSpec(Value):
    """One step of a source's procedure.

    Inputs are found by name among the parameters and the constants; `set` gives constants and `bind` ties an input to
    a parameter or to an earlier step's output (`mix.sample`).
    """

    name: Name
    capability: CapabilityRef
    set: dict[Name, str | int | float | bool] = Field(default_factory=dict)
    bind: dict[Name, Annotated[str, StringConstraints(pattern=r"^[A-Za-z]\w*(\.[A-Za-z]\w*)?$")]] = Field(
        default_factory=dict
    )


class SourceSpec(Value):
    """One way to answer: a procedure of one or several steps, and what one trial of it is worth in price units."""

    name: Name
    price: float = Field(gt=0)
    step: tuple[StepSpec, ...] = Field(min_length=1, max_length=16)
    value: dict[Name, str] = Field(default_factory=dict)
    """Where each objective is read, `step.output`; by default the last step's output of the same name."""
    error: dict[Name, str] = Field(default_factory=dict)
    """Where its standard error is read; by default the last step's `standard_error`, if it has one."""


class BaselineSpec(Value):
    """How this was done before, registered before the first trial."""

    description: Text
    trials: float | None = Field(default=None, gt=0)
    price: float | None = Field(default=None, gt=0)


def _amounts(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    exact = any(isinstance(item, str | Decimal) for item in value.values())
    amounts = Amounts.parse(value) if exact else Amounts(value)
    # Amounts drop what is zero, and what a budget does not name is not bounded: 0 would mean its opposite.
    if nothing := [unit for unit in value if not amounts[unit]]:
        raise ValueError(f"{', '.join(nothing)} is 0: leave it out where it is not bounded, or give an amount")
    return amounts


class AgentTerms(Value):
    """How points of an agent and the planner's mix, in a campaign whose proposer is an agent.

    Whatever the mix, the planner guards: a point must lie in the space, and none is measured twice.
    """

    name: Name | None = None
    """An agent that this site runs; without one, whoever may act for the campaign proposes, by the agents' tools."""
    mix: Literal["first", "alternate", "guarded"] = "guarded"
    """`first`: the agent's points before the planner's; `alternate`: every other trial; `guarded`: first, and none that
    the planner expects to be worse than the best so far by more than `worst`."""
    worst: float | None = Field(default=None, ge=0)
    """In the objective's unit."""
    wait: float = Field(default=30.0, ge=0, le=86400)
    """Seconds that a free place waits for the agent before the planner fills it."""

    @model_validator(mode="after")
    def _is_bounded(self) -> AgentTerms:
        if (self.mix == "guarded") != (self.worst is not None):
            raise ValueError(
                'mix = "guarded" says by how much worse a point may be expected to be: worst; others do not'
            )
        return self


class CampaignSpec(Value):
    """A team's question, its space, its sources, and when to stop. Immutable once started."""

    format: Literal["yosegi.campaign.v1"] = "yosegi.campaign.v1"
    name: Key
    title: Text
    question: Text
    charter: CharterId
    team: TeamId
    challenge: TeamId | None = None
    """The challenge of the charter it is to help answer, one that the team works on."""
    on_behalf_of: PersonId
    purpose: Text
    follows: Key | None = None
    """The campaign of this site that it goes on from, by name, if an agent started it because that one ended."""
    seed: int = Field(default=1, ge=0, le=2**31)
    parallel: int = Field(default=2, ge=1, le=64)
    """Trials of the first source that may be under way at once."""
    planner: Name = "gp"
    starts: int | None = Field(default=None, ge=1)
    proposer: Literal["planner", "agent"] | None = None
    """Who proposes: the planner alone, unless it says `agent`; the table `agent` says how both mix."""
    agent: AgentTerms | None = None
    parameter: tuple[ParameterSpec, ...] = Field(min_length=1)
    constraint: tuple[ConstraintSpec, ...] = ()
    objective: ObjectiveSpec
    stop: StopSpec
    source: tuple[SourceSpec, ...] = Field(min_length=1)
    """The first answers the question itself; the others are judged by how they help it."""
    constants: dict[Name, str | int | float | bool] = Field(default_factory=dict)
    budget: Annotated[Amounts, BeforeValidator(_amounts)] = Amounts()
    """The most it may spend of each grant unit, at all owners together; what is not named is not bounded here."""
    conduct: Conduct = "run"
    """How far: `suggest` has owners say what they would take and carries nothing out; `approve` lets nothing start
    before a person has approved it; `run`. May be changed when the campaign is resumed."""
    baseline: BaselineSpec

    @model_validator(mode="after")
    def _is_consistent(self) -> CampaignSpec:
        _unique("parameter", [parameter.name for parameter in self.parameter])
        _unique("source", [source.name for source in self.source])
        for source in self.source:
            _unique(f"step of source {source.name}", [step.name for step in source.step])
            _check_bindings(self, source)
        if self.stop == StopSpec():
            raise ValueError("stop says nothing: give target, trials, price or least_gain")
        if (self.proposer == "agent") != (self.agent is not None):
            raise ValueError('proposer = "agent" and the table [agent] stand together')
        return self

    def capabilities(self) -> tuple[str, ...]:
        """Every capability it uses, once, in order."""
        return tuple(dict.fromkeys(step.capability for source in self.source for step in source.step))

    def source_named(self, name: str) -> SourceSpec:
        """One source.

        Raises:
            NotFound: none of that name.
        """
        for source in self.source:
            if source.name == name:
                return source
        raise NotFound("source", name, tuple(source.name for source in self.source))


def read_spec(path: Path) -> CampaignSpec:
    """Read a campaign file.

    Raises:
        Invalid: no such file, not TOML (with line and column), or a field that does not hold (named).
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"campaign file {path}", f"cannot be read ({error})") from None
    return parse_spec(text, what=f"campaign file {path}")


def parse_spec(text: str, *, what: str = "the campaign file") -> CampaignSpec:
    """The same from text already read."""
    value = parse_toml(text, what=what)
    if isinstance(value.get("budget"), dict):
        value["budget"] = {unit: Amounts.parse({unit: str(n)})[unit] for unit, n in value["budget"].items()}
    return CampaignSpec.read(value, what=what)


def check_against(spec: CampaignSpec, contracts: Mapping[str, Contract]) -> None:
    """Hold a campaign against the contracts it names, before anything is recorded.

    Raises:
        NotFound: a capability nobody offers.
        Invalid: an input without a value, of another unit, or whose range the contract does not allow; an objective
            that no step yields.
    """
    for source in spec.source:
        for step in source.step:
            if step.capability not in contracts:
                raise NotFound("capability", step.capability, tuple(sorted(contracts)))
            _check_step(spec, source, step, contracts[step.capability])
        _check_outputs(spec, source, contracts)


def inputs_of(
    spec: CampaignSpec,
    step: StepSpec,
    contract: Contract,
    values: Mapping[str, Any],
    outputs: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """The inputs of a step at a point: constants, parameters, and outputs of earlier steps."""
    inputs: dict[str, Any] = {}
    for name in contract.inputs.get("properties", {}):
        if name in step.set:
            inputs[name] = step.set[name]
        elif name in step.bind:
            first, _, second = step.bind[name].partition(".")
            inputs[name] = outputs[first][second] if second else values[first]
        elif name in values:
            inputs[name] = values[name]
        elif name in spec.constants:
            inputs[name] = spec.constants[name]
    return inputs


def outcome_of(
    spec: CampaignSpec, source: SourceSpec, outputs: Mapping[str, Mapping[str, Any]]
) -> tuple[float, float | None]:
    """The objective's value and its standard error (None where no step yields one) of a trial's outputs."""
    name = spec.objective.name
    step, _, output = source.value.get(name, f"{source.step[-1].name}.{name}").partition(".")
    error_step, _, error_output = source.error.get(name, f"{source.step[-1].name}.standard_error").partition(".")
    error = outputs.get(error_step, {}).get(error_output)
    return float(outputs[step][output]), None if error is None else float(error)


def _unique(kind: str, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{kind} {name!r} stands twice")


def _check_bindings(spec: CampaignSpec, source: SourceSpec) -> None:
    before: set[str] = set()
    known = {parameter.name for parameter in spec.parameter}
    for step in source.step:
        for target, bound in step.bind.items():
            first, dot, _ = bound.partition(".")
            if (dot and first not in before) or (not dot and first not in known):
                raise ValueError(
                    f"source {source.name}, step {step.name}: {target} is bound to {bound!r}, which is neither a "
                    "parameter nor an output of an earlier step"
                )
        before.add(step.name)


def _check_step(spec: CampaignSpec, source: SourceSpec, step: StepSpec, contract: Contract) -> None:
    where = f"source {source.name}, step {step.name} ({step.capability})"
    properties: dict[str, Any] = contract.inputs.get("properties", {})
    parameters = {parameter.name: parameter for parameter in spec.parameter}
    for name in (*step.set, *step.bind):
        if name not in properties:
            raise Invalid(where, f"the contract has no input {name!r}", f"it has {', '.join(properties)}")
    for name in contract.inputs.get("required", ()):
        bound = step.bind.get(name, name)
        if not (name in step.set or "." in bound or bound in parameters or bound in spec.constants):
            raise Invalid(where, f"nothing gives its input {name!r}", "name a parameter so, or use set or bind")
    for name, schema in properties.items():
        _check_object(where, name, step, schema)
        parameter = parameters.get(step.bind.get(name, name))
        if parameter is not None and name not in step.set:
            _check_range(where, parameter, schema)


def _check_object(where: str, name: str, step: StepSpec, schema: Mapping[str, Any]) -> None:
    """An object is an earlier step's output, or one that lies at this site and is named by its digest."""
    if not is_object(schema) or name not in step.set:
        return
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", str(step.set[name])):
        why = f"{name} is an object, and {step.set[name]!r} is no digest"
        raise Invalid(where, why, "put the file here first: yosegi object put")


def _check_range(where: str, parameter: ParameterSpec, schema: Mapping[str, Any]) -> None:
    unit = schema.get("unit", "1")
    if unit != parameter.unit:
        raise Invalid(
            where, f"{parameter.name} is in {parameter.unit!r} and the contract wants {unit!r}", "state it in that unit"
        )
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and parameter.low is not None and parameter.low < low:
        raise Invalid(where, f"{parameter.name} goes down to {parameter.low:g}, the contract to {low:g} {unit}")
    if high is not None and parameter.high is not None and parameter.high > high:
        raise Invalid(where, f"{parameter.name} goes up to {parameter.high:g}, the contract to {high:g} {unit}")


def _check_outputs(spec: CampaignSpec, source: SourceSpec, contracts: Mapping[str, Contract]) -> None:
    name = spec.objective.name
    steps = {step.name: contracts[step.capability] for step in source.step}
    step, _, output = source.value.get(name, f"{source.step[-1].name}.{name}").partition(".")
    properties = steps[step].outputs.get("properties", {}) if step in steps else {}
    if output not in properties:
        raise Invalid(
            f"source {source.name}",
            f"no step yields the objective {name!r}",
            f'say where it is read: value = {{ {name} = "step.output" }}',
        )
    unit = properties[output].get("unit", "1")
    if unit != spec.objective.unit:
        raise Invalid(
            f"source {source.name}", f"{name} comes in {unit!r} and the objective is in {spec.objective.unit!r}"
        )
