"""Pages on which people write a campaign, bring to it what they know, do its work by hand, and read its answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import httpx
import pytest
from click.testing import CliRunner

from federation.questions import mix, mixes
from federation.questions import test as measure
from federation.toys import X
from web.conftest import token
from web.hostile import signed_in
from web.house import PASSPHRASE, House, opened
from yosegi.cli import main
from yosegi.client.client import connect
from yosegi.core.capability import capability, quantity
from yosegi.governance.charter.statement import Listens
from yosegi.testing.federation import Place, address
from yosegi.web.views import environment


@dataclass(frozen=True)
class Seen:
    strength: Annotated[float, quantity("MPa", ge=0)]


@capability("toy.press@1", kind="instrument", effect="idempotent", field="toys", simulated=True, time_limit=86400)
def press(x: X, y: X) -> Seen:
    """Press a pellet and read the force at which it breaks."""
    raise NotImplementedError("a person does it")


BY_HAND = (
    mixes().replace('name = "mixes"', 'name = "hands"').partition("[[source]]")[0]
    + '[[source]]\nname = "press"\nprice = 1.0\nstep = [{ name = "press", capability = "argonne/toy.press@1" }]\n'
)


@pytest.fixture(scope="module")
def bench() -> Iterator[House]:
    places = {
        "argonne": Place("argonne", Listens(url=address("argonne")), "US", by_hand=(press,)),
        "riken": Place("riken", Listens(url=address("riken")), capabilities=[mix, measure], duration=0.02),
    }
    with opened(places) as house:
        house.begin(mixes())
        house.until_over("mixes")
        house.begin(BY_HAND)
        yield house


@pytest.fixture
def pi(bench: House) -> Iterator[httpx.Client]:
    with bench.visitor(who="pi") as client:
        yield client


def form(client: httpx.Client, where: str, **fields: str) -> httpx.Response:
    return client.post(where, data={"form_token": token(client), **fields})


def test_a_file_is_drafted_from_a_contract_and_what_is_wrong_is_said_while_it_is_typed(pi: httpx.Client) -> None:
    page = pi.get("/start?capability=riken/toy.mix@1&lang=en").text
    assert "capability = &#34;riken/toy.mix@1&#34;" in page
    assert 'src="./static/start.js"' in page
    text = mixes().replace('name = "mixes"', 'name = "typed"').replace("high = 1.0", "high = 3.0", 1)
    told = form(pi, "/start/check", spec=text).text
    assert "up to 3" in told
    assert f"line {text.splitlines().index(next(t for t in text.splitlines() if 'high = 3.0' in t)) + 1}" in told
    good = form(pi, "/start/check", spec=text.replace("3.0", "1.0")).text
    assert "It can be started." in good


def test_a_draft_from_a_contract_can_be_started_as_it_is(pi: httpx.Client) -> None:
    import html
    import re

    page = pi.get("/start?capability=argonne/toy.press@1&lang=en").text
    found = re.search(r"<textarea name=\"spec\"[^>]*>(.*?)</textarea>", page, re.DOTALL)
    assert found is not None
    told = form(pi, "/start/check", spec=html.unescape(found[1])).text
    assert "It can be started." in told, told


def test_a_campaign_is_started_from_the_page_and_a_wrong_one_stays_with_its_reasons(
    bench: House, pi: httpx.Client
) -> None:
    text = mixes().replace('name = "mixes"', 'name = "paged"').replace("trials = 6", "trials = 1")
    answer = form(pi, "/start", spec=text.replace('purpose = "research"', 'purpose = "sales"'))
    assert answer.status_code == 409
    assert "purpose" in answer.text
    assert form(pi, "/start", spec=text).status_code == 200
    bench.until_over("paged")


def test_measurements_are_brought_and_the_campaign_extended_from_its_page(bench: House, pi: httpx.Client) -> None:
    page = pi.get("/campaigns/mixes?lang=en").text
    assert "x,y,strength,state" in page
    table = "x,y,strength\n0.6,0.4,99.9\n"
    assert form(pi, "/campaigns/mixes/measurements", table=table, file="book").status_code == 200
    assert "imported" in pi.get("/campaigns/mixes").text
    assert form(pi, "/campaigns/mixes/extend", trials="6").status_code == 409
    assert form(pi, "/campaigns/mixes/extend", trials="7").status_code == 200
    bench.until_over("mixes")
    assert bench.campaign("mixes").why == "7 trials done"


def test_the_answer_has_its_tables_first_and_its_citation(pi: httpx.Client) -> None:
    page = pi.get("/campaigns/mixes/answer?lang=en").text
    for part in ("What was gained", "Importance", "@misc{mixes,", "random search on the model", "Measured against"):
        assert part in page, part
    assert page.index("<table") < page.index('<svg class="chart')
    assert "得られた加速" in pi.get("/campaigns/mixes/answer?lang=ja").text
    pi.get("/?lang=en")


def test_work_by_hand_is_entered_by_form_and_by_table(bench: House, pi: httpx.Client) -> None:
    page = pi.get("/bench?lang=en").text
    assert "Press a pellet" in page
    with bench.visitor(who="pi") as client:
        session = client.post("/api/v1/session", json={"person": "pi@argonne", "passphrase": "correct horse battery"})
        headers = {"Authorization": f"Bearer {session.json()['token']}"}
        tasks = client.get("/api/v1/bench", headers=headers).json()
    first, second = (task["task"] for task in tasks[:2])
    wrong = form(pi, f"/bench/{first}", **{"out.strength": "strong", "state": "done"})
    assert wrong.status_code == 409
    assert "is no number" in wrong.text
    assert form(pi, f"/bench/{first}", **{"out.strength": "91,5", "state": "done"}).status_code == 200
    table = pi.get("/bench/table").text
    assert table.startswith("key,capability,x,y,strength,infeasible,failed")
    home, key = second.split("/")
    told = form(pi, "/bench/table", table=f"key,strength\ntask/{home}/{key},88\ntask/{home}/{key},89\n")
    assert "1 rows were taken, and 1 not" in told.text
    home_site = bench.federation.places["argonne"].running
    bench.until(lambda: {t.value for t in home_site.campaigns.get("hands").trials} >= {91.5, 88.0})


MANY_DIGITS, DEEP, LONG_FIELD = "9" * 5000, "[" * 20_000, "9" * 140_000
"""More digits than Python reads as a number (4300), more brackets than its JSON reader follows, a field longer than its
csv takes (131,072 characters)."""
UNDER = {"charter": "demo", "capability": "riken/toy.mix@1"}
TOO_LONG = "line 2 cannot be read as CSV"


@pytest.mark.parametrize(
    ("where", "fields", "said"),
    [
        ("/campaigns/hands/take-back", {"trial": MANY_DIGITS, "why": "x"}, "is no whole number"),
        ("/campaigns/hands/extend", {"trials": MANY_DIGITS, "why": "x"}, "is no whole number"),
        ("/bench/argonne/never", {"out.strength": DEEP, "state": "done"}, "is no value"),
    ],
)
def test_a_form_with_what_no_reader_takes_is_answered_in_words(
    pi: httpx.Client, where: str, fields: dict[str, str], said: str
) -> None:
    answer = form(pi, where, **fields)
    assert answer.status_code == 409
    assert said in answer.text
    assert len(answer.text) < 20_000, "what was sent is not sent back"


@pytest.mark.parametrize(
    ("where", "body", "said"),
    [
        ("bench.csv", {"table": f"key,strength\nk,{LONG_FIELD}\n"}, TOO_LONG),
        (
            "campaigns/hands/measurements",
            {"table": f"x,y,strength\n1,1,{LONG_FIELD}\n"},
            "line 2 cannot be read as CSV",
        ),
        ("campaigns/hands/measurements", {"rows": []}, "the measurements: rows"),
        (
            "requests",
            {
                "capability": "riken/toy.mix@1",
                "inputs": {},
                "charter": "demo",
                "team": "\x1b[2J",
                "purpose": "research",
            },
            "team",
        ),
        (
            "policy/what-if",
            {**UNDER, "team": "colour-team", "agent": "../x"},
            "agent",
        ),
    ],
)
def test_a_program_that_says_what_no_document_may_hold_is_told_the_field(
    bench: House, where: str, body: dict[str, Any], said: str
) -> None:
    with signed_in(bench, who="officer") as client:
        answer = client.post(f"/api/v1/{where}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert said in answer.json()["message"]


def test_a_cell_nested_thousands_deep_is_refused_with_its_row(bench: House) -> None:
    with signed_in(bench, who="officer") as client:
        answer = client.post("/api/v1/bench.csv", json={"table": f"key,strength\nk,{DEEP}\n"})
    assert answer.status_code == 200
    assert [row["line"] for row in answer.json()["rows"] if row["why"]] == [2]


def task_command(house: House, *arguments: str, who: str, fails: bool = False) -> str:
    """What `yosegi task` says of argonne's."""
    named = ("--url", house.url(), "--as", who, "--passphrase", PASSPHRASE)
    result = CliRunner().invoke(main, ["task", *arguments, *named])
    assert (result.exit_code != 0) is fails, result.output
    return result.output


