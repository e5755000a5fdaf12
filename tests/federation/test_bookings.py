"""A home site books an instrument of another by signed documents: the owner decides, and both ledgers hold its word."""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from federation.asking import PI, person
from federation.test_instruments import OPERATOR, minutes, state
from federation.test_reservations import hours, scanning, with_beam
from yosegi.core.amounts import Amounts
from yosegi.core.errors import Conflict, Invalid, NotFound, Refused, YosegiError
from yosegi.core.states import BookingState, ReservationState, TaskState
from yosegi.exchange.outbox import sending
from yosegi.execution.instruments.calendar import ReservedSpan
from yosegi.execution.instruments.windows import TimeSpan
from yosegi.http.errors import in_json
from yosegi.ledger import Write
from yosegi.services.document_kinds import SELDOM
from yosegi.services.instruments.booking import ASKED, REPORTED, booking_stream
from yosegi.services.instruments.reservations import Booking
from yosegi.services.instruments.schemas import BookingDetail
from yosegi.services.runtime import Site
from yosegi.testing.faults import When
from yosegi.testing.federation import CHARTER, TEAM, Federation
from yosegi.testing.loop import run_simulated
from yosegi.trust.document import Addressed
from yosegi.trust.reservations import ReservationAsked, ReservationCancel, ReservationReport

SCAN = "nims/toy.scan@1"


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("yosegi").setLevel(logging.CRITICAL)


def wanted(first: float, last: float, **how: Any) -> Booking:
    """A span, in minutes from the beginning."""
    return Booking("", TimeSpan.parse(minutes(first, last)), CHARTER, TEAM, **how)


async def booked(federation: Federation, first: float, last: float, **how: Any) -> BookingDetail:
    """argonne's PI asks nims for its beam, and the answer comes."""
    key = how.pop("key", "")
    argonne = federation.places["argonne"].running
    asked = await argonne.instruments.bookings.ask(SCAN, wanted(first, last, **how), person(), key=key)
    assert asked.state is BookingState.ASKED
    await asyncio.sleep(60)
    return here(federation, asked.key)


def here(federation: Federation, key: str) -> BookingDetail:
    """A booking as argonne knows it."""
    return federation.places["argonne"].running.instruments.bookings.show("nims", key, person())


def there(nims: Site) -> list[tuple[str, str]]:
    """Who asked for each reservation at nims, and where it stands there."""
    found = nims.instruments.reservations.listing("beam", OPERATOR)
    return [(one.person, one.state.value) for one in reversed(found)]


def words(site: Site, stream: str) -> list[str]:
    """What was signed of a booking, in the order in which it stands in a ledger."""
    return [entry.type for entry in site.ledger.read(stream)]


async def says(federation: Federation, sender: str, document: Addressed) -> None:
    """A hostile site signs and sends a word, whatever its own ledger says."""
    site = federation.places[sender].running
    draft = sending(
        "evil.said", document.to, f"evil/{document.digest}", document.sign(federation.signer(sender)), {}, {}
    )
    site.channels.posted(await site.ledger.append(Write("evil", None, (draft,), charter=CHARTER, actor=sender)))
    await asyncio.sleep(120)


def test_a_booking_from_another_site_is_held_used_paid_and_told(tmp_path: Path) -> None:
    async def story() -> None:
        federation, nims = await with_beam(tmp_path)
        found = await booked(federation, 10, 40, campaign="tuning")
        assert (found.state, found.instrument, found.held) == (BookingState.BOOKED, "beam", {"instrument_h": "0.5"})
        assert (there(nims), hours(nims)) == ([(PI, "booked")], (500, 0, 9500))
        await asyncio.sleep(10 * 60)
        assert await scanning(federation, "mine", campaign="tuning") is TaskState.DISPATCHED
        assert await scanning(federation, "other") is TaskState.ACCEPTED
        await asyncio.sleep(33 * 60)
        assert (state(nims, "mine"), state(nims, "other")) == (TaskState.ENDED, TaskState.ENDED)
        # Half an hour for the reservation, a twentieth for the scan outside.
        assert hours(nims) == (0, 550, 9450)
        ended = here(federation, found.key)
        assert (ended.state, ended.spent) == (BookingState.SETTLED, {"instrument_h": "0.5"})

    run_simulated(story())


