"""`yosegi capability`: see what can be used, and try what would be published."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from yosegi.app.home import Home
from yosegi.cli._lazy import WholeGroup
from yosegi.cli.connection import CAPABILITIES, client_of, with_home, with_site
from yosegi.cli.output import amounts, as_json, explained, in_shell, say, show_json, show_table
from yosegi.cli.tasks import read_input
from yosegi.core.errors import Invalid

if TYPE_CHECKING:
    from yosegi.services.capabilities.schemas import ContractDetail


@click.group(cls=WholeGroup)
def capability() -> None:
    """See what the federation can do, and what a function of yours would promise."""


@capability.command("list")
@with_site
@as_json
@explained
def list_(json_: bool, **site: Any) -> None:
    """List everything that can be used at a site.

    \b
    Example: yosegi capability list
    """
    found = client_of(**site).capabilities()
    if json_:
        show_json(found)
        return
    rows = ((c.ref, c.kind, c.effect, "simulated" if c.simulated else "real", amounts(c.cost), c.title) for c in found)
    show_table(("capability", "kind", "effect", "world", "cost", "title"), rows, empty="nothing is offered here yet")


@capability.command()
@click.argument("ref", shell_complete=CAPABILITIES)
@with_site
@as_json
@explained
def show(ref: str, json_: bool, **site: Any) -> None:
    """Show the contract of REF, e.g. nims/colour.mix@1.

    \b
    Example: yosegi capability show nims/colour.mix@1
    """
    contract = client_of(**site).capability(ref)
    if json_:
        show_json(contract)
    else:
        _print_contract(contract)


@capability.command("compare")
@click.argument("name")
@click.option("--input", "inputs", multiple=True, help="name=value; may be repeated. A value is JSON, or else text.")
@click.option("--owner", "owners", multiple=True, help="Ask this owner; all that offer NAME if none is named.")
@click.option("--charter", required=True, help="Under which charter.")
@click.option("--team", required=True, help="In which team.")
@click.option("--purpose", default="research", show_default=True, help="What for.")
@click.option("--wait", default=3600.0, show_default=True, help="Seconds that the last answer may take.")
@with_site
@as_json
@explained
def compare_(
    name: str, inputs: tuple[str, ...], owners: tuple[str, ...], wait: float, json_: bool, **site: Any
) -> None:
    """Ask the same of NAME, name@version, at several owners, and show their answers side by side.

    Each is a task like any other: decided, charged and on record. Seconds are from asking to the answer, with queues.

    \b
    Example: yosegi capability compare dft.relax@1 --input spacing=3.8 \\
      --charter pair --team alloys
    """
    from dataclasses import asdict

    from yosegi.cli._comparison import compare, owners_of

    terms = {word: site.pop(word) for word in ("charter", "team", "purpose")}
    client = client_of(**site)
    offered = [one.ref for one in client.capabilities()]
    asked = list(owners) or owners_of(name, offered)
    if len(asked) < 2:
        why = f"{len(asked)} owners offer it, and two are needed to compare"
        raise Invalid(f"capability {name}", why, "yosegi capability list shows what is offered")
    stated = client.capability(f"{asked[0]}/{name}")
    found = compare(client, asked, name, dict(read_input(one) for one in inputs), terms, wait)
    if json_:
        show_json([asdict(one) for one in found])
        return
    # Energy has a column where somebody's scheduler tells it.
    energy = any(one.joules is not None for one in found)
    rows = (
        (one.owner, one.state, f"{one.seconds:g}", ", ".join(f"{v} {u}" for u, v in one.charged.items()),
         *(("" if one.joules is None else f"{one.joules:.4g} J",) if energy else ()),
         ", ".join(f"{n} = {v}" for n, v in one.outputs.items()) or one.why,
         "" if one.differs is None else f"{one.differs:.3g}")
        for one in found
    )  # fmt: skip
    told = ("energy",) if energy else ()
    show_table(("owner", "state", "seconds", "charged", *told, "answer", "differs by"), rows)
    noise = stated.fidelity.noise if stated.fidelity is not None else "unknown"
    say(f"the contract of {asked[0]} states a noise of: {noise}")


@capability.command()
@click.argument("entry")
@as_json
@explained
def check(entry: str, json_: bool) -> None:
    """Show the contract that ENTRY would have: package.module:function, or a pack's name. Nothing is published.

    To publish it: yosegi capability publish.

    \b
    Example: yosegi capability check mylab.ovens:anneal
    """
    # Only here: the other commands ask a site, and need none of its services.
    import asyncio

    from yosegi.execution.engines.derivation import derive_all
    from yosegi.services.capabilities.schemas import ContractDetail

    values = [ContractDetail.of(contract.name, contract) for contract in asyncio.run(derive_all([entry])).values()]
    if json_:
        show_json(values[0] if ":" in entry else values)
        return
    for value in values:
        _print_contract(value)


@capability.command()
@with_home
@click.argument("entry")
@click.option("--station", default="", help="Which station of the site does it, if one does.")
@click.option("--engine", default="", help="Which other engine of the site does it; a process of its own if none.")
@as_json
@explained
def publish(home: Path, entry: str, station: str, engine: str, json_: bool) -> None:
    """Have a site publish ENTRY from its next start on: package.module:function, or an installed pack's name.

    \b
    yosegi capability publish mylab.ovens:anneal
    yosegi capability publish ovens

    It is imported in a worker first, and its contract shown; then it is added to `publish` in the home's site.toml. Who
    may use it is a matter of agreements. To take it back, take the line out again: what was published stays on record.

    \b
    Example: yosegi capability publish mylab.ovens:anneal --home home
    """
    import asyncio

    from yosegi.app.publishing import publish_entry
    from yosegi.services.capabilities.schemas import ContractDetail

    place = Home(home)
    site = place.settings().site
    contracts = asyncio.run(publish_entry(place, entry, station, engine))
    values = [ContractDetail.of(f"{site}/{contract.name}", contract) for contract in contracts]
    if json_:
        # A pack is several; an entry is one, and is shown as it always was.
        show_json(values[0] if ":" in entry else values)
        return
    for value in values:
        _print_contract(value)
    say(f"{home} publishes it when its site is started again: yosegi site serve --home {in_shell(home)}")
    if station:
        say(f"add it to `publish` in the folder of station {station} as well, and start that again")


@capability.command()
@click.argument("name")
@click.option("--note", required=True, help="What was found and mended; stays on record.")
@with_site
@explained
def mend(name: str, note: str, **site: Any) -> None:
    """Close every breaker of NAME, e.g. colour.mix@1, after a look at it.

    Three tasks in a row that failed, or whose effect is unknown, keep their requester from it; those of two requesters
    who do not speak for one another keep everybody from it. Until it is closed nothing of theirs starts.

    \b
    Example: yosegi capability mend colour.mix@1 --note "the nozzle was cleaned"
    """
    client_of(**site).operations.close_breaker(name, note)
    say(f"{name} takes tasks again")


def _print_contract(contract: ContractDetail) -> None:
    from yosegi.services.capabilities.terms import taken, terms_of

    say(f"{contract.ref}: {contract.title}")
    say(f"{contract.kind}, {contract.effect}, {'simulated' if contract.simulated else 'real'}")
    say(f"digest {contract.digest}\n")
    if contract.description:
        say(contract.description + "\n")
    rows = []
    for way in ("inputs", "outputs"):
        properties: Any = getattr(contract, way).get("properties", {})
        for name, schema in properties.items():
            kind = schema.get("type", "any")
            rows.append((way[:-1], name, kind, schema.get("unit", ""), taken(schema), schema.get("description", "")))
    show_table(("", "name", "type", "unit", "takes", "what it is"), rows)
    say("")
    for what, told in terms_of(contract):
        say(f"{what}: {told}")
