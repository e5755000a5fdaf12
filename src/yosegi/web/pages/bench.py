"""The page of work that people do by hand: what is asked, a form for each, and a table there and back."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Response

from yosegi.core.engine import PersonResult
from yosegi.core.errors import Invalid
from yosegi.identity.accounts import Session
from yosegi.services.bench.schemas import BenchTask
from yosegi.web.pages.caller import Form, Here, act, show, signed_in

router = APIRouter(include_in_schema=False)
_OUT = "out."


@router.get("/bench")
async def bench(caller: Here) -> Response:
    """What waits for a person here."""
    return show(caller, "bench", page="bench", tasks=caller.site.bench.list_for(signed_in(caller)))


@router.get("/bench/table")
async def table(caller: Here) -> Response:
    """The same as CSV, to fill in."""
    text = caller.site.bench.csv_for(signed_in(caller))
    headers = {"Content-Disposition": 'attachment; filename="bench.csv"'}
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)


@router.post("/bench/table")
async def enter_table(caller: Here) -> Response:
    """Take a table that was filled in; what was not taken is said, row by row."""

    async def do(session: Session, form: Form) -> None:
        told = await caller.site.bench.enter_csv(form.get("table", ""), session)
        if wrong := [f"line {row.line}: {row.why}" for row in told.rows if row.why]:
            raise Invalid(f"{told.taken} rows were taken, and {len(wrong)} not", "; ".join(wrong))

    return await act(caller, "bench", do)


@router.post("/bench/{home}/{key}")
async def enter(home: str, key: str, caller: Here) -> Response:
    """Take what somebody did."""

    async def do(session: Session, form: Form) -> None:
        task = next((one for one in caller.site.bench.list_for(session) if one.task == f"{home}/{key}"), None)
        await caller.site.bench.enter(f"{home}/{key}", result_of(task, form), session)

    return await act(caller, f"bench#{quote(home)}-{quote(key)}", do)


@router.post("/bench/{home}/{key}/second")
async def second(home: str, key: str, caller: Here) -> Response:
    """Take what a second person says of what was entered."""

    async def do(session: Session, form: Form) -> None:
        if form.get("confirm") == "yes":
            await caller.site.bench.confirm(f"{home}/{key}", session)
        else:
            await caller.site.bench.not_confirm(f"{home}/{key}", form.get("why", "")[:2000], session)

    return await act(caller, f"bench#{quote(home)}-{quote(key)}", do)


@router.post("/bench/{home}/{key}/hand-on")
async def hand_on(home: str, key: str, caller: Here) -> Response:
    """Hand a task on to another person, or take it back."""

    async def do(session: Session, form: Form) -> None:
        to = session.person if form.get("back") == "yes" else form.get("to", "").strip()[:80]
        await caller.site.bench.hand_on(f"{home}/{key}", to, form.get("note", "").strip()[:2000], session)

    return await act(caller, f"bench#{quote(home)}-{quote(key)}", do)


def result_of(task: BenchTask | None, form: Form) -> PersonResult:
    """What a form says: outputs, each read as its type; or why there is none.

    Raises:
        Invalid: a number is none.
    """
    state, note = form.get("state", "done"), form.get("note", "").strip()[:2000]
    if state == "infeasible":
        return PersonResult(infeasible=note or state)
    if state == "failed":
        return PersonResult(failed=note or state)
    types = {} if task is None else {output.name: output.type for output in task.outputs}
    given = {name.removeprefix(_OUT): text.strip() for name, text in form.items() if name.startswith(_OUT)}
    return PersonResult({name: _value(name, types.get(name, ""), text) for name, text in given.items() if text})


def _value(name: str, kind: str, text: str) -> Any:
    if kind == "string":
        return text
    try:
        return json.loads(text.replace(",", ".") if kind == "number" else text)
    except (ValueError, RecursionError):
        raise Invalid(f"{name} = {text[:80]}", f"is no {kind or 'value'}", "write it as 12.5") from None
