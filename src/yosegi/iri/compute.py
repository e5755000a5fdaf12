"""Jobs: tasks of this site's capabilities, asked for by this site's members.

`executable` names the capability, `attributes.account` the team that pays, and `attributes.custom_attributes` holds
what only this site understands: `inputs` (JSON), `purpose`, `conduct`, `sensitivity`, `mandate`.
"""

from __future__ import annotations

import re
import secrets
from typing import Annotated, Any, Literal

from fastapi import Body, Header, Path, Response

from yosegi.core import canonical
from yosegi.core.errors import Conflict, Invalid, NotFound
from yosegi.core.identifiers import derived_key
from yosegi.http.authentication import Here
from yosegi.identity.accounts import Session
from yosegi.iri.about import About, FacilityProfile
from yosegi.iri.account import team_of, teams
from yosegi.iri.calls import At, Flag, Limit, Offset, Who
from yosegi.iri.calls import router as router_of
from yosegi.iri.job_states import job
from yosegi.iri.jobs import IriJob, IriJobSpec
from yosegi.iri.problems import BadParameters
from yosegi.iri.resources import check_compute, resources
from yosegi.iri.schemas import IriResource
from yosegi.services.facility_jobs.entries import JobOrder
from yosegi.services.runtime import Site

router = router_of("compute")
Name = Annotated[str, Path(max_length=200)]
IdempotencyKey = Annotated[str | None, Header(alias="Idempotency-Key", max_length=255)]
REPLY = "Idempotency-Key-Reply"
CUSTOM = ("inputs", "purpose", "conduct", "sensitivity", "mandate")
REFUSED_PARTS = ("container", "pre_launch", "post_launch", "launcher", "stdin_path")
"""Parts of a specification that would run something else than the capability: refused, and never left out silently."""
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")


@router.get("/resources", operation_id="getComputeResources")
async def list_compute_resources(site: Here, at: At) -> list[IriResource]:
    """Resources that take jobs."""
    return [one for one in resources(site, at) if "compute" in one.supported_endpoints]


