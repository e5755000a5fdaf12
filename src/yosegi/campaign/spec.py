"""What a team asks: the values of one campaign file. `spec_file` reads it, `spec_check` holds it against contracts."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    SerializerFunctionWrapHandler,
    StringConstraints,
    ValidationInfo,
    model_serializer,
    model_validator,
)

from yosegi.campaign.spec_consistency import Inconsistent, faults_of
from yosegi.core.amounts import Amounts
from yosegi.core.contract import Conduct
from yosegi.core.csv_text import first_twice
from yosegi.core.errors import NotFound
from yosegi.core.identifiers import CapabilityRef, CharterId, Key, PersonId, TeamId
from yosegi.core.values import Value

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,39}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=4000)]
Level = str | int | float | bool

CANDIDATE = "candidate"
"""The name under which a step's input is bound to the id of the candidate."""
AS_FAR_AS_READABLE = {"consistent": False}
"""The context of a validation that does not ask whether fields agree with each other."""


class ParameterSpec(Value):
    """One thing to vary, in a stated unit."""

    name: Name
    """Of the input it gives, or of what `bind` ties to one."""
    kind: Literal["continuous", "integer", "ordinal", "categorical"] = "continuous"
    """`ordinal` levels have an order, `categorical` ones have none."""
    low: float | None = None
    """The smallest value, in `unit`; may be left out where candidates give it."""
    high: float | None = None
    """The largest value, in `unit`."""
    levels: tuple[Level, ...] = ()
    """The levels of an ordinal (in order) or categorical parameter."""
    unit: str = "1"
    """UCUM, `1` for none."""
    log: bool = False
    """Whether steps are ratios, as of concentrations often; needs `low` above 0."""
    resolution: float | None = Field(default=None, gt=0)
    """The smallest step that can be made, in `unit`, counted from `low`; else that of the first source's contract."""


class ConstraintSpec(Value):
    """A linear constraint between parameters."""

    weights: dict[Name, float]
    """The weight of each parameter in the sum."""
    equals: float | None = None
    """The sum is this; excludes the other two."""
    at_least: float | None = None
    """The sum is at least this."""
    at_most: float | None = None
    """The sum is at most this."""
    of: CapabilityRef | None = None
    """The capability whose contract has it: set by the program where a constraint was taken over, not by you."""


class ObjectiveSpec(Value):
    """What is wanted of one outcome."""

    name: Name
    """The output that yields it, or the name under which a source's `value` says where it is read."""
    goal: Literal["minimise", "maximise", "target", "boundary", "explore"] = "minimise"
    """`target`: as near as possible to `target`; `boundary`: the outcome is a label, find where it changes; `explore`:
    learn it everywhere. The last two stand alone."""
    target: float | None = None
    """The wanted value, in `unit`, for `target`."""
    noise: float | None = Field(default=None, ge=0)
    """Standard deviation of one measurement, in `unit`, where it is known; else it is learned."""
    unit: str = "1"
    """UCUM; must be that of the output."""
    reference: float | None = None
    """With several objectives, the worst value of interest, in `unit`; else taken from the history."""


class LimitSpec(Value):
    """A bound that an outcome of any step must keep for a trial to count."""

    name: Name
    """The output, as for an objective."""
    at_least: float | None = None
    """The outcome is at least this, in `unit`."""
    at_most: float | None = None
    """The outcome is at most this, in `unit`."""
    unit: str = "1"
    """UCUM; must be that of the output."""
    noise: float | None = Field(default=None, ge=0)
    """Standard deviation of one measurement, in `unit`, where it is known."""

    def holds(self, value: float | None) -> bool:
        """Whether a measured value keeps the bound; a missing one does not."""
        if value is None:
            return False
        return (self.at_least is None or value >= self.at_least) and (self.at_most is None or value <= self.at_most)


class CautionSpec(Value):
    """How the limits are kept during the search, and not only by its answer. In an open space alone."""

    begin: tuple[dict[Name, Level], ...] = Field(min_length=1, max_length=16)
    """Points known to keep every limit; measured first."""
    probability: float = Field(default=0.98, ge=0.5, lt=1)
    """With which every point asked of the first source must be believed to keep every limit."""
    reach: float = Field(default=0.15, gt=0, le=1)
    """How far a point may be from one that was measured and kept them, as a share of each parameter's range."""
    again: int | None = Field(default=None, ge=2)
    """After so many trials the best is measured once more, since what is measured drifts."""


