"""Who is let in at their own site with a passphrase or a key, who is not, and what many at once do to each other."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from yosegi.core.clock import Clock, SystemClock
from yosegi.core.errors import Invalid, Refused, Unavailable, YosegiError
from yosegi.identity.accounts import add_account, read_accounts
from yosegi.identity.authentication import (
    BEHIND_OTHERS,
    MOST_WAITING,
    MOST_WAITING_OF_PERSON,
    Authenticator,
    in_own_threads,
    in_thread_of_the_known,
)
from yosegi.identity.sessions import SessionStore
from yosegi.identity.throttle import (
    DOUBTED_AFTER,
    KEPT_FOR_NEW,
    LASTING,
    MOST_OF_PERSON,
    MOST_OF_PERSON_AT_ADDRESS,
    REMEMBERED,
    WINDOW,
    Throttle,
)
from yosegi.ledger import Ledger, SqliteStore
from yosegi.testing.loop import SimulatedClock, run_simulated
from yosegi.trust.login import Login
from yosegi.trust.signer import Ed25519Signer

PI, WORDS = "pi@argonne", "correct horse battery"
KEY = Ed25519Signer.from_seed(b"k" * 32)


async def at_once(work: Callable[..., Any], *args: Any) -> Any:
    """Hash here and now: time does not pass in a simulated loop while a thread works."""
    return work(*args)


async def by_sight(_work: Callable[..., Any], passphrase: str, _stored: str | None) -> bool:
    """What the hash would answer, for tests that count guesses: one takes a tenth of a second of CPU."""
    return passphrase == WORDS


def make(
    folder: Path,
    offload: Callable[..., Awaitable[Any]] = at_once,
    clock: Clock | None = None,
    known: Callable[..., Awaitable[Any]] | None = None,
) -> Authenticator:
    if not (folder / "accounts.json").exists():
        add_account(folder / "accounts.json", PI, "member", passphrase=WORDS, key=KEY.public)
    accounts = read_accounts(folder / "accounts.json")
    clock = clock or SimulatedClock()
    return Authenticator(
        "argonne", clock, accounts, lambda person, agent: {}, lambda person, agent: "", offload, known or offload
    )


def login(site: str = "argonne", nonce: str = "once", signer: Ed25519Signer = KEY, late: int = 0) -> bytes:
    now = SimulatedClock().now() - timedelta(minutes=late)
    document = Login(person=PI, site=site, nonce=nonce, issued=now, not_after=now + timedelta(minutes=2))
    return document.sign(signer).to_bytes()


async def sessions_of(folder: Path, authenticator: Authenticator) -> SessionStore:
    store = SqliteStore(folder / "ledger.db", durable=False)
    ledger = await Ledger.open(store, site="argonne", signer=KEY, clock=SimulatedClock(), views=[], inline=True)
    return SessionStore(ledger, SimulatedClock(), authenticator)


def test_a_passphrase_or_a_key_opens_a_session_for_that_person_until_they_sign_out(tmp_path: Path) -> None:
    async def story() -> None:
        authenticator = make(tmp_path)
        sessions = await sessions_of(tmp_path, authenticator)
        for who in (await authenticator.by_passphrase(PI, WORDS), authenticator.by_key(login())):
            token = await sessions.open(who, program=True)
            session = sessions.get(token, program=True)
            assert session is not None
            assert (session.person, session.role) == (PI, "member")
            assert sessions.get(token) is None  # a program's token opens no page
            await sessions.close(token, program=True)
            assert sessions.get(token, program=True) is None
        sessions.ledger.close()

    run_simulated(story())


def test_a_session_outlives_a_restart_of_the_site_and_a_used_login_does_not_count_again(tmp_path: Path) -> None:
    async def story() -> None:
        signed = login()
        authenticator = make(tmp_path)
        sessions = await sessions_of(tmp_path, authenticator)
        token = await sessions.open(authenticator.by_key(signed), program=True)
        sessions.ledger.close()
        await SimulatedClock().sleep(60)
        again = make(tmp_path)
        sessions = await sessions_of(tmp_path, again)
        assert sessions.get(token, program=True) is not None
        with pytest.raises(Refused, match="sign_in_failed"):
            again.by_key(signed)
        sessions.ledger.close()

    run_simulated(story())


def test_a_wrong_passphrase_and_an_unknown_person_are_told_apart_by_nobody(tmp_path: Path) -> None:
    async def story() -> None:
        authenticator = make(tmp_path)
        with pytest.raises(Refused) as wrong:
            await authenticator.by_passphrase(PI, "wrong")
        with pytest.raises(Refused) as unknown:
            await authenticator.by_passphrase("nobody@argonne", WORDS)
        assert str(wrong.value).replace(PI, "") == str(unknown.value).replace("nobody@argonne", "")

    run_simulated(story())


async def fail(authenticator: Authenticator, times: int, address: str = "") -> None:
    for _ in range(times):
        with pytest.raises(Refused):
            await authenticator.by_passphrase(PI, "wrong words here", address)


def test_after_many_wrong_ones_even_the_right_one_waits_a_minute(tmp_path: Path) -> None:
    async def story() -> None:
        authenticator = make(tmp_path, by_sight)
        await fail(authenticator, MOST_OF_PERSON_AT_ADDRESS)
        with pytest.raises(Refused):
            await authenticator.by_passphrase(PI, WORDS)
        await SimulatedClock().sleep(61)
        assert (await authenticator.by_passphrase(PI, WORDS)).person == PI

    run_simulated(story())


def test_strangers_who_guess_do_not_keep_a_person_out_who_signed_in_from_there_before(tmp_path: Path) -> None:
    async def story() -> None:
        authenticator = make(tmp_path, by_sight)
        await authenticator.by_passphrase(PI, WORDS, "10.0.0.1")
        for number in range(MOST_OF_PERSON):
            await fail(authenticator, 1, f"198.51.100.{number}")
        assert (await authenticator.by_passphrase(PI, WORDS, "10.0.0.1")).person == PI
        with pytest.raises(Refused):  # from elsewhere nobody gets in with this name for a minute
            await authenticator.by_passphrase(PI, WORDS, "198.51.100.250")

    run_simulated(story())


def test_addresses_that_guess_leave_room_for_a_person_who_comes_from_a_new_one(tmp_path: Path) -> None:
    async def story() -> None:
        authenticator = make(tmp_path, by_sight)
        for minute in range(3):
            for number in range(64):
                await fail(authenticator, 2, f"198.51.100.{number}")
            if minute:  # in the first all of them are new themselves
                assert (await authenticator.by_passphrase(PI, WORDS, f"10.0.0.{minute}")).person == PI
            await SimulatedClock().sleep(61)

    run_simulated(story())


@pytest.mark.parametrize("addresses", [1, 8, 64, 500])
def test_however_many_addresses_guess_at_a_person_no_more_is_tried_in_a_minute(addresses: int) -> None:
    throttle = Throttle()
    tried = [throttle.allows(PI, f"address {n % addresses}", n / 100) for n in range(5000)]
    assert sum(tried) <= MOST_OF_PERSON


def test_an_address_that_guessed_is_a_new_one_again_after_an_hour() -> None:
    throttle = Throttle()
    assert throttle.allows(PI, "guesser", 0.0)

    def places(now: float) -> int:
        """Of those that are kept, when all others are taken; asked from this address alone."""
        for n in range(MOST_OF_PERSON - KEPT_FOR_NEW):
            throttle.allows(PI, f"{now} {n}", now)
        return sum(throttle.allows(PI, "guesser", now) for _ in range(5))

    assert places(LASTING - 1) == 0
    assert places(LASTING + WINDOW) == 1


def test_of_many_guesses_at_once_no_more_are_tried_than_one_after_another(tmp_path: Path) -> None:
    tried = []

    async def slowly(work: Callable[..., Any], *args: Any) -> Any:
        tried.append(args)
        await asyncio.sleep(1)
        return await by_sight(work, *args)

    async def story() -> None:
        authenticator = make(tmp_path, slowly)
        await asyncio.gather(*(fail(authenticator, 1) for _ in range(50)))

    run_simulated(story())
    assert len(tried) == MOST_OF_PERSON_AT_ADDRESS


async def _slowly(work: Callable[..., Any], *args: Any) -> Any:
    await asyncio.sleep(10)
    return await by_sight(work, *args)


async def _turned_away(authenticator: Authenticator, *attempts: tuple[str, str]) -> int:
    """How many of these attempts at once, each a person and an address, find no place to wait."""
    made = [authenticator.by_passphrase(person, "wrong", address) for person, address in attempts]
    found = await asyncio.gather(*made, return_exceptions=True)
    assert all(isinstance(one, YosegiError) for one in found)
    return sum(isinstance(one, Unavailable) for one in found)


def test_more_people_than_can_be_hashed_are_asked_to_come_again(tmp_path: Path) -> None:
    async def story() -> None:
        many = [(f"member{n}@argonne", f"192.0.2.{n}") for n in range(MOST_WAITING + 5)]
        assert await _turned_away(make(tmp_path, _slowly), *many) == 5

    run_simulated(story())


def test_strangers_who_guess_at_one_name_leave_places_for_all_others(tmp_path: Path) -> None:
    async def story() -> None:
        authenticator = make(tmp_path, _slowly)
        guesses = [(PI, f"192.0.2.{n}") for n in range(MOST_WAITING)]
        others = [(f"member{n}@argonne", f"203.0.113.{n}") for n in range(20)]
        assert await _turned_away(authenticator, *guesses, *others) == MOST_WAITING - MOST_WAITING_OF_PERSON

    run_simulated(story())


def test_addresses_that_were_wrong_lately_leave_half_of_the_places_free(tmp_path: Path) -> None:
    async def story() -> None:
        authenticator = make(tmp_path, _slowly)
        wrong = [f"192.0.2.{n}" for n in range(MOST_WAITING)]
        for round_ in range(DOUBTED_AFTER):  # each time at other names, so that no name has too many
            guesses = [(f"a{round_}-{n}@argonne", address) for n, address in enumerate(wrong)]
            assert await _turned_away(authenticator, *guesses) == 0
        again = [(f"b{n}@argonne", address) for n, address in enumerate(wrong)]
        fresh = [(f"c{n}@argonne", f"203.0.113.{n}") for n in range(MOST_WAITING // 2)]
        doubted = asyncio.create_task(_turned_away(authenticator, *again))
        await asyncio.sleep(1)
        assert await _turned_away(authenticator, *fresh) == 0
        assert await doubted == MOST_WAITING // 2

    run_simulated(story())


def test_while_strangers_fill_every_place_whoever_signed_in_from_there_before_signs_in(tmp_path: Path) -> None:
    async def story() -> None:
        authenticator = make(tmp_path, _slowly, known=by_sight)
        for _ in range(2):  # the first time it is not known from there, and the second it is
            await authenticator.by_passphrase(PI, WORDS, "10.0.0.1")
        names = [(PI if n % 2 else f"member{n}@argonne", f"192.0.2.{n}") for n in range(4 * MOST_WAITING)]
        guesses = asyncio.create_task(_turned_away(authenticator, *names))
        await asyncio.sleep(1)
        began = authenticator.clock.monotonic()
        assert (await authenticator.by_passphrase(PI, WORDS, "10.0.0.1")).person == PI
        assert authenticator.clock.monotonic() == began  # behind none of those who guess
        await guesses

    run_simulated(story())


def test_what_is_kept_of_those_who_fail_does_not_grow_with_who_tries() -> None:
    throttle = Throttle()
    for number in range(3 * REMEMBERED):
        throttle.allows(f"stranger{number}@argonne", f"address {number}", float(number))
    assert len(throttle._wrong._values) <= REMEMBERED


def test_people_who_sign_in_together_from_threads_of_their_own_all_get_sessions(tmp_path: Path) -> None:
    """Hashes run in threads; nothing but the loop changes state, so none is lost and nothing raises."""

    async def story() -> None:
        clock = SystemClock()
        authenticator = make(tmp_path, in_own_threads, clock)
        store = SqliteStore(tmp_path / "ledger.db", durable=False)
        ledger = await Ledger.open(store, site="argonne", signer=KEY, clock=clock, views=[])
        sessions = SessionStore(ledger, clock, authenticator)
        before = threading.active_count()

        async def sign_in(number: int) -> str:
            return await sessions.open(await authenticator.by_passphrase(PI, WORDS, f"{number}"), program=True)

        tokens = await asyncio.gather(*(sign_in(number) for number in range(MOST_WAITING_OF_PERSON)))
        assert all(sessions.get(token, program=True) for token in tokens)
        assert threading.active_count() < before + 64
        ledger.close()

    asyncio.run(story())


def refused(attempt: Callable[[Authenticator], object]) -> Callable[[Authenticator], None]:
    def check(authenticator: Authenticator) -> None:
        with pytest.raises(YosegiError):
            attempt(authenticator)

    return check


def test_a_login_counts_once_at_one_site_in_its_time_with_its_own_key(tmp_path: Path) -> None:
    other = Ed25519Signer.from_seed(b"o" * 32)

    async def story() -> None:
        authenticator = make(tmp_path)
        authenticator.by_key(login())
        for attempt in (
            refused(lambda a: a.by_key(login())),
            refused(lambda a: a.by_key(login(site="riken", nonce="a"))),
            refused(lambda a: a.by_key(login(nonce="b", signer=other))),
            refused(lambda a: a.by_key(login(nonce="c", late=60))),
        ):
            attempt(authenticator)

    run_simulated(story())


def test_a_login_that_counts_for_long_is_refused(tmp_path: Path) -> None:
    """It could be used again once the site was restarted, and remembers no use of it."""

    async def story() -> None:
        now = SimulatedClock().now()
        lasting = Login(person=PI, site="argonne", nonce="long", issued=now, not_after=now + timedelta(days=1))
        with pytest.raises(Refused, match="sign_in_failed"):
            make(tmp_path).by_key(lasting.sign(KEY).to_bytes())

    run_simulated(story())


def test_after_a_start_with_a_clock_that_was_ahead_keys_open_again_once_it_is_right(tmp_path: Path) -> None:
    async def story() -> None:
        clock = SimulatedClock()
        clock.skew = 9 * 3600.0
        authenticator = make(tmp_path, clock=clock)
        await clock.sleep(900)
        clock.skew = 0.0
        assert authenticator.by_key(login()).person == PI

    run_simulated(story())


def test_a_session_ends_by_itself(tmp_path: Path) -> None:
    async def story() -> None:
        authenticator = make(tmp_path)
        sessions = await sessions_of(tmp_path, authenticator)
        token = await sessions.open(await authenticator.by_passphrase(PI, WORDS), program=True)
        await SimulatedClock().sleep(13 * 3600)
        assert sessions.get(token, program=True) is None
        sessions.ledger.close()

    run_simulated(story())


def test_an_account_that_was_closed_has_no_session_any_more(tmp_path: Path) -> None:
    async def story() -> None:
        authenticator = make(tmp_path)
        sessions = await sessions_of(tmp_path, authenticator)
        token = await sessions.open(await authenticator.by_passphrase(PI, WORDS), program=True)
        authenticator.accounts = {}
        assert sessions.get(token, program=True) is None
        sessions.ledger.close()

    run_simulated(story())


def test_the_file_holds_no_passphrase_and_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "accounts.json"
    add_account(path, PI, "member", passphrase=WORDS, key=KEY.public)
    assert WORDS.encode() not in path.read_bytes()
    assert path.stat().st_mode & 0o077 == 0
    with pytest.raises(Invalid):
        add_account(path, PI, "member")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere niceness is of a whole process")
def test_hashing_for_strangers_leaves_processor_time_to_all_other_threads_and_for_the_known_does_not() -> None:
    def niceness() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    async def asked() -> tuple[int, int]:
        return await in_own_threads(niceness), await in_thread_of_the_known(niceness)

    before = niceness()
    strangers, known = asyncio.run(asked())
    assert (strangers, known, niceness()) == (min(19, before + BEHIND_OTHERS), before, before)
