"""The keys of one site and where they live: in files of its home, or in hardware that its settings name."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from yosegi.core.errors import Invalid
from yosegi.core.files import write_file
from yosegi.core.values import Value
from yosegi.trust.envelope import Envelope
from yosegi.trust.keys import PublicKey
from yosegi.trust.pkcs11 import Pkcs11Signer, Slot
from yosegi.trust.signer import Ed25519Signer, MlDsa65Signer, Signer, read_private

if TYPE_CHECKING:
    from yosegi.app.home import Home
    from yosegi.app.settings import KeySettings, LedgerSettings, MetricsSettings, OidcSettings, Settings

Which = Literal["site", "governance"]


NEXT: dict[str, type[Ed25519Signer] | type[MlDsa65Signer]] = {
    "next-site-pq.key": MlDsa65Signer,
    "next-site.key": Ed25519Signer,
}
"""Files of the keys that are to come; the one whose change is seen first comes last."""


class EarlierKey(Value):
    """Public halves of every online key a site ever had: they verify what was signed with them."""

    format: Literal["yosegi.keys.v1"] = "yosegi.keys.v1"
    keys: tuple[PublicKey, ...] = ()


class Successions(Value):
    """The file of an earlier key's word for the next, one after the other."""

    format: Literal["yosegi.successions.v1"] = "yosegi.successions.v1"
    successions: tuple[Envelope, ...] = ()


def signer(home: Home, which: Which) -> Signer:
    """The Ed25519 key of a site: `site` signs while it runs, `governance` for its institution.

    Raises:
        Invalid, LooseKeyFile: it is not where the settings say.
    """
    hardware = home.settings().key.get(which)
    if hardware is None:
        path = home.keys / f"{which}.key"
        if which == "governance" and not path.exists():
            raise Invalid(f"the governance key of {home.folder}", "it does not lie in keys/", "bring it: --key FILE")
        return Ed25519Signer.load(path)
    return Pkcs11Signer(slot_of(hardware), lambda: read_pin(home, hardware))


def lasting(home: Home, which: Which) -> Signer | None:
    """The ML-DSA-65 key beside it, for what must be believed in twenty years; None where a home has none."""
    path = home.keys / f"{which}-pq.key"
    return MlDsa65Signer.load(path) if path.exists() else None


def signers(home: Home, which: Which) -> tuple[Signer, ...]:
    """Both of them, the Ed25519 key first."""
    second = lasting(home, which)
    return (signer(home, which),) if second is None else (signer(home, which), second)


def earlier_keys(home: Home) -> tuple[PublicKey, ...]:
    """Online keys of this site that were laid down.

    Raises:
        Invalid: the file is damaged.
    """
    path = home.keys / "earlier.json"
    return EarlierKey.read(path.read_bytes(), what=str(path)).keys if path.exists() else ()


def remember(home: Home, keys: Iterable[PublicKey]) -> None:
    """Note online keys of this site, so that what they sign can be verified when they were laid down."""
    known = earlier_keys(home)
    new = [key for key in keys if key not in known]
    if new:
        path = home.keys / "earlier.json"
        write_file(path, EarlierKey(keys=(*known, *new)).to_bytes(), overwrite=True)


def begin_next(home: Home) -> tuple[Signer, ...]:
    """New online keys beside those in use; the same again until `take_next`."""
    for name, kind in NEXT.items():
        if not (home.keys / name).exists():
            kind.generate().save(home.keys / name)
    return tuple(kind.load(home.keys / name) for name, kind in NEXT.items())


def take_next(home: Home) -> None:
    """The new keys take the place of those in use, which are gone then; their public halves are remembered."""
    remember(home, [one.public for one in signers(home, "site")])
    for name in NEXT:
        if (home.keys / name).exists():
            (home.keys / name).replace(home.keys / name.replace("next-", ""))


def note_succession(home: Home, old: Signer, new: PublicKey, now: datetime) -> None:
    """Have the online key that is laid down give its word for the next one: the site's stations know it alone."""
    from yosegi.execution.engines.station.documents import MOST_SUCCESSIONS, KeySuccession

    document = KeySuccession(site=home.settings().site, key=new, issued=now)
    known = [*successions(home), document.sign(old)][-MOST_SUCCESSIONS:]
    write_file(home.keys / "successions.json", Successions(successions=tuple(known)).to_bytes(), overwrite=True)


def successions(home: Home) -> tuple[Envelope, ...]:
    """The words of earlier online keys for those that followed, the oldest first.

    Raises:
        Invalid: the file is damaged.
    """
    path = home.keys / "successions.json"
    return Successions.read(path.read_bytes(), what=str(path)).successions if path.exists() else ()


def slot_of(hardware: KeySettings) -> Slot:
    """Where in hardware a key is."""
    return Slot(hardware.module, hardware.token, hardware.label)


def read_pin(home: Home, hardware: KeySettings) -> str:
    """The PIN of a token.

    Raises:
        LooseKeyFile: others could read its file.
        Invalid: it is not where the settings say; the message holds nothing of it.
    """
    return _secret(home, hardware.pin_env, hardware.pin_file, "PIN", "put the token's user PIN there, and nothing else")


def read_client_secret(home: Home, oidc: OidcSettings) -> str:
    """The secret by which a provider knows this site; empty for a public client.

    Raises:
        LooseKeyFile, Invalid: as `read_pin`.
    """
    if not oidc.client_secret_env and not oidc.client_secret_file:
        return ""
    todo = "put the client's secret there, and nothing else"
    return _secret(home, oidc.client_secret_env, oidc.client_secret_file, "secret", todo)


def read_ledger_password(home: Home, ledger: LedgerSettings) -> str:
    """The password of the ledger's database role; empty where the server knows the site otherwise.

    Raises:
        LooseKeyFile, Invalid: as `read_pin`.
    """
    if not ledger.password_env and not ledger.password_file:
        return ""
    todo = "put the database role's password there, and nothing else"
    return _secret(home, ledger.password_env, ledger.password_file, "password", todo)


def read_metrics_token(home: Home, metrics: MetricsSettings) -> str:
    """The token that whoever collects figures shows.

    Raises:
        LooseKeyFile, Invalid: as `read_pin`.
    """
    todo = "put a long random text there, e.g. of `openssl rand -hex 32`"
    return _secret(home, metrics.token_env, metrics.token_file, "token", todo)


def _secret(home: Home, variable: str, file: str, what: str, todo: str) -> str:
    if variable:
        found, where = os.environ.get(variable, ""), f"environment variable {variable}"
    else:
        path = home.folder / file
        found, where = read_private(path).decode("utf-8", "replace").strip(), str(path)
    if not found:
        raise Invalid(where, f"holds no {what}", todo)
    return found


def where_keys_live(home: Home, settings: Settings) -> Mapping[str, str]:
    """For each key of a site, where it is, for people; nothing is opened."""
    found = {path.name: f"file, mode {path.stat().st_mode & 0o777:o}" for path in sorted(home.keys.glob("*.key"))}
    return found | {which: str(slot_of(hardware)) for which, hardware in settings.key.items()}


def loose(paths: list[Path]) -> list[Path]:
    """Those that others than their owner may use."""
    return [path for path in paths if path.stat().st_mode & 0o077]


def unused(home: Home) -> list[str]:
    """Keys that lie in a file though the settings name one in hardware instead."""
    return [which for which in home.settings().key if (home.keys / f"{which}.key").exists()]