def test_a_home_that_was_away_for_more_than_a_week_is_told_what_came_of_its_booking(tmp_path: Path) -> None:
    async def story() -> None:
        federation, nims = await with_beam(tmp_path)
        found = await booked(federation, 10, 20)
        await federation.crash("argonne")
        await asyncio.sleep(25 * 60)
        assert there(nims)[0][1] == "settled"
        for name in federation.places:
            await federation.crash(name)
        await asyncio.sleep(8 * 24 * 3600)
        for name in federation.places:
            await federation.restart(name)
        await asyncio.sleep(600)
        assert here(federation, found.key).state is BookingState.SETTLED

    run_simulated(story())


def test_a_cancellation_asked_for_twice_at_one_moment_is_asked_for_twice_and_cancels_once(tmp_path: Path) -> None:
    async def story() -> None:
        federation, nims = await with_beam(tmp_path)
        bookings = federation.places["argonne"].running.instruments.bookings
        found = await booked(federation, 10, 20)
        first, second = await asyncio.gather(*(bookings.cancel("nims", found.key, person()) for _ in range(2)))
        assert first.cancelling
        assert second.cancelling
        await asyncio.sleep(60)
        assert here(federation, found.key).state is BookingState.CANCELLED
        assert there(nims) == [(PI, "cancelled")]

    run_simulated(story())


def test_both_ledgers_hold_both_signed_words(tmp_path: Path) -> None:
    async def story() -> None:
        federation, nims = await with_beam(tmp_path)
        found = await booked(federation, 10, 40)
        argonne = federation.places["argonne"].running
        asked, reported = argonne.ledger.read(booking_stream("nims", found.key))
        (made,) = [entry for entry in nims.ledger.scan() if entry.type == "reservation.booked"]
        assert (asked.type, reported.type) == (ASKED, REPORTED)
        assert asked.body["document"] == made.body["asked"]
        assert reported.body["document"] == made.body["document"]
        assert made.body["receipt"] is not None
        assert reported.body["receipt"] is not None
        assert made.body["decision"]["allow"] is True
        assert asked.body["decision"]["allow"] is True

    run_simulated(story())


def test_the_same_booking_again_asks_nothing_new_and_its_key_means_nothing_else(tmp_path: Path) -> None:
    async def story() -> None:
        federation, nims = await with_beam(tmp_path)
        first = await booked(federation, 10, 40, key="june")
        bookings = federation.places["argonne"].running.instruments.bookings
        assert (await bookings.ask(SCAN, wanted(10, 40), person())).key == first.key == "june"
        assert (await bookings.ask(SCAN, wanted(10, 40), person(), key="june")).state is BookingState.BOOKED
        with pytest.raises(Conflict, match="used before for another"):
            await bookings.ask(SCAN, wanted(10, 41), person(), key="june")
        await asyncio.sleep(60)
        assert there(nims) == [(PI, "booked")]

    run_simulated(story())


def test_what_the_owner_will_not_book_is_refused_with_its_reasons_and_holds_nothing(tmp_path: Path) -> None:
    async def story() -> None:
        federation, nims = await with_beam(tmp_path, hours="1")
        await booked(federation, 30, 60)
        refused = {
            "overlap": await booked(federation, 50, 70),
            "far": await booked(federation, 91 * 1440, 91 * 1440 + 5),
            "dear": await booked(federation, 100, 171),
        }
        codes = {name: [reason.code for reason in one.reasons] for name, one in refused.items()}
        assert codes == {
            "overlap": ["reservation_not_possible"], "far": ["reservation_not_possible"], "dear": ["grant_exceeded"],
        }  # fmt: skip
        assert {one.state for one in refused.values()} == {BookingState.REFUSED}
        assert "is reserved then; free are" in refused["overlap"].reasons[0].en
        assert hours(nims) == (500, 0, 500)
        # What was refused may be asked for again, and is another request.
        await nims.instruments.reservations.cancel(
            "beam", nims.instruments.reservations.listing("beam", OPERATOR)[0].id, OPERATOR
        )
        assert (await booked(federation, 50, 70)).state is BookingState.BOOKED

    run_simulated(story())


