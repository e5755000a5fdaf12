"""What is concluded about a job, over everything that may be seen and heard of it.

Expected values follow from the engine's promise: an outcome of effect `none` only where the capability cannot have been
called or may be repeated, and nothing from what is missing.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from yosegi.core.contract import EffectClass
from yosegi.core.engine import Outcome
from yosegi.core.states import Effect, Result
from yosegi.execution.engines.batch.dialect import JobPhase, JobSighting
from yosegi.execution.engines.batch.judgement import (
    JobEnded,
    JobEvidence,
    JobNeverBegan,
    JobTimes,
    MakeFence,
    Patience,
    fenced,
    judge,
)

PATIENCE = Patience(limit=100.0, save_window=15.0, lag=5.0, silence=60.0)
VALID = Outcome(effect=Effect.DONE, result=Result.VALID, outputs={"y": 1}).model_dump(mode="json", exclude_none=True)
LONG = JobTimes(asked=1e6, ended=1e6, absent=1e6, claimed=1e6, sign=1e6)

evidence = st.builds(
    JobEvidence,
    claim=st.sampled_from(["", "job", "site"]),
    started=st.booleans(),
    exit=st.sampled_from([None, VALID, {}]),
)
sightings = st.none() | st.builds(
    JobSighting,
    job=st.just("7"),
    name=st.just("y"),
    phase=st.sampled_from(JobPhase),
    state=st.just("S"),
    over_time=st.booleans(),
    unfit=st.booleans(),
    lost_node=st.booleans(),
)
seconds = st.sampled_from([0.0, 10.0, 1e6])
times = st.builds(JobTimes, asked=seconds, ended=seconds, absent=seconds, claimed=seconds, sign=seconds)
patience = st.sampled_from([PATIENCE, Patience(100.0, 15.0, 5.0, 60.0, fence_proves=False)])


def test_what_a_job_wrote_counts_before_anything_that_a_scheduler_says() -> None:
    said = JobSighting("7", "y", JobPhase.ENDED, "FAILED", lost_node=True)
    seen = JobEvidence(claim="job", started=True, exit=VALID)
    verdict = judge(EffectClass.CONSUMING, seen, said, LONG, PATIENCE)
    assert isinstance(verdict, JobEnded)
    assert verdict.outcome.result is Result.VALID


def test_a_job_that_nobody_names_is_looked_into_only_after_the_save_window() -> None:
    nothing = JobEvidence()
    soon = JobTimes(asked=10.0, absent=10.0)
    assert judge(EffectClass.PURE, nothing, None, soon, PATIENCE) is None
    assert isinstance(judge(EffectClass.PURE, nothing, None, LONG, PATIENCE), MakeFence)


def test_a_job_that_began_and_is_not_heard_of_is_unknown_only_when_all_its_time_is_over() -> None:
    began = JobEvidence(claim="job", started=True)
    assert judge(EffectClass.CONSUMING, began, None, JobTimes(absent=1e6, claimed=159.0, sign=1e6), PATIENCE) is None
    verdict = judge(EffectClass.CONSUMING, began, None, JobTimes(absent=1e6, claimed=160.0, sign=1e6), PATIENCE)
    assert isinstance(verdict, JobEnded)
    assert (verdict.outcome.effect, verdict.outcome.reason) == (Effect.UNKNOWN, "job_lost")


def test_a_job_that_gives_signs_of_life_is_waited_for_whatever_the_scheduler_forgot() -> None:
    began = JobEvidence(claim="job", started=True)
    assert judge(EffectClass.CONSUMING, began, None, JobTimes(absent=1e6, claimed=1e6, sign=10.0), PATIENCE) is None


def test_a_time_limit_at_the_scheduler_is_told_as_one() -> None:
    said = JobSighting("7", "y", JobPhase.ENDED, "TIMEOUT", words="its time limit was over", over_time=True)
    seen = JobEvidence(claim="job", started=True, line="step 7")
    verdict = judge(EffectClass.CONSUMING, seen, said, LONG, PATIENCE)
    assert isinstance(verdict, JobEnded)
    assert (verdict.outcome.reason, verdict.outcome.effect) == ("time_limit", Effect.UNKNOWN)
    assert verdict.outcome.message == "its time limit was over; the last it printed: step 7"


@given(st.sampled_from(EffectClass), evidence, sightings, times, patience)
def test_no_effect_is_claimed_and_nothing_submitted_again_where_a_capability_may_have_been_called(
    effect: EffectClass, seen: JobEvidence, said: JobSighting | None, when: JobTimes, wait: Patience
) -> None:
    verdict = judge(effect, seen, said, when, wait)
    if isinstance(verdict, MakeFence):
        assert seen.claim != "job", "what a job has begun is not taken back"
        verdict = fenced(verdict, effect, wait)
    if effect.repeatable or verdict is None:
        return
    called = seen.started and seen.claim == "job"
    if isinstance(verdict, JobNeverBegan):
        assert not called
        assert seen.claim == "site" or wait.fence_proves or (said is not None and said.phase is JobPhase.ENDED)
    elif called and seen.exit is None:
        assert verdict.outcome.effect is Effect.UNKNOWN


@given(st.sampled_from(EffectClass), evidence, st.none(), times, patience)
def test_from_silence_alone_no_end_follows(
    effect: EffectClass, seen: JobEvidence, said: None, when: JobTimes, wait: Patience
) -> None:
    verdict = judge(effect, seen, said, when, wait)
    if seen.exit is None and seen.claim != "site" and isinstance(verdict, JobEnded):
        assert verdict.outcome.reason == "job_lost"
