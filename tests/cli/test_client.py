"""`yosegi.connect`, and who is let in."""

from __future__ import annotations

import secrets
from datetime import timedelta
from pathlib import Path

import pytest

import yosegi
from cli.asking import document, entries, operator, refused, told
from processes.sites import PASSPHRASE, Town, free_ports
from yosegi.client.client import SiteRefused
from yosegi.client.connection import Connection
from yosegi.core.clock import SystemClock
from yosegi.core.errors import Unavailable
from yosegi.services.sessions.schemas import SessionToken
from yosegi.trust.login import Login
from yosegi.trust.signer import Ed25519Signer

pytestmark = pytest.mark.processes


def key_of(town: Town, person: str) -> Path:
    return town.folder / person.rpartition("@")[2] / "people" / f"{person}.key"


def login(site: str, person: str, signer: Ed25519Signer, minutes: float = 1.0) -> dict[str, object]:
    """A signed login; one that is out of date where `minutes` is negative."""
    end = SystemClock().now() + timedelta(minutes=minutes)
    document = Login(
        person=person, site=site, nonce=secrets.token_hex(8), issued=end - timedelta(minutes=1), not_after=end
    )
    return {"login": document.sign(signer).model_dump(mode="json")}


def test_a_connection_knows_capabilities_campaigns_and_results_as_a_table(town: Town) -> None:
    client = yosegi.connect(town.urls["argonne"], person="pi@argonne", key=key_of(town, "pi@argonne"))
    assert client.site().site == "argonne"
    assert "riken/toy.simulate@1" in {one.ref for one in client.capabilities()}
    assert client.capability("riken/toy.simulate@1").simulated
    assert "toy" in {one.name for one in client.campaigns()}
    results = client.campaign("toy").results()
    assert type(results).__name__ == "DataFrame"
    assert {"trial", "source", "state", "x", "y", "y_error"} <= set(results.columns)
    # The toy's own formula, as the owner's function states it.
    assert list(results["y"]) == pytest.approx(list((results["x"] - 0.4) ** 2))


def test_a_passphrase_signs_in_too(town: Town) -> None:
    client = yosegi.connect(town.urls["argonne"], person="pi@argonne", passphrase=PASSPHRASE)
    assert client.campaigns()


def test_without_signing_in_only_the_name_of_the_site_is_told(town: Town) -> None:
    client = yosegi.connect(town.urls["argonne"])
    assert client.site().site == "argonne"
    with pytest.raises(SiteRefused, match="not_signed_in"):
        client.campaigns()
    with pytest.raises(SiteRefused, match="not_signed_in"):
        yosegi.connect(town.urls["argonne"], token="not-a-token").campaigns()


def test_a_wrong_passphrase_or_person_is_refused_alike(town: Town) -> None:
    for person in ("operator@argonne", "nobody@argonne"):
        with pytest.raises(SiteRefused, match=f"signing in as {person} was refused: sign_in_failed"):
            yosegi.connect(town.urls["argonne"], person=person, passphrase="wrong")


def test_a_key_of_somebody_else_is_refused(town: Town) -> None:
    for key in (key_of(town, "operator@argonne"), Ed25519Signer.generate()):
        with pytest.raises(SiteRefused) as error:
            yosegi.connect(town.urls["argonne"], person="pi@argonne", key=key)
        assert error.value.status in (400, 403)


def test_a_login_is_good_once_here_and_now(town: Town) -> None:
    signer = Ed25519Signer.load(key_of(town, "pi@argonne"))
    client = Connection(town.urls["argonne"])
    good = login("argonne", "pi@argonne", signer)
    assert client.post(SessionToken, "/session", good).token
    before = entries(town, "argonne")
    for bad in (
        good,
        login("riken", "pi@argonne", signer),
        login("argonne", "pi@argonne", signer, minutes=-10),
        login("argonne", "operator@argonne", signer),
    ):
        with pytest.raises(SiteRefused):
            client.post(SessionToken, "/session", bad)
    assert entries(town, "argonne") == before


def test_the_command_line_says_in_one_line_why_nobody_is_let_in(town: Town) -> None:
    url = town.urls["argonne"]
    assert "sign_in_failed" in refused("task", "list", "--url", url, "--as", "pi@argonne", "--passphrase", "wrong")
    (port,) = free_ports(1)
    nowhere = f"http://127.0.0.1:{port}"
    assert "is the site running?" in refused("task", "list", "--url", nowhere, "--as", "a@b", "--passphrase", "x")
    with pytest.raises(Unavailable):
        yosegi.connect(nowhere).site()


@pytest.mark.parametrize("url", ["nonsense", "ftp://127.0.0.1/", "http://", "http://127.0.0.1:99999", "http://[::1"])
def test_what_is_no_address_is_said(url: str) -> None:
    assert f"address {url!r}" in refused("task", "list", "--url", url, "--as", "a@b", "--passphrase", "x")


def test_the_session_of_a_command_ends_with_the_command(town: Town) -> None:
    before = {one["name"] for one in document("site", "sessions", *operator(town))}
    told("task", "list", *operator(town))
    refused("task", "show", "argonne/none", *operator(town))
    told("charter", "list", "--home", town.folder / "riken")
    after = {one["name"] for one in document("site", "sessions", *operator(town))}
    assert len(after - before) == 1  # of the command that lists them
