"""What goes wrong, as problems (RFC 9457): `application/problem+json` with this site's codes and reasons.

No answer of this face has a status of 500 or more unless the program itself is at fault: what cannot be had just now
is a conflict with the present state, and `Retry-After` says when to come again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match, Route

from yosegi.core.errors import Conflict, Invalid, NotFound, Refused, Unavailable, YosegiError
from yosegi.core.field_faults import why_of
from yosegi.core.reasons import CODES, explain
from yosegi.core.sanitize import plain_json
from yosegi.http.errors import status_of
from yosegi.iri.schemas import IriInvalidParameter, IriProblem, IriReason
from yosegi.services.facility_jobs.service import JobRefused, KeyReused

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER = "2"
"""Seconds."""
TITLES = {
    "invalid-parameter": "The call is not as its description says",
    "unauthorized": "Nobody is signed in",
    "forbidden": "This site does not allow it",
    "not-found": "There is no such thing here",
    "method-not-allowed": "This address does not know that method",
    "conflict": "The present state does not allow it",
    "key-reused": "The key stands for another job",
    "unavailable": "It cannot be had just now",
    "internal": "This program is at fault",
}


class BadParameters(YosegiError):
    """Parts of a call that do not hold, each with why."""

    code = "invalid"

    def __init__(self, *wrong: tuple[str, str]) -> None:
        self.wrong = wrong
        super().__init__("; ".join(f"{name}: {reason}" for name, reason in wrong))


def problem(error: Exception, base: str, instance: str) -> Response:
    """The answer that tells of an error.

    Args:
        error: what went wrong.
        base: address of this face.
        instance: the path that was called.
    """
    slug, status = _kind(error)
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    if isinstance(error, Unavailable):
        headers["Retry-After"] = RETRY_AFTER
    told = IriProblem(
        type=f"{base}/problems/{slug}",
        status=status,
        title=TITLES[slug],
        detail=str(error) or TITLES[slug],
        instance=instance,
        code=error.code if isinstance(error, YosegiError) else "error",
        reasons=_reasons(error),
        invalid_params=[IriInvalidParameter(name=name, reason=reason) for name, reason in _wrong(error)],
    )
    return _send(told, headers)


def _kind(error: Exception) -> tuple[str, int]:
    if isinstance(error, KeyReused):
        return "key-reused", 422
    if isinstance(error, Unavailable):
        return "unavailable", 409
    if isinstance(error, BadParameters | Invalid):
        return "invalid-parameter", 400
    if isinstance(error, NotFound):
        return "not-found", 404
    if isinstance(error, Conflict):
        return "conflict", 409
    status = status_of(error)
    return {401: ("unauthorized", 401), 403: ("forbidden", 403)}.get(status, ("internal", 500))


def _reasons(error: Exception) -> list[IriReason]:
    if isinstance(error, JobRefused):
        return [IriReason(code=one.code, en=one.en, ja=one.ja) for one in error.explanations]
    codes = error.reasons if isinstance(error, Refused) else ()
    return [IriReason(code=code, en=explain(code), ja=explain(code, "ja")) for code in codes if code in CODES]


def _wrong(error: Exception) -> Sequence[tuple[str, str]]:
    if isinstance(error, BadParameters):
        return error.wrong
    return [(error.what, error.why)] if isinstance(error, Invalid) else []


def unfit(error: RequestValidationError) -> BadParameters:
    """Each field that does not hold; nothing that was sent is repeated."""
    return BadParameters(*((".".join(map(str, one["loc"])), why_of(one)) for one in error.errors()))


def unrouted(error: HTTPException, routes: Sequence[BaseRoute], request: Request, base: str) -> Response:
    """An address that is not here, or a method that it does not know: then `Allow` names those it knows."""
    instance = request.url.path
    if error.status_code == 405:
        said = IriProblem(
            type=f"{base}/problems/method-not-allowed", status=405, title=TITLES["method-not-allowed"],
            detail=TITLES["method-not-allowed"], instance=instance, code="method_not_allowed",
        )  # fmt: skip
        return _send(said, {"Allow": ", ".join(sorted(_methods(routes, request.scope)))})
    if error.status_code == 404:
        return problem(NotFound("address", instance), base, instance)
    return problem(BadParameters(("body", str(error.detail))), base, instance)


def _methods(routes: Sequence[BaseRoute], scope: Any) -> set[str]:
    """Every method that some route of this address takes."""
    return {
        method
        for route in routes
        if isinstance(route, Route) and route.matches(scope)[0] is not Match.NONE
        for method in route.methods or ()
    }


def _send(told: IriProblem, headers: Mapping[str, str]) -> Response:
    body = plain_json(json.dumps(told.model_dump(mode="json")))
    return Response(body, told.status, {**headers, "Content-Type": MEDIA_TYPE})
