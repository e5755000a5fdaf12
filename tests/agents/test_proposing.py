"""An agent proposes points by its tool, its hypotheses are on the page with what came of them, and notes are kept."""

from __future__ import annotations

import contextlib
from typing import Any

from mcp import Client

from agents.conftest import Make
from federation.asking import person
from web.house import House, spec
from yosegi.core.errors import Conflict
from yosegi.core.states import CampaignState

AGENT = 'planner = "sobol"\nproposer = "agent"\nagent = { mix = "first", wait = 60.0 }'


def proposed(name: str, trials: int = 2) -> str:
    return spec(name, trials).replace('planner = "sobol"', AGENT)


def point(x: float, at_most: float) -> dict[str, Any]:
    return {"values": {"x": x}, "hypothesis": f"<b>the best is near {x}</b>", "expects": "small", "at_most": at_most}


def test_points_by_the_tool_are_measured_and_what_came_of_them_is_on_the_page(make: Make, house: House) -> None:
    """The house's value is (x - 0.35)²: 0 at 0.35, and 0.0625 at 0.6."""
    agent = make()
    name = f"hypo-{agent.name}"

    async def work(client: Client) -> Any:
        started = await client.call_tool("start_campaign", {"spec": proposed(name)})
        assert not started.is_error, started.structured_content
        points = [point(0.35, 0.001), point(0.6, 0.001)]
        used = {"name": "m", "version": "1", "tokens_in": 20, "tokens_out": 10, "cost": "0.5"}
        answer = await client.call_tool("propose_points", {"campaign": name, "points": points, "model": used})
        assert not answer.is_error, answer.structured_content
        await client.call_tool("take_note", {"campaign": name, "text": "two points were proposed"})
        return answer.structured_content

    first = agent.use(work)
    assert first["hypotheses"][0]["hypothesis"] == "⟦argonne: <b>the best is near 0.35</b>⟧"
    house.until_over(name)
    found = agent.call("get_hypotheses", {"name": name})
    assert [(one["values"]["x"], one["verdict"]) for one in found["hypotheses"]] == [(0.35, "held"), (0.6, "refuted")]
    assert (found["tokens"], found["model_cost"]) == (30, {"usd": "0.5"})
    with house.visitor("argonne", "pi") as browser:
        page = browser.get(f"/campaigns/{name}").text
    assert "&lt;b&gt;the best is near 0.35&lt;/b&gt;" in page
    assert "held" in page
    assert "refuted" in page
    assert "Models took 30 tokens" in page


def test_points_for_a_campaign_that_its_planner_alone_proposes_for_are_refused(make: Make, house: House) -> None:
    agent = make()
    name = f"alone-{agent.name}"
    agent.call("start_campaign", {"spec": spec(name, 1)})
    answer = agent.call("propose_points", {"campaign": name, "points": [point(0.3, 0.1)]})
    assert (answer["is_error"], answer["code"]) == (True, "conflict")


def test_points_beyond_the_agents_mandate_are_refused(make: Make, house: House) -> None:
    """The campaign is another agent's; this one may use what simulates alone."""
    owner, other = make(), make(capabilities=("riken/*",))
    name = f"beyond-{owner.name}"
    owner.call("start_campaign", {"spec": proposed(name)})
    answer = other.call("propose_points", {"campaign": name, "points": [point(0.3, 0.1)]})
    assert answer["codes"] == ["outside_mandate"]
    owner.call("stop_campaign", {"name": name, "word": "stop"})


def test_a_point_outside_the_space_is_refused_with_why(make: Make, house: House) -> None:
    agent = make()
    name = f"outside-{agent.name}"
    agent.call("start_campaign", {"spec": proposed(name)})
    answer = agent.call("propose_points", {"campaign": name, "points": [point(5.0, 0.1)]})
    assert answer["code"] == "invalid"
    assert "must be from 0 to 0.9" in answer["message"]
    agent.call("stop_campaign", {"name": name, "word": "stop"})


def test_an_agents_campaigns_follow_each_other_eight_deep_and_no_deeper(make: Make, house: House) -> None:
    agent = make()
    names = [f"chain-{agent.name}-{n}" for n in range(10)]

    campaigns = house.federation.places["argonne"].running.campaigns
    told = []
    for n, name in enumerate(names):
        follows = f'follows = "{names[n - 1]}"\n' if n else ""
        answer = agent.call("start_campaign", {"spec": follows + spec(name, 1).lstrip()})
        told.append(answer.get("codes", "started"))
        if not answer["is_error"]:
            with contextlib.suppress(Conflict):  # it has ended by itself
                house.do(campaigns.move(name, CampaignState.ABORTED, person(), "enough"))
    assert told == ["started"] * 9 + [["campaigns_too_deep"]]


def test_an_agent_has_at_most_eight_campaigns_open_at_once(make: Make, house: House) -> None:
    agent = make()
    text = spec("NAME-OF-IT", 1).replace('purpose = "research"', 'purpose = "research"\nconduct = "suggest"')
    told = []
    for n in range(9):
        answer = agent.call("start_campaign", {"spec": text.replace("NAME-OF-IT", f"open-{agent.name}-{n}")})
        told.append(answer.get("codes", "started"))
    assert told == ["started"] * 8 + [["campaigns_too_many"]]
