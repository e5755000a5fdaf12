"""The page and the commands of instruments, at a running site."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from click.testing import CliRunner

from federation.asking import person
from web.conftest import token
from web.house import PASSPHRASE, House, opened, places
from yosegi.cli import main
from yosegi.core.clock import timestamp
from yosegi.testing.loop import EPOCH

FIRST, LAST = EPOCH + timedelta(hours=9), EPOCH + timedelta(hours=11)


@pytest.fixture(scope="module")
def riken() -> Iterator[House]:
    """A house in which riken's simulator is an instrument that teams share."""
    sites = places()
    sites["riken"].instruments = {"beam": {"capabilities": ["toy.simulate@1"], "time_zone": "Asia/Tokyo"}}
    sites["riken"].grant = {"instrument_h": "10"}
    with opened(sites) as house:
        yield house


def command(house: House, *arguments: str, who: str = "operator@riken", fails: bool = False) -> str:
    """What `yosegi instrument` says of riken's."""
    named = ("--url", house.url("riken"), "--as", who, "--passphrase", PASSPHRASE)
    result = CliRunner().invoke(main, ["instrument", *arguments, *named])
    assert (result.exit_code != 0) is fails, result.output
    return result.output


def test_an_operator_states_windows_and_withdraws_them(riken: House) -> None:
    command(riken, "window", "beam", "mon-sun 00:00-24:00", "--note", "all week", "--yes")
    assert "mon-sun 00:00-24:00" in command(riken, "list")
    shown = json.loads(command(riken, "show", "beam", "--json"))
    assert (shown["windows"], shown["open"], shown["time_zone"]) == (["mon-sun 00:00-24:00"], True, "Asia/Tokyo")
    assert "is not days and hours" in command(riken, "window", "beam", "whenever", "--yes", fails=True)
    assert "operators_only" in command(riken, "window", "beam", "mon 09:00-10:00", "--yes", who="pi@riken", fails=True)


def test_a_window_that_was_added_is_withdrawn_by_command_and_one_that_was_not_is_named(riken: House) -> None:
    command(riken, "window", "beam", "sat 01:00-23:00", "--yes")
    assert "sat 01:00-23:00" in command(riken, "show", "beam")
    assert "sat 01:00-23:00" not in command(riken, "withdraw", "beam", "sat 01:00-23:00", "--note", "it rained")
    assert "no window added to beam" in command(riken, "withdraw", "beam", "sat 01:00-23:00", fails=True)
    assert "operators_only" in command(riken, "withdraw", "beam", "mon-sun 00:00-24:00", who="pi@riken", fails=True)


def test_a_calibration_is_put_on_record_by_command_with_what_was_found(riken: House) -> None:
    until = timestamp(EPOCH + timedelta(days=4000))
    found = ("--value", "gain=1.02", "--value", "offset=-3", "--note", "by weight")
    shown = json.loads(command(riken, "calibrate", "beam", "--until", until, *found, "--json"))["calibration"]
    assert (shown["values"], shown["by"], shown["holds"]) == ({"gain": 1.02, "offset": -3.0}, "operator@riken", True)
    assert f"holds until {shown['until']}" in command(riken, "show", "beam")
    unknown = ("--object", f"sha256:{'9f' * 32}")
    assert "no object" in command(riken, "calibrate", "beam", "--until", until, *unknown, fails=True)
    assert "could not convert" in command(riken, "calibrate", "beam", "--until", until, "--value", "gain", fails=True)
    past = timestamp(EPOCH - timedelta(days=1))
    assert "has run out already" in command(riken, "calibrate", "beam", "--until", past, fails=True)
    assert "operators_only" in command(riken, "calibrate", "beam", "--until", until, who="pi@riken", fails=True)


def test_another_sites_instrument_is_booked_listed_and_cancelled_from_home(riken: House) -> None:
    named = ("--url", riken.url("argonne"), "--as", "pi@argonne", "--passphrase", PASSPHRASE)

    def at_home(*arguments: str) -> str:
        result = CliRunner().invoke(main, ["instrument", *arguments, *named])
        assert result.exit_code == 0, result.output
        return result.output

    span = f"{timestamp(FIRST + timedelta(days=1))}/{timestamp(LAST + timedelta(days=1))}"
    terms = ("--charter", "demo", "--team", "colour-team", "--name", "june")
    assert "riken/june: asked" in at_home("book", "riken/toy.simulate@1", span, *terms)
    bookings = riken.federation.places["argonne"].running.instruments.bookings
    riken.until(lambda: bookings.listing(person())[0].state.value == "booked")
    assert json.loads(at_home("bookings", "--json"))[0]["held"] == {"instrument_h": "2"}
    with riken.visitor("argonne", "pi") as client:
        assert "Reservations at other sites" in client.get("/instruments?lang=en").text
        assert "予約済み" in client.get("/instruments?lang=ja").text
    assert "cancellation asked" in at_home("unbook", "riken/june", "--why", "rain")
    riken.until(lambda: bookings.listing(person())[0].state.value == "cancelled")
    assert "cancelled" in at_home("bookings")


def test_a_span_is_reserved_listed_and_cancelled(riken: House) -> None:
    span = f"{timestamp(FIRST)}/{timestamp(LAST)}"
    terms = ("--charter", "demo", "--team", "colour-team", "--for", "pi@argonne")
    booked = json.loads(command(riken, "reserve", "beam", span, *terms, "--json"))
    assert (booked["state"], booked["held"]) == ("booked", {"instrument_h": "2"})
    assert "is reserved then; free are" in command(
        riken, "reserve", "beam", span, *terms, "--campaign", "x", fails=True
    )
    assert booked["id"][:8] in command(riken, "reservations", "beam")
    with riken.visitor("riken", "operator") as client:
        page = client.get("/instruments?lang=en").text
        assert booked["id"][:8] in page
        assert "colour-team" in page
        client.get("/instruments?lang=en")
    with riken.visitor("riken", "pi") as client:
        assert "another team&#39;s" in client.get("/instruments?lang=en").text
        assert "他チームの課題" in client.get("/instruments?lang=ja").text
    assert "cancelled" in command(riken, "cancel", "beam", booked["id"][:8], "--why", "rain")


def test_an_instrument_is_taken_back_on_its_page_and_given_back_by_an_operator(riken: House) -> None:
    with riken.visitor("riken", "pi") as client:
        why = {"form_token": token(client, "/instruments"), "why": "the <pump> leaks"}
        page = client.post("/instruments/beam/take-back", data=why).text
        assert "the &lt;pump&gt; leaks" in page
        assert "pi@riken" in page
        assert "/give-back" not in page
    assert "taken back by pi@riken" in command(riken, "show", "beam")
    assert "operators_only" in command(riken, "give-back", "beam", who="pi@riken", fails=True)
    assert "beam (simulated): open" in command(riken, "give-back", "beam", "--why", "mended")
    assert "is empty" in command(riken, "take-back", "beam", "--why", " ", fails=True)


def test_an_instrument_of_which_anything_is_simulated_says_so_on_its_page_and_in_a_terminal(riken: House) -> None:
    assert "beam (simulated)" in command(riken, "list")
    with riken.visitor("riken", "operator") as client:
        assert 'class="badge sim"' in client.get("/instruments?lang=en").text
