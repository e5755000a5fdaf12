"""Founding a station: its folder beside an instrument, with a key of its own and the site that it dials out to."""

from __future__ import annotations

import json
from pathlib import Path

from yosegi.app.home import Home
from yosegi.app.keyring import signer as own_signer
from yosegi.core.errors import Conflict
from yosegi.core.files import write_file
from yosegi.trust.keys import unbase64
from yosegi.trust.signer import Ed25519Signer


def make_station(folder: Path, home: Path, name: str, publish: tuple[str, ...], url: str = "") -> str:
    """Make a station's folder for the site of a home; the station's public key, base64.

    Raises:
        Conflict: there is a station in the folder already.
    """
    from yosegi.execution.station.run import FILE, KEY_FILE

    if (folder / FILE).exists():
        raise Conflict(str(folder), "is the folder of a station already", "choose another")
    settings = Home(home).settings()
    site_key = own_signer(Home(home), "site").public
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    signer = Ed25519Signer.generate()
    signer.save(folder / KEY_FILE)
    lines = {
        "site": settings.site,
        "url": url or settings.local_url,
        "name": name,
        "site_key": unbase64(site_key.public).hex(),
        "publish": list(publish),
    }
    text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in lines.items())
    write_file(folder / FILE, text.encode(), mode=0o600)
    return signer.public.public


def station_table(name: str, publish: tuple[str, ...], key: str) -> str:
    """What a site's `site.toml` says of a station, by its name, what it publishes and its public key."""
    return f'[station.{name}]\npublish = {json.dumps(list(publish))}\nkey = "{key}"'
