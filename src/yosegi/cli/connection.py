"""Which site a command speaks to, and as whom."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from yosegi.cli.output import in_shell, say
from yosegi.cli.signing_in import kept
from yosegi.core.errors import Invalid, YosegiError

if TYPE_CHECKING:
    from yosegi.client.client import Client
    from yosegi.trust.signer import Ed25519Signer

T = TypeVar("T")


def with_home(command: Callable[..., T]) -> Callable[..., T]:
    """The option that says whose folder a command works on, for commands that need the folder itself.

    It hands the command a `home` that is named: `--home`, `YOSEGI_HOME`, or the current folder if it is one.
    """

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> T:
        kwargs["home"] = kwargs["home"] or _here()
        if kwargs["home"] is None:
            raise click.UsageError(_NO_SITE.format("--home FOLDER"))
        return command(*args, **kwargs)

    return _home_option("The site's folder; the current one if it holds a site.toml.")(run)


def with_home_or_keys(command: Callable[..., T]) -> Callable[..., T]:
    """The same, where `--key` makes a home needless: whoever signs with keys from elsewhere may have none."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> T:
        kwargs["home"] = kwargs["home"] or _here()
        if kwargs["home"] is None and not kwargs["keys"]:
            raise click.UsageError(_NO_SITE.format("--home FOLDER or --key FILE"))
        return command(*args, **kwargs)

    return _home_option("The site whose keys sign, and whose charters say which may; not needed with --key.")(run)


def with_site(command: Callable[..., T]) -> Callable[..., T]:
    """The options that say which running site, and who asks.

    They hand the command a `home`, unless an address says which site it is and no home does.
    """
    return _with_site(command, "")


def with_site_unless(option: str) -> Callable[[Callable[..., T]], Callable[..., T]]:
    """The same, where an option of the command makes a site needless."""
    return partial(_with_site, needless=option)


def _with_site(command: Callable[..., T], needless: str) -> Callable[..., T]:
    @wraps(command)
    def site_named(*args: Any, **kwargs: Any) -> T:
        if not kwargs["home"] and not kwargs["url"] and not kwargs.get(needless):
            kwargs["home"] = _here()
            if kwargs["home"] is None:
                raise click.UsageError(_NO_SITE.format("--home FOLDER or --url ADDRESS"))
        return command(*args, **kwargs)

    run: Callable[..., T] = site_named
    for option in (
        click.option("--passphrase", envvar="YOSEGI_PASSPHRASE", default="", help="Sign in with this, not with a key."),
        click.option(
            "--as-agent",
            default="",
            envvar="YOSEGI_AGENT",
            help="Sign in as this agent of that person, with its key.",
        ),
        click.option("--key", type=click.Path(path_type=Path), help="The person's key file."),
        click.option("--as", "person", envvar="YOSEGI_PERSON", default="", help="Who asks, e.g. pi@argonne."),
        click.option("--url", envvar="YOSEGI_URL", default="", help="The site's address."),
        _home_option(
            "The site's folder, with its address and its people's keys; the current one if it holds a site.toml."
        ),
    ):
        run = option(run)
    return run


_NO_SITE = (
    "No site is named, and the current folder is none. Give {} (or set YOSEGI_HOME), or call it in the folder of a "
    "site, where site.toml lies. A new one is made by: yosegi site init FOLDER"
)


def _home_option(text: str) -> Callable[[Callable[..., T]], Callable[..., T]]:
    folder = click.Path(path_type=Path, file_okay=False)
    return click.option("--home", envvar="YOSEGI_HOME", show_envvar=True, type=folder, help=text)


def _here() -> Path | None:
    """The current folder, if it is the home of a site."""
    here = Path.cwd()
    return here if (here / "site.toml").is_file() else None


def client_of(
    home: Path | None, url: str, person: str, key: Path | None, passphrase: str, as_agent: str = ""
) -> Client:
    """Connect as the options say, for as long as the command runs; where they name a home and nobody, say as whom.

    One of `home` and `url` is needed; address and key that are not given are the home's. What `yosegi sign-in` kept
    outlives the command.

    Raises:
        Invalid: they do not say enough.
    """
    # What asking needs comes when something is asked: whoever reads a command's help waits for none of it.
    from yosegi.app.home import Home
    from yosegi.client.client import connect

    if as_agent and key is None:
        raise Invalid("the command", f"the agent {as_agent} signs in with a key of its own", "give --key FILE")
    if home is not None:
        url = url or Home(home).local_url()
        if key is None and not passphrase:
            key = _key_in(home, person)
            if not person:
                person = key.stem
                say_who(person, home, "; --as PERSON names another" if _takes_a_person() else "")
    if key is None and not passphrase and not person and (token := kept(url)):
        return connect(url, token=token)
    if not person:
        raise Invalid("the command", "nobody is named", "give --as, e.g. --as pi@argonne, or sign in: yosegi sign-in")
    if key is None and not passphrase:
        raise Invalid("the command", "neither key nor passphrase", "give --key FILE or --passphrase")
    return signed_in(url, person=person, key=key, passphrase=passphrase, agent=as_agent)


