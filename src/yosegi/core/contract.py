"""A capability's contract: immutable, typed, and the same bytes for everyone who names its digest."""

from __future__ import annotations

import functools
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from yosegi.core import canonical
from yosegi.core.amounts import Amounts
from yosegi.core.contract_terms import SENSITIVITIES as SENSITIVITIES
from yosegi.core.contract_terms import Conduct as Conduct
from yosegi.core.contract_terms import EffectClass as EffectClass
from yosegi.core.contract_terms import Kind as Kind
from yosegi.core.contract_terms import Sensitivity as Sensitivity
from yosegi.core.contract_terms import strictest as strictest
from yosegi.core.errors import Invalid
from yosegi.core.identifiers import CapabilityName
from yosegi.core.schema import Misfit, Schema, schema_of
from yosegi.core.values import Value

INLINE = 64 * 1024
"""Bytes of JSON that inputs, or outputs, may have; what is larger is an object."""


class TooLarge(Invalid):
    """Inputs or outputs that do not fit into a document."""

    def __init__(self, what: str, size: int) -> None:
        why = f"{size} bytes of JSON, and at most {INLINE} travel in a document"
        super().__init__(what, why, "pass what is large as an object: Annotated[Path, Object('text/csv')]")


class LinearConstraint(Value):
    """A linear constraint between inputs: the weighted sum equals, reaches or stays below a bound.

    Args:
        weights: weight of each input by name.
        equals: the sum equals this, within 1e-6 of its size.
        at_least: the sum is at least this.
        at_most: the sum is at most this.
    """

    weights: dict[str, float] = Field(min_length=1)
    equals: float | None = None
    at_least: float | None = None
    at_most: float | None = None

    def __init__(self, /, weights: dict[str, float] | None = None, **bounds: float) -> None:
        super().__init__(weights=weights, **bounds)  # type: ignore[call-arg]

    @property
    def formula(self) -> str:
        """The weighted sum, as people write it."""
        return " + ".join(name if weight == 1 else f"{weight:g}·{name}" for name, weight in self.weights.items())

    def broken_by(self, inputs: dict[str, Any]) -> str:
        """Why the inputs break the constraint, or the empty text."""
        total = 0.0
        for name, weight in self.weights.items():
            value = inputs.get(name)
            if isinstance(value, bool) or not isinstance(value, int | float):
                return f"{name} is constrained, and {'not given' if value is None else 'no number'}"
            total += weight * float(value)
        bounds = [bound for bound in (self.equals, self.at_least, self.at_most) if bound is not None]
        slack = 1e-6 * max(1.0, *map(abs, bounds), 0.0)
        formula = self.formula
        if self.equals is not None and abs(total - self.equals) > slack:
            return f"{formula} is {total:g} and must equal {self.equals:g}"
        if self.at_least is not None and total < self.at_least - slack:
            return f"{formula} is {total:g} and must be at least {self.at_least:g}"
        if self.at_most is not None and total > self.at_most + slack:
            return f"{formula} is {total:g} and must be at most {self.at_most:g}"
        return ""


class Fidelity(Value):
    """How well a capability answers: which output, at which level, with what known bias and noise."""

    of: str
    level: str
    noise: str = "unknown"
    bias: str = "unknown"


