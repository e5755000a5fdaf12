"""What Bluesky plans take: their parameters, and a capability around each, drafted for a person to edit."""

from __future__ import annotations

import importlib
import inspect as python
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from yosegi.core.errors import Invalid, NotFound
from yosegi.core.sanitize import in_docstring, one_line

_PLAIN: Final = (bool, int, float, str)
_DETECTOR: Final = re.compile(r"^(det|dets|detector|detectors)$")
_MOTOR: Final = re.compile(r"(^|_)(motor|axis|mover)$")
"""Names by which plans without annotations commonly call what they read and move."""

Role = Literal["input", "detectors", "detector", "motor", "default", "unknown"]


@dataclass(frozen=True, slots=True)
class PlanParameter:
    """One parameter of a plan.

    Args:
        name: of the parameter; with a star where it takes any number.
        role: `input` of the capability; `detectors`, `detector` or `motor` are devices; `default` is left at its
            default; `unknown` is for a person to give.
        kind: its plain type; None where it has none.
        default: as it stands in the signature; None where it must be given.
        annotation: as it stands in the signature.
    """

    name: str
    role: Role
    kind: type | None = None
    default: str | None = None
    annotation: str = ""

    def __str__(self) -> str:
        """For a list: name, type, default, and what it is here."""
        shown = self.kind.__name__ if self.kind is not None else self.annotation or "no annotation"
        by = "" if self.default is None else f" = {self.default}"
        return f"{self.name}: {shown}{by} ({_ROLES[self.role]})"


_ROLES: Final[dict[Role, str]] = {
    "input": "an input", "detectors": "devices that are read", "detector": "a device that is read",
    "motor": "a device that is moved", "default": "left at its default", "unknown": "TODO: give it",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class FoundPlan:
    """A plan: a function that yields messages.

    Args:
        module: it is imported from.
        name: of the function.
        about: the first sentence of its docstring.
        parameters: in their order.
    """

    module: str
    name: str
    about: str
    parameters: tuple[PlanParameter, ...]


def inspect(folder: Path, names: Iterable[str]) -> str:
    """What these plans take, and a draft; for `yosegi station inspect --by bluesky`. Nothing is run.

    Args:
        folder: of the station.
        names: `package.module:plan`, or `package.module` for all its plans.

    Raises:
        NotFound: there is no such plan.
        Invalid: the module cannot be imported.
    """
    plans = [plan for name in names for plan in find_plans(name)]
    told = []
    for plan in plans:
        told.append(f"# {plan.module}:{plan.name}: {plan.about or 'no docstring'}")
        told += [one_line(f"#   {one}") for one in plan.parameters]
    return "\n".join([*told, "", draft(plans)])


def find_plans(name: str) -> list[FoundPlan]:
    """The plan of that name, or all plans that a module itself defines.

    Raises:
        NotFound: there is none.
        Invalid: the module cannot be imported.
    """
    module_name, _, function = name.partition(":")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # a module may raise anything while it is imported
        why = f"{type(error).__name__}: {error}"
        raise Invalid(f"module {module_name}", why, "install it where the station runs") from error
    known = {
        key: value
        for key, value in vars(module).items()
        if not key.startswith("_") and _is_plan(value) and (key == function or value.__module__ == module_name)
    }
    wanted = [function] if function else sorted(known)
    if not wanted or any(one not in known for one in wanted):
        raise NotFound("plan", name, tuple(sorted(known)))
    return [_found(module_name, one, known[one]) for one in wanted]


def _is_plan(value: Any) -> bool:
    return python.isfunction(value) and python.isgeneratorfunction(python.unwrap(value))


def _found(module: str, name: str, plan: Any) -> FoundPlan:
    about = (python.getdoc(plan) or "").strip().partition("\n")[0].rstrip(".")
    try:
        hints = get_type_hints(python.unwrap(plan))
    except (NameError, TypeError, AttributeError):  # an annotation may name what is not there
        hints = {}
    parameters = python.signature(plan).parameters.values()
    return FoundPlan(module, name, about, tuple(_parameter(one, hints.get(one.name)) for one in parameters))


def _parameter(one: python.Parameter, hint: Any) -> PlanParameter:
    default = None if one.default is one.empty else repr(one.default)
    if one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD):
        stars = "*" if one.kind is one.VAR_POSITIONAL else "**"
        return PlanParameter(f"{stars}{one.name}", "unknown", annotation=_shown(hint))
    kind = _plain(hint)
    if kind is None and hint is None and type(one.default) in _PLAIN:
        kind = type(one.default)
    if kind is not None and (default is not None or hint is not None):
        return PlanParameter(one.name, "input", kind, default, _shown(hint))
    role: Role = "default" if default is not None else _device(one.name, hint)
    return PlanParameter(one.name, role, None, default, _shown(hint))


