"""The Python face of a running site: the same verbs as its pages and command line, over its API."""

from __future__ import annotations

import json
import secrets
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from yosegi.client.objects import ObjectsClient
from yosegi.core.clock import Clock, SystemClock
from yosegi.core.errors import Invalid, Unavailable, YosegiError
from yosegi.core.identifiers import split_capability
from yosegi.trust.login import Login
from yosegi.trust.signer import Ed25519Signer, Signer


class Told(YosegiError):
    """The site answered with an error; its own words are the message."""

    def __init__(self, code: str, message: str, status: int) -> None:
        self.code, self.status = code, status
        super().__init__(message)


class Client:
    """A signed-in connection to one site. Made by `connect`."""

    def __init__(self, url: str, token: str = "") -> None:
        self.url, self._token = url.rstrip("/"), token

    def get(self, path: str) -> Any:
        """GET below `/api/v1`."""
        return self._call("GET", path, None)

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """POST below `/api/v1`."""
        return self._call("POST", path, body or {})

    def site(self) -> dict[str, Any]:
        """Which site this is."""
        return dict(self.get("/site"))

    def capabilities(self) -> list[dict[str, Any]]:
        """Everything that can be used."""
        return list(self.get("/capabilities"))

    def capability(self, ref: str) -> dict[str, Any]:
        """One contract.

        Raises:
            Invalid: not of the form `site/name@version`.
        """
        split_capability(ref)
        return dict(self.get(f"/capabilities/{quote(ref)}"))

    def campaigns(self) -> list[dict[str, Any]]:
        """Every campaign of this site."""
        return list(self.get("/campaigns"))

    def campaign(self, name: str) -> CampaignHandle:
        """One campaign."""
        handle = CampaignHandle(self, name)
        handle.state()
        return handle

    def start(self, spec: str | Path, mandate: str = "") -> CampaignHandle:
        """Start a campaign from a file, or from its text; under a mandate, or under one given by starting it."""
        text = spec.read_text(encoding="utf-8") if isinstance(spec, Path) else spec
        return CampaignHandle(self, self.post("/campaigns", {"spec": text, "mandate": mandate})["name"])

    def charters(self) -> list[dict[str, Any]]:
        """Every charter the site lives in."""
        return list(self.get("/charters"))

    def agreements(self) -> list[dict[str, Any]]:
        """The agreements the site is a party to."""
        return list(self.get("/agreements"))

    def explain(self, capability: str, **question: Any) -> dict[str, Any]:
        """What policy would answer, and why not: `team`, `purpose`, `person`, `action`, `sensitivity` … narrow it."""
        return dict(self.post("/policy/explain", {"capability": capability, **question}))

    def what_if(self, capability: str, **question: Any) -> dict[str, Any]:
        """The same `now` and `then`: with agreements to `add` (dicts), names to do `without`, or other `rules`."""
        return dict(self.post("/policy/what-if", {"capability": capability, **question}))

    def access(self, person: str = "", purpose: str = "") -> list[dict[str, Any]]:
        """What somebody may use in each of their teams, and why not the rest."""
        return list(self.get(f"/access?{urlencode({'person': person, 'purpose': purpose})}"))

    def changes(self, after: int = -1) -> Iterator[int]:
        """The site's last sequence, each time it grows; for ever."""
        request = self._request("GET", f"/changes?after={after}", None)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                for line in answer:
                    if line.startswith(b"data: "):
                        yield int(line[6:])
        except (OSError, ValueError) as error:
            raise Unavailable(self.url, str(error), "is the site running?") from None

    @property
    def objects(self) -> ObjectsClient:
        """Large data at the site."""
        return ObjectsClient(
            lambda method, path: self._request(method, path, None),
            lambda method, path: self._call(method, path, None),
            self.post,
            _told,
        )

    def bytes(self, path: str) -> bytes:
        """GET below `/api/v1`, as it comes."""
        try:
            with urllib.request.urlopen(self._request("GET", path, None), timeout=600) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            raise _told(error) from None
        except OSError as error:
            raise Unavailable(self.url, str(error), "is the site running?") from None

    def _request(self, method: str, path: str, body: dict[str, Any] | None) -> urllib.request.Request:
        headers = {"Content-Type": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        data = None if body is None else json.dumps(body).encode()
        return urllib.request.Request(f"{self.url}/api/v1{path}", data=data, headers=headers, method=method)

    def _call(self, method: str, path: str, body: dict[str, Any] | None) -> Any:
        try:
            with urllib.request.urlopen(self._request(method, path, body), timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise _told(error) from None
        except OSError as error:
            raise Unavailable(self.url, str(error), "is the site running?") from None


class CampaignHandle:
    """One campaign of a site."""

    def __init__(self, client: Client, name: str) -> None:
        self._client, self.name = client, name

    def state(self) -> dict[str, Any]:
        """Everything about it, trials included."""
        return dict(self._client.get(f"/campaigns/{quote(self.name)}"))

    def move(self, word: str, why: str = "", conduct: str | None = None) -> dict[str, Any]:
        """`hold`, `resume` (perhaps with another conduct), `stop` or `abort`."""
        body = {"why": why} | ({"conduct": conduct} if conduct else {})
        return dict(self._client.post(f"/campaigns/{quote(self.name)}/{word}", body))

    def export(self) -> bytes:
        """Its bundle, for `yosegi verify` and `yosegi replay`."""
        return self._client.bytes(f"/campaigns/{quote(self.name)}/export")

    def results(self) -> Any:
        """Its ended trials, one row each: a pandas DataFrame where pandas is installed, else a list of dicts.

        A step's output that is an object is a column `step.output` of digests, for `Client.objects`.
        """
        state = self.state()
        objective = state["objective"]["name"]
        rows = [
            {"trial": t["number"], "source": t["source"], "state": t["state"]}
            | t["values"]
            | {objective: t["value"], f"{objective}_error": t["error"]}
            | _references(t["steps"])
            for t in state["trial"]
        ]
        try:
            import pandas
        except ImportError:
            return rows
        return pandas.DataFrame(rows)

    def __repr__(self) -> str:
        return f"<campaign {self.name} at {self._client.url}>"


def connect(
    url: str,
    *,
    person: str = "",
    key: Path | Signer | None = None,
    passphrase: str = "",
    token: str = "",
    agent: str = "",
    clock: Clock | None = None,
) -> Client:
    """Connect to a running site and sign in with a key or a passphrase; without either, only `site` answers.

    Args:
        url: the site's address, e.g. `http://127.0.0.1:8101`.
        person: who signs in, e.g. `pi@argonne`.
        key: the person's key, or the file that holds it.
        passphrase: instead of a key.
        token: of a sign-in that was made before, e.g. by `yosegi sign-in`.
        agent: the program that acts for the person; `key` is then its own.
        clock: dates the login.

    Raises:
        Invalid: that is no address.
        Unavailable: nobody answers there.
        YosegiError: the site does not let this person in.
    """
    _check_address(url)
    client = Client(url)
    if key is not None:
        signer = Ed25519Signer.load(key) if isinstance(key, Path) else key
        now = (clock or SystemClock()).now()
        login = Login(
            person=person,
            agent=agent or None,
            site=client.site()["site"],
            nonce=secrets.token_hex(16),
            issued=now,
            not_after=now + timedelta(minutes=2),
        )
        answer = client.post("/session", {"login": login.sign(signer).model_dump(mode="json")})
    elif passphrase:
        answer = client.post("/session", {"person": person, "passphrase": passphrase})
    else:
        return Client(url, token)
    return Client(url, answer["token"])


def _references(steps: list[dict[str, Any]]) -> dict[str, str]:
    """The digest of each object that a trial's steps yielded."""
    return {
        f"{step['name']}.{name}": value["sha256"]
        for step in steps
        for name, value in step["outputs"].items()
        if isinstance(value, dict) and "sha256" in value
    }


def _check_address(url: str) -> None:
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise Invalid(f"address {url!r}", "not the address of a site", "e.g. http://127.0.0.1:8101")


def _told(error: urllib.error.HTTPError) -> YosegiError:
    try:
        value = json.loads(error.read())
    except ValueError:
        return Told("error", f"status {error.code}", error.code)
    if "detail" in value:
        return Told("invalid", "; ".join(f"{'.'.join(map(str, d['loc']))}: {d['msg']}" for d in value["detail"]), 422)
    return Told(str(value.get("code", "error")), str(value.get("message", "")), error.code)
