"""Which tasks wait for a slot, which are parked and which run, by capability. It starts nothing: it says what may.

Capabilities that share an instrument share a *lane*: so many tasks at once over all of them. Its teams take turns,
each by its weight, so that a team that sends a hundred tasks keeps nobody from the next turn. The order is start-time
fair queueing (P. Goyal, H. M. Vin, H. Cheng, IEEE/ACM Transactions on Networking 5 (1997) 690, equations 1 to 3): a
turn's start tag is the larger of the lane's virtual time and the team's last finish tag, its finish tag is that plus
its length over the weight, and the smallest start tag is next. Who was idle has saved up nothing. Within a team, who
came first is first. On an instrument each turn is on record with the start of its task (`turn`), so a restart forgets
none (`TurnView`, `restore`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from yosegi.execution.ports import Published
from yosegi.execution.tasks import Task


def alike(team: str) -> float:
    """The same share of the turns for every team."""
    return 1.0


@dataclass(frozen=True, slots=True)
class Lane:
    """What some capabilities have in common.

    Args:
        name: of the instrument, or of the one capability.
        at_once: tasks at once over all of them; no bound but each one's own if None.
        weight_of: a team's share of the turns, above 0; teams are named `charter/team`.
    """

    name: str
    at_once: int | None = None
    weight_of: Callable[[str], float] = alike


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn that a team has taken in a lane.

    Args:
        lane: its name.
        team: whose, `charter/team`.
        start: its start tag, and `finish` its finish tag: seconds of use over weights, since the lane's beginning.
    """

    lane: str
    team: str
    start: float
    finish: float

    @property
    def facts(self) -> dict[str, Any]:
        """As it stands in the entry by which its task starts."""
        return {"turn": asdict(self)}


@dataclass(frozen=True, slots=True)
class _Waiting:
    capability: str
    stream: str


@dataclass
class _Turns:
    """The queue of one lane: a line for each team, and its tags."""

    lines: dict[str, deque[_Waiting]] = field(default_factory=dict)
    finish: dict[str, float] = field(default_factory=dict)
    virtual: float = 0.0

    def start_tag(self, team: str) -> float:
        return max(self.virtual, self.finish.get(team, 0.0))

    def serve(self, team: str, length: float, weight: float) -> None:
        self.virtual = self.start_tag(team)
        self.finish[team] = self.virtual + length / weight

    def restore(self, turn: Turn) -> None:
        self.virtual = max(self.virtual, turn.start)
        self.finish[turn.team] = max(turn.finish, self.finish.get(turn.team, 0.0))

    def __iter__(self) -> Iterator[_Waiting]:
        for line in self.lines.values():
            yield from line