def signed_in(url: str, **who: Any) -> Client:
    """Sign in at a site until the command that runs has ended; `who` as `yosegi.client.client.connect` takes it."""
    from yosegi.client.client import connect

    client = connect(url, **who)
    if context := click.get_current_context(silent=True):
        context.call_on_close(partial(_sign_out, client))
    return client


def _sign_out(client: Client) -> None:
    # The command has done what it was asked; a session that cannot be ended now ends by itself within twelve hours.
    with suppress(YosegiError, OSError):
        client.sign_out()


def _takes_a_person() -> bool:
    """Whether the command that runs has the option --as."""
    context = click.get_current_context(silent=True)
    return context is None or any(parameter.name == "person" for parameter in context.command.params)


def names_of(known: Callable[[Client], Iterable[str]]) -> Callable[..., list[str]]:
    """What a shell offers for an argument that names something at a site; nothing, where that cannot be asked.

    Args:
        known: the names, of a client that is signed in.
    """

    def complete(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
        given = {name: context.params.get(name) for name in ("home", "url", "person", "key", "passphrase", "as_agent")}
        try:
            home = given["home"] or (None if given["url"] else _here())
            person = given["person"] or ("" if home is None or given["passphrase"] else person_in(home))
            words = given["passphrase"] or "", given["as_agent"] or ""
            with context:  # which nobody else enters where a word is completed, and which ends the session
                client = client_of(home, given["url"] or "", person, given["key"], *words)
                return [name for name in known(client) if name.startswith(incomplete)]
        except (YosegiError, OSError):
            return []  # whoever completes a word reads no error

    return complete


CAMPAIGNS = names_of(lambda client: [one.name for one in client.campaigns()])
"""Completes the name of a campaign."""
CAPABILITIES = names_of(lambda client: [one.ref for one in client.capabilities()])
"""Completes a capability, site/name@version."""


def say_who(person: str, home: Path, more: str = "") -> None:
    """Say once, on standard error, as whom a command acts that did not name anybody."""
    context = click.get_current_context(silent=True)
    said = {} if context is None else context.meta
    if said.setdefault("yosegi.acts_as", "") != person:
        said["yosegi.acts_as"] = person
        say(f"acting as {person}, whose key lies in {home}{more}", err=True)


def own_key(home: Path | None, person: str, key: Path | None) -> Ed25519Signer:
    """The key with which a person signs what only a person may: the file named, or the one in the home folder.

    Raises:
        Invalid: there is none.
    """
    if key is None and home is not None:
        key = _key_in(home, person)
    if key is None:
        raise Invalid("the command", "signs with your own key, and none is named", "give --key FILE")
    from yosegi.trust.signer import Ed25519Signer

    return Ed25519Signer.load(key)


def person_in(home: Path) -> str:
    """As whom a command acts that names a home and nobody: the first by name who can sign in with a key there.

    People of the site itself come before others, who may not be let in.

    Raises:
        Invalid: there is none.
    """
    return _key_in(home, "").stem


def _key_in(home: Path, person: str) -> Path:
    folder = home / "people"
    keys = sorted(folder.glob(f"{person or '*'}.key"))
    if not keys:
        who = f"key of {person}" if person else "key"
        raise Invalid(str(folder), f"no {who} there", f"make one: yosegi site account --home {in_shell(home)} PERSON")
    return keys[0] if len(keys) == 1 else min(keys, key=_order(home))


def _order(home: Path) -> Callable[[Path], tuple[bool, bool, str]]:
    """Sorts key files by whose is used where nobody is named: those who can sign in, the site's own people first."""
    from yosegi.core.toml_text import read_toml_file
    from yosegi.identity.accounts import read_accounts

    accounts = read_accounts(home / "accounts.json")
    site = read_toml_file(home / "site.toml").get("site")

    def order(key: Path) -> tuple[bool, bool, str]:
        account = accounts.get(key.stem)
        lets_in = account is not None and not account.disabled and bool(account.keys)
        return not lets_in, key.stem.rpartition("@")[2] != site, key.stem

    return order
