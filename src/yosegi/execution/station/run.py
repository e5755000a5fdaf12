"""A station as a process of its own: reads its settings, dials its site, and works until it is told to stop."""

from __future__ import annotations

import asyncio
import re
import signal
from functools import partial
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, StringConstraints

from yosegi.core import canonical
from yosegi.core.clock import Clock, SystemClock
from yosegi.core.errors import Invalid
from yosegi.core.files import write_file
from yosegi.core.identifiers import SiteId
from yosegi.core.toml_text import read_toml_file
from yosegi.core.transport import HttpTransport, Transport
from yosegi.core.values import Value
from yosegi.data import FileStore
from yosegi.execution.engines.limits import TaskLimits
from yosegi.execution.engines.station.object_channel import references
from yosegi.execution.station.executor import ProcessExecutor
from yosegi.execution.station.intents import IntentLog
from yosegi.execution.station.station import Pace, Station
from yosegi.trust.keys import PublicKey, by_id, unbase64
from yosegi.trust.signer import Ed25519Signer

FILE = "station.toml"
KEY_FILE = "station.key"


class StationFile(Value):
    """What `station.toml` says.

    Args:
        site: whose station it is.
        url: where its site listens for it.
        name: as its site knows it.
        site_key: the site's public key (Ed25519, 64 hexadecimal digits): answers signed by any other are refused.
        publish: `package.module:attribute` of what it does; also in the site's settings.
        ca_file: certificates (PEM) of an authority that is trusted beside the system's; from the station's folder.
        silence: seconds without contact after which it starts nothing new.
    """

    site: SiteId
    url: Annotated[str, StringConstraints(pattern=r"^https?://")]
    name: SiteId
    site_key: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    publish: tuple[str, ...] = Field(min_length=1)
    silence: float = Field(default=60.0, gt=0)
    ca_file: str = ""
    limits: TaskLimits = TaskLimits()

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The settings in a station's folder.

        Raises:
            Invalid: no such file, or a field that is missing, unknown or wrong.
        """
        path = folder / FILE
        try:
            return cls.read(canonical.dumps(read_toml_file(path)), what=str(path))
        except FileNotFoundError:
            raise Invalid(str(path), "does not exist", "make one with yosegi station init") from None


class HttpSiteConnection:
    """A site reached over HTTP."""

    def __init__(self, transport: Transport, address: str) -> None:
        self._transport, self._address = transport, address

    async def exchange(self, call: bytes, *, timeout: float) -> bytes:
        """See `Link.exchange`."""
        return await self._transport.call(self._address, call, timeout=timeout)


async def run_station(folder: Path, *, import_path: tuple[Path, ...] = (), pace: Pace | None = None) -> None:
    """Run the station of a folder until SIGTERM or SIGINT, which are its safe stop.

    The folder holds `station.toml`, `station.key`, the intent log and the instrument's durable state.

    Raises:
        Invalid: settings or key that do not hold.
        Unavailable: something it publishes cannot be imported, or is no capability.
        StationInUse: it runs already.
        LogFailed: its intent log cannot be used.
    """
    settings, signer, clock = StationFile.load(folder), Ed25519Signer.load(folder / KEY_FILE), SystemClock()
    site_key = PublicKey.of("ed25519", bytes.fromhex(settings.site_key))
    log = IntentLog(folder, clock)
    store = FileStore(folder / "objects")
    _tidy(store, log, clock)
    executor = ProcessExecutor(settings.publish, folder, limits=settings.limits, import_path=import_path, store=store)
    try:
        await executor.start()
        async with HttpTransport(ca_file=str(folder / settings.ca_file) if settings.ca_file else "") as transport:
            station = Station(
                name=settings.name,
                site=settings.site,
                signer=signer,
                site_keys=by_id([site_key]),
                link=HttpSiteConnection(transport, f"{settings.url.rstrip('/')}/station/v1/{settings.name}"),
                log=log,
                executor=executor,
                clock=clock,
                keep_key=partial(keep_site_key, folder),
                seed=int(signer.public.key_id[-8:], 16),
                pace=pace or Pace(silence=settings.silence),
                store=store,
            )
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, station.leave)
            await station.run()
    finally:
        await executor.close()
        log.close()


def keep_site_key(folder: Path, key: PublicKey) -> None:
    """Write the site's key down in a station's settings; every other line stays as it is.

    Raises:
        Invalid: the file has no such line.
    """
    path = folder / FILE
    line = f'site_key = "{unbase64(key.public).hex()}"'
    text, count = re.subn(r"(?m)^\s*site_key\s*=.*$", line, path.read_text(encoding="utf-8"), count=1)
    if not count:
        raise Invalid(str(path), "has no line site_key", f"add {line}")
    write_file(path, text.encode(), overwrite=True)


def _tidy(store: FileStore, log: IntentLog, clock: Clock) -> None:
    """Take away what is older than a day and belongs to nothing that the site has yet to hear or to send."""
    needed = {ref.sha256 for intent in log.to_tell() if intent.outcome for ref in references(intent.outcome.outputs)}
    for intent in log.open():
        if intent.offer is not None:
            needed |= {ref.sha256 for ref in (intent.offer.objects or {}).values()}
    store.collect(needed.__contains__, clock.now().timestamp() - 86400)