@dataclass
class Slots:
    """The slots of one owner's capabilities.

    Args:
        published: what there is, with its number of slots, by name and version.
        lane_of: which lane a capability is in; one of its own by default.
    """

    published: Mapping[str, Published]
    lane_of: Callable[[str], Lane] = Lane
    _lanes: dict[str, _Turns] = field(default_factory=dict)
    _parked: dict[str, tuple[Task, str]] = field(default_factory=dict)
    """Accepted, and waiting for something that is no slot, e.g. a person's approval; they hold up nobody else."""
    _running: dict[str, set[str]] = field(default_factory=dict)
    _in_lane: dict[str, set[str]] = field(default_factory=dict)
    _names: dict[str, None] = field(default_factory=dict)
    _taken: dict[str, Turn] = field(default_factory=dict)
    """The turn with which each task that runs has its slot."""

    def __repr__(self) -> str:
        running, waiting = sum(map(len, self._running.values())), sum(len([*lane]) for lane in self._lanes.values())
        return f"<slots: {running} tasks run, {waiting} wait for a slot, {len(self._parked)} are parked>"

    def _turns(self, name: str) -> _Turns:
        return self._lanes.setdefault(self.lane_of(name).name, _Turns())

    def waiting(self, name: str) -> int:
        """How many tasks of a capability wait for a slot."""
        return sum(one.capability == name for one in self._turns(name))

    def parked(self, name: str) -> int:
        """How many tasks of a capability wait for something that is no slot."""
        return sum(task.capability == name for task, _ in self._parked.values())

    def running(self, name: str) -> int:
        """How many tasks of a capability run."""
        return len(self._running.get(name, ()))

    def has_free(self, name: str) -> bool:
        """Whether a slot is free that nobody waits for."""
        return not any(self._turns(name)) and self._has_room(name)

    def is_empty(self, name: str) -> bool:
        """Whether nothing runs in a capability's lane."""
        return not self._in_lane.get(self.lane_of(name).name)

    def _has_room(self, name: str) -> bool:
        # What is published no more waits for nothing: its turn comes, and it is refused.
        published, lane = self.published.get(name), self.lane_of(name)
        if published is None:
            return True
        if lane.at_once is not None and len(self._in_lane.get(lane.name, ())) >= lane.at_once:
            return False
        return self.running(name) < published.slots

    def enqueue(self, name: str, stream: str, team: str = "") -> None:
        """A task of a team waits for a slot."""
        self._names[name] = None
        self._turns(name).lines.setdefault(team, deque()).append(_Waiting(name, stream))

    def take(self, name: str, stream: str, team: str = "") -> None:
        """A task runs; that of a team which is named has taken its turn."""
        self._running.setdefault(name, set()).add(stream)
        lane = self.lane_of(name)
        self._in_lane.setdefault(lane.name, set()).add(stream)
        if team:
            published = self.published.get(name)
            length = 1.0 if published is None else published.contract.time_limit
            turns = self._turns(name)
            turns.serve(team, length, lane.weight_of(team))
            if lane.at_once is not None:
                self._taken[stream] = Turn(lane.name, team, turns.virtual, turns.finish[team])

    def turn(self, stream: str) -> Turn | None:
        """The turn with which a task has its slot; None where its lane is no instrument's, or it took none."""
        return self._taken.get(stream)

    def restore(self, turns: Iterable[Turn]) -> None:
        """Go on from turns that were taken before a restart: the latest of each team in each lane."""
        for turn in turns:
            self._lanes.setdefault(turn.lane, _Turns()).restore(turn)

    def give_back(self, name: str, stream: str) -> None:
        """A task runs no more."""
        self._taken.pop(stream, None)
        self._running.get(name, set()).discard(stream)
        self._in_lane.get(self.lane_of(name).name, set()).discard(stream)

    def park(self, task: Task, team: str = "") -> None:
        """A task waits for something that is no slot."""
        self._parked[task.stream] = task, team

    def leave(self, name: str, stream: str) -> None:
        """A task waits no more, for a slot or anything else."""
        self._parked.pop(stream, None)
        for line in self._turns(name).lines.values():
            if (waiting := _Waiting(name, stream)) in line:
                line.remove(waiting)

    def unpark(self, may_go_on: Callable[[Task], bool]) -> None:
        """Parked tasks that lack nothing any more wait for a slot."""
        for stream, (task, team) in list(self._parked.items()):
            if may_go_on(task):
                del self._parked[stream]
                self.enqueue(task.capability, stream, team)

    def names(self) -> list[str]:
        """Capabilities for which tasks have waited."""
        return list(self._names)

    def due(self, name: str, is_closed: Callable[[str], bool] = lambda name: False) -> list[tuple[str, str]]:
        """The tasks of a capability's lane that may start now, as capability and stream, in the order of their turns.

        Each has its slot from now on.
        """
        turns, found = self._turns(name), []
        while (pair := self._next(turns, is_closed)) is not None:
            team, chosen = pair
            turns.lines[team].remove(chosen)
            if not turns.lines[team]:
                del turns.lines[team]
            self.take(chosen.capability, chosen.stream, team)
            found.append((chosen.capability, chosen.stream))
        return found

    def _next(self, turns: _Turns, is_closed: Callable[[str], bool]) -> tuple[str, _Waiting] | None:
        """Whose turn it is, and with what: the team with the smallest start tag that has something which may start."""
        for team in sorted(turns.lines, key=turns.start_tag):
            for one in turns.lines[team]:
                if self._has_room(one.capability) and not is_closed(one.capability):
                    return team, one
        return None
