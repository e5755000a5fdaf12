"""A capability in Python is a typed function with a decorator; its contract follows from types and docstring.

Example:
    >>> from typing import Annotated
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Doubled:
    ...     length: Annotated[float, quantity("m")]
    >>> @capability("demo.double@1", kind="analysis", effect="pure", field="mathematics", simulated=True)
    ... def double(length: Annotated[float, quantity("m", ge=0)]) -> Doubled:
    ...     '''Twice a length.
    ...
    ...     Args:
    ...         length: what to double.
    ...     '''
    ...     return Doubled(2 * length)
    >>> double(3.0)
    Doubled(length=6.0)
    >>> double.contract.inputs["properties"]["length"]
    {'description': 'what to double.', 'minimum': 0, 'type': 'number', 'unit': 'm'}
"""

from __future__ import annotations

import functools
import inspect
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Generic, Literal, ParamSpec, TypeVar, get_type_hints

from pydantic import ConfigDict, Field, create_model

from yosegi.core.amounts import Amounts
from yosegi.core.contract import Contract, EffectClass, Fidelity, Kind, LinearConstraint
from yosegi.core.errors import Invalid, YosegiError
from yosegi.core.object import Object, object_of
from yosegi.core.samples import SAMPLE

__all__ = [
    "Capability",
    "Context",
    "Fidelity",
    "Infeasible",
    "LinearConstraint",
    "NeverHappened",
    "Object",
    "Stopped",
    "capability",
    "quantity",
    "sample",
]

OUT = "yosegi-out"
"""The folder, in a task's own, where its outputs that are objects lie when it has ended."""

P = ParamSpec("P")
R = TypeVar("R")


class Infeasible(YosegiError):
    """The point has no answer. The planner learns to avoid its neighbourhood; nothing is wrong with the site."""

    code = "infeasible"

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(f"no answer at this point: {why}")


class Stopped(YosegiError):
    """The capability was asked to stop, and has reached its safe state.

    Args:
        why: where it stopped, for people.
        effect: what it had done to the world by then; where it does not say, work that may not be repeated is of
            unknown effect.
    """

    code = "stopped"

    def __init__(self, why: str, effect: Literal["", "none", "done"] = "") -> None:
        self.why, self.effect = why, effect
        super().__init__(f"stopped as asked: {why}")


class NeverHappened(YosegiError):
    """A device that is asked by key says that it has not done this, and never will: raised by a query function."""

    code = "never_happened"

    def __init__(self, why: str = "the device knows nothing of this key") -> None:
        self.why = why
        super().__init__(why)


def quantity(
    unit: str,
    *,
    ge: float | None = None,
    le: float | None = None,
    gt: float | None = None,
    lt: float | None = None,
    resolution: float | None = None,
) -> Any:
    """A number with a UCUM unit (`"1"` for none), bounds, and the finest step that makes a difference."""
    extra: dict[str, Any] = {"unit": unit} | ({} if resolution is None else {"resolution": resolution})
    return Field(ge=ge, le=le, gt=gt, lt=lt, json_schema_extra=extra)


def sample() -> Any:
    """Marks a `str` as the identity of a physical sample, taken in or yielded."""
    return Field(json_schema_extra={"format": SAMPLE}, min_length=1, max_length=200)


@dataclass
class Context:
    """What a running capability may know of its task, taken as a parameter named `context`.

    Args:
        key: the task's key; the same for every attempt at it.
        seed: derived from the key alone, so that a `pure` task repeats exactly.
        folder: scratch space, removed after the task.
        files: where the objects among the inputs lie, read-only, by name.
        state: the durable folder of the instrument (stations only).
        spent: actual cost so far; the contract's cost where nothing is spent explicitly.
        stopping: behind `stop_requested`.
    """

    key: str
    seed: int
    folder: Path = Path()
    files: Mapping[str, Path] = field(default_factory=dict)
    state: Path | None = None
    spent: dict[str, int] = field(default_factory=dict)
    report: Callable[[float, str], None] = lambda fraction, text: None
    stopping: Callable[[], bool] = lambda: False

    @property
    def stop_requested(self) -> bool:
        """Whether somebody wants this task to stop, or its time is up: reach the safe state and raise `Stopped`.

        Look at it between two steps. After an abort, or at the time limit, the process is ended by force when the
        contract's `stop_grace` is over; after a safe stop it may go on to its end.
        """
        return self.stopping()

    def spend(self, unit: str, amount: Decimal | str | int) -> None:
        """Count actual cost, in whole units as an exact decimal.

        Raises:
            Invalid: an unknown unit, or an amount finer than a thousandth.
        """
        total = Amounts(self.spent) + Amounts.parse({unit: str(amount)})
        self.spent = dict(total)

    def progress(self, fraction: float, text: str = "") -> None:
        """Say how far the task is, from 0 to 1."""
        self.report(min(1.0, max(0.0, fraction)), text)


