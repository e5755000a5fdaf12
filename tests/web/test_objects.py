"""Large data over the API and on its pages: only for whom it is, and never anything but a file to be kept."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import httpx
import pytest

from web.house import PASSPHRASE, House
from web.plain import PLAIN

HTML = b'<script>document.title="owned"</script>'
SHA256 = f"sha256:{hashlib.sha256(HTML).hexdigest()}"


def bearer(house: House, person: str) -> httpx.Client:
    said = {"person": person, "passphrase": PASSPHRASE}
    token = httpx.post(f"{house.url()}/api/v1/session", json=said, trust_env=False, verify=PLAIN).json()["token"]
    return httpx.Client(
        base_url=f"{house.url()}/api/v1", headers={"Authorization": f"Bearer {token}"}, trust_env=False, verify=PLAIN
    )


@pytest.fixture(scope="module")
def pi(house: House) -> Iterator[httpx.Client]:
    with bearer(house, "pi@argonne") as client:
        how = {"team": "colour-team", "media_type": "text/html"}
        assert client.post("/objects", params=how, content=HTML).status_code == 201
        yield client


@pytest.fixture(scope="module")
def operator(house: House) -> Iterator[httpx.Client]:
    with bearer(house, "operator@argonne") as client:
        yield client


def test_what_was_brought_is_known_by_its_digest_and_comes_back(pi: httpx.Client) -> None:
    assert pi.get(f"/objects/{SHA256}").json()["size"] == len(HTML)
    assert pi.get(f"/objects/{SHA256}/bytes").content == HTML


def test_a_download_is_a_file_whatever_it_says_it_is(pi: httpx.Client) -> None:
    headers = pi.get(f"/objects/{SHA256}/bytes").headers
    assert headers["content-disposition"].startswith("attachment")
    assert headers["content-type"] == "application/octet-stream"
    assert headers["x-content-type-options"] == "nosniff"
    assert "script-src 'self'" in headers["content-security-policy"]


def test_who_is_not_of_the_team_is_refused(pi: httpx.Client, operator: httpx.Client) -> None:
    answer = operator.get(f"/objects/{SHA256}/bytes")
    assert (answer.status_code, "object_not_yours" in answer.text) == (403, True)
    answer = operator.post("/objects", params={"team": "colour-team"}, content=b"x")
    assert answer.status_code == 403


def test_a_stranger_gets_nothing(house: House, pi: httpx.Client) -> None:
    for path in ("/objects", f"/objects/{SHA256}", f"/objects/{SHA256}/bytes"):
        assert httpx.get(f"{house.url()}/api/v1{path}", trust_env=False, verify=PLAIN).status_code == 401


@pytest.mark.parametrize("name", ["..%2F..%2Fsite.toml", "sha256:abc", "sha256:" + "0" * 63 + "%2e"])
def test_a_path_is_no_digest(pi: httpx.Client, name: str) -> None:
    assert pi.get(f"/objects/{name}/bytes").status_code in (404, 422)


def test_what_is_too_large_is_refused_and_leaves_nothing(house: House, pi: httpx.Client) -> None:
    site = house.federation.places["argonne"].running
    before, site.transfers.largest = site.transfers.largest, 1000
    try:
        answer = pi.post("/objects", params={"team": "colour-team"}, content=bytes(1001))
    finally:
        site.transfers.largest = before
    assert answer.status_code == 422
    assert f"sha256:{hashlib.sha256(bytes(1001)).hexdigest()}" not in site.objects.store.digests()


def test_only_operators_collect_and_only_officers_erase(pi: httpx.Client, operator: httpx.Client) -> None:
    assert operator.post("/objects/collect").json()["collected"] == 0
    assert operator.post(f"/objects/{SHA256}/erase", json={"why": "asked"}).status_code == 403


def test_the_page_lists_size_kind_and_label_and_offers_the_file(house: House, pi: httpx.Client) -> None:
    with house.visitor(who="pi") as browser:
        page = browser.get("/objects").text
        assert SHA256[7:23] in page
        assert "text/html" in page
        assert "team" in page
        found = browser.get(f"/objects/{SHA256}/bytes")
        assert (found.content, found.headers["content-disposition"][:10]) == (HTML, "attachment")
        assert SHA256[7:23] not in browser.get("/objects?campaign=another").text
