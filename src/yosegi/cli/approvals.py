"""`yosegi approval`: what waits for a person, and the person's yes or no."""

from __future__ import annotations

import secrets
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from yosegi.cli._files import output, write_output
from yosegi.cli._lazy import WholeGroup
from yosegi.cli.connection import client_of, own_key, person_in, with_site
from yosegi.cli.output import as_json, explained, say, show_json, show_table
from yosegi.cli.task_names import full_name
from yosegi.core.clock import SystemClock, parse_timestamp
from yosegi.core.errors import Invalid

if TYPE_CHECKING:
    from yosegi.governance.mandates.approvals import Approval
    from yosegi.services.approvals.schemas import ApprovalRequest


@click.group(cls=WholeGroup)
def approval() -> None:
    """See what waits for a person's approval at a site, and give or refuse it.

    A yes is signed here with your own key, which the site does not hold: to the digests of exactly this request and
    this contract, for one start.
    """


@approval.command("list")
@with_site
@as_json
@explained
def list_(json_: bool, **site: Any) -> None:
    """List what waits for a person, the oldest first.

    \b
    Example: yosegi approval list
    """
    found = client_of(**site).tasks.awaiting_approval()
    if json_:
        show_json(found)
        return
    columns = ("task", "capability", "for", "cost at most", "asked")
    rows = ((_short(a.task), a.capability, _who(a), _amounts(a.cost), a.asked[:19]) for a in found)
    show_table(columns, rows, empty="nothing waits for a person")


@approval.command()
@click.argument("name")
@with_site
@as_json
@explained
def show(name: str, json_: bool, **site: Any) -> None:
    """Show what exactly a task asks; NAME is home/key, the key's beginning is enough.

    \b
    Example: yosegi approval show argonne/k7
    """
    client = client_of(**site)
    asked = client.tasks.asked(full_name(client, name))
    if json_:
        show_json(asked)
    else:
        _say(asked)


@approval.command()
@click.argument("name")
@click.option(
    "--hours", type=float, help="How long the yes counts before the start; as long as the request if not given."
)
@click.option("--yes", is_flag=True, help="Do not ask whether you mean it.")
@output(required=False, help="Write the signed yes to this file, to hand it in on a page.")
@with_site
@as_json
@explained
def give(name: str, hours: float | None, yes: bool, out: Path | None, json_: bool, **site: Any) -> None:
    """Approve one task, signed with your own key: the file given by --key, or the one in the home folder.

    What is asked is shown first. The yes counts once, for exactly this, until the start or until it runs out.

    \b
    Example: yosegi approval give argonne/k7
    """
    client = client_of(**site)
    full = full_name(client, name)
    asked = client.tasks.asked(full)
    signer = own_key(site["home"], site["person"], site["key"])
    if not yes and not json_:
        _say(asked)
        click.confirm("Let it start?", abort=True)
    document = _document(asked, _person(site), hours)
    envelope = document.sign(signer)
    if out is not None:
        write_output(out, envelope.to_bytes())
        say(f"{out}: signed; nothing was handed in")
        return
    answer = client.tasks.approve(full, envelope)
    if json_:
        show_json(answer.plain() | {"approval": document.id})
    else:
        say(f"approved ({document.id}); task {_short(full)} is {answer.state}")


@approval.command()
@click.argument("name")
@click.option("--why", default="", help="What the asker reads.")
@with_site
@as_json
@explained
def refuse(name: str, why: str, json_: bool, **site: Any) -> None:
    """Say no to a task that waits: it ends as refused, and your words reach the one who asked.

    \b
    Example: yosegi approval refuse argonne/k7 --why "not before the shutdown"
    """
    client = client_of(**site)
    answer = client.tasks.refuse(full_name(client, name), why)
    if json_:
        show_json(answer)
    else:
        say(f"task {_short(answer.task)} is {answer.state}")


@approval.command()
@click.argument("approval_id")
@click.option("--why", default="", help="For the record.")
@with_site
@as_json
@explained
def withdraw(approval_id: str, why: str, json_: bool, **site: Any) -> None:
    """Take an approval back that was not used yet; the task waits again.

    \b
    Example: yosegi approval withdraw a7 --why "the sample is another"
    """
    answer = client_of(**site).tasks.withdraw_approval(approval_id, why)
    if json_:
        show_json(answer)
    else:
        say(f"approval {approval_id} is withdrawn")


def _person(site: dict[str, Any]) -> str:
    if site["person"]:
        return str(site["person"])
    if site["key"] is None and site["home"] is not None:
        return person_in(site["home"])
    raise Invalid("the command", "nobody is named", "give --as, e.g. --as operator@nims")


def _document(asked: ApprovalRequest, person: str, hours: float | None) -> Approval:
    from yosegi.governance.mandates.approvals import LONGEST, Approval

    now = SystemClock().now()
    end = min(parse_timestamp(asked.not_after), now + LONGEST)
    if hours is not None:
        # What is longer than any approval may be is cut before it becomes a date; `nan` is refused like -1.
        end = min(end, now + timedelta(hours=max(-1.0, min(hours, LONGEST / timedelta(hours=1)))))
    try:
        return Approval(
            charter=asked.charter,
            site=asked.site,
            id=secrets.token_hex(8),
            person=person,
            request=asked.request,
            contract=asked.contract,
            issued=now,
            not_after=end,
        )
    except ValueError:
        raise Invalid("the approval", "its request has run out, or --hours is not above 0") from None


def _say(asked: ApprovalRequest) -> None:
    lines = [
        ("task", asked.task),
        ("what", f"{asked.title} ({asked.capability}, {asked.effect}{_simulated(asked)})"),
        *(("input", f"{i.name} = {i.value}{'' if i.unit in ('', '1') else ' ' + i.unit}") for i in asked.inputs),
        ("cost at most", _amounts(asked.cost)),
        ("for", f"{_who(asked)} of {asked.team}, purpose {asked.purpose}"),
        ("campaign", asked.campaign or "none"),
        ("permitted by", ", ".join(asked.agreements) or "nothing"),
        ("waits until", asked.not_after),
        ("request", asked.request),
        ("contract", asked.contract),
        *(("approval", f"{a.id} by {a.person}: {a.state}") for a in asked.approvals),
    ]
    show_table(("", ""), lines)


def _simulated(asked: ApprovalRequest) -> str:
    return ", simulated" if asked.simulated else ""


def _who(asked: ApprovalRequest) -> str:
    return f"{asked.agent} for {asked.on_behalf_of}" if asked.agent else str(asked.on_behalf_of)


def _amounts(amounts: dict[str, str]) -> str:
    return ", ".join(f"{value} {unit}" for unit, value in amounts.items()) or "nothing"


def _short(task: str) -> str:
    home, _, key = task.partition("/")
    return f"{home}/{key[:13]}"
