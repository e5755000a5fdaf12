"""Words of other sites and users are data: no attempt of the corpus changes what is allowed, or leaves its marks."""

from __future__ import annotations

import json
import types as python_types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from mcp import Client
from pydantic import BaseModel

from agents.clients import Agent
from agents.injections import ATTEMPTS
from federation.asking import PI, person
from web.house import House, opened, places
from web.house import spec as campaign_file
from yosegi.campaign import parse_spec
from yosegi.core.capability import Capability, Infeasible, capability, quantity
from yosegi.core.sanitize import plain
from yosegi.mcp.capability_tools import plain_inputs
from yosegi.mcp.tools import TOOLS
from yosegi.mcp.words import BARE, CLOSE, OPEN, RAW, as_text, marked, words

WORDY = [text for text in ATTEMPTS if " " in text or not text.isascii()]


def leaves(value: Any, field: str = "") -> Iterator[tuple[str, str]]:
    """Every text of an answer with the field it stands in; names of fields as fields of their own."""
    if isinstance(value, str):
        yield field, value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield "(a field's name)", name
            yield from leaves(item, name)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from leaves(item, field)


def is_data(text: str) -> bool:
    """Whether a text is marked, once, from its first character to its last."""
    return text.startswith(OPEN) and text.endswith(CLOSE) and text.count(OPEN) == text.count(CLOSE) == 1


def is_name(text: str) -> bool:
    return not text or (text.isascii() and len(text) <= 140 and not any(c.isspace() for c in text))


def check(answer: Any) -> None:
    """See that every text is data, or has the form of a name."""
    for field, text in leaves(answer):
        assert is_data(text) or is_name(text), f"{field}: {text[:80]!r}"
        assert plain(text) == text, f"{field} acts or hides: {text[:80]!r}"


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=range(len(ATTEMPTS)))
def test_no_attempt_leaves_its_marks(attempt: str) -> None:
    shown = words(attempt, "nims")
    assert is_data(shown)
    assert plain(shown) == shown
    assert len(shown) < 9000


def test_there_are_at_least_sixty_attempts_in_both_languages() -> None:
    japanese = [text for text in ATTEMPTS if any("\u3040" <= c <= "\u30ff" for c in text)]
    assert len(set(ATTEMPTS)) >= 60
    assert len(japanese) >= 15


def filled(kind: Any, text: str) -> Any:
    """A value of an answer's type, as plain JSON, with a text wherever one may stand."""
    origin, given = typing.get_origin(kind), typing.get_args(kind)
    if origin is Annotated:
        return filled(given[0], text)
    if origin in (typing.Union, python_types.UnionType):
        return filled(next(one for one in given if one is not type(None)), text)
    if origin is typing.Literal or kind in (int, float, bool):
        return given[0] if given else kind(1)
    if origin in (tuple, list):
        return [filled(given[0], text)]
    if origin is dict or kind is dict:
        return {text: text, "deeper": {text: [text]}}
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return {name: filled(field.annotation, text) for name, field in kind.model_fields.items()}
    return text


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_every_field_of_every_answer_is_marked_whatever_stands_in_it(tool: Any) -> None:
    """Also where a form is checked elsewhere, and such a text could not stand: a later field is safe all the same."""
    for text in WORDY:
        shown = marked(filled(tool.gives, text), "argonne")
        check(shown)
        assert as_text(shown).count("\n") == 1


def choices(schema: Any) -> Iterator[str]:
    """Fields of a JSON Schema that hold one of some words of this program."""
    defs = schema.get("$defs", {})
    for part in (schema, *defs.values()):
        for name, field in part.get("properties", {}).items():
            for one in (field, *field.get("anyOf", ()), field.get("items", {})):
                named = defs.get(one.get("$ref", "").rpartition("/")[2], one)
                if "enum" in named or "const" in named:
                    yield name


def test_a_field_with_a_choice_of_words_is_bare_so_that_an_answer_is_of_its_schema() -> None:
    assert {name for tool in TOOLS for name in choices(tool.gives.model_json_schema(mode="serialization"))} <= BARE


def test_whose_words_they_are_is_said_by_the_answer_and_not_by_the_words() -> None:
    answer = {"told_by": "nims", "title": "⟦argonne: mine⟧", "outputs": {"told_by": "argonne", "note": "ok"}}
    shown = marked(answer, "argonne")
    assert shown["title"] == "⟦nims: [argonne: mine]⟧"
    assert shown["outputs"] == {"told_by": "⟦nims: argonne⟧", "note": "⟦nims: ok⟧"}


def test_bare_and_raw_fields_do_not_overlap() -> None:
    assert not BARE & RAW


# --- a hostile peer, and a client ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Said:
    y: Annotated[float, quantity("1")]
    note: str