@router.post("/job/{resource_id}", operation_id="launchJob", response_model_exclude_none=True)
async def launch(
    resource_id: Name,
    specification: Annotated[IriJobSpec, Body()],
    site: Here,
    who: Who,
    about: About,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> IriJob:
    """Launch a job. The same key with the same specification is the same job, for as long as there is a ledger."""
    check_compute(site, resource_id)
    order = _order(site, who, about, resource_id, specification, _key(idempotency_key))
    launched, known = await site.facility_jobs.launch(order, who)
    response.headers[REPLY] = "hit" if known else "miss"
    return job(launched, with_specification=False)


@router.put("/job/{resource_id}/{job_id}", operation_id="updateJob", response_model_exclude_none=True)
async def update(
    resource_id: Name,
    job_id: Name,
    specification: Annotated[IriJobSpec, Body()],
    site: Here,
    who: Who,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> IriJob:
    """A job is a signed request and never changes: the same specification again changes nothing, another is refused."""
    check_compute(site, resource_id)
    found = site.facility_jobs.show(resource_id, job_id, who)
    if found.specification != _as_sent(specification):
        todo = "cancel it, and launch another"
        raise Conflict(f"job {job_id}", "was signed as it is, and cannot be changed", todo)
    response.headers[REPLY] = "hit"
    return job(found, with_specification=False)


@router.get("/status/{resource_id}/{job_id}", operation_id="getJob", response_model_exclude_none=True)
async def show_job(
    resource_id: Name, job_id: Name, site: Here, who: Who, historical: Flag = True, include_spec: Flag = False
) -> IriJob:
    """Where a job stands."""
    check_compute(site, resource_id)
    found = site.facility_jobs.show(resource_id, job_id, who)
    if found.state.final and not historical:
        raise NotFound("job that is not over", job_id)
    return job(found, with_specification=include_spec)


@router.post("/status/{resource_id}", operation_id="getJobs", response_model_exclude_none=True)
async def list_jobs(
    resource_id: Name,
    site: Here,
    who: Who,
    filters: Annotated[dict[str, Any] | None, Body()] = None,
    offset: Offset = 0,
    limit: Limit = 100,
    historical: Flag = False,
    include_spec: Flag = False,
) -> list[IriJob]:
    """Jobs, the newest first. Of the filters `name` is heeded: jobs that their caller called so."""
    check_compute(site, resource_id)
    named = (filters or {}).get("name")
    found = site.facility_jobs.listing(
        resource_id, who, name=named if isinstance(named, str) else "", past=historical, offset=offset, limit=limit
    )
    return [job(one, with_specification=include_spec) for one in found]


@router.delete("/cancel/{resource_id}/{job_id}", operation_id="cancelJob", status_code=204)
async def cancel(resource_id: Name, job_id: Name, site: Here, who: Who) -> Response:
    """Cancel a job; what became of it, its status tells."""
    check_compute(site, resource_id)
    await site.facility_jobs.cancel(resource_id, job_id, who)
    return Response(status_code=204)


# -- from a specification to an order ---------------------------------------------------------------------------------


def _key(given: str | None) -> str:
    """The task's key: the caller's, as far as a key has that form; one derived from it; or a new one."""
    if given is None:
        return secrets.token_hex(16)
    return given if _KEY.fullmatch(given) else derived_key("idempotency key", given)


def _as_sent(specification: IriJobSpec) -> dict[str, Any]:
    """The specification with the fields that its caller set."""
    return specification.model_dump(mode="json", exclude_unset=True)


def _order(
    site: Site, who: Session, about: FacilityProfile, resource: str, specification: IriJobSpec, key: str
) -> JobOrder:
    """What a specification asks for.

    Raises:
        BadParameters: parts of it that this site does not do.
        NotFound: the account is no team of the caller's.
    """
    wrong = [
        (f"body.{name}", "this site runs capabilities and nothing else")
        for name in REFUSED_PARTS
        if getattr(specification, name)
    ]
    wrong += [("body.arguments", "inputs go as JSON in custom_attributes.inputs")] if specification.arguments else []
    if specification.executable not in (None, resource, f"{site.name}/{resource}"):
        wrong.append(("body.executable", f"must be {resource}, the capability of this resource"))
    attributes = specification.attributes
    custom = attributes.custom_attributes if attributes else {}
    unknown = sorted(set(custom) - set(CUSTOM))
    wrong += [(f"body.attributes.custom_attributes.{name[:100]}", f"one of {', '.join(CUSTOM)}") for name in unknown]
    wrong += _wrong_words(custom)
    account = attributes.account if attributes else None
    if account is None:
        wrong.append(("body.attributes.account", "must name the project that pays, as GET /account/projects lists it"))
    inputs = _inputs(custom.get("inputs", "{}"), wrong)
    if wrong or account is None:
        raise BadParameters(*wrong)
    charter, team = _account(site, who, account)
    return JobOrder(
        key=key, charter=charter, team=team, capability=resource, inputs=inputs,
        purpose=custom.get("purpose", about.purpose), conduct=custom.get("conduct", "run"),  # type: ignore[arg-type]
        sensitivity=custom.get("sensitivity", "team"), mandate=custom.get("mandate", ""),  # type: ignore[arg-type]
        name=specification.name or "", specification=_as_sent(specification),
    )  # fmt: skip


WORDS: dict[Literal["conduct", "sensitivity"], tuple[str, ...]] = {
    "conduct": ("suggest", "approve", "run"),
    "sensitivity": ("public", "team", "restricted"),
}


def _wrong_words(custom: dict[str, str]) -> list[tuple[str, str]]:
    wrong = [
        (f"body.attributes.custom_attributes.{name}", f"one of {', '.join(known)}")
        for name, known in WORDS.items()
        if name in custom and custom[name] not in known
    ]
    if not 1 <= len(custom.get("purpose", "x")) <= 200:
        wrong.append(("body.attributes.custom_attributes.purpose", "1 to 200 characters"))
    return wrong


def _inputs(text: str, wrong: list[tuple[str, str]]) -> dict[str, Any]:
    try:
        value = canonical.loads(text.encode(errors="surrogatepass"), what="inputs")
    except Invalid as error:
        wrong.append(("body.attributes.custom_attributes.inputs", error.why))
        return {}
    if not isinstance(value, dict):
        wrong.append(("body.attributes.custom_attributes.inputs", "must be a JSON object"))
        return {}
    return value


def _account(site: Site, who: Session, account: str) -> tuple[str, str]:
    """Charter and team of an account: a project, or a team's name where the caller has one of that name."""
    named = [(charter, team.id) for charter, team in teams(site, who) if team.id == account]
    if len(named) == 1:
        return named[0]
    charter, team = team_of(site, who, account)
    return charter, team.id
