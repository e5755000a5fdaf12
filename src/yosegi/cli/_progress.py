"""How far a long computation of equal parts is, how long the rest will take, and whether it is wanted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import click
from rich.console import Console
from rich.status import Status

from yosegi.cli.output import say

LONG = 60.0
"""Seconds of a rest that are asked about first."""
_TOLD = 10.0
"""Seconds between two lines in a pipe."""
_COUNTED = 5.0
"""The same for what is only counted."""


def counted(what: str, clock: Callable[[], float] = time.monotonic) -> Callable[[int, int], None]:
    """Tells on standard error, now and then, how many of something are done: nothing of what is soon over.

    Args:
        what: that is counted, e.g. `entries`.
        clock: seconds from any beginning.
    """
    last = clock()

    def progress(done: int, total: int) -> None:
        nonlocal last
        if clock() - last >= _COUNTED:
            last = clock()
            say(f"{done} of {total} {what}", err=True)

    return progress


class RepetitionProgress:
    """Repetitions that are told on standard error: on one line of a terminal, now and then in a pipe.

    Args:
        label: what is done.
        repetitions: how many times.
        steps: what one repetition takes at most by expectation, in steps.
        ask: whether somebody is there who can say that the rest is not wanted.
        clock: seconds from any beginning.
    """

    def __init__(
        self, label: str, repetitions: int, steps: float, ask: bool, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._label, self._count, self._steps, self._ask, self._clock = label, repetitions, steps, ask, clock
        self._began = self._last = self._ended = clock()
        self._done = 0
        terminal = Console(stderr=True, markup=False)
        self._status = Status(label, console=terminal) if terminal.is_terminal else None

    def __repr__(self) -> str:
        """How far it is."""
        return f"<{self._label}: {self._done} of {self._count} repetitions>"

    def seeds(self) -> Iterator[int]:
        """0, 1, …, one a repetition, until all are done or the rest is not wanted."""
        try:
            for seed in range(self._count):
                if seed == 1 and self._ask and self.left() > LONG and not self._wanted():
                    break
                if self._status:
                    self._status.start()
                yield seed
                self._done += 1
                self._ended = self._clock()
                self.step(0)
        finally:
            if self._status:
                self._status.stop()

    def step(self, made: int) -> None:
        """Tell how far it is; `made` are this repetition's steps so far."""
        if self._done == self._count:
            return
        part = f", {made} measurements" if made else ""
        text = f"{self._label}: repetition {self._done + 1} of {self._count}{part}; {duration(self.left(made))} left"
        now = self._clock()
        if self._status:
            self._status.update(f"{text} (Ctrl-C: enough)" if self._done else text)
        elif now - self._last >= _TOLD:
            self._last = now
            say(text, err=True)

    def left(self, made: int = 0) -> float:
        """Seconds: by the repetitions that are done, else by the steps of the first."""
        now = self._clock()
        if self._done:
            each = (self._ended - self._began) / self._done
            return max(each * (self._count - self._done) - (now - self._ended), 0.0)
        spent = now - self._began
        return spent / max(made, 1) * max(self._steps * self._count - made, 0.0)

    def _wanted(self) -> bool:
        if self._status:
            self._status.stop()
        rest = self._count - self._done
        question = f"{self._label}: {rest} more repetitions take {duration(self.left())}. Go on?"
        return click.confirm(question, default=True, err=True)


def duration(seconds: float) -> str:
    """A length of time in words.

    Example:
        >>> duration(8), duration(170), duration(7200)
        ('about 8 s', 'about 3 min', 'about 2.0 h')
    """
    if seconds < 90:
        return f"about {max(1, round(seconds))} s"
    return f"about {round(seconds / 60)} min" if seconds < 5400 else f"about {seconds / 3600:.1f} h"
