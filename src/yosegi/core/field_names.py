"""Which fields there are where somebody named another, and which of them they may have meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import Any, get_args

_MOST = 12
"""Fields that are listed where none is near."""


def instead_of(model: Any, path: Sequence[str | int]) -> str:
    """What to write in place of an unknown field: the nearest, else all there are; empty where that is not known.

    Args:
        model: of the whole, a pydantic model.
        path: of the field, from the outside in; names of a union's branches in it are passed over.

    Example:
        >>> from yosegi.core.values import Value
        >>> class Sample(Value):
        ...     mass: float
        ...     holder: str = ""
        >>> instead_of(Sample, ("mas",)), instead_of(Sample, ("colour",))
        ('Did you mean mass?', 'Known here: holder, mass')
    """
    found: list[Any] = [model]
    for part in path[:-1]:
        inner = [one for kind in found for one in _inside(kind, part)]
        # A part that is no field's is the name of the branch of a union that was tried.
        found = inner or found
    known = sorted({name for kind in found for name in _fields(kind)})
    if near := difflib.get_close_matches(str(path[-1]), known, 1):
        return f"Did you mean {near[0]}?"
    return f"Known here: {', '.join(known)}" if 0 < len(known) <= _MOST else ""


def _models(kind: Any) -> Iterator[Any]:
    """The models in a type: itself, or what stands in a union, a list or a table of it."""
    if hasattr(kind, "model_fields"):
        yield kind
    else:
        for one in get_args(kind):
            yield from _models(one)


def _fields(kind: Any) -> Iterator[str]:
    for model in _models(kind):
        yield from (field.alias or name for name, field in model.model_fields.items())


def _inside(kind: Any, part: str | int) -> Iterator[Any]:
    """The types of a field, or of an element."""
    if isinstance(part, int) or not hasattr(kind, "model_fields"):
        yield from _models(kind)
        return
    for name, field in kind.model_fields.items():
        if part in (name, field.alias):
            yield field.annotation
