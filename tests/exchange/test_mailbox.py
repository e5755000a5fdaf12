"""A mailbox is bounded for each sender, fetched in turns, and costs the same however much it keeps."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from yosegi.core.errors import Unavailable
from yosegi.data.pulling import inline
from yosegi.exchange.mailbox import LEAST_SHARE, LONGEST_KEPT, MOST_LETTERS_OF_A_SENDER, Mailbox
from yosegi.exchange.parcel import MOST_MAIL, Mail
from yosegi.trust.sealed import Unsealer

NOW = datetime(2026, 11, 30, tzinfo=UTC)
KEY = Unsealer.from_seed(bytes(32)).public
SMALL = KEY.seal(b"a letter", context=b"test")


def letters(sender: str, numbers: range, box: object = SMALL) -> list[Mail]:
    return [Mail(sender=sender, to="nims", id=f"{sender}-{number}", box=box) for number in numbers]


@pytest.fixture
def mailbox(tmp_path: Path):
    box = Mailbox(tmp_path / "mail.db", inline)
    yield box
    box.close()


async def _stuff(mailbox: Mailbox, sender: str) -> None:
    for first in range(0, MOST_LETTERS_OF_A_SENDER, MOST_MAIL):
        await mailbox.keep(letters(sender, range(first, first + MOST_MAIL)), senders=3, now=NOW)


def test_a_sender_with_its_share_full_is_refused_counted_and_in_nobodys_way(mailbox: Mailbox) -> None:
    async def story() -> None:
        await _stuff(mailbox, "evil")
        with pytest.raises(Unavailable, match="share is full"):
            await mailbox.keep(letters("evil", range(5000, 5064)), senders=3, now=NOW)
        assert mailbox.refused["nims", "evil"] == 64
        await mailbox.keep(letters("riken", range(3)), senders=3, now=NOW)
        assert mailbox.statistics() == {"nims": MOST_LETTERS_OF_A_SENDER + 3}

    asyncio.run(story())


def test_letters_are_bounded_in_bytes_too(mailbox: Mailbox) -> None:
    async def story() -> None:
        large = KEY.seal(b"x" * (5 * 1024 * 1024 // 2), context=b"test")
        await mailbox.keep(letters("evil", range(2), large), senders=1000, now=NOW)
        with pytest.raises(Unavailable, match=str(LEAST_SHARE)):
            await mailbox.keep(letters("evil", range(2, 3), large), senders=1000, now=NOW)

    asyncio.run(story())


def test_one_fetch_takes_of_each_sender_in_turns_the_oldest_first(mailbox: Mailbox) -> None:
    async def story() -> None:
        await _stuff(mailbox, "evil")
        await mailbox.keep(letters("riken", range(3)), senders=3, now=NOW)
        fetched = await mailbox.waiting("nims")
        assert len(fetched) == MOST_MAIL
        assert [mail.id for mail in fetched[:6]] == ["evil-0", "riken-0", "evil-1", "riken-1", "evil-2", "riken-2"]

    asyncio.run(story())


def test_what_was_collected_or_kept_twice_is_counted_once(mailbox: Mailbox, tmp_path: Path) -> None:
    async def story() -> None:
        for _ in range(2):
            await mailbox.keep(letters("riken", range(5)), senders=3, now=NOW)
        await mailbox.drop("nims", ["riken-0", "riken-1", "riken-1", "never-there"])
        assert mailbox.statistics() == {"nims": 3}
        again = Mailbox(tmp_path / "mail.db", inline)
        assert again.statistics() == {"nims": 3}
        again.close()

    asyncio.run(story())


def test_mail_too_old_to_be_read_goes_and_a_clock_that_is_ahead_once_takes_nothing(mailbox: Mailbox) -> None:
    async def story() -> None:
        await mailbox.keep(letters("riken", range(2)), senders=3, now=NOW)
        await mailbox.expire(NOW + timedelta(minutes=1))
        await mailbox.expire(NOW + timedelta(days=40))  # ahead
        await mailbox.expire(NOW + timedelta(minutes=2))
        assert mailbox.has_mail("nims")
        late = NOW + LONGEST_KEPT + timedelta(minutes=1)
        for moment in (late, late + timedelta(minutes=10)):
            await mailbox.expire(moment)
        assert not mailbox.has_mail("nims")
        assert await mailbox.waiting("nims") == ()

    asyncio.run(story())


def test_every_statement_finds_its_rows_by_an_index(mailbox: Mailbox, tmp_path: Path) -> None:
    """Constant cost, told by SQLite's own plan of each statement and not by a stop-watch."""
    said: list[str] = []
    mailbox._db.set_trace_callback(said.append)

    async def story() -> None:
        await mailbox.keep(letters("riken", range(2)), senders=3, now=NOW)
        await mailbox.waiting("nims")
        await mailbox.drop("nims", ["riken-0"])

    asyncio.run(story())
    mailbox._db.set_trace_callback(None)
    statements = {one for one in said if one.split()[0] in ("SELECT", "DELETE", "UPDATE")}
    assert len(statements) >= 4
    db = sqlite3.connect(tmp_path / "mail.db")
    for statement in statements:
        plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {statement}")]
        assert plan
        assert not [line for line in plan if line.startswith("SCAN")], statement
    db.close()


def test_a_file_of_an_earlier_version_is_opened_with_what_it_keeps(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "mail.db")
    db.execute("CREATE TABLE mail (receiver TEXT, id TEXT, sender TEXT, box BLOB, PRIMARY KEY (receiver, sender, id))")
    db.execute("INSERT INTO mail VALUES ('nims', 'old', 'riken', ?)", (SMALL.to_bytes(),))
    db.commit()
    db.close()

    async def story() -> None:
        mailbox = Mailbox(tmp_path / "mail.db")
        assert [mail.id for mail in await mailbox.waiting("nims")] == ["old"]
        for days in (0, 1):
            await mailbox.expire(NOW + timedelta(days=days))
        assert mailbox.has_mail("nims")
        mailbox.close()

    asyncio.run(story())
