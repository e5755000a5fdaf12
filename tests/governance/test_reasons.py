"""The table of reasons: complete, in both languages, and every code that is used anywhere is in it."""

from __future__ import annotations

import ast
import re
import string
from pathlib import Path

import pytest

import yosegi
from yosegi.core.errors import NotFound
from yosegi.core.reasons import CODES, explain, texts
from yosegi.core.reasons import reason as reason_of
from yosegi.core.reasons.codes import BY_WHO

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
    assert set(texts()) == wanted


def test_a_code_stands_under_one_who_can_change_it():
    assert len(CODES) == sum(len(codes) for codes in BY_WHO.values())