class Contract(Value):
    """What a capability promises. Its digest stands in every task, so a changed contract is another contract."""

    format: Literal["yosegi.contract.v1"] = "yosegi.contract.v1"
    name: CapabilityName
    title: Annotated[str, StringConstraints(min_length=3, max_length=200)]
    description: Annotated[str, StringConstraints(max_length=20_000)] = ""
    field: Annotated[str, StringConstraints(max_length=200)]
    kind: Kind
    effect: EffectClass = Field(strict=False)
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    constraints: tuple[LinearConstraint, ...] = Field(default=(), max_length=64)
    fidelity: Fidelity | None = None
    cost: Amounts = Amounts()
    """The most one task may cost, in milli-units of grant units; held before it starts."""
    time_limit: float = Field(default=60.0, gt=0, le=30 * 86400)
    """Seconds of wall time after which a task is ended by force."""
    approval: bool = False
    confirmed_by: Literal["second_person"] | None = None
    """Of work that a person does: an answer counts when somebody else of the owner's site has confirmed it."""
    can_query: bool = False
    can_cancel: Literal["queued", "running"] = "queued"
    on_revoked: Literal["finish", "safe_stop", "abort"] = "finish"
    safe_state: Annotated[str, StringConstraints(max_length=2000)] = ""
    stop_grace: float | None = Field(default=None, ge=0, le=3600)
    """Seconds it has, once asked, to reach its safe state before it is ended by force; the engine's own if None."""
    conduct: tuple[Conduct, ...] = ("suggest", "approve", "run")
    simulated: bool
    twin: CapabilityName | None = None
    """The simulated counterpart of an instrument, or the instrument a simulation stands for."""
    sensitivity: Sensitivity = "team"
    export_class: str = "none"

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        """Whatever is read of a schema or a constraint later is there, and of its type."""
        for side, schema in (("inputs", self.inputs), ("outputs", self.outputs)):
            try:
                schema_of(canonical.dumps(schema))
            except Invalid as error:
                raise ValueError(f"{side}: {error.why}") from None
            _check_fields(side, schema)
        for number, constraint in enumerate(self.constraints):
            for name in constraint.weights:
                part = self.inputs.get("properties", {}).get(name)
                if part is None or part.get("type", "number") not in ("number", "integer"):
                    found = "there is no such input" if part is None else f"it is a {part['type']}"
                    raise ValueError(f"constraints.{number}: {name!r} must be a number, and {found}")
        return self

    def check_inputs(self, inputs: dict[str, Any]) -> None:
        """Hold inputs against the schema and the linear constraints; an input left out counts as its default.

        Raises:
            TooLarge: more than `INLINE` bytes of JSON.
            Invalid: names the input, what it is and what it must be.
        """
        self._check(self._inputs, inputs, self.inputs, "inputs")
        for constraint in self.constraints:
            if broken := constraint.broken_by(self.defaults | inputs):
                raise Invalid(f"inputs of {self.name}", broken)

    def check_outputs(self, outputs: dict[str, Any]) -> None:
        """Hold outputs against the schema.

        Raises:
            TooLarge: more than `INLINE` bytes of JSON.
            Invalid: names the output, what it is and what it must be.
        """
        self._check(self._outputs, outputs, self.outputs, "outputs")

    @functools.cached_property
    def defaults(self) -> dict[str, Any]:
        """By name, what an input is that nobody gives; inputs that must be given are not among them."""
        properties: dict[str, dict[str, Any]] = self.inputs.get("properties", {})
        return {name: schema["default"] for name, schema in properties.items() if "default" in schema}

    @functools.cached_property
    def _inputs(self) -> Schema:
        return schema_of(canonical.dumps(self.inputs))

    @functools.cached_property
    def _outputs(self) -> Schema:
        return schema_of(canonical.dumps(self.outputs))

    def _check(self, schema: Schema, value: dict[str, Any], described: dict[str, Any], what: str) -> None:
        if (size := len(canonical.dumps(value))) > INLINE:
            raise TooLarge(f"{what} of {self.name}", size)
        try:
            schema.check(value, f"{what} of {self.name}")
        except Misfit as error:
            where = ".".join(str(part) for part in error.path)
            unit = described.get("properties", {}).get(where, {}).get("unit", "")
            raise Invalid(error.what, error.why, f"give {where} in {unit}" if unit not in ("", "1") else "") from None


def _check_fields(side: str, schema: dict[str, Any]) -> None:
    """Each input or output is described by an object, whose unit is a text.

    Raises:
        ValueError: one is not.
    """
    for name, part in schema.get("properties", {}).items():
        if not isinstance(part, dict):
            raise ValueError(f"{side}.properties.{name}: must be an object")
        if not isinstance(part.get("unit", ""), str):
            raise ValueError(f"{side}.properties.{name}.unit: must be a text")
