"""Any PyLabRobot protocol, from one state of the deck to the next; PyLabRobot's own trackers say what is right."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pylabrobot", reason="the extra `labs` is not installed")

from pylabrobot.liquid_handling import LiquidHandler
from pylabrobot.resources.corning import cor_96_wellplate_360uL_Fb
from pylabrobot.resources.errors import NoTipError
from pylabrobot.resources.hamilton import PLT_CAR_L5AC_A00, TIP_CAR_480_A00, STARLetDeck, hamilton_96_tiprack_300uL

from packs.labs.wired_robot import WireBackend, WiredRobot
from yosegi.core.capability import Context, Stopped
from yosegi.core.errors import Conflict
from yosegi_packs.labs.deck import QuietBackend
from yosegi_packs.labs.protocol import DeckState, DeckUnknown, RobotUnreachable, run_protocol


def make(backend: QuietBackend | None = None) -> LiquidHandler:
    deck = STARLetDeck()
    tips, plates = TIP_CAR_480_A00(name="tip_carrier"), PLT_CAR_L5AC_A00(name="plate_carrier")
    tips[0] = hamilton_96_tiprack_300uL(name="tips")
    plates[0] = cor_96_wellplate_360uL_Fb(name="plate")
    deck.assign_child_resource(tips, rails=1)
    deck.assign_child_resource(plates, rails=19)
    return LiquidHandler(backend=backend or QuietBackend(0.0), deck=deck)


async def use_a_tip(handler: Any) -> str:
    """Pick up the first tip there is and drop it into the waste."""
    rack = handler.deck.get_resource("tips")
    spot = next(spot for spot in rack.get_all_items() if spot.has_tip())
    await handler.pick_up_tips([spot])
    await handler.discard_tips()
    return str(spot.get_identifier())


def context(folder: Path, key: str) -> Context:
    scratch = folder / key
    scratch.mkdir(parents=True)
    return Context(key=key, seed=1, state=folder, folder=scratch)


def test_a_protocol_goes_on_from_where_the_one_before_left_the_deck(tmp_path: Path) -> None:
    assert [run_protocol(use_a_tip, make, context(tmp_path, key)).result for key in ("k1", "k2")] == ["A1", "B1"]
    assert DeckState.load(tmp_path).key == "k2"


def test_the_deck_is_kept_before_and_after(tmp_path: Path) -> None:
    run = run_protocol(use_a_tip, make, context(tmp_path, "k1"))
    before, after = (json.loads(path.read_text()) for path in (run.before, run.after))
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"tips_tipspot_A1"} or changed == {name for name in changed if name.endswith("A1")}
    assert changed


def test_a_protocol_that_failed_leaves_a_deck_that_nobody_knows_until_a_person_has_looked(tmp_path: Path) -> None:
    async def aspirate_from_no_tip(handler: Any) -> None:
        await use_a_tip(handler)
        await handler.aspirate([handler.deck.get_resource("plate")["A1"][0]], vols=[10.0])

    with pytest.raises(NoTipError):
        run_protocol(aspirate_from_no_tip, make, context(tmp_path, "k1"))
    with pytest.raises(DeckUnknown, match="task k1 was cut off") as told:
        run_protocol(use_a_tip, make, context(tmp_path, "k2"))
    assert told.value.effect == "none"
    DeckState(note="operator: fresh tips").save(tmp_path)
    assert run_protocol(use_a_tip, make, context(tmp_path, "k3")).result == "A1"


def test_a_protocol_that_heard_the_stop_leaves_a_known_deck(tmp_path: Path) -> None:
    async def stop_after_one(handler: Any) -> None:
        await use_a_tip(handler)
        raise Stopped("after one tip", effect="done")

    with pytest.raises(Stopped):
        run_protocol(stop_after_one, make, context(tmp_path, "k1"))
    assert run_protocol(use_a_tip, make, context(tmp_path, "k2")).result == "B1"


KILLED = """
import os, signal, sys
from pathlib import Path
from packs.labs.test_protocol import context, make, use_a_tip
from yosegi_packs.labs.protocol import run_protocol

async def cut_off(handler):
    await use_a_tip(handler)
    os.kill(os.getpid(), signal.SIGKILL)

