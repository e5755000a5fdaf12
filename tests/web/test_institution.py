"""Signing in with the institution's account, at a real site process, by a real OpenID Provider process."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from cli.asking import yosegi
from web.provider import PASSPHRASE, SECRET, Trusted, trusted
from yosegi.client.client import Client, SiteRefused, connect
from yosegi.services.sessions.schemas import BrowserSignIn

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trusted]:
    with trusted(tmp_path_factory.mktemp("trusted")) as there:
        yield there


def session(browser: httpx.Client) -> str:
    return str(browser.cookies.get("yosegi_session_riken", ""))


def test_the_sign_in_page_offers_the_institution_beside_local_accounts(there: Trusted) -> None:
    with there.visitor() as browser:
        page = browser.get(f"{there.url}/sign-in?lang=en").text
        assert "Sign in with RIKEN" in page
        assert 'name="passphrase"' in page


def test_who_signs_in_at_the_institution_is_signed_in_here(there: Trusted) -> None:
    with there.visitor() as browser:
        page = there.sign_in(browser, "pi")
        assert page.url.path == "/sign-in/institution/back"
        assert "pi@riken" in page.text
        assert "pi@riken" in browser.get(f"{there.url}/").text


def test_a_group_at_the_institution_gives_the_role_here(there: Trusted) -> None:
    for who, status in (("pi", 403), ("officer", 303)):
        with there.visitor() as browser:
            there.sign_in(browser, who)
            token = re.search(r'name="form_token" value="([0-9a-f]{64})"', browser.get(f"{there.url}/").text)
            assert token is not None
            form = {"form_token": token[1], "why": "a test"}
            answer = browser.post(f"{there.url}/switch/release", data=form, follow_redirects=False)
            assert answer.status_code == status


@pytest.mark.parametrize(("who", "code"), [("visitor", "not_in_a_group"), ("dotted", "no_account_for_claim")])
def test_whom_the_institution_knows_and_this_site_does_not_is_refused_with_the_reason(there, who, code) -> None:
    with there.visitor() as browser:
        page = there.sign_in(browser, who)
        assert page.status_code == 403
        assert code in page.text
        assert not session(browser)


def test_a_local_account_goes_on_working(there: Trusted) -> None:
    with there.visitor() as browser:
        browser.post(f"{there.url}/sign-in", data={"person": "local@riken", "passphrase": PASSPHRASE})
        assert "local@riken" in browser.get(f"{there.url}/").text


def test_the_page_that_was_asked_for_is_shown_afterwards(there: Trusted) -> None:
    with there.visitor() as browser:
        assert 'content="0; url=../../tasks"' in there.sign_in(browser, "pi", "/tasks").text


@pytest.mark.parametrize("to", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"])
def test_nobody_is_sent_to_another_site_afterwards(there: Trusted, to: str) -> None:
    with there.visitor() as browser:
        assert 'content="0; url=../../"' in there.sign_in(browser, "pi", to).text


def test_a_session_begins_anew_whatever_the_browser_held_before(there: Trusted) -> None:
    """Session fixation: a token that an attacker planted or knows is worth nothing afterwards."""
    with there.visitor() as browser:
        browser.post(f"{there.url}/sign-in", data={"person": "local@riken", "passphrase": PASSPHRASE})
        planted = session(browser)
        there.sign_in(browser, "pi")
        assert session(browser) != planted
        browser.cookies.clear()
        browser.cookies.set("yosegi_session_riken", planted, domain="127.0.0.1", path="/")
        assert browser.get(f"{there.url}/", follow_redirects=False).status_code == 303


def test_an_answer_counts_once_and_in_the_browser_that_asked(there: Trusted) -> None:
    with there.visitor() as browser, there.visitor() as other:
        back = str(there.sign_in(browser, "pi").url)
        for again in (browser, other):
            answer = again.get(back)
            assert answer.status_code == 403
            assert "sign_in_stale" in answer.text
        assert not session(other)


def test_the_provider_gives_a_code_once(there: Trusted) -> None:
    """RFC 6749, section 4.1.2: even with the browser's cookie at hand, a code is not redeemed twice."""
    with there.visitor() as browser:
        first = browser.get(f"{there.url}/sign-in/institution", follow_redirects=False)
        kept = browser.cookies.get("yosegi_pending_riken")
        page = browser.get(first.headers["location"])
        assert page.url.path.startswith("/interaction/")
        for login in ({"prompt": "login", "login": "pi", "password": "any"}, {"prompt": "consent"}):
            page = browser.post(page.url, data=login)
        back = page.url
        browser.cookies.set("yosegi_pending_riken", str(kept), domain="127.0.0.1", path="/")
        again = browser.get(back)
        assert again.status_code == 403
        assert "provider_not_believed" in again.text


