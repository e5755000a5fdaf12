"""A parcel is taken once, and what is remembered for that neither grows with age nor is copied."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from federation.toys import three_sites
from yosegi.core.errors import Invalid
from yosegi.core.used_once import Use
from yosegi.exchange.parcel import Parcel
from yosegi.exchange.parcel_codec import LIFETIME, ParcelCodec
from yosegi.testing.federation import CHARTER
from yosegi.testing.loop import run_simulated


def _parcel(codec: ParcelCodec, key: str) -> Parcel:
    now = codec.clock.now()
    return Parcel(
        charter=CHARTER, sender="nims", to=codec.site, key=key, issued=now, not_after=now + timedelta(minutes=1)
    )


def test_a_parcel_is_refused_the_second_time_and_forgotten_when_it_is_long_out_of_date(tmp_path: Path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        codec = federation.places["argonne"].running.exchange._codec
        first = _parcel(codec, "first")
        codec._refuse_replay(first)
        with pytest.raises(Invalid, match="a replay"):
            codec._refuse_replay(first)
        for number in range(2000):
            codec._refuse_replay(_parcel(codec, f"flood-{number}"))
        with pytest.raises(Invalid, match="a replay"):
            codec._refuse_replay(first)
        await asyncio.sleep(3 * LIFETIME.total_seconds())
        # Two old ones go with each that comes.
        for number in range(1100):
            codec._refuse_replay(_parcel(codec, f"later-{number}"))
        assert codec._seen.take("nims", "first") is Use.FIRST
        assert len(codec._seen) < 2000

    run_simulated(story())


def test_one_peers_flood_is_refused_and_takes_nothing_from_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("yosegi.exchange.parcel_codec.MOST_REMEMBERED", 200)

    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        codec = federation.places["argonne"].running.exchange._codec
        for number in range(300):
            with suppress(Invalid):
                codec._refuse_replay(_parcel(codec, f"flood-{number}"))
        with pytest.raises(Invalid, match="200 came in the last minutes"):
            codec._refuse_replay(_parcel(codec, "one-more"))
        codec._refuse_replay(_parcel(codec, "anothers").model_copy(update={"sender": "riken"}))
        await asyncio.sleep(3 * LIFETIME.total_seconds())
        codec._refuse_replay(_parcel(codec, "one-more"))

    run_simulated(story())
