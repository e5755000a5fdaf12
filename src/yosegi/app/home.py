"""The home folder of one site: where each of its files lies, and its settings."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from yosegi.app.local_address import LAST_PORT, host_and_port, local_url_of
from yosegi.core.errors import Invalid
from yosegi.core.files import read_utf8
from yosegi.core.toml_text import read_toml_file

if TYPE_CHECKING:
    from yosegi.app.settings import Settings
    from yosegi.app.site_file import SiteFile
    from yosegi.governance.policy.what_if import Expectation


class Home:
    """The folder of one site: settings, keys, policy, ledger, objects."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings_file = folder / "site.toml"
        self.keys = folder / "keys"
        self.policy = folder / "policy"
        self.ledger = folder / "ledger.db"
        self.ledger_mark = folder / "ledger.mark"
        self.mailbox = folder / "mailbox.db"
        self.objects = folder / "objects"
        self.accounts = folder / "accounts.json"
        self.work = folder / "work"
        self.stations = folder / "stations"
        self.engines = folder / "engines"
        self.stop = folder / "stop.json"

    def inside(self, name: str) -> str:
        """A file that settings name, seen from the home folder; empty if they name none."""
        return str(self.folder / name) if name else ""

    def settings(self) -> Settings:
        """The settings.

        Raises:
            Invalid: no home there, not TOML, or a field that does not hold: `BadSettings` tells all of them.
        """
        return self.site_file().settings()

    def site_file(self) -> SiteFile:
        """`site.toml`, read as TOML.

        Raises:
            Invalid: no home there, or not TOML.
        """
        from yosegi.app.site_file import SiteFile

        try:
            return SiteFile(self.settings_file)
        except FileNotFoundError:
            raise Invalid(f"{self.folder}", "is not the home of a site", "make one: yosegi site init") from None

    def name(self) -> str:
        """The site's name, of which line alone is read, as `local_url` does.

        Raises:
            Invalid: as `settings`.
        """
        with suppress(OSError, Invalid):
            name = read_toml_file(self.settings_file).get("site")
            if isinstance(name, str) and name:
                return name
        return self.settings().site

    def local_url(self) -> str:
        """The address at which programs on this machine reach the site, as `Settings.local_url`.

        Only that one line of the settings is read where it holds: they bring half the program with them, and whoever
        asks a running site needs none of it.

        Raises:
            Invalid: as `settings`.
        """
        with suppress(OSError, Invalid, ValueError):
            host, port = host_and_port(str(read_toml_file(self.settings_file)["listen"]))
            if host and 0 < port <= LAST_PORT:
                return local_url_of(host, port)
        return self.settings().local_url

    def rules(self) -> dict[str, str]:
        """The site's own forbids: Cedar text by file name.

        Raises:
            Invalid: one is not in UTF-8.
        """
        return {path.name: read_utf8(path) for path in sorted(self.policy.glob("*.cedar"))}

    def expectations(self) -> tuple[Expectation, ...]:
        """The table that policies must fulfil to be published: `policy/table.toml`, one `[[row]]` an expectation.

        Raises:
            Invalid: not TOML, or a row that does not hold.
        """
        from yosegi.governance.policy.what_if import Expectation

        path = self.policy / "table.toml"
        if not path.exists():
            return ()
        value = read_toml_file(path)
        if unknown := sorted(set(value) - {"row"}):
            raise Invalid(str(path), f"has {unknown[0]}", "a table is made of [[row]]s and nothing else")
        return tuple(
            Expectation.read(row, what=f"row {number} of {path}") for number, row in enumerate(value.get("row", ()), 1)
        )
