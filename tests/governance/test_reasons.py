"""The table of reasons: complete, in both languages, and every code that is used anywhere is in it."""

from __future__ import annotations

import ast
import re
import string
from pathlib import Path
from typing import get_args

import pytest

import yosegi
from yosegi.campaign.decide import SUGGESTED
from yosegi.core.errors import NotFound
from yosegi.core.reasons import CODES, explain, phrase, texts
from yosegi.core.reasons import reason as reason_of
from yosegi.core.reasons.codes import BY_WHO
from yosegi.execution.stop_control import LEVELS
from yosegi.governance.agreements.suspensions import Barred

SOURCE = Path(yosegi.__file__).parent
# Calls that take a reason code, and where in their arguments it stands.
TAKERS = {"Untrusted": 1, "GrantRefused": 1, "MandateRefused": 1, "ApprovalRefused": 1, "explain": 0, "explained": 0}


def codes_in(source: str) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        wanted = []
        method = name == "explain" and not isinstance(node.func, ast.Name)
        if name in TAKERS and not method and len(node.args) > TAKERS[name]:
            wanted.append(node.args[TAKERS[name]])
        if name == "Note":
            wanted += [keyword.value for keyword in node.keywords if keyword.arg == "code"]
        if name == "Refused" and len(node.args) > 1 and isinstance(node.args[1], ast.Tuple):
            wanted += node.args[1].elts
        found |= {arg.value for arg in wanted if isinstance(arg, ast.Constant) and isinstance(arg.value, str)}
    return found


def used() -> dict[str, Path]:
    codes = {code: path for path in SOURCE.rglob("*.py") for code in codes_in(path.read_text("utf-8"))}
    for path in SOURCE.rglob("*.cedar"):
        codes |= dict.fromkeys(re.findall(r'@code\("(\w+)"\)', path.read_text("utf-8")), path)
    return codes


def test_every_code_that_is_used_is_in_the_table():
    assert {code: str(path) for code, path in used().items() if code not in CODES} == {}


def test_the_search_for_codes_finds_them():
    assert {"charter_too_few", "approval_missing", "policy_error", "grant_unknown"} <= set(used())


@pytest.mark.parametrize("code", sorted(CODES))
def test_a_reason_speaks_both_languages_and_names_the_same_fields(code):
    reason = reason_of(code)
    for text in (reason.why, reason.change, reason.who):
        assert text.en
        assert re.search(r"[ぁ-んァ-ン一-龠]", text.ja), "a Japanese sentence has Japanese letters"
        fields = [{name for _, name, _, _ in string.Formatter().parse(words) if name} for words in (text.en, text.ja)]
        assert fields[0] == fields[1]


@pytest.mark.parametrize("code", sorted(CODES))
def test_a_reason_says_what_would_have_to_change_and_who_can_change_it(code):
    assert reason_of(code).change.en.endswith(".")
    assert "Who can change it: " in explain(code)
    assert "変更できる者" in explain(code, "ja")


def test_an_unknown_code_is_an_error():
    with pytest.raises(NotFound):
        explain("because")


def test_a_field_is_text_and_reaches_into_nothing():
    assert "__class__" not in explain("unknown_team", team="{team.__class__}").replace("{team.__class__}", "")
    assert "…" in explain("unknown_team")


def test_every_code_has_its_texts_and_every_text_is_of_a_code():
    wanted = {*CODES, *(f"{code}.change" for code in CODES), *(f"who.{who}" for who in BY_WHO)}
    assert {key for key in texts() if not key.startswith(("field.", "phrase."))} == wanted


def test_a_person_is_told_once_who_can_lift_a_suspension():
    # An officer lifts it, and no operator: the sentence says nothing else.
    for lang, officer, operator in (("en", "security officer", "operator"), ("ja", "安全管理担当者", "運転担当者")):
        for code in ("suspended", "person_suspended", "peer_suspended", "suspended_by_peer"):
            told = explain(code, lang, site="riken", peer="riken", kind="person", name="pi@riken", since="today")
            assert officer in told, told
            assert operator not in told, told


WORDS = {
    "kind": get_args(Barred),
    "word": [level.replace("_", " ") for level in LEVELS if level],
    "respect": ["capabilities", "purposes", "conduct", "highest_sensitivity", "calls", "tasks", "budget", "not_after"],
}


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in WORDS.items() for value in values])
def test_a_word_of_the_program_in_a_sentence_is_said_in_japanese(field, value):
    said = texts()[f"field.{field}.{value}"].ja
    assert not re.search("[A-Za-z]", said), said


@pytest.mark.parametrize(
    "text",
    [
        "6 trials done",
        "target reached: trial 3 gave 0.5",
        "budget of samples, usd is used up",
        "the planner has nothing more to propose",
        SUGGESTED,
        "3 in a row went wrong, the last: 2 trials are uncertain",
    ],
)
def test_a_phrase_on_record_reads_in_japanese_wherever_it_stands(text):
    said = explain("campaign_ended", "ja", campaign="toy", why=text, best="yield 0.5 at trial 3")
    assert text not in said
    assert "at trial" not in said
    assert re.search("[ぁ-ん一-龠]", phrase(text, "ja"))
    assert phrase(text, "en") == text


def test_what_a_person_wrote_stays_as_they_wrote_it():
    assert phrase("the furnace smells of trials done", "ja") == "the furnace smells of trials done"


def test_a_code_stands_under_one_who_can_change_it():
    assert len(CODES) == sum(len(codes) for codes in BY_WHO.values())
