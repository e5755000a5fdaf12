"""A real OpenID Provider (npm `oidc-provider`, certified by the OpenID Foundation) and a real site that trusts it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from processes.sites import free_ports, until
from web.plain import PLAIN
from yosegi.app.home import Home
from yosegi.app.init_home import make_home
from yosegi.client.client import connect
from yosegi.identity.accounts import add_account

HERE = Path(__file__).parent / "provider"
SECRET = "a client secret & more"
PASSPHRASE = "correct horse battery"
PEOPLE = {
    "pi": {"preferred_username": "pi", "groups": ["scientists"]},
    "officer": {"preferred_username": "officer", "groups": ["scientists", "security"]},
    "visitor": {"preferred_username": "visitor", "groups": ["visitors"]},
    "dotted": {"preferred_username": "first.last", "groups": ["security"]},
}
ROLES = {"member": ["scientists"], "officer": ["security"]}


@dataclass
class Trusted:
    """A site and the provider it trusts."""

    url: str
    issuer: str
    home: Home
    _site: subprocess.Popen[bytes] | None = None

    def serve(self) -> None:
        """Start the site's process, and wait until it answers."""
        with (self.home.folder / "log").open("ab") as log:
            self._site = subprocess.Popen(
                [sys.executable, "-m", "yosegi.cli", "site", "serve", "--home", str(self.home.folder)],
                env=os.environ | {"YOSEGI_OIDC_SECRET": SECRET}, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        until(lambda: connect(self.url).site(), "the site answers")

    def end(self, *, force: bool = False) -> None:
        """End the site's process."""
        if self._site is not None:
            (self._site.kill if force else self._site.terminate)()
            self._site.wait(30)

    @contextmanager
    def visitor(self) -> Iterator[httpx.Client]:
        """A browser without scripts that knows nobody yet."""
        with httpx.Client(follow_redirects=True, timeout=60, trust_env=False, verify=PLAIN) as client:
            yield client

    def sign_in(self, browser: httpx.Client, who: str, to: str = "") -> httpx.Response:
        """Go all the way: to the provider, through its pages, and back."""
        page = browser.get(f"{self.url}/sign-in/institution", params={"to": to} if to else None)
        for _ in range(4):
            if not page.url.path.startswith("/interaction/"):
                return page
            fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page.text))
            if 'name="login"' in page.text:
                fields |= {"login": who, "password": "any"}
            action = re.search(r'action="([^"]+)"', page.text)
            assert action is not None
            page = browser.post(page.url.join(action[1]), data=fields)
        return page


@contextmanager
def trusted(folder: Path) -> Iterator[Trusted]:
    """Both as processes of their own, on loopback; ended at the end."""
    if shutil.which("node") is None or not (HERE / "node_modules").exists():
        pytest.skip("the provider is not installed (npm ci --prefix tests/web/provider)")
    port, there = free_ports(2)
    url, issuer = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{there}"
    home = make_home(folder / "riken", settings(port, issuer))
    add_account(home.accounts, "local@riken", "member", passphrase=PASSPHRASE)
    found = Trusted(url, issuer, home)
    with running(found, there):
        yield found


def settings(port: int, issuer: str) -> dict[str, object]:
    oidc: dict[str, Any] = {
        "issuer": issuer,
        "client_id": "yosegi",
        "redirect_uri": f"http://127.0.0.1:{port}/sign-in/institution/back",
        "client_secret_env": "YOSEGI_OIDC_SECRET",
        "name": "RIKEN",
        "roles": ROLES,
    }
    return {"site": "riken", "title": "RIKEN", "listen": f"127.0.0.1:{port}", "reach": "carried", "oidc": oidc}


@contextmanager
def running(there: Trusted, port: int) -> Iterator[None]:
    client = {
        "client_id": "yosegi",
        "client_secret": SECRET,
        "redirect_uris": [f"{there.url}/sign-in/institution/back"],
        "token_endpoint_auth_method": "client_secret_basic",
    }
    given = json.dumps({"port": port, "client": client, "people": PEOPLE})
    provider = subprocess.Popen(
        ["node", "provider.js"], cwd=HERE, env=os.environ | {"PROVIDER": given},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        there.serve()
        until(lambda: _answers(there.issuer), "the provider answers")
        yield
    finally:
        there.end()
        provider.terminate()
        provider.wait(30)


def _answers(issuer: str) -> bool:
    try:
        return httpx.get(f"{issuer}/.well-known/openid-configuration", trust_env=False, verify=PLAIN).status_code == 200
    except httpx.HTTPError:
        return False
