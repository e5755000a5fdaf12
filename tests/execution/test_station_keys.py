"""A site that has another key: its station follows the earlier key's word, and no other."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from execution.stations import SITE_KEY, DirectLink, SlowExecutor, make_engine, make_station
from yosegi.core.errors import Invalid
from yosegi.execution.engines.station.documents import KeySuccession
from yosegi.execution.engines.station.engine import StationEngine
from yosegi.execution.station import Station
from yosegi.execution.station.run import keep_site_key
from yosegi.testing.loop import EPOCH, SimulatedClock, run_simulated
from yosegi.trust.envelope import Envelope
from yosegi.trust.keys import PublicKey, unbase64
from yosegi.trust.signer import Ed25519Signer

SECOND, THIRD, STRANGER = (Ed25519Signer.from_seed(bytes([n]) * 32) for n in (71, 72, 73))

UNKNOWN = "signed by a key that is not known here"


def word(old: Ed25519Signer, new: Ed25519Signer, site: str = "nims") -> Envelope:
    return KeySuccession(site=site, key=new.public, issued=EPOCH).sign(old)


async def heard_after(
    folder: Path, signer: Ed25519Signer, *words: Envelope
) -> tuple[StationEngine, Station, list[PublicKey]]:
    """A station that knows the first key, after a minute with a site that signs with another."""
    clock = SimulatedClock()
    engine = make_engine(clock, signer=signer, successions=words)
    executor, kept = SlowExecutor(folder, clock), list[PublicKey]()
    station = make_station(folder, DirectLink(engine.handle, clock), executor, clock)
    station.keep_key = kept.append
    task = asyncio.create_task(station.run())
    await asyncio.sleep(60)
    station.leave()
    await task
    await executor.close()
    station.log.close()
    return engine, station, kept


def test_a_station_follows_its_sites_keys_by_each_ones_word_for_the_next(tmp_path: Path) -> None:
    async def story() -> None:
        words = (word(SITE_KEY, SECOND), word(SECOND, THIRD))
        _, station, kept = await heard_after(tmp_path, THIRD, *words)
        assert kept == [SECOND.public, THIRD.public]
        assert set(station.site_keys) == {THIRD.public.key_id}
        assert station.trouble == ""

    run_simulated(story())


@pytest.mark.parametrize(
    "words",
    [(), (word(STRANGER, SECOND),), (word(SECOND, SECOND),), (word(SITE_KEY, SECOND, "riken"),)],
    ids=["no word", "a stranger's", "its own", "for another site"],
)
def test_a_key_for_which_the_known_one_gave_no_word_is_not_believed_and_both_ends_say_so(
    tmp_path: Path, words: tuple[Envelope, ...], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "yosegi")

    async def story() -> None:
        engine, station, kept = await heard_after(tmp_path, SECOND, *words)
        assert kept == []
        assert set(station.site_keys) == {SITE_KEY.public.key_id}
        assert UNKNOWN in station.trouble
        assert UNKNOWN in str(engine.statistics()["trouble"])

    run_simulated(story())
    said = [record.getMessage() for record in caplog.records]
    assert any("station robot tells" in text and UNKNOWN in text for text in said)
    assert any("station robot:" in text and UNKNOWN in text for text in said)


def test_the_key_is_written_into_the_stations_file_and_nothing_else_changes(tmp_path: Path) -> None:
    path = tmp_path / "station.toml"
    path.write_text('# the robot\nsite = "nims"\nsite_key = "00"\nname = "robot"\n')
    keep_site_key(tmp_path, SECOND.public)
    expected = unbase64(SECOND.public.public).hex()
    assert path.read_text() == f'# the robot\nsite = "nims"\nsite_key = "{expected}"\nname = "robot"\n'
    path.write_text("")
    with pytest.raises(Invalid, match="no line site_key"):
        keep_site_key(tmp_path, SECOND.public)
