"""What a contract promises, in lines for people: what an input takes, and the terms under which a task is done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yosegi.core.contract import LinearConstraint
from yosegi.services.capabilities.schemas import ContractDetail


def taken(schema: Mapping[str, Any]) -> str:
    """What one input or output may be: its choices, or its range and how finely it can be set.

    Example:
        >>> taken({"type": "number", "minimum": 20, "maximum": 80, "resolution": 0.5})
        '20 to 80 in steps of 0.5'
        >>> taken({"enum": ["argon", "air"]})
        'argon | air'
        >>> taken({"type": "number", "exclusiveMinimum": 0})
        'above 0'
        >>> taken({"type": "string", "minLength": 1, "maxLength": 200})
        '1 to 200 characters'
    """
    if "enum" in schema or "const" in schema:
        return " | ".join(str(one) for one in schema.get("enum", [schema.get("const")]))
    parts = [
        f"{span}{of}"
        for low, high, of in (
            ("minimum", "maximum", ""),
            ("minLength", "maxLength", " characters"),
            ("minItems", "maxItems", " items"),
        )
        if (span := _span(schema, low, high))
    ]
    if "resolution" in schema:
        parts.append(f"in steps of {schema['resolution']}")
    if "default" in schema:
        parts.append(f"{schema['default']} if not given")
    return " ".join(parts)


def _span(schema: Mapping[str, Any], low: str, high: str) -> str:
    """From where to where, and whether the ends themselves are left out; nothing where it has no bound."""
    above, below = (f"exclusive{name[0].upper()}{name[1:]}" for name in (low, high))
    if low in schema and high in schema:
        return f"{schema[low]} to {schema[high]}"
    ends = [(low, "from"), (above, "above"), (high, "to"), (below, "below")]
    return " and ".join(f"{word} {schema[name]}" for name, word in ends if name in schema)


def bound_of(constraint: LinearConstraint) -> str:
    """A linear constraint as people write it.

    Example:
        >>> bound_of(LinearConstraint({"a": 1.0, "b": 2.0}, at_most=150.0))
        'a + 2·b ≤ 150'
    """
    signs = (("=", constraint.equals), ("≥", constraint.at_least), ("≤", constraint.at_most))
    return f"{constraint.formula} {' and '.join(f'{sign} {bound:g}' for sign, bound in signs if bound is not None)}"


def time_of(seconds: float) -> str:
    """A length of time, exactly: in days or hours where it is whole ones.

    Example:
        >>> time_of(900.0), time_of(7200.0), time_of(30 * 86400.0), time_of(1234567.5)
        ('900 s', '2 h', '30 d', '1234567.5 s')
    """
    for unit, length in (("d", 86400), ("h", 3600)):
        if seconds >= length and seconds % length == 0:
            return f"{seconds / length:.15g} {unit}"
    return f"{seconds:.15g} s"


def terms_of(contract: ContractDetail) -> list[tuple[str, str]]:
    """What else a person must know before asking for it, the name of each term with its words."""
    fidelity = contract.fidelity
    cost = ", ".join(f"{amount} {unit}" for unit, amount in contract.cost.items())
    told = [
        ("field", contract.field),
        ("may be used", contract.windows),
        ("constraints", "; ".join(map(bound_of, contract.constraints))),
        ("costs at most", cost or "nothing"),
        ("ended by force after", time_of(contract.time_limit)),
        (
            "fidelity",
            f"{fidelity.of} at level {fidelity.level}, noise {fidelity.noise}, bias {fidelity.bias}"
            if fidelity
            else "",
        ),
        ("a person approves each", "yes" if contract.approval else "no"),
        ("conduct", ", ".join(contract.conduct)),
        ("can be cancelled while", contract.can_cancel),
        ("the device can be asked what became of a task", "yes" if contract.can_query else "no"),
        ("when its right is revoked", contract.on_revoked),
        ("safe state", contract.safe_state),
        ("seconds to reach it", "" if contract.stop_grace is None else f"{contract.stop_grace:g}"),
        ("twin", contract.twin or ""),
        ("results are labelled", contract.sensitivity),
        ("export class", "" if contract.export_class == "none" else contract.export_class),
    ]
    return [(what, words) for what, words in told if words]