def asking(nims: Site, key: str, starts: float, seconds: float) -> ReservationAsked:
    """What argonne can sign: a span that begins in so many minutes."""
    now = nims.clock.now()
    first = now + timedelta(minutes=starts)
    return ReservationAsked(
        charter=CHARTER, sender="argonne", to="nims", key=key, issued=now, not_after=now + timedelta(hours=1),
        capability=SCAN, team=TEAM, on_behalf_of=PI, purpose="research", starts=first,
        ends=first + timedelta(seconds=seconds),
    )  # fmt: skip


def test_a_span_too_short_to_be_paid_keeps_nobody_from_an_instrument(tmp_path: Path) -> None:
    async def story() -> None:
        federation, nims = await with_beam(tmp_path)
        await says(federation, "argonne", asking(nims, "moment", 30, 1e-6))
        (refusal,) = [entry for entry in nims.ledger.scan() if entry.type == "reservation.refused"]
        assert "takes 1e-06 s, and 60 s is the least" in refusal.body["reasons"][0]["en"]
        assert there(nims) == []

    run_simulated(story())


def test_one_site_has_so_many_reservations_of_an_instrument_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("yosegi.services.instruments.asked_reservations.MOST_STANDING", 2)

    async def story() -> None:
        federation, nims = await with_beam(tmp_path)
        for number in range(3):
            await says(federation, "argonne", asking(nims, f"k{number}", 30 + 10 * number, 60))
        (refusal,) = [entry for entry in nims.ledger.scan() if entry.type == "reservation.refused"]
        assert "argonne has 2 reservations of it that are not over" in refusal.body["reasons"][0]["en"]
        await nims.instruments.reservations.cancel(
            "beam", nims.instruments.reservations.listing("beam", OPERATOR)[0].id, OPERATOR
        )
        await says(federation, "argonne", asking(nims, "later", 90, 60))
        assert [state for _, state in there(nims)] == ["booked", "cancelled", "booked"]

    run_simulated(story())


def test_what_has_not_begun_is_not_looked_at_each_time(tmp_path: Path) -> None:
    async def story() -> None:
        federation, nims = await with_beam(tmp_path)
        await booked(federation, 10, 20)
        await booked(federation, 60, 70)
        calendar, now = nims.instruments.reservations.instruments.calendar, nims.clock.now()
        assert calendar.begun("beam", now) == ()
        assert len(calendar.begun("beam", now + timedelta(minutes=15))) == 1

    run_simulated(story())


def test_the_owners_policy_has_the_last_word_and_says_nothing_of_the_hours_to_strangers(tmp_path: Path) -> None:
    async def story() -> None:
        federation, nims = await with_beam(tmp_path)
        await booked(federation, 30, 60)
        now = nims.clock.now()
        span = TimeSpan.parse(minutes(30, 60))
        asked = ReservationAsked(
            charter=CHARTER, sender="argonne", to="nims", key="evil", issued=now, not_after=now + timedelta(hours=1),
            capability=SCAN, team=TEAM, on_behalf_of="nobody@argonne", purpose="research", starts=span.starts,
            ends=span.ends,
        )  # fmt: skip
        await says(federation, "argonne", asked)
        (refusal,) = [entry for entry in nims.ledger.scan() if entry.type == "reservation.refused"]
        assert [reason["code"] for reason in refusal.body["reasons"]] == ["unknown_person"]
        await says(federation, "argonne", asked.model_copy(update={"key": "else", "on_behalf_of": "pi@riken"}))
        assert len(there(nims)) == 1
        # Asked at home, its own policy refuses it, and nothing is sent.
        with pytest.raises(Refused, match="unknown_person"):
            await federation.places["argonne"].running.instruments.bookings.ask(
                SCAN, wanted(70, 80, person="nobody@argonne"), person("operator@argonne", "operator")
            )

    run_simulated(story())


def test_what_uses_no_instrument_there_is_refused(tmp_path: Path) -> None:
    async def story() -> None:
        federation, _ = await with_beam(tmp_path)
        bookings = federation.places["argonne"].running.instruments.bookings
        asked = await bookings.ask("nims/toy.measure@1", wanted(10, 20), person())
        await asyncio.sleep(60)
        assert [reason.code for reason in here(federation, asked.key).reasons] == ["reservation_not_offered"]

    run_simulated(story())


