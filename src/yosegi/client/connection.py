"""How the client speaks with a site: one call of its API, and the answer as the value that the site gave."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from http.client import HTTPResponse
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from pydantic import TypeAdapter, ValidationError

from yosegi.core.errors import Invalid, Unavailable, YosegiError
from yosegi.core.field_faults import first_fault
from yosegi.core.proxies import proxy_for

T = TypeVar("T")
ORDINARY = 60.0
"""Seconds to wait for an answer."""
LONG = 3600.0
"""The same where large data is carried."""


class SiteRefused(YosegiError):
    """The site answered with an error; its own words are the message.

    Args:
        code: for programs, e.g. `refused` or `not_found`.
        message: the site's words.
        status: of HTTP.
        reasons: reason codes of a refusal, where the site told them.
    """

    def __init__(self, code: str, message: str, status: int, reasons: tuple[str, ...] = ()) -> None:
        self.code, self.status, self.reasons = code, status, reasons
        super().__init__(message)


@dataclass(frozen=True)
class Connection:
    """A site's address and a session there.

    Args:
        url: without a slash at its end.
        token: of the session; empty where nobody is signed in.
    """

    url: str
    token: str = ""

    def __repr__(self) -> str:
        return f"<connection to {self.url}, {'signed in' if self.token else 'not signed in'}>"

    def get(self, kind: type[T], path: str) -> T:
        """GET below `/api/v1`, as a value.

        Raises:
            SiteRefused: the site answered with an error.
            Unavailable: nobody answers there.
            Invalid: what came is no such answer.
        """
        return self._call(kind, "GET", path, None)

    def get_all(self, kind: type[T], path: str) -> tuple[T, ...]:
        """The same for an answer that is a list."""
        return cast("tuple[T, ...]", self._call(tuple[kind, ...], "GET", path, None))  # type: ignore[valid-type]

    def post(self, kind: type[T], path: str, body: Mapping[str, Any] | None = None) -> T:
        """POST below `/api/v1`, as a value; raises as `get`."""
        return self._call(kind, "POST", path, dict(body or {}))

    def post_all(self, kind: type[T], path: str, body: Mapping[str, Any]) -> tuple[T, ...]:
        """The same for an answer that is a list."""
        return cast("tuple[T, ...]", self._call(tuple[kind, ...], "POST", path, dict(body)))  # type: ignore[valid-type]

    def request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> urllib.request.Request:
        """A call that is not made yet."""
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        data = None if body is None else json.dumps(body).encode()
        return urllib.request.Request(f"{self.url}/api/v1{path}", data=data, headers=headers, method=method)

    @contextmanager
    def opened(self, request: urllib.request.Request, timeout: float = ORDINARY) -> Iterator[HTTPResponse]:
        """Make a call, and read its answer while it comes.

        Raises:
            SiteRefused: the site answered with an error.
            Unavailable: nobody answers there, or the connection broke.
        """
        try:
            with _opener(self.url).open(request, timeout=timeout) as answer:
                yield answer
        except urllib.error.HTTPError as error:
            raise _refusal(error) from None
        except OSError as error:
            raise Unavailable(self.url, str(error), "is the site running?") from None

    def _call(self, kind: type[T], method: str, path: str, body: Mapping[str, Any] | None) -> T:
        with self.opened(self.request(method, path, body)) as answer:
            return read_answer(kind, answer.read())


def _opener(url: str) -> urllib.request.OpenerDirector:
    """Through the proxy that the environment names (`HTTPS_PROXY`, `NO_PROXY` …); never one to this very machine."""
    proxy = proxy_for(url)
    handler = urllib.request.ProxyHandler({} if proxy is None else {urlsplit(url).scheme: proxy})
    return urllib.request.build_opener(handler)


def read_answer(kind: type[T], data: bytes) -> T:
    """An answer of a kind, or of several, from JSON.

    Raises:
        Invalid: it is none; names the field.
    """
    try:
        return cast("T", _adapter(cast("Any", kind)).validate_json(data))
    except ValidationError as error:
        raise Invalid("the site's answer", str(first_fault(error)), "is the site older than this client?") from None


@lru_cache(maxsize=256)
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _refusal(error: urllib.error.HTTPError) -> YosegiError:
    try:
        value = json.loads(error.read())
    except ValueError:
        return SiteRefused("error", f"status {error.code}", error.code)
    given = value.get("reasons")
    reasons = tuple(one for one in given if isinstance(one, str)) if isinstance(given, list) else ()
    return SiteRefused(str(value.get("code", "error")), str(value.get("message", "")), error.code, reasons)
