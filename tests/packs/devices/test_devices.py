"""Set, wait, read back, verify, against a real soft IOC over Channel Access and PV Access."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from packs.devices.conftest import FIELD, Bench, current
from yosegi.core.capability import Context, Stopped
from yosegi.core.errors import Conflict, Invalid
from yosegi_packs.devices import (
    Devices,
    Disconnected,
    HeldByAnother,
    InAlarm,
    MovedByAnother,
    NotATwin,
    NotReached,
    OutOfLimits,
    PutRefused,
    StaleReading,
    Unsettled,
    Variable,
)
from yosegi_packs.devices.channels import wait_for
from yosegi_packs.devices.errors import DeviceError
from yosegi_packs.devices.fence import Fence
from yosegi_packs.devices.journal import Journal
from yosegi_packs.devices.network import EpicsNetwork

pytestmark = [pytest.mark.processes, pytest.mark.slow]
PROTOCOLS = pytest.mark.parametrize("protocol", ["ca", "pva"])


@PROTOCOLS
def test_a_value_is_set_verified_and_read(bench: Bench, protocol: str) -> None:
    with bench.devices(current(protocol), FIELD) as magnet:
        magnet.set({"current": 3.0})
        assert magnet.read("current", samples=3).value == pytest.approx(3.0, abs=0.05)
        assert magnet.read("field").value == pytest.approx(3.0, abs=0.1)
    assert bench.look("MAG:CUR:SP") == 3.0


@PROTOCOLS
def test_a_put_that_the_record_refuses_is_refused_though_the_library_reports_success(
    bench: Bench, protocol: str
) -> None:
    variable = current(protocol)
    bench.fault("refuse")

    async def as_the_library_says() -> None:
        from ophyd_async.epics.core import epics_signal_rw

        signal = epics_signal_rw(float, variable.setpoint, name="naive")
        await signal.connect(timeout=20)
        await signal.set(4.0)  # raises nothing

    with bench.devices(variable) as magnet:
        wait_for(as_the_library_says())
        assert bench.look("MAG:CUR:SP") == 0.0
        with pytest.raises(PutRefused, match="refused 4 A: its setpoint is 0 A"):
            magnet.set({"current": 4.0})


def test_a_readback_that_is_not_measured_any_more_verifies_nothing(bench: Bench) -> None:
    bench.fault("stale")
    variable = current(timeout=2.0)
    with pytest.raises(StaleReading) as told, bench.devices(variable) as magnet:
        magnet.set({"current": 0.0})  # the readback says 0 already, from before
    assert "could not be restored" in str(told.value)
    assert told.value.effect == ""
    with pytest.raises(Unsettled, match="task t1 was cut off") as unsettled, bench.devices(variable):
        pass
    assert unsettled.value.effect == "none"


def test_a_readback_that_stands_still_is_not_reached_and_what_was_saved_is_put_back(bench: Bench) -> None:
    bench.fault("freeze")
    with pytest.raises(NotReached, match="did not reach 3") as told, bench.devices(current(timeout=2.0)) as magnet:
        magnet.set({"current": 3.0})
    assert told.value.effect == "done"
    assert "everything is back where it was" in str(told.value)
    assert bench.look("MAG:CUR:SP") == 0.0


def test_a_readback_that_drifts_away_spoils_the_reading(bench: Bench) -> None:
    with pytest.raises(NotReached, match="left again"), bench.devices(current(timeout=2.0), FIELD) as magnet:
        magnet.set({"current": 3.0})
        bench.fault("drift")
        for _ in range(200):
            magnet.read("field")


def test_an_alarm_is_no_reading(bench: Bench) -> None:
    with pytest.raises(InAlarm, match="major"), bench.devices(current(timeout=2.0)) as magnet:
        bench.fault("alarm")
        magnet.set({"current": 3.0})


@pytest.mark.parametrize("moment", ["between tasks", "within a task"])
def test_what_somebody_else_moved_is_told_and_left_to_them(bench: Bench, moment: str) -> None:
    with pytest.raises(MovedByAnother, match=r"left at 3 A, and is at 1 A") as told:
        with bench.devices(current(), FIELD) as magnet:
            magnet.set({"current": 3.0})
            if moment == "within a task":
                bench.put("MAG:CUR:SP", 1.0)
                magnet.read("field")
        bench.put("MAG:CUR:SP", 1.0)
        with bench.devices(current()) as magnet:
            magnet.set({"current": 2.0})
    assert told.value.effect == ("none" if moment == "between tasks" else "")
    assert bench.look("MAG:CUR:SP") == 1.0


@pytest.mark.parametrize(
    ("variable", "value", "whose"),
    [(current(), 9.0, "the capability"), (current(high=20.0), 9.0, "the IOC"), (current(), float("nan"), "capab")],
)
def test_a_value_outside_the_limits_is_never_put(bench: Bench, variable: Variable, value: float, whose: str) -> None:
    with pytest.raises(OutOfLimits, match=whose) as told, bench.devices(variable) as magnet:
        magnet.set({"current": value})
    assert told.value.effect == "none"
    assert bench.look("MAG:CUR:SP") == 0.0


def test_one_value_outside_the_limits_keeps_the_others_from_being_put(bench: Bench) -> None:
    aux = Variable(
        name="aux", setpoint="MAG:AUX:SP", readback="MAG:AUX:RBV", unit="A", low=-1, high=1, tolerance=0.1
    )  # fmt: skip
    with pytest.raises(OutOfLimits), bench.devices(current(), aux) as magnet:
        magnet.set({"current": 3.0, "aux": 2.0})
    assert bench.look("MAG:CUR:SP") == 0.0


def test_a_long_way_is_made_in_steps_each_of_them_in_the_journal(bench: Bench) -> None:
    with bench.devices(current(step=1.5)) as magnet:
        magnet.set({"current": 4.0})
    journal = Journal(bench.folder)
    try:
        assert [(act.start, act.state) for act in journal.of_task("t1")] == [
            (0.0, "verified"), (pytest.approx(4 / 3), "verified"), (pytest.approx(8 / 3), "verified"),
        ]  # fmt: skip
        assert journal.saved() == {}
    finally:
        journal.close()


def test_told_to_stop_it_puts_everything_back_and_says_so(bench: Bench) -> None:
    with pytest.raises(Stopped, match="everything is back where it was") as told, bench.devices(current()) as magnet:
        magnet.set({"current": 3.0})
        bench.stop = [True]
        magnet.set({"current": 4.0})
    assert told.value.effect == "done"
    assert bench.look("MAG:CUR:SP") == 0.0


def test_with_restore_the_machine_is_back_after_each_task(bench: Bench) -> None:
    with bench.devices(current(), FIELD, restore=True) as magnet:
        magnet.set({"current": 3.0})
        assert magnet.read("field").value == pytest.approx(3.0, abs=0.1)
    assert bench.look("MAG:CUR:SP") == 0.0
    assert bench.look("MAG:CUR:RBV") == pytest.approx(0.0, abs=0.05)


def test_two_stations_never_drive_one_device(bench: Bench) -> None:
    bench.put("MAG:HOLDER", "another-00000000")
    with pytest.raises(HeldByAnother, match="another-00000000") as told, bench.devices(current(), holder="MAG:HOLDER"):
        pass
    assert told.value.effect == "none"
    bench.put("MAG:HOLDER", "")
    with pytest.raises(HeldByAnother), bench.devices(current(), holder="MAG:HOLDER") as magnet:
        bench.put("MAG:HOLDER", "another-00000000")
        magnet.set({"current": 1.0})
    assert bench.look("MAG:CUR:SP") == 0.0
    assert bench.look("MAG:HOLDER") == "another-00000000"


def test_two_tasks_of_one_station_folder_never_run_at_once(bench: Bench) -> None:
    with bench.devices(current()):
        with pytest.raises(Conflict, match="driven by another process") as told, bench.devices(current()):
            pass
        assert told.value.effect == "none"


def test_a_capability_that_says_real_never_drives_a_twin(bench: Bench) -> None:
    with pytest.raises(NotATwin, match="it is simulated, and the capability that it is real"):
        bench.devices(current(), simulated=False).__enter__()


def test_a_unit_that_the_ioc_does_not_use_is_refused(bench: Bench) -> None:
    with pytest.raises(DeviceError, match="gives it in 'A', and 'mA' is expected"):
        bench.devices(current(egu="mA")).__enter__()


def test_a_simulated_capability_must_say_how_the_twin_is_known(bench: Bench) -> None:
    with pytest.raises(Invalid, match="identity="):
        bench.devices(current(), identity="")
    with pytest.raises(Invalid, match="Run the capability in a station"):
        Devices([current()], Context(key="t", seed=1), simulated=False)


def test_the_network_is_read_from_the_stations_folder(bench: Bench) -> None:
    (bench.folder / "epics.toml").write_text('ca = ["ioc.example:5064"]')
    assert EpicsNetwork.load(bench.folder).environment() == {
        "EPICS_CA_ADDR_LIST": "ioc.example:5064", "EPICS_CA_AUTO_ADDR_LIST": "NO",
    }  # fmt: skip
    (bench.folder / "epics.toml").write_text('pvs = ["ioc.example"]')
    with pytest.raises(Invalid, match="pvs"):
        EpicsNetwork.load(bench.folder)


def test_an_ioc_that_is_cut_off_in_the_middle_of_a_move_leaves_it_unsettled(bench: Bench) -> None:
    """A stopped process answers as a cut network does: the connection stays, and nothing comes."""
    variable = current(timeout=3.0, step=1.0)
    with pytest.raises(Disconnected) as told, bench.devices(variable) as magnet:
        magnet.set({"current": 1.0})
        os.kill(bench.twin.process.pid, signal.SIGSTOP)
        magnet.set({"current": 5.0})
    os.kill(bench.twin.process.pid, signal.SIGCONT)
    assert told.value.effect == ""
    assert "could not be restored" in str(told.value)
    with pytest.raises(Unsettled), bench.devices(variable):
        pass
    journal = Journal(bench.folder)
    journal.accept("the magnet is at 1 A")
    journal.close()
    with bench.devices(variable) as magnet:
        magnet.set({"current": 2.0})


def test_an_ioc_that_is_killed_in_the_middle_of_a_move_leaves_it_unsettled(bench: Bench) -> None:
    variable = current(timeout=3.0, step=1.0)
    with pytest.raises(Disconnected) as told, bench.devices(variable) as magnet:
        magnet.set({"current": 1.0})
        bench.twin.kill()
        magnet.set({"current": 5.0})
    bench.twin.power_cycle()
    bench.await_contact()
    assert told.value.effect == ""
    assert "could not be restored" in str(told.value)
    with pytest.raises(Unsettled, match="task t1 was cut off"), bench.devices(variable):
        pass
    assert bench.look("MAG:CUR:SP") == 0.0


def test_a_power_cycle_in_the_middle_of_a_task_is_told_and_not_fought(bench: Bench) -> None:
    with pytest.raises(DeviceError) as told, bench.devices(current(timeout=3.0), FIELD) as magnet:
        magnet.set({"current": 3.0})
        bench.twin.power_cycle()
        for _ in range(20):
            magnet.read("field")
            magnet.set({"current": 4.0})
    bench.await_contact()
    assert isinstance(told.value, MovedByAnother | Disconnected)
    assert told.value.effect == ""
    assert bench.look("MAG:CUR:SP") == 0.0


def test_of_two_stations_that_claim_at_the_same_moment_one_holds_the_device(bench: Bench) -> None:
    EpicsNetwork.load(bench.folder).apply()
    fences = {name: Fence("MAG:HOLDER", name) for name in ("north", "south")}

    async def both() -> list[object]:
        return await asyncio.gather(*(fence.claim() for fence in fences.values()), return_exceptions=True)

    ended = dict(zip(fences, wait_for(both()), strict=True))
    holders = [name for name, failure in ended.items() if failure is None]
    assert holders == [bench.look("MAG:HOLDER")]
    assert [type(failure) for failure in ended.values() if failure is not None] == [HeldByAnother]


def test_a_power_cycle_is_noticed_before_anything_is_put(bench: Bench) -> None:
    with bench.devices(current()) as magnet:
        magnet.set({"current": 3.0})
    bench.twin.power_cycle()
    bench.await_contact()
    with pytest.raises(MovedByAnother, match="left at 3 A, and is at 0 A") as told, bench.devices(current()) as magnet:
        magnet.set({"current": 4.0})
    assert told.value.effect == "none"


def test_asyncio_is_free_for_the_capability_itself(bench: Bench) -> None:
    with bench.devices(FIELD) as magnet:
        assert asyncio.run(asyncio.to_thread(magnet.read, "field")).value == pytest.approx(0.0, abs=0.1)
