"""A simulated Hamilton STARlet: where tips, plates and liquids stand, driven through PyLabRobot.

PyLabRobot's own trackers refuse what a real deck would: a spot without a tip, a well that would run over, a trough that
would run dry. Its chatterbox backend stands for the machine and prints each move; here it keeps quiet and can take
its time.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Final

from pylabrobot.liquid_handling import LiquidHandler
from pylabrobot.liquid_handling.backends import LiquidHandlerChatterboxBackend
from pylabrobot.resources import Plate, TipRack, TipSpot, Trough, Well, set_tip_tracking, set_volume_tracking
from pylabrobot.resources.corning import cor_96_wellplate_360uL_Fb
from pylabrobot.resources.hamilton import (
    PLT_CAR_L5AC_A00,
    TIP_CAR_480_A00,
    STARLetDeck,
    Trough_CAR_5R60_A00,
    hamilton_1_trough_60mL_Vb,
    hamilton_96_tiprack_300uL,
)

from yosegi_packs.labs.dyes import LIQUIDS

WELLS_PER_PLATE: Final = 96
STOCK: Final = 55_000.0
"""Microlitres of each liquid in its trough at the start: more than all wells together take."""

_RACKS_PER_PLATE: Final = len(LIQUIDS)
"""A fresh tip for each liquid of each well."""

_RACKS_PER_CARRIER: Final = 5


class QuietBackend(LiquidHandlerChatterboxBackend):  # type: ignore[misc]
    """PyLabRobot's chatterbox without the chatter. A dispense takes `pace` seconds."""

    def __init__(self, pace: float) -> None:
        super().__init__(num_channels=8)
        self.pace = pace

    async def setup(self) -> None:
        """Nothing to set up."""

    async def stop(self) -> None:
        """Nothing to put away."""

    async def pick_up_tips(self, ops: Any, use_channels: Any, **kwargs: Any) -> None:
        """Done at once."""

    async def drop_tips(self, ops: Any, use_channels: Any, **kwargs: Any) -> None:
        """Done at once."""

    async def aspirate(self, ops: Any, use_channels: Any, **kwargs: Any) -> None:
        """Done at once."""

    async def dispense(self, ops: Any, use_channels: Any, **kwargs: Any) -> None:
        """Takes its time."""
        await asyncio.sleep(self.pace)


@dataclass(frozen=True, slots=True)
class Deck:
    """What stands on the deck, and the arm above it.

    Args:
        handler: PyLabRobot's liquid handler, set up.
        tips: every tip spot in order of use.
        wells: every well in order of use, plate by plate and column by column.
        troughs: one for each of `LIQUIDS`.
    """

    handler: LiquidHandler
    tips: tuple[TipSpot, ...]
    wells: tuple[Well, ...]
    troughs: tuple[Trough, ...]

    def restore(self, *, tips: int, filled: dict[int, float], taken: tuple[float, ...]) -> None:
        """Bring the trackers to what the robot's records say.

        Args:
            tips: how many tips are used.
            filled: microlitres in each used well, by its number.
            taken: microlitres taken from each trough.
        """
        for spot in self.tips[:tips]:
            spot.tracker.remove_tip(commit=True)
        for number, volume in filled.items():
            self.wells[number].tracker.set_volume(volume)
        for trough, volume in zip(self.troughs, taken, strict=True):
            trough.tracker.set_volume(STOCK - volume)

    async def transfer(self, *, tip: int, liquid: int, well: int, volume: float) -> None:
        """Take a fresh tip, bring a volume from a trough into a well, and drop the tip into the waste.

        Raises:
            pylabrobot's errors: no tip on the spot, too little liquid, no room in the well.
        """
        await self.handler.pick_up_tips([self.tips[tip]], use_channels=[0])
        await self.handler.aspirate([self.troughs[liquid]], vols=[volume], use_channels=[0])
        await self.handler.dispense([self.wells[well]], vols=[volume], use_channels=[0])
        await self.handler.discard_tips(use_channels=[0])

    def summary(self) -> str:
        """The deck as PyLabRobot draws it."""
        return str(self.handler.deck.summary())


async def lay_out(plates: int, pace: float) -> Deck:
    """A deck with fresh tips for every well of the plates, the plates, and the four liquids.

    Args:
        plates: 96-well plates, 1 to `MOST_PLATES`.
        pace: seconds that one transfer takes.
    """
    set_tip_tracking(True)
    set_volume_tracking(True)
    deck = STARLetDeck()
    racks = [hamilton_96_tiprack_300uL(name=f"tips_{n + 1}") for n in range(_RACKS_PER_PLATE * plates)]
    for n, first in enumerate(range(0, len(racks), _RACKS_PER_CARRIER)):
        carrier = TIP_CAR_480_A00(name=f"tip_carrier_{n + 1}")
        _fill(carrier, racks[first : first + _RACKS_PER_CARRIER])
        deck.assign_child_resource(carrier, rails=1 + 6 * n)
    trays = [cor_96_wellplate_360uL_Fb(name=f"plate_{n + 1}") for n in range(plates)]
    plate_carrier = PLT_CAR_L5AC_A00(name="plate_carrier")
    _fill(plate_carrier, trays)
    deck.assign_child_resource(plate_carrier, rails=19)
    troughs = [hamilton_1_trough_60mL_Vb(name=liquid) for liquid in LIQUIDS]
    trough_carrier = Trough_CAR_5R60_A00(name="trough_carrier")
    _fill(trough_carrier, troughs)
    deck.assign_child_resource(trough_carrier, rails=25)
    handler = LiquidHandler(backend=QuietBackend(pace), deck=deck)
    await handler.setup()
    return Deck(handler, _spots(racks), _wells(trays), tuple(troughs))


def _fill(carrier: Any, things: list[Any]) -> None:
    for place, thing in enumerate(things):
        carrier[place] = thing


def _spots(racks: list[TipRack]) -> tuple[TipSpot, ...]:
    return tuple(spot for rack in racks for spot in rack.get_all_items())


def _wells(plates: list[Plate]) -> tuple[Well, ...]:
    return tuple(well for plate in plates for well in plate.get_all_items())