Query = Callable[[Context, dict[str, Any]], Any]
"""A query function: the context of the task asked about, and its inputs."""


class Capability(Generic[P, R]):
    """A function with its contract. Calling it calls the function."""

    def __init__(self, function: Callable[P, R], contract: Contract, query: Query | None = None) -> None:
        self.function, self.contract, self.query = function, contract, query
        self.takes_context = "context" in inspect.signature(function).parameters
        """Whether the function has a parameter `context`, and so can hear that it is to stop."""
        functools.update_wrapper(self, function)
        hints = get_type_hints(function, function.__globals__, include_extras=True)
        yields = _fields_of(hints.pop("return", None), function)
        self._takes, self._yields = _objects(hints), _objects(yields)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """The function itself."""
        return self.function(*args, **kwargs)

    def run(self, inputs: dict[str, Any], context: Context) -> dict[str, Any]:
        """Check the inputs, call the function, and check what it returns.

        An input that is an object is read from `context.files`; an output that is one is left as the file of its name
        in the folder `OUT`, and stands in what is returned as a reference without its digest.

        Raises:
            Invalid: inputs or outputs do not hold what the contract says.
            Infeasible: the point has no answer.
        """
        self.contract.check_inputs(inputs)
        return self.call(inputs, context)

    def call(self, inputs: dict[str, Any], context: Context) -> dict[str, Any]:
        """`run` with inputs that were checked already.

        Raises:
            Invalid: outputs do not hold what the contract says.
            Infeasible: the point has no answer.
        """
        extra = {"context": context} if self.takes_context else {}
        files = {name: self._takes[name].read(path) for name, path in context.files.items()}
        return self._checked(self.function(**(inputs | files), **extra), context)  # type: ignore[arg-type, call-arg]

    def ask(self, inputs: dict[str, Any], context: Context) -> dict[str, Any]:
        """Ask the device what became of the task of `context.key`: its outputs, checked, if it was done.

        Raises:
            NeverHappened: it was not done and never will be.
            Invalid: the outputs do not hold what the contract says, or nobody can be asked.
        """
        if self.query is None:
            raise Invalid(f"capability {self.contract.name}", "has no query function")
        return self._checked(self.query(context, inputs), context)

    def _checked(self, result: Any, context: Context) -> dict[str, Any]:
        outputs = asdict(result) if is_dataclass(result) and not isinstance(result, type) else result
        if not isinstance(outputs, dict):
            raise Invalid(f"outputs of {self.contract.name}", f"a {type(result).__name__} and not its return type")
        for name, kind in self._yields.items():
            if outputs.get(name) is not None:
                try:
                    outputs[name] = kind.write(outputs[name], context.folder / OUT / name)
                except ValueError as error:
                    raise Invalid(f"outputs of {self.contract.name}", f"{name}: {error}") from None
        outputs = {name: value.item() if hasattr(value, "item") else value for name, value in outputs.items()}
        self.contract.check_outputs(outputs)
        return outputs

    def __repr__(self) -> str:
        return f"<capability {self.contract.name}: {self.contract.title}>"


