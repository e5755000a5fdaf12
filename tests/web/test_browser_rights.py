"""Approvals and mandates in a real browser: a yes that was signed elsewhere is handed in; a mandate is ended."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import timedelta

import pytest
from selenium.webdriver.common.by import By

from web.conftest import token
from web.hostile import now_at, signed_in
from web.house import STORED, House, opened, spec
from web.test_browser import CHROMIUM, Browser
from yosegi.core.states import TaskState
from yosegi.execution.tasks import task_stream
from yosegi.governance.mandates.approvals import Approval
from yosegi.identity.accounts import Account
from yosegi.services.approvals.schemas import ApprovalRequest

OPERATOR = "operator@nims"
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here"),
]


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """Whatever is asked of nims waits for its operator, who is named as an approver and has a key of their own."""
    with opened(people=(OPERATOR,), terms={"approvers": (OPERATOR,)}) as house:
        authenticator = house.federation.places["nims"].running.authenticator
        key = house.federation.person(OPERATOR).public
        mine = Account(person=OPERATOR, role="operator", passphrase=STORED, keys=(key,))
        authenticator.accounts = {**authenticator.accounts, OPERATOR: mine}
        yield house


@pytest.fixture
def browser(house: House) -> Iterator[Browser]:
    browser = Browser()
    yield browser
    with contextlib.suppress(Exception):
        browser.driver.quit()


def waiting(house: House) -> list[str]:
    """Tasks that wait at nims for a person."""

    async def look() -> list[str]:
        return [one.task for one in house.federation.places["nims"].running.approvals.waiting()]

    return house.do(look())


def sign(house: House, task: str) -> str:
    """What the command that the page shows signs, where the person's key is; by the house's clock."""

    async def asked() -> ApprovalRequest:
        return house.federation.places["nims"].running.approvals.asked(task_stream(*task.split("/")))

    told, now = house.do(asked()), now_at(house)
    yes = Approval(
        charter=told.charter, site="nims", id=f"yes-{task[-8:]}-{now.timestamp()}", person=OPERATOR,
        request=told.request, contract=told.contract, issued=now, not_after=now + timedelta(hours=1),
    )  # fmt: skip
    return yes.sign(house.federation.person(OPERATOR)).to_bytes().decode()


def hand_in(browser: Browser, task: str, document: str) -> None:
    form = f"#approve-{task.replace('/', '-')}"
    browser.wait(lambda: browser.count(form))
    browser.run(f"document.querySelector('{form} textarea').value = ''")
    browser.driver.find_element(By.CSS_SELECTOR, f"{form} textarea").send_keys(document)
    browser.press(f"{form} button")


def test_a_signed_yes_is_handed_in_on_the_page_and_starts_that_task_alone(house: House, browser: Browser) -> None:
    house.begin('conduct = "approve"\n' + spec("careful", trials=2))
    house.until(lambda: len(house.federation.places["nims"].running.approvals.waiting()) == 2)
    task, other = waiting(house)
    browser.sign_in(house, "operator", "nims")
    browser.go(house, "/tasks", "nims")
    assert browser.count("#awaited article") == 2
    assert f"yosegi approval give {task}" in browser.text(f"#task-{task.replace('/', '-')}")

    # A yes to the other task is none to this one.
    hand_in(browser, task, sign(house, other))
    browser.wait(lambda: browser.count("#problem"))
    assert "approval_of_another_request" in browser.text("#problem")
    browser.press("#problem a")
    assert [line for line in browser.errors() if "403 (Forbidden)" not in line] == []
    assert set(waiting(house)) == {task, other}

    hand_in(browser, task, sign(house, task))
    browser.wait(lambda: browser.driver.current_url.endswith("/tasks") and not browser.count("#problem"))
    browser.live()
    browser.wait(lambda: not browser.count(f"#approve-{task.replace('/', '-')}"))
    browser.wait(lambda: "ended" in browser.text(f"#line-{task.replace('/', '-')}"))
    nims = house.federation.places["nims"].running
    assert nims.tasks.get(task).state is TaskState.ENDED
    assert nims.tasks.get(other).state is TaskState.ACCEPTED
    assert browser.errors() == []


def test_the_same_yes_handed_in_again_starts_nothing(house: House, browser: Browser) -> None:
    task = waiting(house)[0]
    document = sign(house, task)
    browser.sign_in(house, "operator", "nims")
    browser.go(house, "/tasks", "nims")
    # Two windows, one yes.
    hand_in(browser, task, document)
    browser.wait(lambda: house.federation.places["nims"].running.tasks.get(task).state is TaskState.ENDED)
    with house.visitor("nims", "operator") as second:
        form = {"form_token": token(second, "/tasks"), "document": document}
        assert second.post(f"/tasks/{task}/approve", data=form).status_code == 409
    assert house.federation.world.twice() == []


def test_a_mandate_is_ended_by_its_button_and_the_page_that_is_open_elsewhere_says_so(
    house: House, browser: Browser
) -> None:
    house.begin('conduct = "approve"\n' + spec("ending", trials=1))
    house.until(lambda: bool(house.federation.places["argonne"].running.campaigns.get("ending").mandate))
    browser.sign_in(house)
    browser.go(house, "/mandates")
    browser.run("window.marker = 'the same page'")
    row = "#standing [id='mandate-ending.m1']"
    browser.wait(lambda: browser.count(row))
    with house.visitor(who="pi") as second:
        second.post("/mandates/ending.m1/cancel", data={"form_token": token(second, "/mandates"), "why": "enough"})
    browser.wait(lambda: not browser.count(row) and browser.count("#over [id='mandate-ending.m1']"))
    assert "mandate_cancelled" in browser.text("#over")
    assert browser.run("return window.marker") == "the same page"

    row = "#standing [id='mandate-careful.m1']"
    browser.driver.find_element(By.CSS_SELECTOR, f"{row} [name=why]").send_keys("done with it")
    browser.press(f"{row} button.abort")
    browser.wait(lambda: browser.count("#over [id='mandate-careful.m1']"))
    with signed_in(house, who="pi") as client:
        assert not client.get("/api/v1/mandates/careful.m1").json()["stands"]
    assert browser.errors() == []
