"""One tool a capability, where the person wants it: its input is the contract's, with units, and no word of its owner.

A tool's description and the names in its schema stand where a model looks for instructions, so nothing there is the
owner's: titles, descriptions and examples of the contract are left out, and a capability whose inputs are not called by
plain names has no tool of its own. What the owner says of it is told by `describe_capability`, as data.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

from pydantic import Field

from yosegi.core.contract import Contract
from yosegi.governance.mandates.mandate import Mandate
from yosegi.http.bodies import Body
from yosegi.mcp.tool import Call, Tool
from yosegi.mcp.tools.tasks import MadeOnce, TaskAnswer, TaskWanted, ask
from yosegi.services.runtime import Site

MOST = 64
"""Tools of this kind that one client is shown."""
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
_UNIT = re.compile(r"[A-Za-z0-9%./*^\[\]{}'_-]{1,30}")
_NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems", "maxItems")
_TYPES = frozenset({"number", "integer", "string", "boolean", "array", "object"})


class UseCapability(Body):
    """The inputs of one capability, and what stands for every task."""

    inputs: dict[str, Any]
    purpose: Annotated[str, Field(min_length=1, max_length=200)] = "research"
    key: MadeOnce = ""


def tools_of(site: Site, mandate: Mandate) -> dict[str, Tool[Any]]:
    """A tool for each capability that a mandate names and lets its holder run or have approved, by name."""
    conduct = mandate.right.furthest
    if conduct is None:
        return {}
    found: dict[str, Tool[Any]] = {}
    for line in site.catalogue.listings(mandate.charter):
        inputs = plain_inputs(line.contract) if mandate.right.covers(line.ref) else None
        if inputs is None or len(found) >= MOST:
            continue
        name = tool_name(line.ref)
        found[name] = Tool(
            name,
            f"Use {line.ref}",
            f"Ask for one task of the capability {line.ref} with conduct {conduct}; describe_capability says more.",
            UseCapability,
            TaskAnswer,
            partial(_use, line.ref, mandate, conduct),
            needs=conduct,
            schema=_schema(inputs, mandate),
        )
    return found


def tool_name(ref: str) -> str:
    """The name of a capability's tool: letters, digits, `_`, `-` and `.`, at most 128 (SEP-986).

    Example:
        >>> tool_name("nims/colour.mix@1")
        'use.nims.colour.mix.1'
    """
    return "use." + re.sub(r"[^A-Za-z0-9_.-]", ".", ref)[:120]


async def _use(ref: str, mandate: Mandate, conduct: str, call: Call, asked: UseCapability) -> TaskAnswer:
    terms = {"charter": mandate.charter, "team": mandate.team, "capability": ref, "conduct": conduct}
    said = {"inputs": asked.inputs, "purpose": asked.purpose, "key": asked.key}
    return await ask(call, TaskWanted.model_validate(terms | said))


def _schema(inputs: Mapping[str, Any], mandate: Mandate) -> dict[str, Any]:
    schema: dict[str, Any] = UseCapability.model_json_schema()
    properties = schema["properties"] | {"inputs": dict(inputs)}
    properties["purpose"] = {"type": "string", "enum": list(mandate.right.purposes)}
    return schema | {"properties": properties, "required": ["inputs", "purpose"]}


def plain_inputs(contract: Contract) -> dict[str, Any] | None:
    """A contract's inputs by type, unit and bounds alone; None where a name could be read as something else."""
    properties = contract.inputs.get("properties", {})
    if not all(_PLAIN.fullmatch(name) for name in properties):
        return None
    return {
        "type": "object",
        "properties": {name: _plain(schema) for name, schema in properties.items()},
        "required": [name for name in contract.inputs.get("required", ()) if name in properties],
    }


def _plain(schema: Any) -> dict[str, Any]:
    if not isinstance(schema, Mapping):
        return {}
    kept: dict[str, Any] = {}
    if schema.get("type") in _TYPES:
        kept["type"] = schema["type"]
    kept |= {name: schema[name] for name in _NUMBERS if isinstance(schema.get(name), int | float)}
    unit = schema.get("unit")
    if isinstance(unit, str) and _UNIT.fullmatch(unit):
        kept["unit"] = unit
    choices = schema.get("enum")
    if isinstance(choices, list) and len(choices) <= 64 and all(_is_plain(choice) for choice in choices):
        kept["enum"] = choices
    if isinstance(schema.get("items"), Mapping):
        kept["items"] = _plain(schema["items"])
    return kept


def _is_plain(choice: Any) -> bool:
    return isinstance(choice, int | float) or (isinstance(choice, str) and bool(_PLAIN.fullmatch(choice)))
