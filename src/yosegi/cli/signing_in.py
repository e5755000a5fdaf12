"""`yosegi sign-in`: through the browser, however the site lets people in, and kept for the commands that follow."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from yosegi.cli.output import explained, say
from yosegi.core.errors import Invalid, Unavailable
from yosegi.core.files import write_file

if TYPE_CHECKING:
    from yosegi.client.client import Client

Url = click.option("--url", envvar="YOSEGI_URL", required=True, help="The site's address.")


@click.command("sign-in")
@Url
@click.option("--open/--no-open", "open_", default=True, help="Open the page in this machine's browser.")
@explained
def sign_in(url: str, open_: bool) -> None:
    """Sign in at a site through its pages: with your institution's account, or with a passphrase.

    Shows a code and a page. Open the page, sign in there, compare the code and confirm. The commands that follow use
    this sign-in for twelve hours, whether or not the site restarts; it is kept in a file that only you can read. It
    ends with `yosegi sign-out`, and with your account.

    \b
    Example: yosegi sign-in --url https://yosegi.riken.example
    """
    import webbrowser

    from yosegi.client.client import connect

    asked = connect(url).begin_browser_sign_in()
    page = f"{url.rstrip('/')}/{asked.page}"
    say(f"open {page}\nand confirm the code {asked.code}")
    if open_:
        webbrowser.open(page)
    keep(url, wait(connect(url), asked.secret))
    say(f"signed in at {url}")


@click.command("sign-out")
@Url
@explained
def sign_out(url: str) -> None:
    """End the sign-in at a site that `yosegi sign-in` kept here.

    Where the site cannot be reached it is forgotten here, and ends there by itself within twelve hours.

    \b
    Example: yosegi sign-out --url https://yosegi.riken.example
    """
    from yosegi.client.client import SiteRefused, connect

    sessions = _read()
    token = sessions.pop(url.rstrip("/"), "")
    _write(sessions)
    try:
        if token:
            connect(url, token=token).sign_out()
    except Unavailable as error:
        say(f"forgotten here; there it ends within twelve hours: {error}")
    except SiteRefused:
        say(f"it had ended at {url} already; forgotten here")
    else:
        say(f"signed out at {url}")


def wait(client: Client, secret: str, patience: float = 600.0) -> str:
    """The token, as soon as the person has confirmed in the browser.

    Raises:
        Unavailable: nobody did.
    """
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if token := client.collect_browser_sign_in(secret).token:
            return str(token)
        time.sleep(1.0)
    raise Unavailable("the sign-in", "nobody confirmed it in the browser", "begin again: yosegi sign-in")


def kept(url: str) -> str:
    """The token kept for a site; empty if there is none."""
    return _read().get(url.rstrip("/"), "")


def keep(url: str, token: str) -> None:
    """Keep a token for the commands that follow."""
    _write(_read() | {url.rstrip("/"): token})


def _file() -> Path:
    folder = os.environ.get("XDG_STATE_HOME", "") or str(Path.home() / ".local" / "state")
    return Path(folder) / "yosegi" / "sessions.json"


def _read() -> dict[str, str]:
    path = _file()
    if not path.exists():
        return {}
    if path.stat().st_mode & 0o077:
        raise Invalid(str(path), "others may read it", f"chmod 600 {path}")
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise Invalid(str(path), "is damaged", "delete it and sign in again")
    return {str(url): str(token) for url, token in value.items()}


def _write(sessions: dict[str, str]) -> None:
    path = _file()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_file(path, json.dumps(sessions).encode(), overwrite=True, mode=0o600)
