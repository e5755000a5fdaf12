"""Events: told by type, in order, and a subscriber that fails keeps them from nobody."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import pytest

from yosegi.core.events import Events


@dataclass(frozen=True, slots=True)
class Happened:
    what: str


@dataclass(frozen=True, slots=True)
class Ended(Happened):
    pass


def test_subscribers_are_told_in_the_order_in_which_they_subscribed() -> None:
    events, seen = Events(), list[str]()
    events.subscribe(Happened, lambda event: seen.append(f"first {event.what}"))
    events.subscribe(Happened, lambda event: seen.append(f"second {event.what}"))
    events.publish(Happened("a"))
    assert seen == ["first a", "second a"]


def test_an_event_is_told_to_those_of_its_exact_type_alone() -> None:
    events, seen = Events(), list[Happened]()
    events.subscribe(Happened, seen.append)
    events.publish(Ended("a"))
    assert seen == []


def test_a_subscriber_that_fails_is_logged_and_keeps_the_event_from_nobody(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR, "yosegi.events")
    events, seen = Events(), list[Happened]()

    def fails(event: Happened) -> None:
        raise RuntimeError("broken")

    events.subscribe(Happened, fails)
    events.subscribe(Happened, seen.append)
    events.publish(Happened("a"))
    assert seen == [Happened("a")]
    assert "a subscriber to Happened failed" in caplog.text
