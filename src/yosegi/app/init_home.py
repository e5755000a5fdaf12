"""Making the home of a site: folder, keys, settings, and the documents that join it to a charter."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from yosegi.app.home import Home
from yosegi.app.keyring import remember, signers
from yosegi.core.clock import Clock
from yosegi.core.errors import Conflict, Invalid
from yosegi.core.files import write_file
from yosegi.governance.charter.charter import Charter
from yosegi.governance.charter.statement import RENEWED, Carried, Listens, Outbound, Reach, Revoked, Statement
from yosegi.trust.envelope import Envelope
from yosegi.trust.keys import PublicKey
from yosegi.trust.sealed import Unsealer
from yosegi.trust.signer import Ed25519Signer, MlDsa65Signer, Signer

_KEYS: dict[str, type[Ed25519Signer] | type[MlDsa65Signer] | type[Unsealer]] = {
    "site.key": Ed25519Signer,
    "site-pq.key": MlDsa65Signer,
    "governance.key": Ed25519Signer,
    "governance-pq.key": MlDsa65Signer,
    "sealing.key": Unsealer,
}


def make_home(folder: Path, settings: dict[str, object]) -> Home:
    """A new home: settings, an online key, a sealing key and a governance key; each that signs in both algorithms.

    The governance keys belong offline; `yosegi site doctor` says so while they lie here.

    Raises:
        Conflict: there is a home already; nothing was changed.
        Invalid: the settings do not hold; nothing was made.
    """
    from yosegi.app.settings import Settings

    home = Home(folder)
    taken = Conflict(f"{folder}", "is the home of a site already", "choose another folder")
    if home.settings_file.exists():
        raise taken
    Settings.read(settings, what=f"the settings of {folder}")
    for sub in (folder, home.keys, home.policy, home.stations):
        sub.mkdir(mode=0o700, parents=True, exist_ok=True)
        sub.chmod(0o700)
    try:
        write_file(home.settings_file, _toml(settings).encode(), mode=0o600)
    except Invalid as error:
        # Somebody else's command was faster.
        raise taken if isinstance(error.__cause__, FileExistsError) else error from None
    made = [home.settings_file]
    try:
        for name, kind in _KEYS.items():
            kind.generate().save(home.keys / name)
            made.append(home.keys / name)
        remember(home, [signer.public for signer in signers(home, "site")] if "key" not in settings else [])
    except BaseException:
        # Half a home would be taken for one. The settings go last: while they stand, nobody else makes one here.
        for path in reversed(made):
            path.unlink(missing_ok=True)
        raise
    return home


def make_governance_keys(folder: Path) -> tuple[PublicKey, ...]:
    """A further pair of governance keys in a new folder, one of each algorithm, that only its owner may read.

    Raises:
        Conflict: there are keys in the folder already.
    """
    files: dict[str, type[Ed25519Signer] | type[MlDsa65Signer]] = {
        "governance.key": Ed25519Signer,
        "governance-pq.key": MlDsa65Signer,
    }
    if any((folder / name).exists() for name in files):
        raise Conflict(str(folder), "holds governance keys already", "choose another folder")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = [(kind.generate(), folder / name) for name, kind in files.items()]
    for signer, path in made:
        signer.save(path)
    return tuple(signer.public for signer, _ in made)


def draft_statement(
    home: Home,
    charter: Charter,
    clock: Clock,
    serial: int,
    *,
    keys: Sequence[PublicKey] = (),
    revoked: Sequence[Revoked] = (),
) -> Statement:
    """The site's own statement under a charter, not signed yet; arguments as for `state`.

    Raises:
        Invalid, LooseKeyFile: an online key is not where the settings say.
    """
    from yosegi.services.document_kinds import FORMATS

    settings = home.settings()
    stated = tuple(keys) or tuple(one.public for one in signers(home, "site"))
    remember(home, stated)
    now = clock.now()
    renewable = min(now + timedelta(days=365), charter.expires)
    reach: Reach = Carried()
    if settings.reach == "listens":
        reach = Listens(url=settings.url)
    elif settings.reach == "outbound":
        reach = Outbound(mailbox=settings.mailbox)
    return Statement(
        charter=charter.id,
        site=settings.site,
        serial=serial,
        issued=now,
        not_after=min(now + RENEWED, renewable),
        renewable_until=renewable,
        keys=stated,
        revoked=tuple(revoked),
        sealing=Unsealer.load(home.keys / "sealing.key").public,
        reach=reach,
        formats=FORMATS,
        identity_provider=settings.oidc.issuer if settings.oidc is not None else None,
    )


def state(
    home: Home,
    charter: Charter,
    clock: Clock,
    serial: int,
    *,
    keys: Sequence[PublicKey] = (),
    revoked: Sequence[Revoked] = (),
    governance: Sequence[Signer] = (),
) -> Envelope:
    """The site's own statement under a charter, signed with its governance keys.

    It is good for thirty days, and the running site renews it for at most a year, or until the charter ends.

    Args:
        home: the site's.
        charter: under which.
        clock: dates it.
        serial: above that of the last one.
        keys: the online keys it names; those in the home, if none is given.
        revoked: every key that was ever withdrawn.
        governance: the keys that sign it; those in the home, if none is given.

    Raises:
        Invalid, LooseKeyFile: a key is not where the settings say.
    """
    statement = draft_statement(home, charter, clock, serial, keys=keys, revoked=revoked)
    member = charter.member(statement.site)
    named = {key.key_id for key in member.keys} if member is not None else set()
    offline = governance or signers(home, "governance")
    return statement.sign(*([one for one in offline if one.public.key_id in named] or offline))


def _toml(value: dict[str, object], prefix: str = "") -> str:
    """Settings as TOML: scalars first, then tables. JSON's scalars and lists are TOML's, too."""
    lines = [f"{key} = {json.dumps(item)}" for key, item in value.items() if not isinstance(item, dict)]
    for key, item in value.items():
        if isinstance(item, dict):
            lines += ["", f"[{prefix}{key}]", _toml(item, f"{prefix}{key}.").rstrip()]
    return "\n".join(lines) + "\n"