def test_who_may_not_book_or_see_is_refused_at_home(tmp_path: Path) -> None:
    async def story() -> None:
        federation, _ = await with_beam(tmp_path)
        bookings = federation.places["argonne"].running.instruments.bookings
        with pytest.raises(Refused, match="people_only"):
            await bookings.ask(SCAN, wanted(10, 20), person(agent="planner"))
        with pytest.raises(Refused, match="not_on_behalf_of_others"):
            await bookings.ask(SCAN, wanted(10, 20, person="other@argonne"), person())
        with pytest.raises(Invalid, match="in the past"):
            await bookings.ask(SCAN, wanted(-20, -10), person())
        found = await booked(federation, 10, 20)
        with pytest.raises(NotFound):
            await bookings.cancel("nims", found.key, person("stranger@argonne"))
        assert not bookings.listing(person("stranger@argonne"))

    run_simulated(story())


def test_the_home_cancels_before_it_begins_for_nothing_and_gives_back_what_is_left(tmp_path: Path) -> None:
    async def story() -> None:
        federation, nims = await with_beam(tmp_path)
        bookings = federation.places["argonne"].running.instruments.bookings
        first = await booked(federation, 10, 20)
        assert (await bookings.cancel("nims", first.key[:6], person(), "the sample broke")).cancelling
        await asyncio.sleep(60)
        cancelled = here(federation, first.key)
        assert (cancelled.state, cancelled.why, cancelled.cancelling) == (
            BookingState.CANCELLED, "the sample broke", False,
        )  # fmt: skip
        assert (there(nims), hours(nims)) == ([(PI, "cancelled")], (0, 0, 10000))
        with pytest.raises(Conflict, match="nothing to cancel"):
            await bookings.cancel("nims", first.key, person())
        second = await booked(federation, 10, 40)
        await asyncio.sleep(15 * 60 - asyncio.get_running_loop().time())
        await bookings.cancel("nims", second.key, person())
        await asyncio.sleep(120)
        ended = here(federation, second.key)
        assert ended.state is BookingState.SETTLED
        # Five minutes of thirty, and what it took to be told.
        assert 83 <= hours(nims)[1] <= 117

    run_simulated(story())


def test_the_owner_cancels_and_releases_and_the_home_is_told(tmp_path: Path) -> None:
    async def story() -> None:
        federation, nims = await with_beam(tmp_path)
        first, second = await booked(federation, 10, 20), await booked(federation, 30, 90)
        ids = [one.id for one in nims.instruments.reservations.listing("beam", OPERATOR)]
        await nims.instruments.reservations.cancel("beam", ids[1], OPERATOR, "the pump leaks")
        await asyncio.sleep(60)
        told = here(federation, first.key)
        assert (told.state, told.why) == (BookingState.CANCELLED, "the pump leaks")
        # Nothing runs in the second, which is given to others after twenty minutes.
        await asyncio.sleep(60 * 60)
        given_up = here(federation, second.key)
        assert (given_up.state, given_up.why) == (BookingState.SETTLED, "not used")

    run_simulated(story())


def test_a_cancellation_that_comes_with_its_request_leaves_nothing_booked(tmp_path: Path) -> None:
    async def story() -> None:
        federation, nims = await with_beam(tmp_path)
        await federation.crash("nims")
        bookings = federation.places["argonne"].running.instruments.bookings
        asked = await bookings.ask(SCAN, wanted(60, 90), person())
        assert (await bookings.cancel("nims", asked.key, person())).state is BookingState.ASKED
        await federation.restart("nims")
        await asyncio.sleep(300)
        nims = federation.places["nims"].running
        assert (there(nims), hours(nims)) == ([(PI, "cancelled")], (0, 0, 10000))
        assert here(federation, asked.key).state is BookingState.CANCELLED

    run_simulated(story())