def capability(
    name: str,
    *,
    kind: Kind,
    effect: str,
    field: str,
    simulated: bool,
    cost: Mapping[str, str] | None = None,
    constraints: Sequence[LinearConstraint] = (),
    fidelity: Fidelity | None = None,
    query: Query | None = None,
    **terms: Any,
) -> Callable[[Callable[P, R]], Capability[P, R]]:
    """Make a typed function a capability; see `Contract` for the further terms.

    Args:
        name: `name@version`, e.g. `colour.mix@1`.
        kind: what sort of thing it is.
        effect: its effect class (`EffectClass`).
        field: the field of science.
        simulated: whether the world behind it is simulated; shown wherever it appears.
        cost: the most one task may cost, exact decimals of whole units, e.g. `{"node_h": "0.05"}`.
        constraints: linear constraints between inputs.
        fidelity: which output it answers, and how well.
        query: asks the device what became of a task, by `context.key`; returns what the function would have, or
            raises `NeverHappened`, or anything else if it cannot tell. Effect class `queryable` needs one.
        terms: any other field of `Contract`.

    Raises:
        Invalid: a parameter without type, a docstring without title, a term no contract has, or `queryable` and
            nothing to query with.
    """
    if query is None and effect == "queryable":
        raise Invalid(f"capability {name}", "queryable, and has no query function", "give query=, or say consuming")

    def decorate(function: Callable[P, R]) -> Capability[P, R]:
        title, description, about = _read_docstring(function)
        hints = get_type_hints(function, function.__globals__, include_extras=True)
        hints.pop("context", None)
        returns = hints.pop("return", None)
        if not (isinstance(returns, type) and is_dataclass(returns)):
            raise Invalid(f"capability {name}", "no return type", "return a frozen dataclass of typed fields")
        outputs = {n: (hint, ...) for n, hint in _fields_of(returns, function).items()}
        try:
            contract = Contract(
                name=name,
                title=title,
                description=description,
                field=field,
                kind=kind,
                effect=EffectClass(effect),
                inputs=_schema("Inputs", _parameters(function, hints), about),
                outputs=_schema("Outputs", outputs, {}),
                constraints=tuple(constraints),
                fidelity=fidelity,
                cost=Amounts.parse(cost or {}),
                simulated=simulated,
                can_query=query is not None,
                **terms,
            )
        except ValueError as error:
            raise Invalid(f"capability {name}", str(error)) from None
        return Capability(function, contract, query)

    return decorate


def _objects(hints: Mapping[str, Any]) -> dict[str, Object]:
    """Which of them are objects."""
    return {name: found for name, hint in hints.items() if (found := object_of(hint)) is not None}


def _fields_of(returns: Any, function: Callable[..., Any]) -> dict[str, Any]:
    """The types of what a function returns, which may be defined in another module than the function."""
    where = vars(sys.modules[returns.__module__]) if returns.__module__ in sys.modules else {}
    return get_type_hints(returns, function.__globals__, where, include_extras=True)


def _parameters(function: Callable[..., Any], hints: dict[str, Any]) -> dict[str, Any]:
    """Type and default of each parameter, as pydantic's `create_model` takes them."""
    fields: dict[str, Any] = {}
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name == "context":
            continue
        if parameter.name not in hints:
            raise Invalid(f"capability {function.__name__}", f"parameter {parameter.name} has no type")
        default = ... if parameter.default is inspect.Parameter.empty else parameter.default
        fields[parameter.name] = (hints[parameter.name], default)
    return fields


def _schema(name: str, fields: dict[str, Any], about: dict[str, str]) -> dict[str, Any]:
    model = create_model(name, __config__=ConfigDict(extra="forbid"), **fields)
    schema = model.model_json_schema()
    for field_name, text in about.items():
        if field_name in schema.get("properties", {}):
            schema["properties"][field_name]["description"] = text
    return _tidy(schema)


def _tidy(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without generated titles, closed to unknown properties, its keys sorted."""

    def walk(node: Any, named: bool = False) -> Any:
        if isinstance(node, dict):
            kept = {k: walk(v, k in ("properties", "$defs")) for k, v in node.items() if named or k != "title"}
            if not named and kept.get("type") == "object" and "properties" in kept:
                kept.setdefault("additionalProperties", False)
            return dict(sorted(kept.items()))
        return [walk(item) for item in node] if isinstance(node, list) else node

    tidy: dict[str, Any] = walk(schema)
    tidy.setdefault("properties", {})
    return tidy | {"$schema": "https://json-schema.org/draft/2020-12/schema"}


def _read_docstring(function: Callable[..., Any]) -> tuple[str, str, dict[str, str]]:
    """Title, description and the text of each argument, from a docstring in Google's style."""
    text = inspect.getdoc(function) or ""
    title, _, rest = text.partition("\n")
    if not title.strip():
        raise Invalid(f"capability {function.__name__}", "no docstring", "its first line is the capability's title")
    head, *sections = re.split(r"^(?=(?:Args|Returns|Raises|Example|Examples):\s*$)", rest, flags=re.MULTILINE)
    about: dict[str, str] = {}
    for section in sections:
        if section.startswith("Args:"):
            for name, words in re.findall(r"^ {4}(\w+)(?: \([^)]*\))?: ((?:.|\n {5,})*)", section, re.MULTILINE):
                about[name] = " ".join(words.split())
    return title.strip().rstrip("."), head.strip(), about