def test_who_changes_their_mind_at_the_provider_is_not_signed_in(there: Trusted) -> None:
    with there.visitor() as browser:
        page = browser.get(f"{there.url}/sign-in/institution")
        page = browser.get(page.url.join(f"{page.url.path}/abort"))
        assert page.status_code == 403
        assert "provider_refused" in page.text


def test_cookies_are_out_of_scripts_reach_and_strict(there: Trusted) -> None:
    with there.visitor() as browser:
        begun = browser.get(f"{there.url}/sign-in/institution", follow_redirects=False).headers["set-cookie"].lower()
        assert "httponly" in begun
        assert "samesite=lax" in begun
        done = ", ".join(there.sign_in(browser, "pi").headers.get_list("set-cookie")).lower()
        assert re.search(r"yosegi_session_riken=[^;]{40,}; httponly; path=/; samesite=strict", done)


def test_nothing_secret_is_in_the_log_or_the_ledger(there: Trusted) -> None:
    with there.visitor() as browser:
        there.sign_in(browser, "pi")
        there.sign_in(browser, "visitor")
        token = session(browser)
    written = (
        b"".join(p.read_bytes() for p in there.home.folder.glob("ledger.db*"))
        + (there.home.folder / "log").read_bytes()
    )
    for secret in (SECRET, token or "none"):
        assert secret.encode() not in written


# -- the command line ---------------------------------------------------------------------------------------------


def confirm(there: Trusted, who: str, code: str) -> None:
    with there.visitor() as browser:
        there.sign_in(browser, who)
        page = browser.get(f"{there.url}/sign-in/hand/{code}")
        assert code in page.text
        token = re.search(r'name="form_token" value="([0-9a-f]{64})"', page.text)
        assert token is not None
        assert "signed in" in browser.post(f"{there.url}/sign-in/hand/{code}", data={"form_token": token[1]}).text


def signed_in(there: Trusted, folder: Path, monkeypatch: pytest.MonkeyPatch, who: str = "pi") -> None:
    """`yosegi sign-in`, confirmed in a browser by somebody of the institution."""
    monkeypatch.setenv("XDG_STATE_HOME", str(folder))
    asked: list[str] = []
    begin = Client.begin_browser_sign_in

    def asking(self: Client) -> BrowserSignIn:
        answer = begin(self)
        asked.append(answer.code)
        threading.Thread(target=confirm, args=(there, who, answer.code)).start()
        return answer

    monkeypatch.setattr(Client, "begin_browser_sign_in", asking)
    told = yosegi("sign-in", "--url", there.url, "--no-open")
    assert told.exit_code == 0, told.output
    assert asked[0] in told.output
    monkeypatch.undo()
    monkeypatch.setenv("XDG_STATE_HOME", str(folder))


def kept_in(folder: Path, url: str) -> str:
    """The token that the command line keeps."""
    return str(json.loads((folder / "yosegi" / "sessions.json").read_text())[url])


def test_the_command_line_signs_in_through_the_browser_and_remembers_until_it_signs_out(
    there, tmp_path, monkeypatch
) -> None:
    signed_in(there, tmp_path, monkeypatch)
    assert (tmp_path / "yosegi" / "sessions.json").stat().st_mode & 0o777 == 0o600
    assert yosegi("task", "list", "--url", there.url).exit_code == 0
    token = kept_in(tmp_path, there.url)
    assert "signed out" in yosegi("sign-out", "--url", there.url).output
    assert yosegi("task", "list", "--url", there.url).exit_code == 1
    with pytest.raises(SiteRefused):
        connect(there.url, token=token).campaigns()


