"""`yosegi instrument`: when a site's instruments may be used, who has them, and taking one back at once."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from yosegi.cli._lazy import WholeGroup
from yosegi.cli.connection import client_of, with_site
from yosegi.cli.output import amounts, as_json, explained, say, show_json, show_table
from yosegi.core.clock import parse_timestamp
from yosegi.core.errors import Invalid

if TYPE_CHECKING:
    from yosegi.services.instruments.schemas import BookingDetail, InstrumentDetail, ReservationDetail


@click.group(cls=WholeGroup)
def instrument() -> None:
    """See when an instrument may be used and who has it; reserve it; state windows; take it back and give it back.

    An instrument has a name in the owner's site.toml ([instrument.NAME]), with what shares it. All of its commands are
    asked of the running site.
    """


def _shown(found: InstrumentDetail, json_: bool) -> None:
    if json_:
        show_json(found)
        return
    say(f"{_named(found)}: {_state(found)}")
    for name, value in (
        ("used by", ", ".join(found.capabilities)),
        ("windows", "; ".join(found.windows) or "always"),
        ("time zone", found.time_zone),
        ("now or next", found.window),
        ("waiting", str(found.waiting)),
    ):
        if value:
            say(f"{name:12} {value}")
    if found.calibration is not None:
        state = "holds until" if found.calibration.holds else "RAN OUT at"
        say(f"{'calibration':12} {state} {found.calibration.until}, by {found.calibration.by}")
    if found.control is not None:
        verdict = found.control.verdict or ("in control" if found.control.measured else "never measured")
        say(f"{'control':12} {verdict}{', due now' if found.control.due else ''}")
    rows = ((use.task or "another team's", use.team, use.capability, use.since, use.until) for use in found.running)
    show_table(("task", "team", "capability", "since", "until at the latest"), rows, empty="nothing runs on it")


def _named(found: InstrumentDetail) -> str:
    return f"{found.name} (simulated)" if found.simulated else found.name


def _state(found: InstrumentDetail) -> str:
    if found.taken_back_by:
        told = f"taken back by {found.taken_back_by} since {found.taken_back_since}: {found.taken_back_why}"
        return told if found.recorded else f"{told} (not recorded yet; it counts all the same)"
    return "open" if found.open else "closed"


@instrument.command("list")
@with_site
@as_json
@explained
def list_(json_: bool, **site: Any) -> None:
    """List a site's instruments, and how each stands.

    \b
    Example: yosegi instrument list
    """
    found = client_of(**site).instruments.list()
    if json_:
        show_json(found)
        return
    rows = (
        (
            _named(one),
            _state(one),
            "; ".join(one.windows) or "always",
            one.window,
            str(len(one.running)),
            str(one.waiting),
        )
        for one in found
    )
    show_table(("instrument", "state", "windows", "now or next", "running", "waiting"), rows, empty="none has a name")


@instrument.command()
@click.argument("name")
@with_site
@as_json
@explained
def show(name: str, json_: bool, **site: Any) -> None:
    """Show when NAME may be used, who has it, until when and why.

    \b
    Example: yosegi instrument show beam
    """
    _shown(client_of(**site).instruments.show(name), json_)


@instrument.command()
@click.argument("name")
@click.argument("window")
@click.option("--note", default="", help="For the record.")
@click.option("--yes", is_flag=True, help="Do not ask, where the first window closes NAME outside it.")
@with_site
@as_json
@explained
def window(name: str, window: str, note: str, yes: bool, json_: bool, **site: Any) -> None:
    """Say that NAME may be used in WINDOW: a weekly shift in its time zone, or one span.

    An instrument without a window may always be used. Its first window closes it at all other times: what waits for it
    waits for the window, so you are asked first. Further windows are added to those there are.

    \b
    yosegi instrument window robot "mon-fri 09:00-17:00"
    yosegi instrument window robot 2026-12-05T09:00+09:00/2026-12-05T17:00+09:00

    \b
    Example: yosegi instrument window beam "mon-fri 09:00-17:00" --yes
    """
    instruments = client_of(**site).instruments
    if not yes and not instruments.show(name).windows:
        closes = f"{name} may always be used now; with its first window, {window}, it is closed at all other times"
        if json_ or not sys.stdin.isatty():
            raise Invalid(f"instrument {name}", closes, "say --yes if that is meant; nothing was changed")
        say(closes, err=True)
        click.confirm("State it?", abort=True, err=True)
    _shown(instruments.add_window(name, window, note=note), json_)


@instrument.command()
@click.argument("name")
@click.argument("window")
@click.option("--note", default="", help="For the record.")
@with_site
@as_json
@explained
def withdraw(name: str, window: str, note: str, json_: bool, **site: Any) -> None:
    """Take back WINDOW, which was added to NAME. What runs goes on; where it was the last, NAME is closed.

    \b
    Example: yosegi instrument withdraw beam "mon-fri 09:00-17:00"
    """
    _shown(client_of(**site).instruments.withdraw_window(name, window, note=note), json_)


@instrument.command("take-back")
@click.argument("name")
@click.option("--why", required=True, help="Told to whoever waits for it; stays on record.")
@with_site
@as_json
@explained
def take_back(name: str, why: str, json_: bool, **site: Any) -> None:
    """Take NAME back at once: what runs on it is brought to its safe state, and its queue waits.

    Whoever may stop the site may do it. What was uncertain stays uncertain. It is given back by: yosegi instrument
    give-back NAME

    \b
    Example: yosegi instrument take-back beam --why "the pump leaks"
    """
    _shown(client_of(**site).instruments.take_back(name, why), json_)


@instrument.command("give-back")
@click.argument("name")
@click.option("--why", default="", help="What was done; stays on record.")
@with_site
@as_json
@explained
def give_back(name: str, why: str, json_: bool, **site: Any) -> None:
    """Let NAME be used again; what waits for it starts by itself.

    \b
    Example: yosegi instrument give-back beam --why "the pump is mended"
    """
    _shown(client_of(**site).instruments.give_back(name, why), json_)


def _reserved(found: ReservationDetail, json_: bool) -> None:
    if json_:
        show_json(found)
        return
    say(f"{found.instrument} {found.id}: {found.state.value}, {found.starts} to {found.until}")
    if found.grant:
        say(f"held {amounts(found.held)} of {found.grant}, spent {amounts(found.spent)}")


@instrument.command()
@click.argument("name")
@click.argument("span")
@click.option("--charter", required=True, help="Under which charter.")
@click.option("--team", required=True, help="For which team; a grant of that team pays.")
@click.option("--purpose", default="research", show_default=True, help="What for.")
@click.option("--for", "member", default="", help="For whom, where an operator enters it; who asks, if not given.")
@click.option("--campaign", default="", help="The only campaign that is to use it; it runs inside alone then.")
@with_site
@as_json
@explained
def reserve(
    name: str, span: str, charter: str, team: str, purpose: str, member: str, campaign: str, json_: bool, **site: Any
) -> None:
    """Book SPAN of NAME, e.g. 2026-12-05T09:00+09:00/2026-12-05T17:00+09:00, within the team's instrument hours.

    The owner decides by its policy. While it lasts nobody else starts what could end in it. What is not free is refused
    with what is.

    \b
    Example: yosegi instrument reserve beam 2026-12-05T09:00Z/2026-12-05T17:00Z \\
      --charter pair --team alloys
    """
    from yosegi.execution.instruments.windows import TimeSpan

    wanted = TimeSpan.parse(span)
    terms = {"charter": charter, "team": team, "purpose": purpose, "person": member, "campaign": campaign}
    _reserved(client_of(**site).instruments.reserve(name, wanted.starts, wanted.ends, **terms), json_)


@instrument.command()
@click.argument("name")
@with_site
@as_json
@explained
def reservations(name: str, json_: bool, **site: Any) -> None:
    """List the latest reservations of NAME; of another team's, only when.

    \b
    Example: yosegi instrument reservations beam
    """
    found = client_of(**site).instruments.reservations(name)
    if json_:
        show_json(found)
        return
    rows = (
        (one.id[:8], one.state.value, one.starts, one.until, one.team or "another team's", one.campaign,
         amounts(one.held), amounts(one.spent))
        for one in found
    )  # fmt: skip
    show_table(("id", "state", "from", "until", "team", "campaign", "held", "spent"), rows, empty="none was booked")


@instrument.command()
@click.argument("name")
@click.argument("reservation")
@click.option("--why", default="", help="Stays on record.")
@with_site
@as_json
@explained
def cancel(name: str, reservation: str, why: str, json_: bool, **site: Any) -> None:
    """Cancel RESERVATION of NAME before it begins, for nothing; or give back what is left of one that has begun.

    \b
    Example: yosegi instrument cancel beam k7 --why "the sample is late"
    """
    _reserved(client_of(**site).instruments.cancel(name, reservation, why), json_)


_BOOKINGS = {
    "asked": "asked for, not answered yet",
    "undelivered": "its owner did not take the request, or not in time",
    "refused": "refused by its owner",
    "released": "the rest was given back; not paid yet",
    "cancelled": "cancelled before it began",
    "settled": "over and paid",
}
"""The states of a booking as a person reads them."""


def _said_of(found: BookingDetail) -> str:
    state = _BOOKINGS.get(found.state.value, found.state.value)
    return f"{state}{', cancellation asked' if found.cancelling else ''}"


def _booked(found: BookingDetail, json_: bool) -> None:
    if json_:
        show_json(found)
        return
    name = f" {found.instrument}" if found.instrument else ""
    say(f"{found.owner}/{found.key}{name}: {_said_of(found)}, {found.starts} to {found.until}")
    if found.held:
        say(f"held {amounts(found.held)}, spent {amounts(found.spent)}")
    for reason in found.reasons:
        say(reason.en or reason.code)
    if found.why:
        say(found.why)


@instrument.command()
@click.argument("capability")
@click.argument("span")
@click.option("--charter", required=True, help="Under which charter.")
@click.option("--team", required=True, help="For which team; a grant of that team at the owner pays.")
@click.option("--purpose", default="research", show_default=True, help="What for.")
@click.option("--for", "member", default="", help="For whom, where an operator enters it; who asks, if not given.")
@click.option("--campaign", default="", help="The only campaign that is to use it; it runs inside alone then.")
@click.option("--name", default="", help="Names it; the same name again asks nothing new. Chosen, if not given.")
@with_site
@as_json
@explained
def book(
    capability: str, span: str, charter: str, team: str, purpose: str, member: str, campaign: str, name: str,
    json_: bool, **site: Any,
) -> None:  # fmt: skip
    """Ask another site for SPAN of the instrument that its CAPABILITY uses, e.g. nims/beam.scan@1.

    The owner decides by its policy and the team's grant there, and its signed answer comes by itself: yosegi instrument
    bookings shows it.

    \b
    Example: yosegi instrument book nims/beam.scan@1 \\
      2026-12-05T09:00Z/2026-12-05T17:00Z --charter pair --team alloys
    """
    from yosegi.execution.instruments.windows import TimeSpan

    wanted = TimeSpan.parse(span)
    terms = {"charter": charter, "team": team, "purpose": purpose, "person": member, "campaign": campaign, "key": name}
    _booked(client_of(**site).instruments.book(capability, wanted.starts, wanted.ends, **terms), json_)


@instrument.command()
@with_site
@as_json
@explained
def bookings(json_: bool, **site: Any) -> None:
    """List the latest reservations of other sites' instruments, as their owners last said.

    \b
    Example: yosegi instrument bookings
    """
    found = client_of(**site).instruments.bookings()
    if json_:
        show_json(found)
        return
    rows = (
        (f"{one.owner}/{one.key[:8]}", _said_of(one), one.capability, one.starts, one.until, one.team, one.campaign,
         amounts(one.held), amounts(one.spent), " ".join(reason.en or reason.code for reason in one.reasons) or one.why)
        for one in found
    )  # fmt: skip
    columns = ("booking", "state", "capability", "from", "until", "team", "campaign", "held", "spent", "why")
    show_table(columns, rows, empty="none was asked for")


@instrument.command()
@click.argument("booking")
@click.option("--why", default="", help="Told to the owner; stays on record.")
@with_site
@as_json
@explained
def unbook(booking: str, why: str, json_: bool, **site: Any) -> None:
    """Ask the owner to cancel BOOKING, OWNER/KEY, before it begins; or to take back what is left of it.

    \b
    Example: yosegi instrument unbook nims/june --why "the sample is late"
    """
    owner, _, key = booking.partition("/")
    _booked(client_of(**site).instruments.cancel_booking(owner, key, why), json_)


@instrument.command()
@click.argument("name")
@click.option("--until", required=True, help="When it runs out, with its offset: 2026-12-31T00:00+09:00.")
@click.option("--value", "values", multiple=True, help="name=number, what was found; may be repeated.")
@click.option("--object", "object_", default="", help="Digest of the data it rests on, sha256:…")
@click.option("--note", default="", help="For people; stays on record.")
@with_site
@as_json
@explained
def calibrate(
    name: str, until: str, values: tuple[str, ...], object_: str, note: str, json_: bool, **site: Any
) -> None:
    """Put on record that NAME was calibrated, and until when that holds. Past that its tasks wait, with the reason.

    \b
    Example: yosegi instrument calibrate beam --until 2026-12-31T00:00Z \\
      --value gain=1.02
    """
    try:
        moment = parse_timestamp(until)
        found = {key: float(number) for key, _, number in (one.partition("=") for one in values)}
    except ValueError as error:
        raise Invalid("the calibration", str(error), "e.g. --until 2026-12-31T00:00+09:00 --value gain=1.02") from None
    shown = client_of(**site).instruments.calibrate(name, moment, values=found, note=note, object_=object_)
    _shown(shown, json_)
