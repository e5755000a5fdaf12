"""What the pages do, seen through HTTP, without a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

from web.conftest import token
from web.house import PASSPHRASE, House, spec
from web.plain import PLAIN
from yosegi.core.states import CampaignState, TrialState

PAGES = ("/", "/tasks", "/asked", "/search", "/mandates", "/objects", "/samples", "/instruments", "/campaigns/toy")


@pytest.fixture(scope="module")
def toy(house: House) -> str:
    """A campaign that has ended."""
    house.begin(spec())
    house.until_over()
    return "toy"


@pytest.fixture(scope="module")
def pi(house: House, toy: str) -> Iterator[httpx.Client]:
    with house.visitor(who="pi") as client:
        yield client


@pytest.fixture(scope="module")
def operator(house: House, toy: str) -> Iterator[httpx.Client]:
    with house.visitor("nims", "operator") as client:
        yield client


def test_every_page_leads_a_stranger_to_the_sign_in_page_and_back(house: House, toy: str) -> None:
    for page in PAGES:
        with house.visitor() as stranger:
            answer = stranger.get(page)
            assert answer.url.path == "/sign-in"
            form = {"person": "pi@argonne", "passphrase": PASSPHRASE, "to": answer.url.params["to"]}
            assert stranger.post("/sign-in", data=form).url.path == page


def test_a_wrong_passphrase_is_refused_without_saying_which_was_wrong(house: House) -> None:
    with house.visitor() as stranger:
        texts = []
        for person in ("pi@argonne", "someone@argonne"):
            answer = stranger.post("/sign-in", data={"person": person, "passphrase": "wrong wrong wrong"})
            assert answer.status_code == 403
            assert "sign_in_failed" in answer.text
            texts.append(answer.text.replace(f'value="{person}"', ""))
        assert texts[0] == texts[1]
        assert not stranger.cookies


def test_signing_in_leads_nowhere_outside_the_site(house: House) -> None:
    for to in ("https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example", "/tasks/../../x"):
        with house.visitor() as stranger:
            form = {"person": "pi@argonne", "passphrase": PASSPHRASE, "to": to}
            assert stranger.post("/sign-in", data=form).url == httpx.URL(house.url() + "/")


def test_the_cookie_is_strict_and_unreadable_for_scripts(house: House) -> None:
    with house.visitor() as stranger:
        stranger.follow_redirects = False
        answer = stranger.post("/sign-in", data={"person": "pi@argonne", "passphrase": PASSPHRASE})
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("yosegi_session_argonne=")
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert cookie.split("=")[1].split(";")[0] not in str(answer.headers["location"])


def test_after_signing_out_the_cookie_opens_nothing(house: House, toy: str) -> None:
    with house.visitor(who="pi") as client:
        kept = dict(client.cookies)
        assert client.post("/sign-out", data={"form_token": token(client)}).url.path == "/sign-in"
    with httpx.Client(base_url=house.url(), cookies=kept, trust_env=False, verify=PLAIN) as thief:
        assert thief.get("/").status_code == 303


def test_the_cookie_does_not_open_the_api(pi: httpx.Client) -> None:
    assert pi.get("/api/v1/peers").status_code == 401


@pytest.mark.parametrize("page", PAGES)
def test_every_page_has_the_sites_switch_and_no_disabled_button(pi: httpx.Client, page: str) -> None:
    text = pi.get(page).text
    for word in ("hold", "stop", "abort"):
        assert re.search(rf'formaction="[./]*switch/{word}"', text)
    assert "switch/release" not in text  # nothing is stopped, and releasing is not for a member
    assert "disabled" not in text


@pytest.mark.parametrize("page", ["/", "/campaigns/toy"])
def test_a_campaign_that_has_ended_offers_no_button(pi: httpx.Client, page: str) -> None:
    assert "campaigns/toy/" in pi.get("/campaigns/toy").text  # its bundle
    assert not re.search(r'formaction="[./]*campaigns/toy/', pi.get(page).text)


@pytest.mark.parametrize("page", ["/", "/campaigns/buttons"])
def test_a_campaign_offers_the_words_that_move_it_from_where_it_stands(
    house: House, pi: httpx.Client, page: str
) -> None:
    if "buttons" not in house.federation.places["argonne"].running.campaigns.names():
        house.begin(spec("buttons", trials=500))
    pi.post("/campaigns/buttons/hold", data={"form_token": token(pi)})
    found = re.findall(r'formaction="[./]*campaigns/buttons/(\w+)"', pi.get(page).text)
    assert found == ["resume", "stop", "abort"]


@pytest.mark.parametrize("page", [*PAGES, "/sign-in", "/campaigns/none-such"])
def test_every_address_in_a_page_is_relative(pi: httpx.Client, page: str) -> None:
    text = pi.get(page).text
    for found in re.findall(r'(?:href|src|action|formaction|connect)="([^"]*)"', text):
        assert not found.startswith(("/", "http")), found


def test_a_table_for_one_person_is_kept_by_no_browser(pi: httpx.Client) -> None:
    """RFC 9111, 5.2.2.5; files of the site itself carry an entity tag, and may be kept."""
    answer = pi.get("/bench/table")
    assert answer.is_success
    assert answer.headers.get_list("cache-control") == ["no-store"]


@pytest.mark.parametrize("page", PAGES)
def test_pages_forbid_inline_scripts_and_carry_none(pi: httpx.Client, page: str) -> None:
    answer = pi.get(page)
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert not re.search(r"<script(?![^>]*src=)|<[^>]*\s(on\w+|style)=", answer.text)


def test_a_form_without_the_token_of_its_session_changes_nothing(house: House, pi: httpx.Client) -> None:
    with house.visitor(who="operator") as other:
        foreign = token(other)
    for form in ({}, {"form_token": ""}, {"form_token": "0" * 64}, {"form_token": foreign}, {"form_token": "é"}):
        answer = pi.post("/switch/hold", data=form)
        assert answer.status_code in (403, 422)
        assert not house.federation.places["argonne"].running.dispatcher.is_stopped


def test_a_form_from_another_sites_page_is_refused_even_with_the_token(house: House, pi: httpx.Client) -> None:
    form = {"form_token": token(pi)}
    answer = pi.post("/switch/hold", data=form, headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403
    assert "another site" in answer.text
    assert not house.federation.places["argonne"].running.dispatcher.is_stopped


def test_a_form_of_nobody_leads_to_the_sign_in_page(house: House) -> None:
    with house.visitor() as stranger:
        assert stranger.post("/switch/hold", data={"form_token": "x"}).url.path == "/sign-in"
    assert not house.federation.places["argonne"].running.dispatcher.is_stopped


def test_a_form_that_is_too_large_is_refused(pi: httpx.Client) -> None:
    assert pi.post("/switch/hold", data={"why": "x" * 70_000}).status_code == 422


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("hold", "held: starts nothing new"),
        ("stop", "safely stopped: starts nothing new"),
        ("abort", "aborted: starts nothing new"),
    ],
)
def test_anybody_may_stop_the_site_and_only_an_operator_releases_it(
    house: House, pi: httpx.Client, word: str, said: str
) -> None:
    owner = house.federation.places["argonne"].running.dispatcher
    asked = pi.post(f"/switch/{word}", data={"form_token": token(pi)})
    assert 'name="confirmed"' in asked.text
    assert not owner.is_stopped
    form = {"form_token": token(pi), "confirmed": "yes", "why": "a smell of burning"}
    shown = pi.post(f"/switch/{word}", data=form).text
    assert said in shown
    assert "by pi@argonne since" in shown
    assert "a smell of burning" in shown
    assert owner.is_stopped
    alerts = [alert.text for alert in house.notices("argonne")]
    assert any("pi@argonne" in text and "a smell of burning" in text for text in alerts)
    assert "switch/release" not in shown
    answer = pi.post("/switch/release", data={"form_token": token(pi)})
    assert answer.status_code == 403
    assert "operators_only" in answer.text
    assert owner.is_stopped
    with house.visitor(who="operator") as operator:
        operator.post("/switch/release", data={"form_token": token(operator)})
    assert not owner.is_stopped


def test_a_campaign_is_held_resumed_stopped_and_aborted_from_its_page(house: House, pi: httpx.Client) -> None:
    house.begin(spec("steered", trials=500))

    def press(word: str) -> str:
        form = {"form_token": token(pi), "why": f"because {word}"}
        answer = pi.post(f"/campaigns/steered/{word}", data=form)
        assert answer.url.path == "/campaigns/steered"
        return str(house.campaign("steered").state)

    assert press("hold") == CampaignState.HELD
    assert "because hold" in pi.get("/campaigns/steered").text
    assert press("resume") == CampaignState.RUNNING
    assert press("stop") in (CampaignState.STOPPING, CampaignState.STOPPED)
    assert press("abort") == CampaignState.ABORTED


def test_a_button_that_comes_too_late_says_why_on_a_page_that_stays(house: House, pi: httpx.Client) -> None:
    answer = pi.post("/campaigns/toy/hold", data={"form_token": token(pi)})
    assert answer.status_code == 409
    assert "is ended and cannot become held" in answer.text
    assert 'role="alert"' in answer.text
    assert pi.get(answer.url.join(re.findall(r'<p><a href="([^"]*)', answer.text)[0])).url.path == "/campaigns/toy"


def test_what_is_not_here_is_said_as_a_page(pi: httpx.Client) -> None:
    for page in ("/campaigns/none-such", "/campaigns/none-such/live", "/none-such", "/campaigns/none-such/bundle"):
        answer = pi.get(page)
        assert answer.status_code == 404
        assert "none-such" in answer.text
        assert 'role="alert"' in answer.text


def test_results_and_titles_with_markup_are_inert_text(pi: httpx.Client) -> None:
    text = pi.get("/campaigns/toy?all=1").text
    assert "<script>document" not in text
    assert "<img src=x" not in text
    assert "&lt;img src=x onerror=" in text
    assert "Toy &lt;b&gt;bold&lt;/b&gt;" in text


def test_every_simulated_thing_says_so(house: House, pi: httpx.Client) -> None:
    for page in ("/", "/campaigns/toy"):
        assert "simulated" in pi.get(page).text
    campaign = pi.get("/campaigns/toy?all=1").text
    rows = re.findall(r'<tr id="trial-.*?</tr>(?=\s*(?:<tr id|</tbody>))', campaign, re.S)
    assert len(rows) == len(house.campaign().trials)
    assert all("simulated" in row for row in rows)


def test_a_trials_row_shows_its_receipts(house: House, pi: httpx.Client) -> None:
    done = next(t for t in house.campaign().trials if t.state is TrialState.COMPLETED and len(t.steps) == 2)
    text = pi.get("/campaigns/toy?all=1").text
    for step in done.steps:
        assert step.key in text
    assert "1 samples" in text


def test_what_an_owner_refused_stays_with_its_reason_in_the_pages_language(house: House, pi: httpx.Client) -> None:
    house.begin(spec("lesson", trials=5, purpose="teaching"))
    house.until(lambda: house.federation.places["argonne"].running.campaigns.get("lesson").state is CampaignState.HELD)
    english = pi.get("/campaigns/lesson?lang=en").text
    assert "The robot is kept for research." in english
    assert "no-teaching" in english
    assert "operator@nims" in english
    japanese = pi.get("/campaigns/lesson?lang=ja").text
    assert "ロボットは研究専用です。" in japanese
    assert "The robot is kept" not in japanese
    with house.visitor("nims", "operator") as operator:
        assert "The robot is kept for research." in operator.get("/tasks").text
    pi.get("/?lang=en")


def test_a_language_that_was_chosen_stays(house: House) -> None:
    with house.visitor(who="pi") as client:
        assert '<html lang="en">' in client.get("/").text
        assert '<html lang="ja">' in client.get("/?lang=ja").text
        assert '<html lang="ja">' in client.get("/tasks").text
        assert '<html lang="en">' in client.get("/tasks?lang=en").text


def test_a_browser_that_prefers_japanese_gets_it(house: House) -> None:
    with house.visitor() as stranger:
        assert "パスフレーズ" in stranger.get("/sign-in", headers={"accept-language": "ja,en;q=0.5"}).text


def test_the_bundle_that_a_page_offers_verifies(house: House, pi: httpx.Client) -> None:
    from yosegi.verification.bundle import read_bundle, verify_bundle

    answer = pi.get("/campaigns/toy/bundle")
    assert answer.headers["content-disposition"] == "attachment"
    verify_bundle(read_bundle(answer.content))


def test_an_uncertain_task_is_first_is_acknowledged_and_settled_by_an_operator(
    house: House, pi: httpx.Client, operator: httpx.Client
) -> None:
    nims = house.federation.places["nims"].running
    house.lost.add("the next")
    house.begin(spec("unlucky", trials=2))
    house.until(lambda: bool(nims.alerts.open()))
    page = operator.get("/tasks").text
    assert "effect_unknown" in page
    assert "&lt;i&gt;dispensing&lt;/i&gt;" in page
    assert page.index("uncertain") < page.index("Latest tasks")
    name = house.notices("nims")[0].task
    assert "Open notices: 1" in page

    form = {"form_token": token(operator)}
    assert "acknowledged" in operator.post(f"/tasks/{name}/acknowledge", data=form).text
    assert house.notices("nims") == []
    refused = operator.post(f"/tasks/{name}/settle", data=form)
    assert refused.status_code == 409
    with house.visitor("nims", "pi") as member:
        theirs = {"form_token": token(member), "effect": "none", "note": "looked"}
        assert member.post(f"/tasks/{name}/settle", data=theirs).status_code == 403
    assert str(nims.tasks.get(name).state) == "uncertain"
    settled = operator.post(f"/tasks/{name}/settle", data=form | {"effect": "none", "note": "the well is dry"})
    assert settled.url.path == "/tasks"
    assert str(nims.tasks.get(name).state) == "ended"
    house.until_over("unlucky")


def test_what_waits_for_a_person_is_shown_with_all_that_is_asked_and_refused_with_words_both_sides_read(
    house: House, pi: httpx.Client, operator: httpx.Client
) -> None:
    nims = house.federation.places["nims"].running
    house.begin('conduct = "approve"\n' + spec("careful", trials=1))
    house.until(lambda: bool(nims.alerts.open()))
    notice = house.notices("nims")[0]
    page = operator.get("/tasks").text
    asked = nims.approvals.asked(f"task/{notice.task}")
    for shown in (notice.task, asked.request, asked.contract, "colour-agreement", "approval_missing"):
        assert shown in page
    assert "waits for a person" in operator.get("/").text
    assert "人の承認待ち" in operator.get("/tasks?lang=ja").text
    operator.get("/tasks?lang=en")

    form = {"form_token": token(operator)}
    assert operator.post(f"/tasks/{notice.task}/approve", data=form | {"document": "{}"}).status_code == 409
    with house.visitor("nims", "pi") as member:
        theirs = {"form_token": token(member), "why": "I rather not"}
        assert member.post(f"/tasks/{notice.task}/refuse", data=theirs).status_code == 403
    assert operator.post(f"/tasks/{notice.task}/refuse", data=form | {"why": "<b>not</b> today"}).url.path == "/tasks"
    assert str(nims.tasks.get(notice.task).state) == "refused"
    home = house.federation.places["argonne"].running
    house.until(lambda: any(t.state is TrialState.REFUSED for t in home.campaigns.get("careful").trials))
    assert "approval_declined" in pi.get("/campaigns/careful").text
    assert "&lt;b&gt;not&lt;/b&gt; today" in pi.get("/campaigns/careful").text
    assert "認めませんでした" in pi.get("/campaigns/careful?lang=ja").text
    pi.get("/campaigns/careful?lang=en")
    pi.post("/campaigns/careful/abort", data={"form_token": token(pi)})


def test_a_stream_begins_with_everything(house: House, pi: httpx.Client) -> None:
    with pi.stream("GET", "/campaigns/toy/live") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        first = ""
        for line in answer.iter_lines():
            if not line:
                break
            first += line
    for part in ("switch", "head", "figures", "plot", "spending", "sources", "count", "rows"):
        assert f'hx-target="#{part}"' in first


def test_a_stream_of_nobody_is_refused_without_a_redirect(house: House) -> None:
    with house.visitor() as stranger:
        for page in ("/live", "/tasks/live", "/campaigns/toy/live"):
            assert stranger.get(page).status_code == 401


def test_a_session_outlives_a_restart_of_its_site_and_ends_with_its_account(house: House) -> None:
    with house.visitor("riken", "operator") as client:
        before = token(client)
        house.do(house.down("riken"))
        house.do(house.up("riken"))
        assert token(client) == before
        house.federation.places["riken"].running.authenticator.accounts = {}
        assert client.get("/").url.path == "/sign-in"
    house.do(house.down("riken"))
    house.do(house.up("riken"))
