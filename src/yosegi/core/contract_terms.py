"""The words in which contracts speak: kinds, conduct, sensitivity, effect classes.

They stand apart from the contract, for whoever reads an answer in these words and checks nothing against a schema.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

Kind = Literal["simulation", "instrument", "robot", "analysis", "training", "data", "model"]
Conduct = Literal["suggest", "approve", "run"]
Sensitivity = Literal["public", "team", "restricted"]
"""From the least to the most sensitive; a result inherits the strictest label of what went in."""

SENSITIVITIES: tuple[Sensitivity, ...] = ("public", "team", "restricted")


def strictest(*labels: Sensitivity) -> Sensitivity:
    """The most sensitive of the labels (`public` if there are none)."""
    return max(labels, key=SENSITIVITIES.index, default="public")


class EffectClass(StrEnum):
    """What repeating a task would do, and so what the program may do when it does not know how one ended."""

    PURE = "pure"
    """No effect outside the task; may be run again at will."""
    IDEMPOTENT = "idempotent"
    """Done twice is as done once; may be run again."""
    QUERYABLE = "queryable"
    """The device can be asked by key what became of it; it is asked, never repeated."""
    CONSUMING = "consuming"
    """Uses up a sample, a shot or beam time; never repeated by the program."""
    STATEFUL = "stateful"
    """The order of tasks matters; never repeated by the program."""

    @property
    def repeatable(self) -> bool:
        """Whether the program may run a task again by itself when it does not know how it ended."""
        return self in (EffectClass.PURE, EffectClass.IDEMPOTENT)
