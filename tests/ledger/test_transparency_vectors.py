"""The proof vectors of a transparency log in use (transparency-dev/merkle, testdata; see vectors/NOTICE)."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from yosegi.core.errors import Invalid
from yosegi.ledger import tree

VECTORS = Path(__file__).parent / "vectors"
FROM_NOTHING = "consistency/additional/size1-is-zero-and-size2-is-not-zero"
"""The log refuses to compare with an empty tree, as useless. Here every tree continues an empty one: a peer may hold
the checkpoint of a ledger that had no entry yet."""


def cases(kind: str) -> list[Any]:
    found = json.loads((VECTORS / f"transparency_{kind}.json").read_text("utf-8"))["cases"]
    return [pytest.param(case, id=case["name"]) for case in found]


def proof(case: dict[str, Any]) -> list[bytes]:
    return [base64.b64decode(item) for item in case["proof"] or ()]


def root(case: dict[str, Any], name: str) -> bytes:
    # Where a root does not matter the vectors have a few words in its place; here a root is always a hash.
    given = base64.b64decode(case[name] or "")
    return given if len(given) in (0, 32) else hashlib.sha256(given).digest()


@pytest.mark.parametrize("case", cases("inclusion"))
def test_an_inclusion_proof_gets_the_verdict_of_the_vectors(case: dict[str, Any]) -> None:
    given = root(case, "leafHash"), case["leafIdx"], case["treeSize"], proof(case), root(case, "root")
    if case["wantErr"]:
        with pytest.raises(Invalid):
            tree.check_inclusion(*given)
    else:
        tree.check_inclusion(*given)


@pytest.mark.parametrize("case", cases("consistency"))
def test_a_consistency_proof_gets_the_verdict_of_the_vectors(case: dict[str, Any]) -> None:
    given = case["size1"], case["size2"], proof(case), root(case, "root1"), root(case, "root2")
    if case["wantErr"] and case["name"] != FROM_NOTHING:
        with pytest.raises(Invalid):
            tree.check_consistency(*given)
    else:
        tree.check_consistency(*given)
