"""Clocks: a site, or a peer, more than 30 seconds from the median of the others is not believed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yosegi.trust.clocks import PeerClocks
from yosegi.trust.errors import Untrusted

NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)


def heard(**ahead: float) -> PeerClocks:
    clocks = PeerClocks()
    for peer, seconds in ahead.items():
        clocks.heard(peer, NOW + timedelta(seconds=seconds), NOW)
    return clocks


def test_a_clock_within_thirty_seconds_of_the_median_is_right():
    heard(riken=30, nims=29, ornl=500).check_own()


@pytest.mark.parametrize("seconds", [31, -31, 3600])
def test_a_clock_further_off_is_refused(seconds):
    with pytest.raises(Untrusted) as caught:
        heard(riken=seconds, nims=seconds, ornl=0).check_own()
    assert caught.value.reason == "clock_off"
    assert f"{-seconds} seconds" in str(caught.value)


def test_one_peer_alone_stops_nobody():
    heard(riken=3600).check_own()


def test_a_peer_off_from_all_the_others_is_named():
    clocks = heard(riken=3600, nims=0, ornl=1)
    with pytest.raises(Untrusted, match="riken"):
        clocks.check_peer("riken")
    clocks.check_peer("nims")


def test_a_forgotten_peer_counts_no_more():
    clocks = heard(riken=3600, nims=3600)
    clocks.forget("riken")
    clocks.check_own()
    assert set(clocks.ahead) == {"nims"}


@given(st.lists(st.floats(-20, 20), min_size=3, max_size=9), st.lists(st.floats(-1e6, 1e6), max_size=2))
def test_a_minority_of_wrong_clocks_moves_nothing(right, wrong):
    named = {f"p{n}": value for n, value in enumerate([*right, *wrong])}
    if len(wrong) < len(right):
        heard(**named).check_own()
