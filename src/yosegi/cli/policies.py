"""`yosegi policy`: what may be done and why not, before anybody asks; and the site's own rules."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from yosegi.app.home import Home
from yosegi.cli._lazy import WholeGroup
from yosegi.cli.connection import client_of, with_home, with_site
from yosegi.cli.home_site import run_locally_or_remotely
from yosegi.cli.output import as_json, explained, say, show_json, show_table
from yosegi.core.clock import SystemClock, timestamp
from yosegi.core.errors import Invalid
from yosegi.core.files import read_utf8

if TYPE_CHECKING:
    from yosegi.core.reasons import Language
    from yosegi.identity.accounts import Session
    from yosegi.services.governance.schemas import AccessLine, OwnerAnswer, PolicyAnswer, PolicyWarnings
    from yosegi.services.runtime import Site
    from yosegi.trust.explanation import Explanation

Question = (
    click.argument("capability"),
    click.option("--of", "person_about", default="", help="Who would; who asks, if nobody is named."),
    click.option("--team", default="", help="In which team; the person's only one, if none is named."),
    click.option("--charter", default="", help="Under which charter; the site's only one, if none is named."),
    click.option("--purpose", default="research", show_default=True, help="What for."),
    click.option("--action", default="", help="request, accept, dispatch, release, approve …"),
    click.option("--conduct", default="run", show_default=True, help="suggest, approve or run."),
    click.option("--sensitivity", default="public", show_default=True, help="Of what goes in."),
    click.option("--of-agent", "agent", default=None, help="The program that would; the one that asks, if one does."),
    click.option("--model", default=None, help="The language model's endpoint that would see it."),
    click.option("--approved", is_flag=True, help="As if a person had approved it."),
    click.option("--lang", type=click.Choice(["en", "ja"]), default="en", show_default=True, help="Of the reasons."),
)


def asking(command: Any) -> Any:
    """The options that make a question."""
    for option in reversed(Question):
        command = option(command)
    return command


@click.group(cls=WholeGroup)
def policy() -> None:
    """Ask before you act; look after the site's own rules.

    \b
    yosegi policy explain nims/colour.mix@1
    yosegi policy what-if nims/colour.mix@1 --add agreement.toml
    yosegi policy access             everything you may use, and why not the rest
    yosegi policy publish            take the rules in the home's policy/
    """


@policy.command()
@asking
@with_site
@as_json
@explained
def explain(json_: bool, **given: Any) -> None:
    """Explain what policy would answer about CAPABILITY (site/name@version), and what would have to change.

    The home site answers for its own policy, and asks the owner what it would say, its own forbids with it. Asking has
    no effect there. Where the owner does not answer at once, its last answer is shown with its date.

    \b
    --as PERSON, --as-agent AGENT     who asks
    --of PERSON, --of-agent AGENT     about whom

    \b
    Example: yosegi policy explain nims/colour.mix@1 --team alloys
    """
    question, lang, site = _parts(given)
    answer = client_of(**site).explain(**question)
    if json_:
        show_json(answer)
    else:
        say(_said(answer, lang))


@policy.command("what-if")
@asking
@click.option(
    "--add", "added", type=click.Path(exists=True, path_type=Path), multiple=True, help="An agreement's TOML."
)
@click.option("--without", multiple=True, help="The name of an agreement to be dropped.")
@click.option("--rules", type=click.Path(exists=True, file_okay=False, path_type=Path), help="A folder of *.cedar.")
@with_site
@as_json
@explained
def what_if(added: tuple[Path, ...], without: tuple[str, ...], rules: Path | None, json_: bool, **given: Any) -> None:
    """Say what policy would answer if agreements were added or dropped, or other rules held. Nothing is changed.

    The owner is asked, too: what it would say if those agreements were in force. Other --rules are this site's own.

    \b
    Example: yosegi policy what-if nims/colour.mix@1 --without alloys-2026
    """
    question, lang, site = _parts(given)
    change: dict[str, Any] = {"add": [_agreement(path) for path in added], "without": list(without)}
    if rules is not None:
        change["rules"] = {path.name: read_utf8(path) for path in sorted(rules.glob("*.cedar"))}
    answer = client_of(**site).what_if(**question | change)
    if json_:
        show_json(answer)
    else:
        say(f"now:  {_said(answer.now, lang)}\nthen: {_said(answer.then, lang)}")


def _agreement(path: Path) -> dict[str, Any]:
    from yosegi.app.dated_files import read_toml

    now = SystemClock().now()
    dates = {"valid_from": timestamp(now), "valid_until": timestamp(now + timedelta(days=365))}
    value = dates | read_toml(path)
    value.pop("kind", None)
    return value


def _parts(given: dict[str, Any]) -> tuple[dict[str, Any], Language, dict[str, Any]]:
    site = {name: given.pop(name) for name in ("home", "url", "key", "passphrase", "as_agent")}
    # `--as` says who asks, `--of` about whom.
    lang, about, who = given.pop("lang"), given.pop("person_about", ""), given.pop("person")
    question = {name: value for name, value in given.items() if value is not None}
    return question | ({"person": about} if about else {}), lang, site | {"person": who}


def _said(answer: PolicyAnswer, lang: Language) -> str:
    what = f"{answer.person} in {answer.team}, {answer.action} {answer.capability} for {answer.purpose}"
    if answer.allow:
        here = [f"{what}: allowed by {', '.join(answer.agreements)}"]
    else:
        here = [f"{what}: refused", *_reasons(answer.reasons, lang)]
    return "\n".join([*here, *(_owner(answer.owner, lang) if answer.owner is not None else ())])


def _reasons(reasons: Iterable[Explanation], lang: Language) -> list[str]:
    said = ((reason.ja if lang == "ja" else reason.en, reason.contact) for reason in reasons)
    return [f"  {text}" + (f" ({contact})" if contact else "") for text, contact in said]


def _owner(said: OwnerAnswer, lang: Language) -> list[str]:
    """What the owner said, and when; and why it was not asked now, if it was not."""
    from yosegi.services.governance.details import owner_sentence

    lines = [owner_sentence(said, lang), *_reasons(said.reasons, lang)]
    return lines + (_reasons([said.why_not_asked], lang) if said.why_not_asked else [])


@policy.command()
@click.option("--purpose", default="", help="What for; each agreement's own first purpose, if none is named.")
@click.option("--of", "about", default="", help="Whose access; who asks, if nobody is named.")
@click.option("--lang", type=click.Choice(["en", "ja"]), default="en", show_default=True, help="Of the reasons.")
@with_site
@as_json
@explained
def access(purpose: str, about: str, lang: Language, json_: bool, **site: Any) -> None:
    """Show everything that is known here: what somebody may use in each of their teams, and why not the rest.

    The second verdict is the owner's, as it was asked within the last ten minutes.

    \b
    Example: yosegi policy access --of postdoc@riken
    """
    lines = client_of(**site).access(about, purpose)
    if json_:
        show_json(lines)
        return
    rows = ((line.team, line.capability, line.purpose, *_verdict(line, lang)) for line in lines)
    header = ("team", "capability", "purpose", "here", "the owner", "by, or why not")
    show_table(header, rows, empty="in no team, or nothing is offered to it; --of PERSON asks about somebody else")


def _verdict(line: AccessLine, lang: Language) -> tuple[str, str, str]:
    allow, theirs = (line.allow, ()) if line.owner is None else (line.owner.allow, line.owner.reasons)
    words = {True: "allowed", False: "refused", None: "not heard"}
    reasons = [reason.ja if lang == "ja" else reason.en for reason in (*line.reasons, *theirs)]
    agreements = ", ".join(line.agreements)
    return words[line.allow], words[allow], " ".join(dict.fromkeys(reasons)) or agreements


@policy.command()
@with_home
@explained
def publish(home: Path) -> None:
    """Put the rules in the home's policy/ in force, at a running site without a restart; or refuse them all.

    They are validated, and held against policy/table.toml: a list of who, what and the answer expected.

    \b
    Example: yosegi policy publish --home home
    """
    place = Home(home)
    rules, table = place.rules(), [row.model_dump(mode="json") for row in place.expectations()]

    async def rest(site: Site, who: Session) -> PolicyWarnings:
        return await site.governance.reload(rules, table, who)

    done = run_locally_or_remotely(home, rest, lambda client: client.governance.reload_policy(rules, table))
    for warning in done.warnings:
        say(f"look at: {warning}", err=True)
    files = "1 file of rules is" if len(rules) == 1 else f"{len(rules)} files of rules are"
    hold = "1 expectation holds" if len(table) == 1 else f"{len(table)} expectations hold"
    say(f"{files} in force, {hold}")


@policy.command()
@with_home
@as_json
@explained
def table(home: Path, json_: bool) -> None:
    """Show the site's table of expectations, which policies must fulfil to be published: policy/table.toml.

    \b
    [[row]]
    who = "pi@lab-a"
    team = "alloys"
    what = "lab-b/alloys.press@1"
    purpose = "teaching"
    allow = false
    reason = "purpose_not_covered"

    \b
    Example: yosegi policy table --home home
    """
    rows = Home(home).expectations()
    if json_:
        show_json([row.model_dump(mode="json") for row in rows])
        return
    if not rows and not Home(home).settings_file.exists():
        raise Invalid(str(home), "is not the home of a site", "make one: yosegi site init")
    lines = ((r.who, r.team, r.action, r.what, r.purpose, "allowed" if r.allow else "refused", r.reason) for r in rows)
    show_table(("who", "team", "action", "what", "purpose", "expected", "reason"), lines, empty="no expectations")