def test_work_by_hand_is_handed_on_by_page_and_by_command_and_taken_back(bench: House, pi: httpx.Client) -> None:
    client = connect(bench.url(), person="pi@argonne", passphrase=PASSPHRASE)
    first, *others = (task.task for task in client.tasks.by_hand())
    where = first.replace("/", "-")
    wrong = form(pi, f"/bench/{first}/hand-on", to="nobody@argonne", note="yours")
    assert (wrong.status_code, "nobody of that name may sign in at argonne" in wrong.text) == (409, True)
    assert form(pi, f"/bench/{first}/hand-on", to="operator@argonne", note="the press is yours").status_code == 200
    page = pi.get("/bench?lang=en").text
    assert "Handed on to operator@argonne by pi@argonne" in page
    assert f'id="form-{where}"' not in page
    assert "Take it back" in page
    with bench.visitor(who="operator") as other:
        received = other.get("/bench?lang=ja").text
        assert "pi@argonne から operator@argonne に引き継ぎ" in received
        assert "the press is yours" in received
        assert f'id="form-{where}"' in received
    # A loop of one's own is asked for what nobody else holds.
    assert (asked := client.campaign("hands").ask(timeout=60, every=0.05)) is not None
    assert asked.task in others
    (listed,) = [one for one in json.loads(task_command(bench, "by-hand", "--json", who="operator@argonne"))
                 if one["task"] == first]  # fmt: skip
    assert (listed["handed_by"], listed["handed_note"]) == ("pi@argonne", "the press is yours")
    assert "the press is yours" in task_command(bench, "by-hand", who="operator@argonne")
    on = ("hand-on", first, "--to", "officer@argonne", "--note", "your shift")
    assert "is with officer@argonne" in task_command(bench, *on, who="operator@argonne")
    assert "one of them hands it on" in task_command(
        bench, *on[:3], "pi@argonne", *on[4:], who="pi@argonne", fails=True
    )
    with bench.visitor(who="operator") as other:
        assert form(other, f"/bench/{first}/hand-on", back="yes", note="I have time").status_code == 200
        assert form(other, f"/bench/{first}", **{"out.strength": "77", "state": "done"}).status_code == 200
    home_site = bench.federation.places["argonne"].running
    bench.until(lambda: 77.0 in {t.value for t in home_site.campaigns.get("hands").trials})