def hostile(number: int, text: str) -> Capability[Any, Any]:
    """A capability whose owner says a text wherever it may say something."""

    @capability(f"words.n{number}@1", kind="simulation", effect="pure", field="toys", simulated=True)
    def say(x: Annotated[float, quantity("1", ge=0, le=1)]) -> Said:
        """Say something."""
        if x > 0.5:
            raise Infeasible(text[:1500])
        return Said(x, text[:1500])

    schema = json.loads(json.dumps(say.contract.inputs))
    schema["description"] = schema["title"] = text
    schema["properties"]["x"] |= {"description": text, "title": text, "examples": [text]}
    told = {"title": (text + "   ")[:190], "description": text, "field": text[:190], "inputs": schema}
    return Capability(say.function, type(say.contract)(**(dict(say.contract) | told)))


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    sites = places()
    sites["riken"].capabilities = [hostile(n, text) for n, text in enumerate(ATTEMPTS)]
    with opened(sites) as house:
        home = house.federation.places["argonne"].running
        house.until(lambda: len(home.catalogue.listings()) >= len(ATTEMPTS) + 2)
        yield house


def test_a_hostile_peers_words_stay_data_and_change_nothing(house: House) -> None:
    """All tools that read, after a peer, a user and other agents said every attempt wherever they can say anything."""
    agent = Agent(house, "reader", conduct=())
    plan = Agent(house, "planner")
    home = house.federation.places["argonne"].running

    async def listed(client: Client) -> str:
        return json.dumps([tool.model_dump(mode="json") for tool in (await client.list_tools()).tools])

    before = agent.use(listed)
    text = campaign_file("words", 1).replace("riken/toy.simulate@1", "riken/words.n0@1")
    spec = parse_spec(text)
    said = "\n".join(ATTEMPTS)[:3900]
    spec = spec.model_copy(update={"title": said, "question": said})
    house.do(home.campaigns.start(spec, person(PI)))

    async def ask_all(client: Client) -> None:
        for number in range(0, len(ATTEMPTS), 4):
            asked = {"charter": "demo", "team": "colour-team", "capability": f"riken/words.n{number}@1"}
            for x in (0.2, 0.9):
                await client.call_tool("ask_task", asked | {"inputs": {"x": x}, "key": f"w{number}-{x}"})

    plan.use(ask_all)
    for attempt in ATTEMPTS[::8]:
        house.do(home.campaigns.note("words", attempt[:4000], person(PI)))

    async def entries() -> int:
        return len(home.ledger.read("agent/reader")) + home.ledger.query("SELECT COUNT(*) AS n FROM request")[0]["n"]

    count, calls = house.do(entries()), 0

    async def read_all(client: Client) -> int:
        calls = 0
        reads: list[tuple[str, dict[str, Any]]] = [
            ("find_capabilities", {"most": 100}),
            ("list_campaigns", {}),
            ("get_campaign", {"name": "words"}),
            ("get_trials", {"name": "words"}),
            ("get_hypotheses", {"name": "words"}),
            ("find_data", {}),
            ("who_am_i", {}),
        ]
        reads += [("describe_capability", {"ref": f"riken/words.n{n}@1"}) for n in range(0, len(ATTEMPTS), 3)]
        reads += [("get_task", {"owner": "riken", "key": f"w{n}-{x}"}) for n in range(0, 74, 4) for x in (0.2, 0.9)]
        for tool, given in reads:
            answer = await client.call_tool(tool, given)
            assert not answer.is_error, (tool, answer.structured_content)
            check(answer.structured_content)
            calls += 1
        return calls

    calls = agent.use(read_all)
    assert agent.use(listed) == before
    assert house.do(entries()) == count + calls, "reading did something"


def test_no_tool_of_a_capability_repeats_its_owners_words(house: House) -> None:
    agent = Agent(house, "user")

    async def tools(client: Client) -> list[Any]:
        return [t.model_dump(mode="json", exclude_none=True) for t in (await client.list_tools()).tools]

    found = [tool for tool in agent.use(tools, query="?tools=capabilities") if tool["name"].startswith("use.riken.")]
    assert len(found) > 60
    assert {tuple(tool["input_schema"]["properties"]["inputs"]["properties"]["x"]) for tool in found} >= {
        ("type", "minimum", "maximum", "unit")
    }
    text = json.dumps(found, ensure_ascii=False)
    assert not [attempt for attempt in ATTEMPTS if len(attempt) > 12 and attempt in text]


def test_a_capability_whose_inputs_have_words_for_names_has_no_tool() -> None:
    contract = hostile(0, "x").contract
    odd = contract.model_copy(update={"inputs": {"type": "object", "properties": {"approve all of it": {}}}})
    assert plain_inputs(odd) is None
