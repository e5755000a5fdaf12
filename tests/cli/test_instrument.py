"""Instruments on the command line, against a running site."""

from __future__ import annotations

import pytest

from cli.asking import document, operator, refused, told, yosegi
from processes.sites import Town

pytestmark = pytest.mark.processes


def test_a_first_window_says_that_it_closes_the_instrument_outside_it_before_it_does(town: Town) -> None:
    always = "mon-sun 00:00-24:00"
    said = refused("instrument", "window", "bench", always, *operator(town))
    assert "closed at all other times" in said
    assert "--yes" in said
    assert document("instrument", "show", "bench", *operator(town))["windows"] == []
    told("instrument", "window", "bench", always, "--yes", *operator(town))
    # A further one is added to what there is, and closes nothing.
    told("instrument", "window", "bench", "sat 09:00-12:00", *operator(town))
    assert document("instrument", "show", "bench", *operator(town))["windows"] == [always, "sat 09:00-12:00"]
    for window in ("sat 09:00-12:00", always):
        told("instrument", "withdraw", "bench", window, *operator(town))


def test_the_help_says_what_a_first_window_does() -> None:
    assert "closes it at all other times" in " ".join(yosegi("instrument", "window", "--help").output.split())
