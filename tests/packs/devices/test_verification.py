"""When a put counts: the pure rule, over every order of readings."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packs.devices.conftest import current
from yosegi_packs.devices.variable import Reading, Severity, Variable
from yosegi_packs.devices.verification import PutVerdict, fresh, judge

CURRENT = current()
BEFORE = Reading(0.0, 100.0)
values = st.floats(-8, 8)
readings = st.lists(st.builds(Reading, values, st.floats(90, 110), st.sampled_from(Severity)), max_size=8)


@given(values, readings, readings.filter(bool))
def test_reached_needs_new_readings_within_tolerance_and_the_setpoint_kept(wanted, seen, setpoints):
    if judge(CURRENT, wanted, BEFORE, setpoints, seen) is not PutVerdict.REACHED:
        return
    new = [one for one in seen if one.time > BEFORE.time]
    assert sum(abs(one.value - wanted) <= CURRENT.tolerance for one in new) >= 2
    assert abs(setpoints[-1].value - wanted) <= CURRENT.deadband
    assert seen[-1].severity <= Severity.MINOR


@given(readings)
def test_each_measurement_counts_once_and_only_after_the_put(seen):
    times = [one.time for one in fresh(CURRENT, BEFORE, seen)]
    assert times == sorted(set(times))
    assert all(time > BEFORE.time for time in times)


@pytest.mark.parametrize(
    ("setpoints", "verdict"),
    [([0.0], PutVerdict.REFUSED), ([3.0, 2.0], PutVerdict.MOVED), ([3.0], PutVerdict.WAIT)],
)
def test_a_setpoint_that_never_was_ours_is_refused_and_one_that_was_is_moved(setpoints, verdict):
    kept = [Reading(value, 101.0) for value in setpoints]
    assert judge(CURRENT, 3.0, BEFORE, kept, [Reading(0.0, 100.0)]) is verdict


def test_a_readback_that_is_right_but_was_measured_before_the_put_does_not_count():
    there = Reading(3.0, 100.0)
    assert judge(CURRENT, 3.0, there, [Reading(3.0, 101.0)], [there] * 5) is PutVerdict.WAIT


def test_a_readback_that_is_measured_on_change_may_rest_where_it_is():
    variable = current(processing="on_change")
    there = Reading(3.0, 100.0)
    assert judge(variable, 3.0, there, [Reading(3.0, 101.0)], [there]) is PutVerdict.REACHED
    assert judge(variable, 2.0, there, [Reading(2.0, 101.0)], [there]) is PutVerdict.WAIT


@given(values, values, st.floats(0.01, 20))
def test_a_way_ends_where_it_should_and_no_step_is_longer_than_allowed(start, end, step):
    way = [start, *current(step=step).steps(start, end)]
    assert way[-1] == end
    assert all(abs(b - a) <= step * (1 + 1e-9) for a, b in pairwise(way))


@pytest.mark.parametrize("wrong", [{"low": 8.0}, {"tolerance": 0.0}, {"setpoint": "MAG:CUR SP"}])
def test_a_variable_that_can_be_set_needs_limits_and_a_tolerance(wrong):
    with pytest.raises(ValueError, match=r"low < high|pattern"):
        current(**wrong)


def test_a_detector_needs_neither():
    assert Variable(name="field", readback="MAG:FIELD", unit="T").setpoint == ""
