"""What stands on a robot's deck, as PyLabRobot has it, and a capability that uses it, drafted for a person to edit."""

from __future__ import annotations

import asyncio
import importlib
import inspect as python
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pylabrobot.resources import Container, ItemizedResource, Resource, TipRack, TipSpot, Trash, set_tip_tracking

from yosegi.core.errors import Invalid
from yosegi.core.sanitize import one_line, quoted
from yosegi_packs.labs.protocol import DeckState


@dataclass(frozen=True, slots=True)
class FoundLabware:
    """One piece of labware on the deck.

    Args:
        name: by which a protocol finds it.
        model: as its maker calls it; empty where that is not known.
        place: of its front left corner on the deck, x, y, z, mm.
        is_tips: whether it is a rack of tips.
        items: how many wells, tubes or tip spots it has; 1 for a trough.
        left: how many spots hold a tip, or microlitres of liquid in all.
        most: microlitres that one item takes.
    """

    name: str
    model: str
    place: tuple[float, float, float]
    is_tips: bool
    items: int
    left: float
    most: float

    def __str__(self) -> str:
        """For a list."""
        where = "({:g}, {:g}, {:g}) mm".format(*self.place)
        what = f"{self.left:g} of {self.items} tips" if self.is_tips else f"{self.items} x {self.most:g} uL"
        full = "" if self.is_tips else f", {self.left:g} uL in it"
        return f"{self.name}: {self.model or 'no model'} at {where}, {what}{full}"


def inspect(folder: Path, names: Iterable[str]) -> str:
    """What stands on these decks, and a draft; for `yosegi station inspect --by pylabrobot`. Nothing is moved.

    Args:
        folder: of the station; what it has on record of its deck is taken into account.
        names: `package.module:function` of what gives a front end or a deck, or a file that PyLabRobot saved.

    Raises:
        Invalid: it gives no deck, or the deck on record is another.
    """
    parts = []
    for name in names:
        found = look(folder, name)
        parts += [one_line(f"# {name}"), *(one_line(f"#   {one}") for one in found), "", draft(name, found)]
    return "\n".join(parts)


def look(folder: Path, name: str) -> list[FoundLabware]:
    """The labware of one deck, in the order of its names.

    Raises:
        Invalid: it gives no deck, or the deck on record is another.
    """
    deck = _deck(name)
    known = DeckState.load(folder)
    if missing := sorted(set(known.state) - set(deck.serialize_all_state())):
        raise Invalid(name, f"on record are {', '.join(missing[:5])}, which it lacks", "give the station's own deck")
    deck.load_all_state(known.state)
    inside = [one for one in deck.get_all_children() if isinstance(one, ItemizedResource)]
    alone = [
        one
        for one in deck.get_all_children()
        if isinstance(one, Container) and not isinstance(one, Trash) and not isinstance(one.parent, ItemizedResource)
    ]
    return sorted((_found(one) for one in [*inside, *alone]), key=lambda one: one.name)


def _deck(name: str) -> Resource:
    path = Path(name)
    if path.is_file():
        try:
            return Resource.load_from_json_file(str(path))
        except Exception as error:  # the library raises anything at what it cannot read
            why = f"it is no deck that PyLabRobot saved ({type(error).__name__}: {error})"
            raise Invalid(f"deck {name}", why, "name a file written by its save()") from error
    module, _, function = name.partition(":")
    set_tip_tracking(True)
    try:
        made = getattr(importlib.import_module(module), function or "make")()
        if python.isawaitable(made):
            made = asyncio.run(_awaited(made))
    except Exception as error:  # a module may raise anything while it is imported
        raise Invalid(f"deck {name}", f"{type(error).__name__}: {error}", "name package.module:function") from error
    deck = getattr(made, "deck", made)
    if not isinstance(deck, Resource):
        raise Invalid(f"deck {name}", f"it gives a {type(made).__name__}", "give a front end or a deck of PyLabRobot")
    return deck


async def _awaited(made: Any) -> Any:
    return await made


def _found(one: Any) -> FoundLabware:
    items = one.get_all_items() if isinstance(one, ItemizedResource) else [one]
    is_tips = isinstance(one, TipRack) or (bool(items) and isinstance(items[0], TipSpot))
    at = one.get_absolute_location()
    held = [item.has_tip() if is_tips else item.tracker.get_used_volume() for item in items]
    most = 0.0 if is_tips else max((float(item.max_volume) for item in items), default=0.0)
    return FoundLabware(
        one.name, one.model or "", (at.x, at.y, at.z), is_tips, len(items), float(sum(held)), most
    )  # fmt: skip


def draft(name: str, found: Iterable[FoundLabware]) -> str:
    """Python of a capability that brings a volume from one piece of labware into another.

    Args:
        name: of the deck, as it was asked for.
        found: what `look` found.
    """
    found = list(found)
    # Some decks bring a small rack of their own to teach the arm with, so the fullest is taken.
    rack = max((one for one in found if one.is_tips), key=lambda one: one.left, default=None)
    vessels = [one for one in found if not one.is_tips]
    module, _, function = name.partition(":")
    made = f"from {module} import {function or 'make'} as make"
    if Path(name).is_file():
        made = f"def make():\n    ...  # TODO: a front end whose deck is Resource.load_from_json_file({name!r})"
    # The smaller of both is what certainly fits.
    most = min((one.most for one in vessels), default=0.0)
    source = max(vessels, key=lambda one: one.left, default=None)
    target = next((one for one in vessels if one is not source), source)
    return _FILE.format(
        make=made, most=f"{most:g}", tips=quoted(rack.name if rack else "TODO"),
        source=quoted(source.name if source else "TODO"), target=quoted(target.name if target else "TODO"),
    )  # fmt: skip


_FILE: Final = '''"""Drafted from what stands on the deck. Edit every TODO, then: yosegi capability check THIS_MODULE"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from yosegi.core.capability import Context, Object, capability, quantity
from yosegi_packs.labs.protocol import run_protocol

{make}

TIPS, SOURCE, TARGET = {tips}, {source}, {target}  # TODO: which of the labware


def first(resource: Any, wanted: Any) -> Any:
    """The first well, tube or spot for which something holds; a trough is itself."""
    items = resource.get_all_items() if hasattr(resource, "get_all_items") else [resource]
    return next(item for item in items if wanted(item))


@dataclass(frozen=True)
class Transferred:
    """TODO: what came of it."""

    well: str
    before: Annotated[Path, Object("application/json", most="20 MB")]
    after: Annotated[Path, Object("application/json", most="20 MB")]


@capability(
    "deck.transfer@1", kind="robot", effect="consuming", field="instruments", simulated=False, time_limit=600,
    on_revoked="safe_stop",
)
def transfer(volume: Annotated[float, quantity("uL", ge=1, le={most})], context: Context) -> Transferred:
    """TODO: what it does, in a sentence."""

    async def protocol(front: Any) -> str:
        tip = first(front.deck.get_resource(TIPS), lambda spot: spot.has_tip())
        source = first(front.deck.get_resource(SOURCE), lambda one: one.tracker.get_used_volume() >= volume)
        target = first(front.deck.get_resource(TARGET), lambda one: one.tracker.get_used_volume() == 0)
        await front.pick_up_tips([tip])
        await front.aspirate([source], vols=[volume])
        await front.dispense([target], vols=[volume])
        await front.discard_tips()
        return str(target.name)

    run = run_protocol(protocol, make, context)
    return Transferred(run.result, run.before, run.after)
'''
