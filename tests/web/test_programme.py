"""The catalogue and the programme office's view, as pages and over the API, in both languages."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from web.house import PASSPHRASE, House, spec
from web.plain import PLAIN

PAGES = ("/catalogue", "/programme")


@pytest.fixture(scope="module")
def toy(house: House) -> str:
    house.begin(spec("programme"))
    house.until_over("programme")
    return "programme"


@pytest.fixture(scope="module")
def pi(house: House, toy: str) -> Iterator[httpx.Client]:
    with house.visitor(who="pi") as client:
        yield client


@contextmanager
def api(house: House, site: str, who: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=house.url(site) + "/api/v1", trust_env=False, verify=PLAIN, timeout=60) as client:
        answer = client.post("/session", json={"person": f"{who}@{site}", "passphrase": PASSPHRASE})
        client.headers["authorization"] = f"Bearer {answer.json()['token']}"
        yield client


@pytest.mark.parametrize("page", PAGES)
def test_a_stranger_signs_in_first_and_comes_back(house: House, page: str) -> None:
    with house.visitor() as stranger:
        answer = stranger.get(page)
        assert answer.url.path == "/sign-in"
        form = {"person": "pi@argonne", "passphrase": PASSPHRASE, "to": answer.url.params["to"]}
        assert stranger.post("/sign-in", data=form).url.path == page


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("lang", ["en", "ja"])
def test_each_page_speaks_its_language_and_has_no_gaps(pi: httpx.Client, page: str, lang: str) -> None:
    answer = pi.get(f"{page}?lang={lang}")
    assert answer.status_code == 200
    assert f'<html lang="{lang}">' in answer.text
    assert ("カタログ" in answer.text) == (lang == "ja")
    assert "Stop" in answer.text or "停止" in answer.text, "stop is on every page"
    pi.get("/?lang=en")


def test_the_catalogue_shows_what_may_be_used_and_why_not_the_rest(pi: httpx.Client) -> None:
    page = pi.get("/catalogue").text
    for ref in ("riken/toy.simulate@1", "nims/toy.make@1", "nims/toy.measure@1"):
        assert ref in page
    assert "colour-agreement" in page
    refused = pi.get("/catalogue?purpose=war&lang=ja").text
    assert "purpose_not_covered" in refused
    assert "目的" in refused
    pi.get("/?lang=en")


def test_a_purpose_with_markup_stays_text(pi: httpx.Client) -> None:
    page = pi.get("/catalogue", params={"purpose": "<script>alert(1)</script>"}).text
    assert "<script>alert" not in page


def test_the_programme_office_sees_teams_agreements_grants_baselines_and_outcomes(
    house: House, pi: httpx.Client
) -> None:
    with api(house, "argonne", "pi") as client:
        body = {"kind": "paper", "title": "On <i>toys</i>", "link": "https://doi.org/10.0/toy"}
        assert client.post("/outcomes/programme", json=body).status_code == 201
        (told,) = client.get("/programme").json()
    assert [team["id"] for team in told["teams"]] == ["colour-team"]
    (campaign,) = [one for one in told["campaigns"] if one["name"] == "programme"]
    assert campaign["baseline"] == {"description": "by hand", "trials": 100.0, "price": None}
    assert campaign["outcomes"][0]["title"] == "On <i>toys</i>"
    page = pi.get("/programme").text
    for text in ("Colour", "colour-agreement", "by hand", "On &lt;i&gt;toys", "doi.org/10.0/toy"):
        assert text in page
    assert "<i>toys" not in page


def test_the_owner_sees_its_grants_and_the_usage_as_a_table_and_as_csv(house: House, toy: str) -> None:
    with house.visitor("nims", "operator") as client:
        page = client.get("/programme").text
        assert "grant-nims" in page
        rows = list(csv.DictReader(io.StringIO(client.get("/programme/usage.csv").text)))
    assert {row["team"] for row in rows} == {"colour-team"}
    assert {row["agreement"] for row in rows} == {"colour-agreement"}
    assert any(float(row["spent"]) > 0 for row in rows)


SPARSE = spec("sparse", trials=1).replace(", trials = 100 }", " }").replace('budget = { samples = "1000" }', "")


@pytest.mark.parametrize("page", ["/programme", "/", "/tasks", "/mandates", "/campaigns/sparse"])
def test_a_campaign_that_says_no_more_than_it_must_hinders_no_page(
    house: House, pi: httpx.Client, sparse: str, page: str
) -> None:
    answer = pi.get(page)
    assert answer.status_code == 200
    if page != "/tasks":
        assert sparse in answer.text


@pytest.fixture(scope="module")
def sparse(house: House) -> str:
    """A campaign whose file leaves out all that may be left out, how many trials it took before among it."""
    assert "trials = 100" not in SPARSE
    assert "budget" not in SPARSE
    house.begin(SPARSE)
    house.until_over("sparse")
    return "sparse"


def test_every_table_has_headings_and_labels_its_cells(pi: httpx.Client) -> None:
    for page in PAGES:
        text = pi.get(page).text
        assert text.count("<table") == text.count("<thead")
        assert not re.search(r"<td>(?!</td>)", text), "on a narrow screen a cell says what it is"


def test_a_stranger_gets_no_csv(house: House) -> None:
    with house.visitor() as stranger:
        assert stranger.get("/programme/usage.csv").url.path == "/sign-in"
