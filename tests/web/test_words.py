from __future__ import annotations

import inspect
import re
import string
from pathlib import Path

import pytest

import yosegi.web
from yosegi.core.errors import NotFound
from yosegi.core.outcomes import OutcomeCode
from yosegi.core.states import CampaignState, TaskState, TrialState
from yosegi.trust.explanation import Explanation
from yosegi.web.marks import SHAPES, mark_of, step_mark
from yosegi.web.words import TEXTS, Words

WEB = Path(yosegi.web.__file__).parent
TEMPLATES = {path.name: path.read_text(encoding="utf-8") for path in (WEB / "templates").rglob("*.html")}
KINDS = {"trial": TrialState, "task": TaskState, "campaign": CampaignState}


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", TEXTS)
def test_both_languages_name_the_same_fields(key: str) -> None:
    text = TEXTS[key]
    assert _fields(text.en) == _fields(text.ja)
    assert bool(text.en) == bool(text.ja)


def test_every_text_that_a_template_asks_for_is_there_and_every_text_is_asked_for() -> None:
    asked = {key for text in TEMPLATES.values() for key in re.findall(r'\bw\(["\']([a-z_]+)["\'][,)]', text)}
    assert asked <= set(TEXTS)
    code = [path.read_text(encoding="utf-8") for path in WEB.rglob("*.py") if not path.name.startswith("words")]
    users = "".join([*TEMPLATES.values(), *code, inspect.getsource(Words)])
    plain = {key for key in TEXTS if "." not in key and not key.endswith("_means")}
    assert {key for key in plain if not re.search(rf'["\']{key}["\']', users)} == set()


@pytest.mark.parametrize("kind", KINDS)
def test_every_state_has_a_word_and_a_shape_of_its_own(kind: str) -> None:
    for state in KINDS[kind]:
        assert TEXTS[f"{kind}.{state}"]
        assert mark_of(kind, state).shape in SHAPES
    serious = [mark_of(kind, s).shape for s in KINDS[kind] if mark_of(kind, s).tone in ("watch", "bad")]
    assert len(serious) == len(set(serious))


def test_every_shape_is_in_the_sprite() -> None:
    assert set(re.findall(r'id="m-(\w+)"', TEMPLATES["sprite.html"])) == set(SHAPES)


def test_a_step_that_ended_without_a_usable_result_does_not_look_like_a_success() -> None:
    assert step_mark("ended", "valid").tone == "good"
    assert step_mark("ended", "invalid").tone == "calm"
    assert step_mark("ended", "absent").tone == "bad"


def test_everything_an_engine_may_say_has_words() -> None:
    assert {f"engine.{code}" for code in OutcomeCode if code.from_engine} <= set(TEXTS)


def test_an_owners_own_words_come_before_ours() -> None:
    given = Explanation(code="operators_only", en="Ask Bob's desk.", ja="窓口へ。", contact="operator@nims")
    assert Words("en").reason(given) == ("operators_only", "Ask Bob's desk.", "operator@nims")
    assert Words("ja").reason(given.model_copy(update={"ja": ""}))[1].startswith("このサイトの運転担当者")
    assert Words("ja").reason(Explanation(code="their-own", en="No."))[1] == "No."


def test_how_long_ago_is_said_in_one_unit() -> None:
    assert [Words("en").ago(s) for s in (0.4, 61, 7300, 90000, 180000)] == [
        "0 s ago",
        "1 min ago",
        "2 h ago",
        "1 day ago",
        "2 days ago",
    ]
    assert Words("ja").ago(61) == "1分前"


def test_a_text_that_nobody_wrote_is_an_error() -> None:
    with pytest.raises(NotFound):
        Words("en")("none_such")