run_protocol(cut_off, make, context(Path(sys.argv[1]), "k1"))
"""


@pytest.mark.processes
def test_a_worker_killed_in_the_middle_leaves_a_deck_that_nobody_knows(tmp_path: Path) -> None:
    tests = str(Path(__file__).parents[2])
    done = subprocess.run([sys.executable, "-c", KILLED, tmp_path], cwd=tests, check=False, timeout=120)
    assert done.returncode == -signal.SIGKILL
    assert DeckState.load(tmp_path).phase == "under_way"
    with pytest.raises(DeckUnknown, match="task k1 was cut off"):
        run_protocol(use_a_tip, make, context(tmp_path, "k2"))


def test_two_tasks_never_use_the_deck_of_one_station_at_once(tmp_path: Path) -> None:
    async def meanwhile(handler: Any) -> None:
        with pytest.raises(Conflict, match="used by another process") as told:
            await asyncio.to_thread(run_protocol, use_a_tip, make, context(tmp_path, "k2"))
        assert told.value.effect == "none"

    run_protocol(meanwhile, make, context(tmp_path, "k1"))
    assert DeckState.load(tmp_path).key == "k1"


# -- a robot at the end of a wire -------------------------------------------------------------------------------------


@pytest.fixture
def robot() -> Iterator[WiredRobot]:
    with WiredRobot() as found:
        yield found


def wired(robot: WiredRobot, patience: float = 60.0) -> Callable[[], LiquidHandler]:
    return lambda: make(WireBackend(robot.port, patience))


def use_a_tip_when(what: Callable[[], object]) -> Callable[[Any], Any]:
    """Use a tip; then something happens to the robot, and another tip is wanted."""

    async def protocol(handler: Any) -> str:
        await use_a_tip(handler)
        what()
        return await use_a_tip(handler)

    return protocol


@pytest.mark.processes
@pytest.mark.parametrize("fate", ["kill", "power_cycle"])
def test_a_robot_that_dies_or_loses_its_power_in_a_protocol_leaves_a_deck_that_nobody_knows(
    robot: WiredRobot, fate: str, tmp_path: Path
) -> None:
    with pytest.raises(ConnectionError):
        run_protocol(use_a_tip_when(getattr(robot, fate)), wired(robot), context(tmp_path, "k1"))
    if fate == "kill":
        robot.power_cycle()
    with pytest.raises(DeckUnknown, match="task k1 was cut off"):
        run_protocol(use_a_tip, wired(robot), context(tmp_path, "k2"))
    DeckState(note="operator: fresh tips").save(tmp_path)
    assert run_protocol(use_a_tip, wired(robot), context(tmp_path, "k3")).result == "A1"


@pytest.mark.processes
def test_a_robot_that_is_cut_off_in_a_protocol_leaves_a_deck_that_nobody_knows(
    robot: WiredRobot, tmp_path: Path
) -> None:
    """A stopped process answers as a cut network, and as an arm that stands still: nothing comes."""
    cut = use_a_tip_when(lambda: os.kill(robot.process.pid, signal.SIGSTOP))
    with pytest.raises(TimeoutError):
        run_protocol(cut, wired(robot, 1.0), context(tmp_path, "k1"))
    os.kill(robot.process.pid, signal.SIGCONT)
    with pytest.raises(DeckUnknown, match="task k1 was cut off"):
        run_protocol(use_a_tip, wired(robot), context(tmp_path, "k2"))


@pytest.mark.processes
def test_after_a_power_cycle_between_two_protocols_the_robot_is_set_up_and_the_deck_is_as_it_was(
    robot: WiredRobot, tmp_path: Path
) -> None:
    assert run_protocol(use_a_tip, wired(robot), context(tmp_path, "k1")).result == "A1"
    robot.power_cycle()
    assert run_protocol(use_a_tip, wired(robot), context(tmp_path, "k2")).result == "B1"


@pytest.mark.processes
def test_a_robot_that_another_station_is_connected_to_is_told_nothing(robot: WiredRobot, tmp_path: Path) -> None:
    other = tmp_path / "other"

    async def meanwhile(handler: Any) -> None:
        with pytest.raises(RobotUnreachable) as told:
            await asyncio.to_thread(run_protocol, use_a_tip, wired(robot), context(other, "k2"))
        assert told.value.effect == "none"

    run_protocol(meanwhile, wired(robot), context(tmp_path, "k1"))
    robot.await_freedom()
    assert run_protocol(use_a_tip, wired(robot), context(other, "k3")).result == "A1"


@pytest.mark.processes
def test_a_robot_that_does_not_answer_leaves_the_deck_as_it_was(robot: WiredRobot, tmp_path: Path) -> None:
    robot.kill()
    with pytest.raises(RobotUnreachable):
        run_protocol(use_a_tip, wired(robot), context(tmp_path, "k1"))
    robot.power_cycle()
    assert run_protocol(use_a_tip, wired(robot), context(tmp_path, "k2")).result == "A1"
