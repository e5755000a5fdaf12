"""Sequences shared by the versions of a fold: each version sees its own, whatever others do, as plain tuples would."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yosegi.campaign.growing import Appended, Trials
from yosegi.campaign.trial import Trial
from yosegi.core.states import TrialState


@given(st.lists(st.tuples(st.integers(0, 8), st.integers())))
def test_each_version_of_an_appended_sequence_is_what_a_tuple_would_be(steps: list[tuple[int, int]]) -> None:
    versions, models = [Appended[int]()], [tuple[int, ...]()]
    for base, item in steps:
        base %= len(versions)
        versions.append(versions[base].appended(item))
        models.append((*models[base], item))
    assert [tuple(version) for version in versions] == models
    assert [len(version) for version in versions] == [len(model) for model in models]


def trial(number: int, state: TrialState = TrialState.PROPOSED, why: str = "") -> Trial:
    return Trial(number, "source", {}, "", {}, state=state, why=why)


@given(st.lists(st.tuples(st.integers(0, 8), st.sampled_from(["propose", "run", "end"]), st.integers(0, 20))))
def test_each_version_of_the_trials_is_what_a_tuple_would_be(steps: list[tuple[int, str, int]]) -> None:
    """Versions branch from any earlier one, as two decisions on one fold would make them."""
    versions, models = [Trials()], [tuple[Trial, ...]()]
    for count, (base, what, which) in enumerate(steps):
        base %= len(versions)
        version, model = versions[base], models[base]
        if what == "propose":
            new = (trial(len(model) + 1), trial(len(model) + 2))
            version, model = version.proposed(new), model + new
        elif unfinished := [t for t in model if not t.state.final]:
            old = unfinished[which % len(unfinished)]
            state = TrialState.RUNNING if what == "run" else TrialState.FAILED
            changed = replace(old, state=state, why=str(count))
            version, model = version.replaced(changed), tuple(changed if t is old else t for t in model)
        versions.append(version)
        models.append(model)
    for version, model in zip(versions, models, strict=True):
        assert tuple(version) == model
        assert version[-1:] == list(model[-1:])


def test_a_trial_that_was_never_proposed_is_no_trial() -> None:
    trials = Trials().proposed([trial(1)])
    for number in (0, 2, -1):
        with pytest.raises(IndexError):
            trials.numbered(number)