def test_the_answer_is_told_by_a_command_whole_or_as_methods_or_citation_alone(bench: House) -> None:
    named = ("--url", bench.url(), "--as", "pi@argonne", "--passphrase", PASSPHRASE)
    answer = connect(bench.url(), person="pi@argonne", passphrase=PASSPHRASE).campaign("mixes").answer()
    said = {flag: CliRunner().invoke(main, ["campaign", "answer", "mixes", *flag, *named]) for flag in FLAGS}
    assert {result.exit_code for result in said.values()} == {0}
    assert said[("--methods",)].output == f"{answer.methods}\n"
    assert said[("--bibtex",)].output == answer.bibtex
    for part in (answer.methods, answer.bibtex, "Learned of strength", " MPa"):
        assert part in said[()].output
    both = CliRunner().invoke(main, ["campaign", "answer", "mixes", "--methods", "--bibtex", *named])
    assert "exclude each other" in both.output


FLAGS: tuple[tuple[str, ...], ...] = ((), ("--methods",), ("--bibtex",))


def test_a_point_stands_with_the_unit_of_each_quantity() -> None:
    page = environment().from_string('{% import "macros.html" as m %}{{ m.point({"t": 5.5, "n": 2}, {"t": "K"}) }}')
    assert page.render() == "<span>t <b>5.5</b> K</span> <span>n <b>2</b></span> "
