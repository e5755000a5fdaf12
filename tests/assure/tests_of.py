"""Which tests are likeliest to notice a fault in a module, and which others of the room name what is in it."""

from __future__ import annotations

import ast
import re
from functools import cache

from assure.workplace import ROOT

FIRST = {
    "trust/document.py": ["trust/test_document.py"],
    "trust/envelope.py": ["trust/test_envelope.py", "trust/test_dsse_vectors.py"],
    "trust/messages.py": ["trust/test_document.py", "trust/test_token.py"],
    "trust/keys.py": ["trust/test_keys.py", "trust/test_envelope.py"],
    "governance/address.py": ["governance/test_statement.py"],
    "governance/charter.py": ["governance/test_charter.py", "governance/test_amend.py", "governance/test_tuf.py"],
    "governance/decision.py": ["governance/test_policy.py"],
    "governance/directory.py": ["governance/test_policy.py"],
    "governance/explanation.py": ["governance/test_reasons.py"],
    "governance/grant.py": ["governance/test_grants.py"],
    "governance/mandate.py": ["governance/test_mandates.py"],
    "governance/question.py": ["governance/test_policy.py"],
    "governance/roster.py": ["governance/test_statement.py"],
    "governance/rules.py": ["governance/test_policy.py", "governance/test_agreement.py"],
    "ledger/check.py": ["ledger/test_corruption.py"],
    "ledger/ledger.py": ["ledger/test_append.py", "ledger/test_reading.py"],
    "ledger/tree.py": ["ledger/test_tree.py", "ledger/test_transparency_vectors.py"],
    "ledger/view.py": ["ledger/test_views.py"],
    "ledger/header.py": ["ledger/test_header.py"],
    "ledger/sqlite.py": ["ledger/test_store.py"],
    "ledger/store.py": ["ledger/test_store.py"],
    "ledger/witness.py": ["ledger/test_witness.py"],
}
SLOWEST = ("--deselect", "tests/governance/test_reasons.py::test_every_code_that_is_used_is_in_the_table")
"""Reads every source and tells of none but itself."""


@cache
def tests_of(path: str) -> tuple[list[str], list[str]]:
    """Tests to run first, and those to run if they notice nothing: all that name what the module defines."""
    module = path.removeprefix("src/yosegi/")
    room, name = module.split("/")
    guess = f"{room}/test_{name}"
    first = [f"tests/{test}" for test in FIRST.get(module, [guess] if (ROOT / "tests" / guess).exists() else [])]
    words = {name.removesuffix(".py"), *_defined((ROOT / path).read_text("utf-8"))}
    named = re.compile(r"\b(" + "|".join(sorted(words)) + r")\b")
    rest = []
    for file in sorted((ROOT / "tests" / room).glob("test_*.py")):
        test = str(file.relative_to(ROOT))
        if test not in first and named.search(file.read_text("utf-8")):
            rest.append(test)
    return first, rest


def _defined(source: str) -> set[str]:
    nodes = ast.parse(source).body
    return {node.name for node in nodes if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name[0] != "_"}