def test_what_is_cancelled_and_never_reached_its_owner_waits_for_no_answer(tmp_path: Path) -> None:
    async def story() -> None:
        federation, _ = await with_beam(tmp_path)
        await federation.crash("nims")
        bookings = federation.places["argonne"].running.instruments.bookings
        asked = await bookings.ask(SCAN, wanted(10, 40), person())
        await asyncio.sleep(20 * 60)
        assert (await bookings.cancel("nims", asked.key, person())).cancelling
        await federation.restart("nims")
        await asyncio.sleep(300)
        found = here(federation, asked.key)
        assert (found.state, found.cancelling) == (BookingState.UNDELIVERED, False)

    run_simulated(story())


def test_a_request_that_is_not_delivered_before_it_would_begin_comes_to_nothing(tmp_path: Path) -> None:
    async def story() -> None:
        federation, nims = await with_beam(tmp_path)
        await federation.crash("nims")
        asked = await federation.places["argonne"].running.instruments.bookings.ask(SCAN, wanted(10, 40), person())
        await asyncio.sleep(20 * 60)
        await federation.restart("nims")
        await asyncio.sleep(300)
        assert here(federation, asked.key).state is BookingState.UNDELIVERED
        assert there(federation.places["nims"].running) == []
        assert not (await booked(federation, 40, 50)).why
        assert nims.name == "nims"

    run_simulated(story())


def test_a_lying_owner_changes_nothing_that_was_not_asked_of_it(tmp_path: Path) -> None:
    async def story() -> None:
        federation, nims = await with_beam(tmp_path)
        found = await booked(federation, 10, 40)
        argonne = federation.places["argonne"].running
        before = words(argonne, booking_stream("nims", found.key))
        (entry,) = [one for one in nims.ledger.scan() if one.type == "reservation.booked"]
        honest = ReservationReport.recorded(entry.body["document"])
        lies: tuple[dict[str, Any], ...] = (
            {"position": 2, "state": "refused"},
            {"position": 2, "state": "booked"},
            {"position": 2, "state": "settled", "asked": "sha256:" + "0" * 64},
            {"position": 2, "state": "settled", "spent": Amounts({"instrument_h": 501})},
            {"position": 2, "state": "released", "ends": found_end(honest) + timedelta(days=1)},
            {"position": 2, "state": "released", "instrument": None},
        )
        for lie in lies:
            await says(federation, "nims", ReservationReport.model_validate(dict(honest) | lie))
        # Another site says it of its own: nothing of that name was asked of it.
        await says(federation, "riken", ReservationReport.model_validate(dict(honest) | {"sender": "riken"}))
        assert words(argonne, booking_stream("nims", found.key)) == before
        assert here(federation, found.key).state is BookingState.BOOKED
        # The same word once more is no news, and no error either.
        await says(federation, "nims", honest)
        assert words(argonne, booking_stream("nims", found.key)) == before

    run_simulated(story())


def test_a_peer_cancels_no_reservation_of_another_home(tmp_path: Path) -> None:
    async def story() -> None:
        federation, nims = await with_beam(tmp_path)
        found = await booked(federation, 10, 40)
        now = nims.clock.now()
        cancel = ReservationCancel(
            charter=CHARTER, sender="riken", to="nims", key=found.key, issued=now, not_after=now + timedelta(hours=1),
        )  # fmt: skip
        await says(federation, "riken", cancel)
        assert there(nims) == [(PI, "booked")]
        await says(federation, "argonne", cancel.model_copy(update={"sender": "argonne"}))
        assert there(nims) == [(PI, "cancelled")]

    run_simulated(story())


def found_end(report: ReservationReport) -> Any:
    assert report.ends is not None
    return report.ends


def test_a_campaign_of_another_home_with_the_same_name_has_no_part_in_it() -> None:
    span = TimeSpan.parse(minutes(0, 40))
    of_argonne = ReservedSpan("reservation/beam/k", CHARTER, TEAM, "tuning", span, home="argonne")
    assert of_argonne.is_held_by(CHARTER, TEAM, "tuning", "argonne")
    assert not of_argonne.is_held_by(CHARTER, TEAM, "tuning", "riken")
    assert not of_argonne.is_held_by(CHARTER, TEAM, "other", "argonne")
    of_the_team = ReservedSpan("reservation/beam/k", CHARTER, TEAM, "", span, home="argonne")
    assert of_the_team.is_held_by(CHARTER, TEAM, "tuning", "riken")
    booked_there = ReservedSpan("reservation/beam/k", CHARTER, TEAM, "tuning", span)
    assert booked_there.is_held_by(CHARTER, TEAM, "tuning", "riken")