class StopSpec(Value):
    """When the campaign has its answer, or enough."""

    target: float | None = None
    """Stop when a trial of the first source reaches this value of the one objective, all limits kept; for the goal
    `target`, when it is so near."""
    trials: int | None = Field(default=None, ge=1)
    """Stop after so many completed trials of the first source; what was imported does not count."""
    price: float | None = Field(default=None, gt=0)
    """Stop when the trials sum to this, in the sources' price units."""
    least_gain: float | None = Field(default=None, gt=0)
    """Stop when the best next trial is expected to gain less, in the objective's unit per unit of price."""


def _alternatives(value: Any) -> Any:
    return dict.fromkeys(value, 1.0) if isinstance(value, list | tuple) else value


class ShipmentSpec(Value):
    """How samples come from the site that has them to the one where a step is done; people send and receive them."""

    batch: int = Field(default=1, ge=1, le=64)
    """So many samples go together: those that are made wait for the others, and no trial waits for the planner."""
    at_most_days: float = Field(default=7.0, gt=0, le=365)
    """A sample waits no longer than this for others; nor does it where no more are to come."""
    waiting: int | None = Field(default=None, ge=1, le=1024)
    """Trials whose samples are being made, wait or travel at once, before no more are proposed; by default two batches,
    one that gathers and one that travels, and never less than `batch`."""
    again: int = Field(default=0, ge=0, le=8)
    """How often a point is made again, as a new trial, whose sample was lost or came damaged."""

    @property
    def most_waiting(self) -> int:
        """`waiting`, or what it is by default."""
        return max(self.batch, 2 * self.batch if self.waiting is None else self.waiting)


