"""`yosegi sample`: what was made, where it is, who holds it, and how it goes to another site."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from yosegi.app.home import Home
from yosegi.cli._files import output, write_output
from yosegi.cli._lazy import WholeGroup
from yosegi.cli.connection import client_of, with_site, with_site_unless
from yosegi.cli.home_site import run_locally_or_remotely
from yosegi.cli.output import as_json, explained, say, show_json, show_table
from yosegi.core.errors import Invalid
from yosegi.core.files import read_utf8
from yosegi.services.samples.states import SampleChange, SampleState

if TYPE_CHECKING:
    from yosegi.client.client import Client
    from yosegi.identity.accounts import Session
    from yosegi.services.runtime import Site
    from yosegi.services.samples.arrivals import ArrivedSample
    from yosegi.services.samples.schemas import SampleDetail, SampleLabel, SampleParts, SampleSummary
    from yosegi.services.samples.whole_life import SampleRecord, WholeLife
    from yosegi.trust.samples import ConditionGiven, ConditionReceived

T = TypeVar("T")
Label = click.option("--label", default="", help="What is written on it.")
Place = click.option("--at", "place", default="", help="Where it is at this site, e.g. 'shelf 3'.")
Note = click.option("--note", default="", help="For the other site, signed with the rest.")


@click.group(cls=WholeGroup)
def sample() -> None:
    """Say what was made, where it is and who holds it; hand a sample over to another site, and receive one.

    A sample is named SITE/NAME, after the site that made it, wherever it goes. Only the site that holds it acts on it.
    Without --as, --key or --url a command acts for the home it is called in, whether its site is running or not.
    """


def _ask(site: dict[str, Any], offline: Callable[[Site, Session], Awaitable[T]], running: Callable[[Client], T]) -> T:
    """Ask the site: as the person that the options name, or else as whoever may write in its home."""
    named = any(site[name] for name in ("url", "person", "key", "passphrase", "as_agent"))
    if site["home"] is not None and not named:
        return run_locally_or_remotely(site["home"], offline, running)
    return running(client_of(**site))


def _shown(found: SampleSummary, json_: bool) -> None:
    if json_:
        show_json(found)
        return
    towards = f" to {found.to}" if found.to else ""
    where = f", {found.place}" if found.place else ""
    say(f"{found.id}: {found.state.value}{towards}, held by {found.holder}{where}")


@sample.command("list")
@click.option("--team", default="", help="Of one team.")
@click.option("--state", type=click.Choice([state.value for state in SampleState]), help="In one state.")
@click.option("--holder", default="", help="Held by one site.")
@with_site
@as_json
@explained
def list_(team: str, state: str | None, holder: str, json_: bool, **site: Any) -> None:
    """List the samples that a site made, holds, held or is given: the 200 that changed last.

    \b
    Example: yosegi sample list --holder riken
    """

    async def rest(here: Site, who: Session) -> tuple[SampleSummary, ...]:
        return here.samples.listing(who, team=team, state=SampleState(state) if state else None, holder=holder)

    found = _ask(site, rest, lambda client: client.samples.list(team=team, state=state or "", holder=holder))
    if json_:
        show_json(found)
        return
    rows = ((s.id, s.label, s.state.value, s.holder, s.to, s.destination, s.place, s.changed) for s in found)
    columns = ("sample", "label", "state", "held by", "given to", "to ship to", "place", "changed")
    show_table(columns, rows, empty="no samples")


@sample.command()
@click.argument("sample")
@click.option(
    "--from", "places", multiple=True, type=click.Path(exists=True, path_type=Path),
    help="A site's home, a backup of one, or a file of `yosegi audit export`; as often as there are ledgers.",
)  # fmt: skip
@with_site_unless("places")
@as_json
@explained
def show(sample: str, places: tuple[Path, ...], json_: bool, **site: Any) -> None:
    """Show the whole life of SAMPLE over the site's ledger, with what other sites signed of it.

    With --from its life over several ledgers, read from their files beside the running sites or elsewhere: each is
    verified whole, and the words of each hand-over are held against each other. Whatever does not agree is named, and
    ends with status 1. An audit's file holds no notes and places.

    \b
    Example: yosegi sample show nims/film-7
    """
    if places:
        _show_whole_life(sample, places, json_)
        return

    async def rest(here: Site, who: Session) -> SampleDetail:
        return here.samples.show(sample, who)

    found = _ask(site, rest, lambda client: client.samples.show(sample))
    if json_:
        show_json(found)
        return
    _shown(found, json_=False)
    for name, value in (("label", found.label), ("made from", ", ".join(found.parents)),
                        ("made into", ", ".join(found.children)), ("team", found.team),
                        ("made by", f"task {found.task}" if found.task else ""), ("campaign", found.campaign),
                        ("to ship to", found.destination)):  # fmt: skip
        if value:
            say(f"{name:10} {value}")
    rows = (
        (e.time, e.type.removeprefix("sample."), e.actor, e.holder, e.peer, e.condition, e.place, e.note, e.signed_by)
        for e in found.events
    )
    columns = ("time", "what", "by", "held by", "other site", "condition", "place", "note", "signed by")
    show_table(columns, rows)


def _show_whole_life(sample: str, places: tuple[Path, ...], json_: bool) -> None:
    from yosegi.services.samples.whole_life import whole_life

    found = whole_life(sample, [_record(place, sample) for place in places])
    if json_:
        show_json(_plain(found))
    else:
        _tell(found)
    if found.wrong:
        raise click.exceptions.Exit(1)


def _record(place: Path, sample: str) -> SampleRecord:
    from yosegi.app.stores import store_of
    from yosegi.services.samples.whole_life import read_audit_file, read_ledger_file
    from yosegi.verification.ledger_export import is_audit

    if not place.is_dir():
        if not is_audit(place):
            todo = "write one: yosegi audit export --out …"
            raise Invalid(str(place), "neither a site's home nor an audit's file", todo)
        return read_audit_file(place, sample)
    home = Home(place)
    if home.ledger.exists():
        return read_ledger_file(home.ledger, sample)
    return read_ledger_file(store_of(home, home.settings()), sample)


def _plain(found: WholeLife) -> dict[str, Any]:
    return {
        "sample": found.sample, "holder": found.holder, "state": found.state,
        "ledgers": [
            {"where": one.where, "site": one.site, "entries": len(one.entries), "signatures": one.signatures}
            for one in found.records
        ],
        "events": [asdict(event) for event in found.events],
        "wrong": list(found.wrong), "missing": list(found.missing), "ok": not found.wrong,
    }  # fmt: skip


def _tell(found: WholeLife) -> None:
    say(f"{found.sample}: {found.state}, held by {found.holder}")
    for one in found.records:
        say(f"{one.where}: {len(one.entries)} entries of it at {one.site}, {one.signatures} signed words verified")
    rows = (
        (e.time, e.site, e.type.removeprefix("sample."), e.actor, e.holder, e.peer, e.condition, e.place, e.note)
        for e in found.events
    )
    show_table(("time", "at", "what", "by", "held by", "other site", "condition", "place", "note"), rows)
    for name in found.missing:
        say(f"the ledger of {name}, which has had it, is not among these")
    for why in found.wrong:
        say(why, err=True)


@sample.command()
@click.argument("sample")
@output(required=False, help="File to write; standard output if none.")
@with_site
@explained
def label(sample: str, out: Path | None, **site: Any) -> None:
    """Draw a label to print and stick on SAMPLE: SVG, 62 mm by 29 mm, with a QR code.

    The code says the page of the sample at this site, where others can reach it, and else its name.

    \b
    Example: yosegi sample label nims/film-7 --out film-7.svg
    """

    async def rest(here: Site, who: Session) -> SampleLabel:
        return here.samples.label(sample, who)

    found = _ask(site, rest, lambda client: client.samples.label(sample))
    if out is None:
        say(found.svg)
    else:
        write_output(out, found.svg.encode())
        say(f"{out}: the label of {found.sample}, whose code says {found.encodes}")


@sample.command()
@click.argument("name")
@click.option("--charter", required=True, help="Under which charter.")
@click.option("--team", required=True, help="Whose it is.")
@Label
@Place
@with_site
@as_json
@explained
def register(name: str, charter: str, team: str, label: str, place: str, json_: bool, **site: Any) -> None:
    """Say that a sample was made here, and call it NAME.

    \b
    Example: yosegi sample register film-7 --charter pair --team alloys
    """
    given = {"charter": charter, "team": team, "label": label, "place": place}

    async def rest(here: Site, who: Session) -> SampleSummary:
        return await here.samples.register(name, who, **given)

    _shown(_ask(site, rest, lambda client: client.samples.register(name, **given)), json_)


@sample.command()
@click.argument("sample")
@click.argument("names", nargs=-1, required=True)
@with_site
@as_json
@explained
def split(sample: str, names: tuple[str, ...], json_: bool, **site: Any) -> None:
    """Say that SAMPLE was split into parts called NAMES; there is nothing left of it.

    \b
    Example: yosegi sample split nims/film-7 film-7a film-7b
    """

    async def rest(here: Site, who: Session) -> SampleParts:
        return await here.samples.split(sample, names, who)

    found = _ask(site, rest, lambda client: client.samples.split(sample, names))
    if json_:
        show_json(found)
        return
    for part in found.parts:
        _shown(part, json_=False)


@sample.command()
@click.argument("name")
@click.argument("samples", nargs=-1, required=True)
@Label
@Place
@with_site
@as_json
@explained
def pool(name: str, samples: tuple[str, ...], label: str, place: str, json_: bool, **site: Any) -> None:
    """Say that SAMPLES were put together into one called NAME.

    \b
    Example: yosegi sample pool powder-9 nims/powder-7 nims/powder-8
    """

    async def rest(here: Site, who: Session) -> SampleSummary:
        return await here.samples.pool(samples, name, who, label=label, place=place)

    _shown(_ask(site, rest, lambda client: client.samples.pool(samples, name, label=label, place=place)), json_)


def _change(change: SampleChange, sample: str, why: str, json_: bool, site: dict[str, Any], place: str = "") -> None:
    async def rest(here: Site, who: Session) -> SampleSummary:
        return await here.samples.change(sample, change, who, why=why, place=place or None)

    _shown(_ask(site, rest, lambda client: client.samples.change(sample, change, why=why, place=place or None)), json_)


@sample.command()
@click.argument("sample")
@click.argument("place")
@click.option("--why", default="", help="For the record.")
@with_site
@as_json
@explained
def move(sample: str, place: str, why: str, json_: bool, **site: Any) -> None:
    """Say that SAMPLE is at PLACE now.

    \b
    Example: yosegi sample move nims/film-7 "room 3, shelf 2"
    """
    _change("move", sample, why, json_, site, place)


def _changing(word: str, change: SampleChange, help_: str, *, needs_why: bool = False) -> None:
    example = f"Example: yosegi sample {word} nims/film-7" + (' --why "it was looked at"' if needs_why else "")

    @sample.command(word, help=f"{help_}\n\n\b\n{example}")
    @click.argument("sample")
    @click.option("--why", default="", required=needs_why, help="For the record.")
    @with_site
    @as_json
    @explained
    def changed(sample: str, why: str, json_: bool, **site: Any) -> None:
        _change(change, sample, why, json_, site)


_changing("reserve", "reserve", "Set SAMPLE apart for something.")
_changing(
    "release", "release", "Say that SAMPLE may be used: it was reserved, quarantined, or lost and is found.",
    needs_why=True,
)  # fmt: skip
_changing("use", "use_up", "Say that SAMPLE was used up.")
_changing("lose", "lose", "Say that nobody knows where SAMPLE is.")
_changing(
    "quarantine", "quarantine", "Set SAMPLE aside until a person has looked at it and released it.", needs_why=True
)


@sample.command("hand-over")
@click.argument("sample")
@click.argument("to")
@click.option("--condition", type=click.Choice(["good", "damaged"]), default="good", help="In which it is sent.")
@Note
@with_site
@as_json
@explained
def hand_over(sample: str, to: str, condition: ConditionGiven, note: str, json_: bool, **site: Any) -> None:
    """Sign that SAMPLE is given to the site TO.

    It is in transit until that site has signed that it came, or that it never did; nothing takes it back before. Said
    again meanwhile, it is signed and sent again.

    \b
    Example: yosegi sample hand-over nims/film-7 riken --condition good
    """

    async def rest(here: Site, who: Session) -> SampleSummary:
        return await here.hand_overs.give(sample, to, who, condition=condition, note=note)

    running = _ask(site, rest, lambda client: client.samples.hand_over(sample, to, condition=condition, note=note))
    _shown(running, json_)


@sample.command()
@click.argument("to")
@click.option("--campaign", default="", help="Of one campaign alone.")
@Note
@with_site
@as_json
@explained
def ship(to: str, campaign: str, note: str, json_: bool, **site: Any) -> None:
    """Hand over to the site TO whatever campaigns ask to be shipped there and is available here.

    `yosegi sample list` says what is asked for. Put it in one box.

    \b
    Example: yosegi sample ship riken --campaign anneal-2026
    """

    async def rest(here: Site, who: Session) -> tuple[SampleSummary, ...]:
        return await here.hand_overs.ship(to, who, campaign=campaign, note=note)

    found = _ask(site, rest, lambda client: client.samples.ship(to, campaign=campaign, note=note))
    if json_:
        show_json(found)
        return
    for one in found:
        _shown(one, json_=False)
    say(f"{len(found)} samples for {to}")


@sample.command()
@click.argument("samples", nargs=-1, metavar="SAMPLE[=CONDITION]...")
@click.option(
    "--condition",
    type=click.Choice(["good", "damaged", "missing"]),
    default="good",
    help="In which they came; damaged, one is quarantined; missing, it is its giver's, and lost.",
)
@click.option(
    "--list", "list_", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A CSV file with the columns sample, condition, note and place; the last three may be left out.",
)  # fmt: skip
@Note
@Place
@with_site
@as_json
@explained
def receive(
    samples: tuple[str, ...], condition: ConditionReceived, list_: Path | None, note: str, place: str, json_: bool,
    **site: Any,
) -> None:  # fmt: skip
    """Sign that samples that were given to this site are here, or never came: all of it, or nothing.

    \b
    yosegi sample receive riken/film-17
    yosegi sample receive riken/film-17 riken/film-18=damaged
    yosegi sample receive --list arrived.csv

    \b
    Example: yosegi sample receive nims/film-7=intact
    """
    arrived = _arrived(samples, list_, {"condition": condition, "note": note, "place": place})

    async def rest(here: Site, who: Session) -> tuple[SampleSummary, ...]:
        return await here.hand_overs.receive_all(arrived, who)

    found = _ask(site, rest, lambda client: client.samples.receive_all(arrived))
    if json_ and (list_ is not None or len(found) > 1):
        show_json(found)
        return
    for one in found:
        _shown(one, json_)


def _arrived(samples: tuple[str, ...], list_: Path | None, rest: dict[str, str]) -> tuple[ArrivedSample, ...]:
    """What came, from the command line and from a list."""
    from yosegi.services.samples.arrivals import ArrivedSample, read_arrivals

    listed = () if list_ is None else read_arrivals(read_utf8(list_))
    named = []
    for one in samples:
        name, equals, condition = one.partition("=")
        own = {"condition": condition} if equals else {}
        named.append(ArrivedSample.read({"sample": name} | rest | own, what=f"sample {name}"))
    return (*listed, *named)
