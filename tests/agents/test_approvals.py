"""What an agent asks that a person must approve: at the owner's site, of the exact request, and never by the agent.

One test is the whole story: found, refused, approved by a person on the page, a campaign, and the end of a mandate.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from agents.clients import Agent
from agents.test_tools import knock
from federation.asking import person
from web.hostile import now_at
from web.house import STORED, House, opened, spec
from yosegi.governance.mandates.approvals import Approval
from yosegi.identity.accounts import Account
from yosegi.testing.federation import CHARTER, TEAM

MAKE = {"charter": CHARTER, "team": TEAM, "capability": "nims/toy.make@1", "inputs": {"x": 0.5}, "conduct": "approve"}
OPERATOR = "operator@nims"


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """The federation, whose agreement names an approver: the operator at nims, with a key of their own."""
    with opened(people=(OPERATOR,), terms={"approvers": (OPERATOR,)}) as house:
        key = house.federation.person(OPERATOR).public
        nims = house.federation.places["nims"].running
        account = Account(person=OPERATOR, role="operator", passphrase=STORED, keys=(key,))
        nims.authenticator.accounts = {**nims.authenticator.accounts, OPERATOR: account}
        yield house


def waiting(house: House, key: str) -> Any:
    """What waits at nims for a person, under a key, once it is there."""

    def found() -> list[Any]:
        return [one for one in house.federation.places["nims"].running.approvals.waiting() if one.task.endswith(key)]

    house.until(lambda: bool(found()))
    return found()[0]


def approve(house: House, asked: Any, signer: Any) -> str:
    """Have the operator approve it on the page, in a document that a key signed; what the page then says."""
    now = now_at(house)
    yes = Approval(
        charter=CHARTER,
        site="nims",
        id=f"yes-{asked.task.partition('/')[2]}",
        person=OPERATOR,
        request=asked.request,
        contract=asked.contract,
        issued=now,
        not_after=now + timedelta(hours=1),
    ).sign(signer)
    with house.visitor("nims", "operator") as browser:
        token = re.search(r'name="form_token" value="([0-9a-f]{64})"', browser.get("/tasks").text)
        assert token is not None
        form = {"form_token": token[1], "document": yes.to_bytes().decode()}
        return browser.post(f"/tasks/{asked.task}/approve", data=form).text


def followed(agent: Agent, key: str, state: str) -> Any:
    """The task once it is in a state."""
    for _ in range(60):
        answer = agent.call("get_task", {"owner": "nims", "key": key, "wait_seconds": 1})
        if answer["state"] == state:
            break
    return answer


def test_a_task_that_needs_approval_answers_that_it_waits_with_the_digest_that_is_approved(house: House) -> None:
    agent = Agent(house, "waiter")
    agent.call("ask_task", MAKE | {"key": "waits"})
    asked = waiting(house, "waits")
    answer = followed(agent, "waits", "accepted")
    assert answer["waits_for_approval"] is True
    assert answer["approved_is"] == asked.request


def test_no_tool_approves_and_the_agents_key_signs_no_approval(house: House) -> None:
    agent = Agent(house, "forger")
    agent.call("ask_task", MAKE | {"key": "forged"})
    for name in ("approve", "give_approval", "approve_task"):
        assert agent.call(name, {})["codes"] == ["tool_not_allowed"]
    assert "unknown_key" in approve(house, waiting(house, "forged"), agent.key)
    assert waiting(house, "forged").state == "accepted"


def test_an_agent_finds_is_refused_is_approved_runs_a_campaign_and_ends_with_its_mandate(house: House) -> None:
    agent = Agent(house, "explorer", purposes=("research", "teaching"))
    found = agent.call("find_capabilities", {"text": "toy.make", "usable_only": True})["capabilities"]
    assert [one["capability"] for one in found] == ["nims/toy.make@1"]
    refused = agent.call("ask_task", MAKE | {"key": "taught", "purpose": "teaching"})
    told = refused if refused["state"] == "refused" else followed(agent, "taught", "refused")
    assert "The robot is kept for research." in told["reasons"][0]["en"]
    agent.call("ask_task", MAKE | {"key": "first"})
    approve(house, waiting(house, "first"), house.federation.person(OPERATOR))
    assert followed(agent, "first", "ended")["outputs"]["sample"] == "⟦nims: s-0.5⟧"
    started = agent.call("start_campaign", {"spec": spec("explored", 2)})
    assert (started["mandate"], started["on_behalf_of"]) == ("explorer", "pi@argonne")
    house.until_over("explored")
    assert agent.call("get_campaign", {"name": "explored"})["state"] == "ended"
    calls = [one["tool"] for one in agent.call("my_activity")["latest"]]
    assert {"find_capabilities", "ask_task", "get_task", "start_campaign"} <= set(calls)
    token = agent.memory.tokens
    assert token is not None
    house.do(house.federation.places["argonne"].running.mandates.cancel("explorer", "enough", person()))
    assert knock(agent, token.access_token) == 401


def test_what_an_agent_did_is_a_page_of_its_person(house: House) -> None:
    agent = Agent(house, "seen")
    agent.call("ask_task", MAKE | {"key": "seen", "purpose": "nonsense"})
    with house.visitor("argonne", "pi") as browser:
        page = browser.get("/mandates/seen/activity").text
        assert 'href="./mandates/seen/activity"' in browser.get("/mandates").text
    assert "ask_task" in page
    assert "1 calls" in page
    with house.visitor("nims", "pi") as browser:
        assert browser.get("/mandates/seen/activity").status_code == 404
