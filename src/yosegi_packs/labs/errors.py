"""What can go wrong at the robot, in words for whoever asked for the mixture.

Each says in `effect` what became of the physical world on behalf of that task: `none`, or `done` if a well is used up.
"""

from __future__ import annotations

from yosegi.core.capability import Stopped as ToldToStop
from yosegi.core.errors import YosegiError


class OutOfWells(YosegiError):
    """Every well of every plate on the deck has been used."""

    code = "out_of_wells"
    effect = "none"

    def __init__(self, plates: int, wells: int) -> None:
        self.plates, self.wells = plates, wells
        super().__init__(
            f"no well is left: all {wells} wells of the {plates} plates on the deck are used; nothing was dispensed. "
            "Put on fresh plates, tips and liquids, then: python -m yosegi_packs.labs renew FOLDER"
        )


class AlreadyMixed(YosegiError):
    """A task asks a second time for what it has had. A well is never filled twice for one task."""

    code = "already_mixed"
    effect = "done"

    def __init__(self, key: str, sample: str, state: str) -> None:
        self.key, self.sample, self.state = key, sample, state
        super().__init__(
            f"task {key} has had well {sample}, which is {state}; nothing more was dispensed. "
            "To mix again, ask with a new attempt and so a new key"
        )


class StoppedSafely(ToldToStop):
    """The robot was told to stop, finished the transfer in hand and left the rest."""

    def __init__(self, sample: str, done: int, of: int) -> None:
        self.sample, self.done, self.of = sample, done, of
        super().__init__(
            f"after {done} of {of} transfers; well {sample} is incomplete and used up. Mix again as a new attempt",
            "done",
        )


class Stopped(ToldToStop):
    """The robot has been stopped and takes no work until somebody resumes it."""

    def __init__(self, robot: str) -> None:
        self.robot = robot
        super().__init__(f"{robot} took no well and dispensed nothing. Resume it and ask again", "none")


class NotMeasurable(YosegiError):
    """The sample is known, but its well does not hold a complete mixture or is no longer on the deck."""

    code = "not_measurable"
    effect = "none"

    def __init__(self, sample: str, why: str) -> None:
        self.sample, self.why = sample, why
        super().__init__(f"sample {sample} cannot be measured: {why}. Mix a new sample")


class InUse(YosegiError):
    """Another process drives the robot of this state folder."""

    code = "in_use"
    effect = "none"

    def __init__(self, folder: str) -> None:
        self.folder = folder
        super().__init__(f"the robot of {folder} is driven by another process; stop that one first")
