"""What a device's answer says of a task: one table, and nothing outside it makes an effect known."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.samples import Number
from yosegi.core.capability import Context, NeverHappened, capability
from yosegi.core.engine import Outcome
from yosegi.core.errors import Invalid
from yosegi.core.outcomes import OutcomeCode
from yosegi.core.states import Effect, Result
from yosegi.execution.engines.process._call import answer, context_of
from yosegi.execution.outcomes import from_answer
from yosegi.execution.reconciliation import told

outcomes = st.builds(
    Outcome,
    effect=st.sampled_from(Effect),
    result=st.sampled_from(Result),
    outputs=st.none() | st.dictionaries(st.text(max_size=5), st.floats(allow_nan=False, allow_infinity=False)),
    reason=st.sampled_from(["", *map(str, OutcomeCode), "something else"]),
    message=st.text(max_size=20),
)


@given(outcomes)
def test_only_outputs_mean_done_and_only_the_devices_own_no_means_that_it_never_happened(said: Outcome) -> None:
    found = told(said)
    if said.result is Result.VALID:
        assert found is not None
        assert (found.effect, found.outputs) == (Effect.DONE, said.outputs)
    elif said.reason == "never_happened":
        assert found is not None
        assert (found.effect, found.result) == (Effect.NONE, Result.ABSENT)
    else:
        assert found is None


def _device(context: Context, inputs: dict[str, Any]) -> Number:
    """A device with an answer for each key."""
    match context.key.rpartition("/")[2]:
        case "done":
            return Number(inputs["x"] + 1)
        case "never":
            raise NeverHappened
        case "rubbish":
            return Number(float("nan"))
    raise TimeoutError("the device does not answer")


@capability("sample.expose@1", kind="instrument", effect="queryable", field="testing", simulated=True, query=_device)
def expose(x: float) -> Number:
    """Never called here."""
    raise AssertionError


@pytest.mark.parametrize(
    ("key", "known"), [("done", Effect.DONE), ("never", Effect.NONE), ("rubbish", None), ("silent", None)]
)
def test_a_question_is_answered_by_the_query_function_and_held_against_the_contract(
    tmp_path: Any, key: str, known: Effect | None
) -> None:
    context = context_of(f"task/home/{key}", tmp_path, lambda fraction, text: None)
    line = answer(expose, {"x": 1.0}, context, 10_000, query=True)
    found = told(from_answer(line, expose.contract.effect, 10_000))
    assert (None if found is None else found.effect) is known


def test_a_queryable_capability_needs_a_query_function_and_its_contract_says_that_it_has_one() -> None:
    assert expose.contract.can_query
    with pytest.raises(Invalid, match="no query function"):

        @capability("sample.mute@1", kind="instrument", effect="queryable", field="testing", simulated=True)
        def mute(x: float) -> Number:
            """Cannot be asked."""
            return Number(x)