def test_the_sign_in_of_a_command_line_outlives_the_death_of_its_site(there, tmp_path, monkeypatch) -> None:
    signed_in(there, tmp_path, monkeypatch, "officer")
    token = kept_in(tmp_path, there.url)
    there.end(force=True)
    told = yosegi("task", "list", "--url", there.url)
    assert (told.exit_code, "is the site running?" in told.output) == (6, True)
    there.serve()
    assert yosegi("task", "list", "--url", there.url).exit_code == 0
    # The role is the one that the institution gave.
    assert yosegi("site", "switch", "release", "--url", there.url).exit_code == 0
    yosegi("sign-out", "--url", there.url)
    there.end(force=True)
    there.serve()
    with pytest.raises(SiteRefused):
        connect(there.url, token=token).campaigns()


def test_a_sign_out_while_the_site_is_away_says_that_it_lasts_there(there, tmp_path, monkeypatch) -> None:
    signed_in(there, tmp_path, monkeypatch)
    there.end()
    told = yosegi("sign-out", "--url", there.url)
    there.serve()
    assert told.exit_code == 0
    assert "within twelve hours" in told.output
    assert yosegi("task", "list", "--url", there.url).exit_code == 1


def test_a_programs_token_opens_no_page_and_a_pages_no_api(there, tmp_path, monkeypatch) -> None:
    signed_in(there, tmp_path, monkeypatch)
    with there.visitor() as browser:
        browser.cookies.set("yosegi_session_riken", kept_in(tmp_path, there.url), domain="127.0.0.1", path="/")
        assert browser.get(f"{there.url}/").url.path == "/sign-in"
    with there.visitor() as browser:
        there.sign_in(browser, "pi")
        with pytest.raises(SiteRefused):
            connect(there.url, token=session(browser)).campaigns()


def test_python_signs_in_with_a_token(there: Trusted) -> None:
    asked = connect(there.url).begin_browser_sign_in()
    assert connect(there.url).collect_browser_sign_in(asked.secret).token == ""
    confirm(there, "officer", asked.code)
    token = connect(there.url).collect_browser_sign_in(asked.secret).token
    assert connect(there.url, token=token).campaigns() == ()
    with pytest.raises(SiteRefused):
        connect(there.url, token=token + "x").campaigns()


def test_a_code_is_confirmed_by_a_form_of_this_session_alone(there: Trusted) -> None:
    asked = connect(there.url).begin_browser_sign_in()
    with there.visitor() as browser:
        there.sign_in(browser, "pi")
        forged = browser.post(f"{there.url}/sign-in/hand/{asked.code}", data={"form_token": "0" * 64})
        assert forged.status_code == 403
    assert connect(there.url).collect_browser_sign_in(asked.secret).token == ""


@pytest.mark.browser
@pytest.mark.slow
def test_the_whole_sign_in_in_a_real_browser(there: Trusted) -> None:
    browsing = pytest.importorskip("web.test_browser")
    if browsing.CHROMIUM is None:
        pytest.skip("there is no Chromium here")
    browser = browsing.Browser()
    try:
        browser.driver.get(f"{there.url}/sign-in?lang=en")
        browser.press("a.institution")
        browser.wait(lambda: browser.count("input[name=login]"))
        assert browser.driver.current_url.startswith(there.issuer)
        browser.driver.find_element("name", "login").send_keys("pi")
        browser.driver.find_element("name", "password").send_keys("any")
        browser.press("button[type=submit]")
        browser.wait(lambda: browser.count("input[value=consent]"))
        browser.press("button[type=submit]")
        # The page in between leads on by itself, and the strict session cookie goes along.
        browser.wait(lambda: browser.driver.current_url == f"{there.url}/")
        assert "pi@riken" in browser.text("header")
        assert [line for line in browser.errors() if line.startswith(there.url)] == []
    finally:
        browser.driver.quit()
