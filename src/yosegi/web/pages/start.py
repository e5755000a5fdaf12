"""The page on which a campaign is written, from a contract or pasted, checked as it is typed, and started."""

from __future__ import annotations

from typing import Any

import tomlkit
from fastapi import APIRouter, Response

from yosegi.core.errors import Refused, YosegiError
from yosegi.core.object import is_object
from yosegi.identity.accounts import Session
from yosegi.services.answer import JsonObject
from yosegi.services.campaigns.schemas import CampaignFinding
from yosegi.services.capabilities.schemas import ContractDetail
from yosegi.services.runtime import Site
from yosegi.web.pages.caller import Caller, Form, Here, act, guarded_form, show, signed_in

router = APIRouter(include_in_schema=False)
_BY_NUMBER = ("number", "integer")


@router.get("/start")
async def start(caller: Here, capability: str = "") -> Response:
    """The form; with a capability, a file drafted from its contract."""
    session = signed_in(caller)
    listings = [one.ref for one in caller.site.catalogue.summaries()]
    text = drafted(caller.site, session, caller.site.catalogue.show(capability)) if capability else ""
    return show(caller, "start", page="start", refs=listings, capability=capability, text=text, told=None)


@router.post("/start/check")
async def check(caller: Here) -> Response:
    """What would be said of what is typed; nothing is started."""
    session, form = await guarded_form(caller)
    return Response(
        caller.look(session).render("start_check", told=told_of(caller, session, form)), media_type="text/html"
    )


@router.post("/start")
async def begin(caller: Here) -> Response:
    """Start it."""

    async def do(session: Session, form: Form) -> None:
        file = caller.site.campaigns.read_file(form.get("spec", ""), _tables(form), session)
        await caller.site.campaigns.start(file.spec, session, lines=file.lines)

    return await act(caller, "", do)


def told_of(caller: Caller, session: Session, form: Form) -> dict[str, Any]:
    """Findings of a text, or that there are none and what one trial may cost."""
    if not form.get("spec", "").strip():
        return {"findings": (), "cost": None, "taken_over": (), "notes": ()}
    try:
        found = caller.site.campaigns.check_file(form.get("spec", ""), _tables(form), session)
    except YosegiError as error:
        code = caller.w.code(error.reasons[0]) if isinstance(error, Refused) and error.reasons else ""
        one = CampaignFinding(line=0, where="", why=code or str(error), todo="")
        return {"findings": (one,), "cost": None, "taken_over": (), "notes": ()}
    return {"findings": found.findings, "cost": found.cost, "taken_over": found.taken_over, "notes": found.notes}


def _tables(form: Form) -> dict[str, str]:
    table = form.get("table", "")
    return {form.get("table_name", "table.csv"): table} if table else {}


def drafted(site: Site, session: Session, offered: ContractDetail) -> str:
    """A campaign file over one capability: all inputs as parameters in their bounds, the first number as objective."""
    ref, inputs, outputs = offered.ref, _properties(offered.inputs), _properties(offered.outputs)
    charters = site.registry.charters()
    charter = charters[0] if charters else ""
    teams = sorted(site.authorizer.teams_of(session.person))
    numbers = [(name, schema) for name, schema in outputs.items() if schema.get("type") in _BY_NUMBER]
    objective, schema = numbers[0] if numbers else ("", {})
    value: dict[str, Any] = {
        "name": ref.partition("/")[2].partition("@")[0].replace(".", "-"),
        "title": offered.title,
        "question": f"Which inputs give the best {objective or 'outcome'}?",
        "charter": charter,
        "team": teams[0] if teams else "",
        "on_behalf_of": session.person,
        "purpose": "research",
        "parameter": [one for name, part in inputs.items() if (one := _parameter(name, part)) is not None],
        "objective": {"name": objective, "goal": "maximise"} | _unit(schema),
        "stop": {"trials": 20},
        "source": [{"name": "first", "price": 1.0, "step": [{"name": "run", "capability": ref}]}],
        "baseline": {"description": "how it was done before", "trials": 40},
    }
    return tomlkit.dumps(value)


def _properties(schema: JsonObject) -> dict[str, Any]:
    found = schema.get("properties", {})
    return found if isinstance(found, dict) else {}


def _parameter(name: str, schema: dict[str, Any]) -> dict[str, Any] | None:
    if is_object(schema) or "$ref" in schema or (schema.get("type") == "string" and "enum" not in schema):
        return None
    if "enum" in schema or schema.get("type") == "boolean":
        levels = schema.get("enum", [True, False])
        return {"name": name, "kind": "categorical", "levels": levels} | _unit(schema)
    low, high = schema.get("minimum", 0.0), schema.get("maximum", 1.0)
    bounds: dict[str, Any] = {"low": float(low), "high": float(high)}
    kind = {"kind": "integer"} if schema.get("type") == "integer" else {}
    step = {"resolution": schema["resolution"]} if "resolution" in schema else {}
    return {"name": name} | kind | bounds | _unit(schema) | step


def _unit(schema: dict[str, Any]) -> dict[str, str]:
    unit = schema.get("unit", "1")
    return {} if unit == "1" else {"unit": unit}
