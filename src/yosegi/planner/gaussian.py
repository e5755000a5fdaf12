"""Our planner: a space-filling start, then a Gaussian process and the best point by what the problem seeks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from yosegi.planner.aim import Aim, Improve, aim_of
from yosegi.planner.caution import first_steps, repeat, retreat
from yosegi.planner.design import place
from yosegi.planner.explain import expect, sentence
from yosegi.planner.history import Observation, Pending
from yosegi.planner.limits import kept
from yosegi.planner.probe import probe
from yosegi.planner.problem import Problem
from yosegi.planner.proposal import Proposal
from yosegi.planner.search import Choice, Field, Open, Table
from yosegi.planner.situation import Situation

ASIDE = "earlier campaigns left aside, as at every other question"
"""What a proposal says that is made without them."""


@dataclass(frozen=True, slots=True)
class Gaussian:
    """A Gaussian-process planner; everything it learns it learns anew from the history at each call."""

    name: str = "gp"

    def suggest(
        self, problem: Problem, history: Sequence[Observation], *, pending: Sequence[Pending], count: int, seed: int
    ) -> list[Proposal]:
        """Up to `count` proposals, each made as if those before it had given what is expected."""
        if not problem.earlier:
            return _suggest(problem, history, pending, count, seed)
        return _in_turn(problem, history, pending, count, seed)


def _suggest(
    problem: Problem, history: Sequence[Observation], pending: Sequence[Pending], count: int, seed: int
) -> list[Proposal]:
    situation = Situation.of(problem, history, pending)
    if problem.caution is not None:
        return _careful(situation, count, seed)
    aim = aim_of(situation) if problem.earlier or _begun(situation) >= _starts(problem) else None
    if _begun(situation) < _starts(problem) and not _guided(situation, aim):
        aim = None
    return place(situation, "sobol", count, seed) if aim is None else _search(situation, aim, count, seed)


def _careful(situation: Situation, count: int, seed: int) -> list[Proposal]:
    """As `_search`, within `Problem.caution`: what the model proposes is asked only where it may be."""
    keeping = kept(situation)
    first = situation.problem.objectives[0] if situation.problem.objectives else None
    loss = np.array([np.nan if first is None else first.loss(o.value(first.name)) for o in situation.ended])
    if (steps := first_steps(situation, keeping, count, seed)) is not None:
        return steps
    again, aim = repeat(situation, keeping, loss), aim_of(situation)
    if again is not None or aim is None:
        return [again] if again is not None else []
    found = _search(situation, aim, count, seed)
    permitted = [one for one in found if _permitted(situation, aim, one)]
    back = retreat(situation, keeping, loss)
    return permitted or ([] if back is None else [back])


def _permitted(situation: Situation, aim: Aim, proposal: Proposal) -> bool:
    """Whether a cautious search may ask it; whoever is not the first source may be asked anything."""
    if proposal.source and proposal.source != situation.problem.sources[0].name:
        return True
    at = situation.space.coordinates(situation.space.rows([proposal.values]))
    return bool(aim.limits.permits(at)[0])


def _in_turn(
    problem: Problem, history: Sequence[Observation], pending: Sequence[Pending], count: int, seed: int
) -> list[Proposal]:
    """With the earlier campaigns and, at every other question, as if there were none.

    Whether they help is uncertain for long. Of two searches in turn, each with rare long runs, the pair's are shorter
    (Gomes & Selman 2001, "Algorithm portfolios").
    """
    bare = replace(problem, earlier=())
    out: list[Proposal] = []
    while len(out) < count:
        running = (*pending, *(Pending(p.values, p.source) for p in out))
        aside = _begun(Situation.of(bare, history, running)) % 2 == 1
        more = _suggest(bare if aside else problem, history, running, 1, seed)
        if not more:
            break
        out += [replace(p, reason=f"{p.reason}; {ASIDE}") for p in more] if aside else more
    return out


def _search(situation: Situation, aim: Aim, count: int, seed: int) -> list[Proposal]:
    if len(situation.pending):
        aim = aim.imagine(situation.pending, situation.pending_source)
    if situation.region is None:
        field: Field = Table(situation, aim)
    else:
        field = Open(situation, situation.region, seed)
    return _several(situation, aim, field, count)


def _guided(situation: Situation, aim: Aim | None) -> bool:
    """Whether an earlier campaign says enough to replace a space-filling point."""
    return isinstance(aim, Improve) and any(aim.surrogate.used[len(situation.problem.sources) :])


def _begun(situation: Situation) -> int:
    return int(np.sum(situation.source == 0) + np.sum(situation.pending_source == 0))


def _several(situation: Situation, aim: Aim, field: Field, count: int) -> list[Proposal]:
    out: list[Proposal] = []
    chosen: list[Choice] = []
    while (choice := probe(situation, aim, field, chosen) or field.best(aim)) is not None:
        chosen.append(choice)
        expected = expect(situation, aim, choice)
        reason = sentence(situation, aim, choice, expected)
        out.append(situation.proposal(choice.row, choice.index, choice.source, reason, expected))
        if len(out) == count:
            break
        field.take(choice)
        aim = _after(aim, choice)
    return out


def _after(aim: Aim, choice: Choice) -> Aim:
    return aim.imagine(choice.at[None, :], np.array([choice.source]))


def _starts(problem: Problem) -> int:
    if problem.starts is not None:
        return problem.starts
    rows = len(problem.candidates) if problem.candidates is not None else 1000
    return max(1, min(10, len(problem.parameters) // 2 + 2, rows // 4))
