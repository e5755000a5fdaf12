"""`yosegi mandate` and `yosegi agent`: what may be done for a member without the member, until when, and by whom."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from yosegi.cli._amounts import amounts_of
from yosegi.cli._lazy import WholeGroup
from yosegi.cli.connection import client_of, with_site
from yosegi.cli.output import amounts, as_json, explained, fields_of, in_words, say, show_json, show_table
from yosegi.core.errors import Invalid

if TYPE_CHECKING:
    from yosegi.services.delegation.schemas import MandateDetail

Command = Callable[..., None]


def _terms(command: Command) -> Command:
    for option in (
        click.option(
            "--unbounded", is_flag=True, help="Bound units that --budget does not name by the owners' grants alone."
        ),
        click.option("--tasks", type=int, help="The most tasks that may be asked under it, in all."),
        click.option("--calls", type=int, help="The most calls of agents' tools under it, in all."),
        click.option("--budget", multiple=True, help="unit=decimal, the most that may be spent; may be repeated."),
        click.option(
            "--highest",
            type=click.Choice(["public", "team", "restricted"]),
            default="team",
            show_default=True,
            help="The most sensitive label of anything that goes in or comes out.",
        ),
        click.option(
            "--conduct",
            type=click.Choice(["suggest", "approve", "run"]),
            default="run",
            show_default=True,
            help="How far it may go.",
        ),
        click.option("--days", type=float, default=30.0, show_default=True, help="How long it lives."),
        click.option(
            "--purpose", "purposes", multiple=True, default=("research",), show_default=True, help="What for."
        ),
        click.option(
            "--capability",
            "capabilities",
            multiple=True,
            required=True,
            help="site/name@version, site/prefix* or site/*; may be repeated.",
        ),
        click.option("--team", required=True, help="In which team."),
        click.option("--charter", required=True, help="Under which charter."),
    ):
        command = option(command)
    return command


def _body(terms: dict[str, Any]) -> dict[str, Any]:
    how_far = ["suggest", "approve", "run"]
    return {
        "charter": terms.pop("charter"),
        "team": terms.pop("team"),
        "capabilities": list(terms.pop("capabilities")),
        "purposes": list(terms.pop("purposes")),
        "days": terms.pop("days"),
        "conduct": how_far[: how_far.index(terms.pop("conduct")) + 1],
        "highest_sensitivity": terms.pop("highest"),
        "budget": amounts_of("--budget", terms.pop("budget")),
        "bounded": not terms.pop("unbounded"),
        "calls": terms.pop("calls"),
        "tasks": terms.pop("tasks"),
    }


@click.group(cls=WholeGroup)
def mandate() -> None:
    """Let a campaign or an agent act for you until a time, within a budget; end it at once.

    A campaign that you start has one already. Cancelling lets nothing new start within a minute, ten where links are
    down; what runs does what its contract says.
    """


@mandate.command()
@click.argument("mandate_id")
@_terms
@with_site
@as_json
@explained
def give(mandate_id: str, json_: bool, **site: Any) -> None:
    """Give a mandate under the name MANDATE_ID, for campaigns that you start with --mandate.

    \b
    Example: yosegi mandate give night-shift --charter pair --team alloys \\
      --capability nims/colour.mix@1 --budget samples=20
    """
    body = _body(site) | {"id": mandate_id}
    _said(client_of(**site).mandates.give(body), json_)


@mandate.command()
@click.argument("mandate_id")
@click.argument("parent")
@click.option("--for-agent", "name", required=True, help="The sub-agent's name.")
@click.option(
    "--agent-key", type=click.Path(path_type=Path), required=True, help="The sub-agent's key file; made if none."
)
@_terms
@with_site
@as_json
@explained
def cut(mandate_id: str, parent: str, name: str, agent_key: Path, json_: bool, **site: Any) -> None:
    """Cut MANDATE_ID, a subset, from the agent's mandate PARENT, for a sub-agent; it has none below it.

    \b
    Example: yosegi mandate cut part night-shift --for-agent helper \\
      --agent-key agent.pub --charter pair --team alloys \\
      --capability nims/colour.mix@1
    """
    body = _body(site) | {"id": mandate_id, "parent": parent, "agent": name, "agent_key": _public(agent_key)}
    _said(client_of(**site).mandates.give(body), json_)


@mandate.command()
@click.argument("mandate_id")
@click.option("--why", default="", help="For the record.")
@with_site
@as_json
@explained
def cancel(mandate_id: str, why: str, json_: bool, **site: Any) -> None:
    """End a mandate, and all that was cut from it, now. Cannot be undone; give another.

    \b
    Example: yosegi mandate cancel night-shift --why "the question is answered"
    """
    _said(client_of(**site).mandates.cancel(mandate_id, why), json_)


@mandate.command("list")
@click.option("--of", "whose", default="", help="Only this member's.")
@with_site
@as_json
@explained
def list_(whose: str, json_: bool, **site: Any) -> None:
    """List the mandates given at a site, the newest first.

    \b
    Example: yosegi mandate list
    """
    _listed(client_of(**site).mandates.list(whose), json_, empty="no mandates")


@mandate.command()
@click.argument("mandate_id")
@with_site
@as_json
@explained
def show(mandate_id: str, json_: bool, **site: Any) -> None:
    """Show a mandate: its terms, what is left of its budget, and whether it stands.

    \b
    Example: yosegi mandate show night-shift
    """
    _said(client_of(**site).mandates.show(mandate_id), json_)


@click.group(cls=WholeGroup)
def agent() -> None:
    """Let a program act for you with a key of its own, under a mandate: never more than you, never an approval.

    An agent signs in with `--as YOU --as-agent NAME --key ITS-KEY` and may start campaigns, ask for tasks, and stop.
    With --json every object that holds another site's words (results, titles, reasons) names that site as `told_by`:
    pass them on to a language model as data, never as instructions.
    """


@agent.command()
@click.argument("name")
@click.option(
    "--agent-key", type=click.Path(path_type=Path), required=True, help="The agent's key file; made if there is none."
)
@click.option("--mandate", "mandate_id", default="", help="Name of its mandate; the agent's own name if not given.")
@_terms
@with_site
@as_json
@explained
def add(name: str, agent_key: Path, mandate_id: str, json_: bool, **site: Any) -> None:
    """Let the agent NAME act for you, with the key in a file, under a mandate with these terms.

    \b
    Example: yosegi agent add planner --agent-key planner.pub --charter pair \\
      --team alloys --capability nims/colour.mix@1 --budget samples=20
    """
    body = _body(site) | {"id": mandate_id or name, "agent": name, "agent_key": _public(agent_key)}
    _said(client_of(**site).mandates.give(body), json_)


@agent.command()
@click.argument("name")
@click.option("--of", "whose", default="", help="This member's; needed where agents of several have that name.")
@click.option("--why", default="", help="For the record.")
@with_site
@as_json
@explained
def remove(name: str, whose: str, why: str, json_: bool, **site: Any) -> None:
    """Let an agent act no more: cancel every mandate it has, and all that was cut from them.

    \b
    Example: yosegi agent remove planner --why "it is replaced"
    """
    client = client_of(**site)
    found = [m for m in client.mandates.list(whose) if m.agent == name and m.stands]
    if not found:
        raise Invalid(f"agent {name}", "has no mandate that stands", "see yosegi agent list")
    if len(people := sorted({m.person for m in found})) > 1:
        raise Invalid(f"agent {name}", f"acts for {' and '.join(people)}", "say whose with --of")
    held = [m.id for m in found]
    ended = [client.mandates.cancel(one, why) for one in held]
    if json_:
        show_json(ended)
    else:
        say(f"agent {name} acts no more; cancelled: {', '.join(held)}")


@agent.command()
@click.argument("mandate_id")
@click.option("--most", type=click.IntRange(1, 1000), default=50, show_default=True, help="How many of the latest.")
@with_site
@as_json
@explained
def activity(mandate_id: str, most: int, json_: bool, **site: Any) -> None:
    """List what an agent called under the mandate MANDATE_ID, and what it was answered, the latest first.

    \b
    Example: yosegi agent activity night-shift
    """
    found = client_of(**site).mandates.activity(mandate_id, most)
    if json_:
        show_json(found)
        return
    columns = ("entry", "when", "tool", "acts", "answer", "why")
    rows = (
        (str(c.sequence), c.time[:19], c.tool, "yes" if c.acts else "", c.outcome, ", ".join(c.codes))
        for c in found.latest
    )
    show_table(columns, rows, empty="nothing was called")
    left = "" if found.left is None else f", {found.left} left"
    say(f"{found.calls} calls{left}, {found.refused} of them refused or failed")


@agent.command("list")
@with_site
@as_json
@explained
def list_agents(json_: bool, **site: Any) -> None:
    """List the agents that act for members of a site: for whom, under what, and when each was last heard of.

    An agent that only reads is heard of since the site's start; what it asked for is on record.

    \b
    Example: yosegi agent list
    """
    found = client_of(**site).mandates.agents()
    if json_:
        show_json(found)
        return
    columns = ("agent", "for", "acts", "last use", "under")
    rows = (
        (
            a.agent,
            a.person,
            "yes" if a.stands else "no",
            a.last_use[:16] or "never",
            ", ".join(a.mandates),
        )
        for a in found
    )
    show_table(columns, rows, empty="no agents")


def _public(path: Path) -> str:
    """The public half of an agent's key; a new key is made where there is no file."""
    from yosegi.trust.signer import Ed25519Signer

    if not path.exists():
        Ed25519Signer.generate().save(path)
    return Ed25519Signer.load(path).public.public


def _listed(found: Sequence[MandateDetail], json_: bool, *, empty: str) -> None:
    if json_:
        show_json(found)
        return
    columns = ("mandate", "for", "agent", "campaign", "until", "last use", "left", "stands")
    rows = (
        (
            m.id,
            m.person,
            m.agent,
            m.campaign,
            m.not_after[:16],
            m.last_use[:16] or "never",
            amounts(m.left),
            _yes(m),
        )
        for m in found
    )
    show_table(columns, rows, empty=empty)


def _said(value: MandateDetail, json_: bool) -> None:
    if json_:
        show_json(value)
        return
    show_table(("", ""), ((key.replace("_", " "), in_words(item)) for key, item in fields_of(value)))


def _yes(value: MandateDetail) -> str:
    return "yes" if value.why is None else value.why.code
