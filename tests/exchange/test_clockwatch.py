"""This site's clock beside its peers': doubt needs two that agree and are not replayed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from yosegi.core.errors import Unavailable
from yosegi.core.events import Events
from yosegi.exchange.clock_watch import ClockWatch
from yosegi.exchange.events import ClockCorrected

NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)


def test_old_parcels_played_again_do_not_make_a_site_doubt_its_clock() -> None:
    watch = ClockWatch(Events())
    for peer in ("riken", "nims"):
        watch.hear(peer, NOW, NOW, in_force=True)
        watch.hear(peer, NOW - timedelta(hours=3), NOW, in_force=False)
    watch.check_own()


def test_a_clock_that_two_peers_contradict_is_off_until_it_is_right_again() -> None:
    righted: list[str] = []
    events = Events()
    events.subscribe(ClockCorrected, lambda event: righted.append("now"))
    watch = ClockWatch(events)
    for peer in ("riken", "nims"):
        watch.hear(peer, NOW, NOW + timedelta(seconds=70), in_force=True)
    with pytest.raises(Unavailable, match="70 seconds"):
        watch.check_own()
    assert not righted
    for peer in ("riken", "nims"):
        watch.hear(peer, NOW + timedelta(seconds=9), NOW + timedelta(seconds=9), in_force=True)
    watch.check_own()
    assert righted == ["now"]