def _plain(hint: Any) -> type | None:
    """The one plain type of an annotation, which may also allow None."""
    parts = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    plain = [part for part in parts if part is not NoneType]
    return plain[0] if len(plain) == 1 and plain[0] in _PLAIN else None


def _device(name: str, hint: Any) -> Role:
    text = _shown(hint)
    several = python.isclass(get_origin(hint)) and issubclass(get_origin(hint), Iterable)
    if "Readable" in text or (not text and _DETECTOR.search(name)):
        many = several if text else name.endswith("s")
        return "detectors" if many else "detector"
    if ("Movable" in text and not several) or (not text and _MOTOR.search(name)):
        return "motor"
    return "unknown"


def _shown(hint: Any) -> str:
    if hint is None:
        return ""
    return re.sub(r"\b(\w+\.)+", "", hint.__name__ if python.isclass(hint) and not get_args(hint) else str(hint))


def draft(plans: Sequence[FoundPlan]) -> str:
    """Python of a capability around each plan.

    Args:
        plans: what `find_plans` found.
    """
    return _HEAD + "".join(_capability(plan) for plan in plans)


def _capability(plan: FoundPlan) -> str:
    inputs = [one for one in plan.parameters if one.role == "input"]
    needed = [f"{one.name}: {_typed(one)}" for one in inputs if one.default in (None, "None")]
    free = [f"{one.name}: {_typed(one)} = {one.default}" for one in inputs if one.default not in (None, "None")]
    given = []
    for one in plan.parameters:
        if one.role == "default":
            continue
        keyword = one.name if one.role != "unknown" or not one.name.startswith("*") else ""
        value = _GIVEN.get(one.role, one.name if one.role == "input" else "...")
        given.append(f"{keyword}={value}" if keyword else f"*{value}")
    todo = [one.name for one in plan.parameters if one.role == "unknown"]
    about = in_docstring(plan.about or "TODO: what it does") + "."
    return _CAPABILITY.format(
        id=re.sub(r"_+", "_", plan.name).strip("_"), name=plan.name, module=plan.module,
        takes=", ".join([*needed, "context: Context", *free]), about=about,
        given=", ".join(given), todo=f"  # TODO: {', '.join(todo)}" if todo else "",
    )  # fmt: skip


_GIVEN: Final = {
    "detectors": "[Readable(devices, name) for name in READ]",
    "detector": "Readable(devices, READ[0])",
    "motor": "Movable(devices, MOVED)",
}


def _typed(one: PlanParameter) -> str:
    if one.kind in (int, float):
        return f'Annotated[{one.kind.__name__}, quantity("1")]'
    return one.kind.__name__ if one.kind is not None else "str"


_HEAD: Final = '''"""Drafted from what the plans take. Edit every TODO, then: yosegi capability check THIS_MODULE"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from yosegi.core.capability import Context, Object, capability, quantity
from yosegi_packs.devices import Devices, Variable

VARIABLES: list[Variable] = []  # TODO: as `yosegi station inspect FOLDER PV ...` drafts them
READ: list[str] = []  # TODO: names of variables that are read
MOVED = ""  # TODO: the name of the variable that is moved


@dataclass(frozen=True)
class Documents:
    """Bluesky's documents, and how many events there are."""

    events: Annotated[int, quantity("1", ge=0)]
    documents: Annotated[Path, Object("application/x-ndjson", most="20 MB")]
'''

_CAPABILITY: Final = '''

@capability(
    "plan.{id}@1", kind="instrument", effect="stateful", field="instruments", simulated=False, time_limit=600,
    on_revoked="safe_stop", stop_grace=60, safe_state="TODO: everything is back where it was, verified",
)
def {name}({takes}) -> Documents:
    """{about}"""
    # TODO: units and bounds of the inputs: quantity("mm", ge=0, le=10).
    from {module} import {name} as plan

    from yosegi_packs.devices.plans import Movable, Readable, run_plan

    with Devices(VARIABLES, context, simulated=False, restore=True) as devices:
        run = run_plan(plan({given}), context){todo}
        return Documents(run.events, run.documents)
'''