def test_a_peer_has_a_budget_of_requests_for_reservations(tmp_path: Path) -> None:
    async def story() -> None:
        federation, nims = await with_beam(tmp_path)
        now, span = nims.clock.now(), TimeSpan.parse(minutes(120, 130))
        asked = ReservationAsked(
            charter=CHARTER, sender="argonne", to="nims", key="k", issued=now, not_after=now + timedelta(hours=1),
            capability="nims/toy.measure@1", team=TEAM, on_behalf_of=PI, purpose="research", starts=span.starts,
            ends=span.ends,
        )  # fmt: skip
        argonne, signer = federation.places["argonne"].running, federation.signer("argonne")
        drafts = tuple(
            sending("evil.said", "nims", f"evil/{n}", asked.model_copy(update={"key": f"k{n}"}).sign(signer), {}, {})
            for n in range(SELDOM.burst + 20)
        )
        argonne.channels.posted(
            await argonne.ledger.append(Write("evil", None, drafts, charter=CHARTER, actor="argonne"))
        )
        await asyncio.sleep(30)
        refused = [entry for entry in nims.ledger.scan() if entry.type == "reservation.refused"]
        assert 0 < len(refused) <= SELDOM.burst + 3

    run_simulated(story())


async def _booked_and_paid(
    folder: Path, mortal: dict[str, tuple[int, When]]
) -> tuple[Federation, dict[str, tuple[int, int]]]:
    """Book ten minutes from another site, again until it is done, and let them pass; each site's commits meanwhile."""
    federation, _ = await with_beam(folder, mortal=mortal)
    before = {name: federation.stores[name].commits for name in ("argonne", "nims")}
    while True:
        try:
            await federation.places["argonne"].running.instruments.bookings.ask(SCAN, wanted(10, 20), person())
            break
        except (YosegiError, RuntimeError):
            await asyncio.sleep(5)
    await asyncio.sleep(30 * 60)
    return federation, {name: (first, federation.stores[name].commits) for name, first in before.items()}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("name", ["argonne", "nims"])
def test_a_site_that_dies_at_any_commit_of_a_booking_loses_and_repeats_nothing(
    tmp_path: Path, name: str, when: When
) -> None:
    def folder(number: int) -> Path:
        (tmp_path / str(number)).mkdir()
        return tmp_path / str(number)

    async def count() -> dict[str, tuple[int, int]]:
        return (await _booked_and_paid(folder(0), {}))[1]

    first, last = run_simulated(count())[name]
    assert last - first >= 2

    async def story(commit: int) -> None:
        federation, _ = await _booked_and_paid(folder(commit), {name: (commit, when)})
        assert federation.faults == [name]
        nims = federation.places["nims"].running
        types = [entry.type for entry in nims.ledger.scan() if entry.type.startswith("reservation.")]
        # It is given up after twenty minutes, which its ten never reach.
        assert types == ["reservation.booked", "reservation.settled"]
        assert hours(nims) == (0, 167, 9833)
        (found,) = federation.places["argonne"].running.instruments.bookings.listing(person())
        assert (found.state, found.spent) == (BookingState.SETTLED, {"instrument_h": "0.167"})
        assert nims.instruments.reservations.listing("beam", OPERATOR)[0].state is ReservationState.SETTLED

    for commit in range(first + 1, last + 1):
        run_simulated(story(commit))


def test_a_refusal_at_home_says_its_reasons_in_words_of_both_languages(tmp_path: Path) -> None:
    async def story() -> None:
        federation, _ = await with_beam(tmp_path)
        bookings = federation.places["argonne"].running.instruments.bookings
        with pytest.raises(Refused) as caught:
            await bookings.ask(SCAN, wanted(10, 20, purpose="teaching"), person())
        assert caught.value.reasons == ("purpose_not_covered",)
        ((en, ja),) = caught.value.told
        assert "teaching" in en
        assert "teaching" in ja
        assert en in str(caught.value)
        body = json.loads(bytes(in_json(caught.value).body))
        assert (body["code"], body["reasons"]) == ("refused", ["purpose_not_covered"])
        assert en in body["message"]

    run_simulated(story())
