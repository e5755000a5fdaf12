"""The robot of a station: one long-lived object that mixes in wells and measures them. Simulated.

It opens on a state folder and holds it for itself. Whatever stops the process, the folder tells the next one which
wells, tips and volumes are gone; a well that was being filled is spoilt and never used again.
"""

from __future__ import annotations

import asyncio
import fcntl
import functools
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import IO, Final

import numpy as np

from yosegi.core.errors import NotFound
from yosegi_packs.labs import truth
from yosegi_packs.labs.deck import WELLS_PER_PLATE, Deck, lay_out
from yosegi_packs.labs.dyes import LIQUIDS
from yosegi_packs.labs.errors import AlreadyMixed, InUse, NotMeasurable, OutOfWells, Stopped, StoppedSafely
from yosegi_packs.labs.pipetting import dispensable
from yosegi_packs.labs.records import Mixture, Records, WellState
from yosegi_packs.labs.settings import read_settings

_LOCK: Final = "robot.lock"


def _silent(fraction: float, text: str) -> None:
    """Tell nobody."""


class Robot:
    """A simulated liquid handler with a plate reader.

    One task at a time: calls from several threads wait for each other. `safe_stop` may be called from any thread.
    A folder without a truth gets one, drawn from a seed that nobody sees.

    Args:
        folder: the state folder; made if it is missing.

    Raises:
        InUse: another process drives this robot.
        Invalid: a file in the folder is not what it should be.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as on_failure:
            self._lock_file = on_failure.enter_context(_lock(folder))
            self.settings = read_settings(folder)
            if not (folder / truth.FILE).exists():
                truth.create_truth(folder)
            self._truth = truth.read_truth(folder)
            self._records = on_failure.enter_context(closing(Records(folder)))
            self.spoilt = self._records.spoil_unfinished()
            """Mixtures that an earlier process left in the middle."""
            self._deck = self._lay_out()
            on_failure.pop_all()
        self._busy = threading.Lock()
        self._stop = threading.Event()

    def close(self) -> None:
        """Let go of the folder; nothing happens if that was done already."""
        self._records.close()
        self._lock_file.close()

    def mix(
        self,
        volumes: Sequence[float],
        *,
        key: str | None = None,
        progress: Callable[[float, str], None] = _silent,
        stopping: Callable[[], bool] = lambda: False,
    ) -> str:
        """Fill the next free well by a recipe.

        The well is given away durably before anything moves, and each transfer is noted before it is made.

        Args:
            volumes: microlitres of red, yellow, blue and water; each is rounded to what the drive can dispense.
            key: of the task, so that one task never gets two wells.
            progress: told after each transfer the share done and what was done.
            stopping: asked before each transfer whether this task is to stop.

        Returns:
            The identity of the sample.

        Raises:
            OutOfWells: every well is used.
            AlreadyMixed: the task has had a well.
            Stopped: told to stop earlier; no well was taken.
            StoppedSafely: told to stop meanwhile; the well is used up.
        """
        with self._busy:
            if stopping():
                raise Stopped(self.settings.name)
            mixture = self._give_away(tuple(float(v) for v in dispensable(np.asarray(volumes, dtype=float))), key)
            try:
                asyncio.run(self._fill(mixture, progress, stopping))
            except BaseException:
                self._records.settle(mixture.number, WellState.SPOILT)
                self._deck = self._lay_out()  # the arm may still hold a tip; the records know what is gone
                raise
            self._records.settle(mixture.number, WellState.FILLED)
            return mixture.sample

    def measure(self, sample: str) -> tuple[float, float, float]:
        """L*, a* and b* of a sample. A well is read once and its reading kept: asking again gives the same.

        Raises:
            NotFound: no such sample on this robot.
            NotMeasurable: its well is not completely filled, or its plate is gone.
        """
        with self._busy:
            mixture = self.mixture(sample)
            if mixture.state is not WellState.FILLED:
                raise NotMeasurable(sample, f"its well is {mixture.state}, not filled")
            if (kept := self._records.reading(mixture.number)) is not None:
                return kept
            if mixture.number < self._records.first_of_load()[0]:
                raise NotMeasurable(sample, "its plate was taken away before it was read")
            lightness, a, b = self._truth.reading(mixture.number, np.array(mixture.volumes)).tolist()
            self._records.keep_reading(mixture.number, (lightness, a, b))
            return lightness, a, b

    def mixture(self, sample: str) -> Mixture:
        """What was asked for in a sample's well.

        Raises:
            NotFound: no such sample on this robot.
        """
        mixture = self._records.by_sample(sample)
        if mixture is None:
            raise NotFound("sample", sample)
        return mixture

    def mixture_of(self, key: str) -> Mixture | None:
        """The well that a task was given, if any: what a person needs to settle a task of unknown effect."""
        return self._records.by_key(key)

    def safe_stop(self) -> None:
        """Finish the transfer in hand, drop the tip, and start no other until `resume`."""
        self._stop.set()

    def resume(self) -> None:
        """Allow transfers again."""
        self._stop.clear()

    def renew(self) -> None:
        """Count on fresh plates, tips and liquids, put there by a person. Samples of the old plates are gone."""
        with self._busy:
            self._records.renew(WELLS_PER_PLATE)
            self._deck = self._lay_out()

    def statistics(self) -> dict[str, int]:
        """How many wells, tips and samples there are, and how many are left."""
        wells = self.settings.plates * WELLS_PER_PLATE
        return {
            "wells": wells,
            "wells_left": wells - (self._records.next_well() - self._records.first_of_load()[0]),
            "wells_spoilt": self._records.wells_in(WellState.SPOILT),
            "tips_left": len(self._deck.tips) - self._records.tips_used(),
        }

    def summary(self) -> str:
        """The deck, drawn as text."""
        return self._deck.summary()

    def __repr__(self) -> str:
        if self._lock_file.closed:
            return f"<simulated {self.settings.name}: closed>"
        counts = self.statistics()
        return (
            f"<simulated {self.settings.name}: {counts['wells_left']} of {counts['wells']} wells left, "
            f"{counts['wells_spoilt']} spoilt>"
        )

    def _lay_out(self) -> Deck:
        deck = asyncio.run(lay_out(self.settings.plates, self.settings.pace))
        records = self._records
        first, _ = records.first_of_load()
        filled = {number - first: volume for number, volume in records.filled().items()}
        deck.restore(tips=records.tips_used(), filled=filled, taken=records.taken(len(LIQUIDS)))
        return deck

    def _give_away(self, volumes: tuple[float, ...], key: str | None) -> Mixture:
        if key is not None and (earlier := self._records.by_key(key)) is not None:
            raise AlreadyMixed(key, earlier.sample, earlier.state)
        if self._stop.is_set():
            raise Stopped(self.settings.name)
        first, number = self._records.first_of_load()[0], self._records.next_well()
        if number - first >= len(self._deck.wells):
            raise OutOfWells(self.settings.plates, len(self._deck.wells))
        plate, place = number // WELLS_PER_PLATE + 1, self._deck.wells[number - first].get_identifier()
        sample = f"{self.settings.name}.plate-{plate}.{place}"
        red, yellow, blue, water = volumes
        mixture = Mixture(number, sample, key, WellState.FILLING, (red, yellow, blue, water))
        self._records.give_away(mixture)
        return mixture

    async def _fill(
        self, mixture: Mixture, progress: Callable[[float, str], None], stopping: Callable[[], bool]
    ) -> None:
        total, done = sum(1 for volume in mixture.volumes if volume > 0.0), 0
        first_well, first_tip = self._records.first_of_load()
        for liquid, volume in enumerate(mixture.volumes):
            if volume == 0.0:
                continue
            if self._stop.is_set() or stopping():
                raise StoppedSafely(mixture.sample, done, total)
            tip = self._records.start_transfer(well=mixture.number, liquid=liquid, volume=volume)
            await self._deck.transfer(
                tip=tip - first_tip, liquid=liquid, well=mixture.number - first_well, volume=volume
            )
            done += 1
            progress(done / total, f"{volume:g} uL {LIQUIDS[liquid]} into {mixture.sample} (simulated)")


@functools.lru_cache(maxsize=8)
def robot_at(folder: Path) -> Robot:
    """The one robot of a state folder in this process, opened on first use."""
    return Robot(folder)


def _lock(folder: Path) -> IO[bytes]:
    """Hold the folder until the process ends or the file is closed."""
    file = (folder / _LOCK).open("wb")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise InUse(str(folder)) from None
    return file
