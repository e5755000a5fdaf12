"""Where a step goes that several owners can do: to the one whose answer is expected soonest for its price.

What is expected follows from what happened in this campaign alone, as its entries tell: how long an answer took when as
many of the campaign's own steps were under way there. Nothing is asked of a clock or an owner, so that the choice is a
function of the entries.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from yosegi.campaign.spec import StepSpec

KEPT = 16
"""Answers of an alternative that are remembered."""
LOOK_AGAIN = 10
"""Every so many steps one goes to the alternative that was asked the longest ago: its queue may have become short."""


@dataclass(frozen=True, slots=True)
class RouteAnswer:
    """What became of one step at one owner.

    Args:
        ahead: how many of the campaign's steps were under way there when it was asked for.
        waited: seconds from asking until its owner said that it has begun; 0 where it did not say.
        ran: seconds from then until it was over.
        good: whether it was answered; not if it was refused, failed or became uncertain.
        joules: its energy, where its owner told it. Nothing is chosen by it.
    """

    ahead: int
    waited: float
    ran: float
    good: bool
    joules: float | None = None

    @property
    def seconds(self) -> float:
        """From asking to the answer."""
        return self.waited + self.ran


@dataclass(frozen=True, slots=True)
class Route:
    """What happened at one alternative.

    Args:
        asked: how many steps went there.
        last: the number, among all steps that had a choice, of the last that did.
        under_way: how many are not over.
        recent: the last answers, the newest last.
    """

    asked: int = 0
    last: int = 0
    under_way: int = 0
    recent: tuple[RouteAnswer, ...] = ()

    @property
    def answers(self) -> bool:
        """Whether the last that is over there was answered."""
        return bool(self.recent) and self.recent[-1].good

    def expected(self) -> float:
        """Seconds in which the next answer is expected: the median of those with the nearest number ahead of them."""
        good = [answer for answer in self.recent if answer.good]
        nearest = min(abs(answer.ahead - self.under_way) for answer in good)
        return statistics.median(a.seconds for a in good if abs(a.ahead - self.under_way) == nearest)


@dataclass(frozen=True, slots=True)
class Routes:
    """What happened at every alternative, by capability."""

    by: Mapping[str, Route] = field(default_factory=dict)
    steps: int = 0

    def of(self, capability: str) -> Route:
        """What happened at one."""
        return self.by.get(capability, Route())

    def asked(self, capability: str) -> Routes:
        """With one more step that goes there."""
        was = self.of(capability)
        now = replace(was, asked=was.asked + 1, last=self.steps + 1, under_way=was.under_way + 1)
        return Routes({**self.by, capability: now}, self.steps + 1)

    def over(self, capability: str, answer: RouteAnswer | None) -> Routes:
        """With one step over there; None if it was taken back, which tells nothing of the owner."""
        was = self.of(capability)
        recent = was.recent if answer is None else (*was.recent, answer)[-KEPT:]
        now = replace(was, under_way=max(0, was.under_way - 1), recent=recent)
        return replace(self, by={**self.by, capability: now})

    def choose(self, step: StepSpec) -> str:
        """The capability that a step is asked of next.

        Cases, in order:
        1. one that never answered and has nothing to do is tried, in the order of the file;
        2. while none has answered, the one with the fewest under way;
        3. every tenth step, the one that was asked the longest ago;
        4. of those whose last answer was a good one, that with the least expected seconds times price.
        """
        prices = step.alternatives()
        if len(prices) == 1:
            return step.capability
        for name in prices:
            if not self.of(name).recent and not self.of(name).under_way:
                return name
        answered = [name for name in prices if self.of(name).recent]
        if not answered:
            return min(prices, key=lambda name: self.of(name).under_way)
        if (self.steps + 1) % LOOK_AGAIN == 0:
            return min(prices, key=lambda name: self.of(name).last)
        good = [name for name in answered if self.of(name).answers]
        if not good:
            return min(prices, key=lambda name: self.of(name).last)
        return min(good, key=lambda name: self.of(name).expected() * prices[name])
