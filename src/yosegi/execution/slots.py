"""Which tasks wait for a slot, which are parked and which run, by capability. It starts nothing: it says what may."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from yosegi.execution.ports import Published
from yosegi.execution.tasks import Task


@dataclass
class Slots:
    """The slots of one owner's capabilities.

    Args:
        published: what there is, with its number of slots, by name and version.
    """

    published: Mapping[str, Published]
    _queues: dict[str, deque[str]] = field(default_factory=dict)
    _parked: dict[str, Task] = field(default_factory=dict)
    """Accepted, and waiting for something that is no slot, e.g. a person's approval; they hold up nobody else."""
    _running: dict[str, set[str]] = field(default_factory=dict)

    def __repr__(self) -> str:
        running, waiting = sum(map(len, self._running.values())), sum(map(len, self._queues.values()))
        return f"<slots: {running} tasks run, {waiting} wait for a slot, {len(self._parked)} are parked>"

    def waiting(self, name: str) -> int:
        """How many tasks of a capability wait for a slot."""
        return len(self._queues.get(name, ()))

    def parked(self, name: str) -> int:
        """How many tasks of a capability wait for something that is no slot."""
        return sum(task.capability == name for task in self._parked.values())

    def running(self, name: str) -> int:
        """How many tasks of a capability run."""
        return len(self._running.get(name, ()))

    def has_free(self, name: str) -> bool:
        """Whether a slot is free that nobody waits for."""
        return not self._queues.get(name) and self._has_room(name)

    def _has_room(self, name: str) -> bool:
        # What is published no more waits for nothing: its turn comes, and it is refused.
        published = self.published.get(name)
        return published is None or self.running(name) < published.slots

    def enqueue(self, name: str, stream: str) -> None:
        """A task waits for a slot."""
        self._queues.setdefault(name, deque()).append(stream)

    def take(self, name: str, stream: str) -> None:
        """A task runs."""
        self._running.setdefault(name, set()).add(stream)

    def give_back(self, name: str, stream: str) -> None:
        """A task runs no more."""
        self._running.get(name, set()).discard(stream)

    def park(self, task: Task) -> None:
        """A task waits for something that is no slot."""
        self._parked[task.stream] = task

    def leave(self, name: str, stream: str) -> None:
        """A task waits no more, for a slot or anything else."""
        self._parked.pop(stream, None)
        if stream in self._queues.get(name, ()):
            self._queues[name].remove(stream)

    def unpark(self, may_go_on: Callable[[Task], bool]) -> None:
        """Parked tasks that lack nothing any more wait for a slot."""
        for stream, task in list(self._parked.items()):
            if may_go_on(task):
                del self._parked[stream]
                self.enqueue(task.capability, stream)

    def names(self) -> list[str]:
        """Capabilities for which tasks have waited."""
        return list(self._queues)

    def due(self, name: str) -> list[str]:
        """The tasks that may start now, in the order in which they came; each has its slot from now on."""
        queue, found = self._queues.get(name), []
        while queue and self._has_room(name):
            stream = queue.popleft()
            self.take(name, stream)
            found.append(stream)
        return found
