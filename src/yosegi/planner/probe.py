"""Finding out how another source relates to the first, for a small share of what the first has cost.

A source is first measured where the first source already answered, which says most about how the two relate, a few
times and only while all that was spent on it stays within the share.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from yosegi.planner.aim import Aim, Improve
from yosegi.planner.search import Choice, Field
from yosegi.planner.situation import Situation
from yosegi.planner.space import Floats
from yosegi.planner.stop import cost_of

PAIRS = 5
"""Measurements of a source that are made to find out about it."""
SHARE = 0.05
"""Most that is spent to find out about a source, as a share of what was spent on the first."""


def probe(situation: Situation, aim: Aim, field: Field, chosen: Sequence[Choice]) -> Choice | None:
    """A measured point to ask a source about whose use is unknown; None where none is due or affordable."""
    sources = situation.problem.sources
    if len(sources) == 1 or not isinstance(aim, Improve):
        return None
    spent = _spent(situation, chosen)
    for s in range(1, len(sources)):
        if sum(np.r_[situation.source, situation.pending_source] == s) + sum(c.source == s for c in chosen) >= PAIRS:
            continue
        found = field.measured(s)
        if not found:
            continue
        choice = _farthest(aim, found)
        cost = float(situation.cost(s, choice.row[None, :], _index(choice))[0])
        if spent[s] + cost <= SHARE * spent[0] * (1 + 1e-9):
            return choice
    return None


def _spent(situation: Situation, chosen: Sequence[Choice]) -> Floats:
    spent = np.zeros(len(situation.problem.sources))
    np.add.at(spent, situation.source, [cost_of(situation.problem, o) for o in situation.ended])
    for s in situation.pending_source:
        spent[s] += situation.problem.sources[s].price.base
    for choice in chosen:
        spent[choice.source] += situation.cost(choice.source, choice.row[None, :], _index(choice))[0]
    return spent


def _farthest(aim: Improve, found: list[Choice]) -> Choice:
    """The point whose outcome is farthest from the mean: extremes say most about a relation."""
    mean, _ = aim.surrogate.posterior(np.stack([c.at for c in found]))
    return found[int(np.argmax(np.round(np.abs(mean - aim.surrogate.gp.offset[0]), 9)))]


def _index(choice: Choice) -> np.ndarray[tuple[int], np.dtype[np.int64]] | None:
    return None if choice.index is None else np.array([choice.index], dtype=np.int64)
