"""The page and the commands of instruments, at a running site."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from click.testing import CliRunner

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
    command(riken, "window", "beam", "mon-sun 00:00-24:00", "--note", "all week")
    assert "mon-sun 00:00-24:00" in command(riken, "list")
    shown = json.loads(command(riken, "show", "beam", "--json"))
    assert (shown["windows"], shown["open"], shown["time_zone"]) == (["mon-sun 00:00-24:00"], True, "Asia/Tokyo")
    assert "is not days and hours" in command(riken, "window", "beam", "whenever", fails=True)
    assert "operators_only" in command(riken, "window", "beam", "mon 09:00-10:00", who="pi@riken", fails=True)


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
