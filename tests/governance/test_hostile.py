"""Whatever a hostile peer sends, the parsers answer with an error of ours or a value, and never with anything else."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from governance.world import NOW, agreement, charter, governance_key, question, statement
from yosegi.core.errors import YosegiError
from yosegi.governance.agreements.agreement import Agreement, accept_agreement
from yosegi.governance.charter.charter import Charter, accept
from yosegi.governance.charter.statement import Statement, accept_statement
from yosegi.governance.grants.grant import Grant, Release
from yosegi.governance.mandates.approvals import Approval
from yosegi.governance.mandates.mandate import Mandate
from yosegi.governance.policy.cedar import CedarEngine
from yosegi.governance.policy.decision import Decision
from yosegi.governance.policy.directory import Directory
from yosegi.governance.policy.policy import Policy
from yosegi.governance.policy.question import Question
from yosegi.governance.policy.rules import local_rules
from yosegi.governance.policy.what_if import Expectation
from yosegi.trust.envelope import Envelope
from yosegi.trust.keys import PublicKey
from yosegi.trust.sealed import Sealed, SealingKey
from yosegi.trust.token import Proof, Token

KINDS = [
    Agreement,
    Approval,
    Charter,
    Decision,
    Envelope,
    Expectation,
    Grant,
    Mandate,
    Proof,
    PublicKey,
    Question,
    Release,
    Sealed,
    SealingKey,
    Statement,
    Token,
]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(
        ["", "\x00", "🪵", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "sha256:" + "0" * 64]
    )
)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)
CHARTER = charter()
POLICY = Policy.build("nims", Directory.of(CHARTER), [agreement()])
GOOD: list[tuple[type[Any], dict[str, Any]]] = [
    (Charter, json.loads(CHARTER.to_bytes())),
    (Statement, json.loads(statement().to_bytes())),
    (Agreement, json.loads(agreement().to_bytes())),
    (Question, json.loads(question().to_bytes())),
    (Envelope, json.loads(agreement().sign(governance_key("nims")).to_bytes())),
]


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=15, deadline=None)
@given(data=st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
@example(data=b"")
@example(data=b"[" * 100_000)
@example(data=b'{"a":' * 5_000)
@example(data=b'"\\ud800"')
@example(data=b'{"version":1,"version":2}')
@example(data=b'{"issued":"9999-12-31T23:59:59-23:59"}')
@example(data=b"NaN")
@example(data=b"1" * 5000)
def test_bytes_from_outside_are_read_or_refused(kind, data):
    with contextlib.suppress(YosegiError):
        kind.read(data)


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [at] if at else []
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        found += places(part, (*at, key))
    return found


def changed(value: Any, at: tuple[Any, ...], new: Any) -> Any:
    if not at:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[at[0]] = changed(copy[at[0]], at[1:], new)
    return copy


@settings(max_examples=150, deadline=None)
@given(data=st.data(), which=st.integers(0, len(GOOD) - 1), new=JSON)
def test_a_good_document_with_one_part_replaced_is_read_or_refused(data, which, new):
    kind, good = GOOD[which]
    at = data.draw(st.sampled_from(places(good)))
    with contextlib.suppress(YosegiError):
        kind.read(json.dumps(changed(good, at, new)).encode())


ACCEPTING = {
    Charter: lambda envelope: accept(None, envelope, NOW),
    Statement: lambda envelope: accept_statement(CHARTER, envelope, NOW),
    Agreement: lambda envelope: accept_agreement(CHARTER, envelope, NOW),
}


@settings(max_examples=80, deadline=None)
@given(data=st.data(), which=st.integers(0, 2), new=JSON)
def test_a_signed_but_senseless_document_is_accepted_or_refused(data, which, new):
    kind, good = GOOD[which]
    at = data.draw(st.sampled_from(places(good)))
    payload = json.dumps(changed(good, at, new)).encode()
    signers = [governance_key(site) for site in ("argonne", "riken", "nims")]
    with contextlib.suppress(YosegiError):
        ACCEPTING[kind](Envelope.sign(kind.payload_type, payload, *signers))


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=120) | st.binary(max_size=60).map(lambda data: data.decode("latin-1")))
@example("(" * 5000)
@example("forbid (principal, action, resource) when {" + "!" * 3000 + "true };")
@example('@id("a") @reason("r") forbid (principal, action, resource) when { true' + " && true" * 30_000 + "};")
@example('@id("a") @reason("r") forbid (principal, action, resource) when { true' + " && true" * 900 + "};")
@example(
    '@id("a") @reason("r") forbid (principal, action, resource) when {' + "if true then true else " * 9_000 + "true};"
)
@example('@id("a") @reason("r") forbid (principal, action, resource) when {' + "[" * 1500 + "1" + "]" * 1500 + "};")
@example('@id("a") @reason("r") forbid (principal, action, resource) when {' + "(" * 1500 + "true" + ")" * 1500 + "};")
@example('@id("a") @reason("r") forbid (principal, action, resource) when {' + "1>0&&" * 900 + "(" * 900)
def test_a_rule_file_is_read_or_refused(text):
    with contextlib.suppress(YosegiError):
        local_rules("local.cedar", text)


BUNDLE = json.loads(POLICY.bundle)


@settings(max_examples=40, deadline=None)
@given(data=st.data(), new=JSON)
@example(data=None, new="entity P { a: " + "Set<" * 3000 + "Long" + ">" * 3000 + " };")
def test_a_bundle_of_policies_from_outside_is_read_or_refused(data, new):
    at = ("schema",) if data is None else data.draw(st.sampled_from(places(BUNDLE)))
    with contextlib.suppress(YosegiError):
        CedarEngine.read(json.dumps(changed(BUNDLE, at, new)).encode())


@settings(max_examples=60, deadline=None)
@given(
    purpose=st.text(max_size=200),
    agent=st.none() | st.text(max_size=120),
    mandate=st.none() | st.sampled_from(["m", "m:1"]),
    samples=st.integers(0, 10**15),
)
def test_whatever_a_question_holds_it_gets_an_answer(purpose, agent, mandate, samples):
    asked = question(purpose=purpose, agent=agent, mandate=mandate, amounts={"samples": samples})
    decision = POLICY.decide(asked)
    assert decision.allow == (purpose == "research")
    assert decision.explain("ja")
