"""Sequences that grow with a campaign's entries and are shared by all versions of its fold: a step costs no more later.

A campaign is folded into a new value with each entry. Copying tuples of ten thousand trials for that would make each
step of a campaign dearer the longer it runs. These sequences share one list; a version knows how much of it is its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Generic, TypeVar, overload

from yosegi.campaign.trial import Trial

T = TypeVar("T")


class Appended(Sequence[T], Generic[T]):
    """An immutable sequence to which appending costs the same however long it is.

    Example:
        >>> first = Appended([1, 2])
        >>> longer, other = first.appended(3), first.appended(4)
        >>> list(first), list(longer), list(other)
        ([1, 2], [1, 2, 3], [1, 2, 4])
    """

    __slots__ = ("_length", "_shared")

    def __init__(self, items: Iterable[T] = (), *, shared: list[T] | None = None) -> None:
        self._shared = list(items) if shared is None else shared
        self._length = len(self._shared)

    def appended(self, item: T) -> Appended[T]:
        """With one more. Only the longest version goes on in the shared list; any other takes a copy."""
        shared = self._shared if len(self._shared) == self._length else self._shared[: self._length]
        shared.append(item)
        return Appended(shared=shared)

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[T]: ...

    def __getitem__(self, index: int | slice) -> T | Sequence[T]:
        if isinstance(index, slice):
            return [self._shared[n] for n in range(*index.indices(self._length))]
        return self._shared[range(self._length)[index]]

    def __iter__(self) -> Iterator[T]:
        return islice(self._shared, self._length)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"Appended({list(self)!r})"


class Trials(Sequence[Trial]):
    """The trials of one campaign by number, from 1: those that are over in one shared list, the others by version.

    A trial that is over never changes again, so its place in the shared list is written once; as long as a version has
    it among its open ones, that version does not look there.
    """

    __slots__ = ("_length", "_open", "_over")

    def __init__(
        self, open_: Mapping[int, Trial] | None = None, over: list[Trial | None] | None = None, length: int = 0
    ) -> None:
        self._open: Mapping[int, Trial] = {} if open_ is None else open_
        self._over: list[Trial | None] = [] if over is None else over
        self._length = length

    def proposed(self, new: Sequence[Trial]) -> Trials:
        """With these trials begun."""
        over = self._over if len(self._over) == self._length else self._over[: self._length]
        over.extend(None for _ in new)
        return Trials({**self._open, **{t.number: t for t in new}}, over, self._length + len(new))

    def replaced(self, trial: Trial) -> Trials:
        """With one trial as it is now."""
        over, number = self._over, trial.number
        if not trial.state.final:
            return Trials({**self._open, number: trial}, over, self._length)
        if over[number - 1] is not None:
            # Another version saw another end of it: the two go on apart.
            over = over[: self._length]
        over[number - 1] = trial
        return Trials({n: t for n, t in self._open.items() if n != number}, over, self._length)

    def numbered(self, number: int) -> Trial:
        """A trial by its number, from 1.

        Raises:
            IndexError: there is none.
        """
        if not 1 <= number <= self._length:
            raise IndexError(number)
        trial = self._open.get(number) or self._over[number - 1]
        if trial is None:
            raise IndexError(number)
        return trial

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> Trial: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Trial]: ...

    def __getitem__(self, index: int | slice) -> Trial | Sequence[Trial]:
        if isinstance(index, slice):
            return [self.numbered(n + 1) for n in range(*index.indices(self._length))]
        return self.numbered(range(self._length)[index] + 1)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"<{self._length} trials, {len(self._open)} open>"