class StepSpec(Value):
    """One step of a source's procedure.

    Inputs are found by name among the parameters and the constants; `set` gives constants and `bind` ties an input to
    a parameter, a column of the candidates, `candidate` (its id) or to an earlier step's output (`mix.sample`).
    """

    name: Name
    """Unique in its source."""
    capability: CapabilityRef
    """`site/name@version`."""
    any_of: Annotated[dict[CapabilityRef, Annotated[float, Field(gt=0)]], BeforeValidator(_alternatives)] = Field(
        default_factory=dict, max_length=16
    )
    """The same contract at other owners, where a trial may go as well: a list of their names; or a table that says what
    an answer there is worth beside one at `capability`, e.g. 0.5 where it costs half. Each trial goes where seconds
    times that are expected to be the least."""
    set: dict[Name, Level] = Field(default_factory=dict)
    """Inputs that stay the same; an object is named by its digest."""
    bind: dict[Name, Annotated[str, StringConstraints(pattern=r"^[A-Za-z]\w*(\.[A-Za-z]\w*)?$")]] = Field(
        default_factory=dict
    )
    """Inputs of another name than what gives them."""
    shipment: ShipmentSpec | None = None
    """How a sample that an earlier step made at another site comes here; without it, each is shipped by itself, and its
    trial keeps its place while it waits."""

    @model_validator(mode="after")
    def _has_other_owners(self) -> StepSpec:
        if self.capability in self.any_of:
            raise ValueError(f"any_of names {self.capability} again")
        return self

    @model_serializer(mode="wrap")
    def _without_unused(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        value: dict[str, Any] = dump(self)
        for name in ("any_of", "shipment"):
            if not getattr(self, name):
                value.pop(name, None)
        return value

    def alternatives(self) -> dict[str, float]:
        """Where the step may be asked for, and what an answer is worth there; `capability` first, at 1."""
        return {self.capability: 1.0, **self.any_of}


class PriceSpec(Value):
    """A price that depends on the point: `base` + the sum of `per` times value, in price units."""

    base: float = Field(default=0.0, ge=0)
    """In price units."""
    per: dict[Name, float] = Field(min_length=1)
    """Price units for one unit of each of these parameters, or numeric columns of the candidates."""

    def at(self, values: Mapping[str, Any]) -> float:
        """The price at a point, above zero."""
        return max(1e-12, self.base + sum(factor * _number(values.get(name)) for name, factor in self.per.items()))


class SourceSpec(Value):
    """One way to answer: a procedure of one or several steps, and what one trial of it is worth in price units."""

    name: Name
    """Unique in this file."""
    price: Annotated[float, Field(gt=0)] | PriceSpec
    """Of one trial, in units of your own that all sources share; `{ base, per }` where it depends on the point."""
    step: tuple[StepSpec, ...] = Field(min_length=1, max_length=16)
    """The steps, in order."""
    value: dict[Name, str] = Field(default_factory=dict)
    """Where each outcome is read, `step.output`; by default the last step that has an output of the same name."""
    error: dict[Name, str] = Field(default_factory=dict)
    """Where its standard error is read; by default the last step's `standard_error`, if it has one and there is one
    outcome alone."""

    def price_at(self, values: Mapping[str, Any]) -> float:
        """The price of a trial at a point."""
        return self.price.at(values) if isinstance(self.price, PriceSpec) else self.price


class CandidatesSpec(Value):
    """The finite table to choose from. In a file: `candidates = "samples.csv"`; on record: its columns."""

    file: str = ""
    """Where it was read, for people."""
    columns: dict[str, tuple[Level, ...]] = Field(min_length=1)
    """By name, a value a row; those that are parameters are chosen by, the others may be bound to inputs."""
    ids: tuple[str, ...] = Field(min_length=2)
    """A unique id a row: the column `id`, or the number of the row."""

    @model_validator(mode="after")
    def _is_rectangular(self) -> CandidatesSpec:
        for name, column in self.columns.items():
            if len(column) != len(self.ids):
                raise ValueError(f"column {name!r} has {len(column)} rows, and there are {len(self.ids)} ids")
        if (twice := first_twice(self.ids)) is not None:
            raise ValueError(f"id {twice!r} stands on two rows")
        return self

    @functools.cached_property
    def place(self) -> dict[str, int]:
        """The row of each id."""
        return {name: row for row, name in enumerate(self.ids)}

    def row(self, candidate: str) -> dict[str, Level]:
        """All columns of a candidate, and its id as `candidate`; nothing of one that is not in the table."""
        if (place := self.place.get(candidate)) is None:
            return {}
        return {name: column[place] for name, column in self.columns.items()} | {CANDIDATE: candidate}


class EarlierRow(Value):
    """One earlier measurement."""

    values: dict[str, Level]
    outcomes: dict[str, Level] = Field(default_factory=dict)
    errors: dict[str, float] = Field(default_factory=dict)
    status: Literal["done", "infeasible"] = "done"


class EarlierSpec(Value):
    """An earlier campaign, or a table, to learn from as long as it helps; aligned by name and unit."""

    name: Name = "earlier"
    """How explanations call it."""
    campaign: Key | None = None
    """A campaign of this home site that whoever starts this one may see."""
    table: str | None = None
    """A CSV file beside the campaign file: its columns are outcomes by their names, and parameters."""
    units: dict[str, str] = Field(default_factory=dict)
    """UCUM units of the table's columns whose header names none; else that of the same name in this campaign."""
    parameter: tuple[ParameterSpec, ...] = ()
    """On record: its parameters. Set by the program."""
    rows: tuple[EarlierRow, ...] = ()
    """On record: its measurements. Set by the program."""


class BaselineSpec(Value):
    """How this was done before, registered before the first trial."""

    description: Text
    """In words."""
    trials: float | None = Field(default=None, gt=0)
    """How many trials it took."""
    price: float | None = Field(default=None, gt=0)
    """What it cost, in the sources' price units."""


def _amounts(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    exact = any(isinstance(item, str | Decimal) for item in value.values())
    amounts = Amounts.parse(value) if exact else Amounts(value)
    # Amounts drop what is zero, and what a budget does not name is not bounded: 0 would mean its opposite.
    if nothing := [unit for unit in value if not amounts[unit]]:
        raise ValueError(f"{', '.join(nothing)} is 0: leave it out where it is not bounded, or give an amount")
    return amounts


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _several(value: Any) -> Any:
    """One objective may stand as one table, as every campaign file had it before there could be several."""
    if isinstance(value, ObjectiveSpec):
        return (value,)
    return [value] if isinstance(value, dict) else value


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
    """A team's question, its space, its sources, and when to stop. Immutable once started, but for extensions."""

    format: Literal["yosegi.campaign.v1"] = "yosegi.campaign.v1"
    name: Key
    """Unique at this home site."""
    title: Text
    """For people."""
    question: Text
    """What is asked, in a sentence."""
    charter: CharterId
    """The federation it is asked in."""
    team: TeamId
    """The team that asks."""
    challenge: TeamId | None = None
    """The challenge of the charter it is to help answer, one that the team works on."""
    on_behalf_of: PersonId
    """The member it acts for; alerts go to them."""
    purpose: Text
    """One that an agreement of the team names."""
    follows: Key | None = None
    """The campaign of this site that it goes on from, by name, if an agent started it because that one ended."""
    seed: int = Field(default=1, ge=0, le=2**31)
    """The same file and seed give the same proposals for the same answers."""
    parallel: int = Field(default=2, ge=1, le=64)
    """Trials of the first source that may be under way at once."""
    planner: Name = "gp"
    """`gp`, a baseline (`random`, `sobol`, `lhs`, `grid`), or a proposer of an installed package."""
    starts: int | None = Field(default=None, ge=1)
    """Points of a space-filling design before the model speaks; by default few."""
    proposer: Literal["planner", "agent"] | None = None
    """Who proposes: the planner alone, unless it says `agent`; the table `agent` says how both mix."""
    agent: AgentTerms | None = None
    """How points of an agent and the planner's mix, where an agent proposes."""
    parameter: tuple[ParameterSpec, ...] = Field(min_length=1)
    """What is varied."""
    constraint: tuple[ConstraintSpec, ...] = ()
    """Between continuous and integer parameters; those of the first source's contracts are taken over."""
    candidates: CandidatesSpec | None = None
    """The recipes or samples there are: a CSV file with a column for each parameter; without it the space is open."""
    objective: Annotated[tuple[ObjectiveSpec, ...], BeforeValidator(_several)] = Field(
        min_length=1, max_length=3, strict=False
    )
    """One to three."""
    limit: tuple[LimitSpec, ...] = Field(default=(), max_length=8)
    """Bounds that outcomes must keep."""
    caution: CautionSpec | None = None
    """For a machine that no trial may harm: the limits are kept during the search."""
    stop: StopSpec
    """When there is an answer, or enough; at least one of its fields."""
    source: tuple[SourceSpec, ...] = Field(min_length=1)
    """The first answers the question itself; the others are judged by how they help it."""
    constants: dict[Name, Level] = Field(default_factory=dict)
    """Inputs of any step that stay the same."""
    earlier: tuple[EarlierSpec, ...] = Field(default=(), max_length=8)
    """Earlier campaigns and tables to learn from."""
    budget: Annotated[Amounts, BeforeValidator(_amounts)] = Amounts()
    """The most it may spend of each grant unit, at all owners together; what is not named is not bounded here."""
    conduct: Conduct = "run"
    """How far: `suggest` has owners say what they would take and carries nothing out; `approve` lets nothing start
    before a person has approved it; `run`. May be changed when the campaign is resumed."""
    baseline: BaselineSpec
    """How this was done before."""

    @model_validator(mode="after")
    def _is_consistent(self, info: ValidationInfo) -> CampaignSpec:
        # Faults between fields are left to whoever says all that is wrong with a file at once.
        faults = [] if info.context == AS_FAR_AS_READABLE else [*faults_of(self, CANDIDATE)]
        if faults:
            raise Inconsistent(faults)
        return self

    @property
    def main(self) -> ObjectiveSpec:
        """The first objective."""
        return self.objective[0]

    @property
    def only(self) -> ObjectiveSpec | None:
        """The objective by which trials have one best; None where there are several, or none is better."""
        return self.main if len(self.objective) == 1 and self.main.goal not in ("boundary", "explore") else None

    @property
    def outcomes(self) -> tuple[str, ...]:
        """Names of the objectives and limits, in order."""
        return tuple(self.outcome_units)

    @property
    def outcome_units(self) -> dict[str, str]:
        """The UCUM unit of each objective and limit, in order."""
        return {one.name: one.unit for one in self.objective} | {one.name: one.unit for one in self.limit}

    @property
    def units(self) -> dict[str, str]:
        """The UCUM unit of each parameter and outcome."""
        return {one.name: one.unit for one in self.parameter} | self.outcome_units

    def keeps_limits(self, outcomes: Mapping[str, Any]) -> bool:
        """Whether what was measured keeps every limit."""
        return all(one.holds(outcomes.get(one.name)) for one in self.limit)

    def columns_of(self, candidate: str) -> dict[str, Level]:
        """What the table of candidates says of one beside its parameters; nothing in an open space."""
        return {} if self.candidates is None or not candidate else self.candidates.row(candidate)

    def record(self) -> dict[str, Any]:
        """The specification as it is recorded: what is not used is left out, as before there was such a thing."""
        value = self.model_dump(mode="json", exclude_none=True)
        for name in ("limit", "earlier"):
            if not value[name]:
                del value[name]
        if len(self.objective) == 1:
            value["objective"] = value["objective"][0]
        return value

    def capabilities(self) -> tuple[str, ...]:
        """Every capability it uses, once, in order."""
        return tuple(
            dict.fromkeys(ref for source in self.source for step in source.step for ref in step.alternatives())
        )

    def source_named(self, name: str) -> SourceSpec:
        """One source.

        Raises:
            NotFound: none of that name.
        """
        for source in self.source:
            if source.name == name:
                return source
        raise NotFound("source", name, tuple(source.name for source in self.source))
