"""The table of reasons: complete, in both languages, and every code that is used anywhere is in it."""

from __future__ import annotations

import ast
import re
import string
from pathlib import Path

import pytest

import yosegi
from yosegi.core.errors import NotFound
from yosegi.core.reasons import REASONS, explain

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
    assert {code: str(path) for code, path in used().items() if code not in REASONS} == {}


def test_the_search_for_codes_finds_them():
    assert {"charter_too_few", "approval_missing", "policy_error", "grant_unknown"} <= set(used())


@pytest.mark.parametrize("code", sorted(REASONS))
def test_a_reason_speaks_both_languages_and_names_the_same_fields(code):
    reason = REASONS[code]
    for text in (reason.why, reason.change, reason.who):
        assert text.en
        assert re.search(r"[ぁ-んァ-ン一-龠]", text.ja), "a Japanese sentence has Japanese letters"
        fields = [{name for _, name, _, _ in string.Formatter().parse(words) if name} for words in (text.en, text.ja)]
        assert fields[0] == fields[1]


@pytest.mark.parametrize("code", sorted(REASONS))
def test_a_reason_says_what_would_have_to_change_and_who_can_change_it(code):
    assert REASONS[code].change.en.endswith(".")
    assert "Who can change it: " in explain(code)
    assert "変更できる者" in explain(code, "ja")


def test_an_unknown_code_is_an_error():
    with pytest.raises(NotFound):
        explain("because")


def test_a_field_is_text_and_reaches_into_nothing():
    assert "__class__" not in explain("unknown_team", team="{team.__class__}").replace("{team.__class__}", "")
    assert "…" in explain("unknown_team")
