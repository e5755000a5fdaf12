"""Where a station's IOCs are looked for: `epics.toml` in its folder, since a worker inherits no environment."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, StringConstraints

from yosegi.core import canonical
from yosegi.core.errors import Invalid
from yosegi.core.values import Value

FILE: Final = "epics.toml"

Address = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.\-\[\]]{1,120}(:[0-9]{1,5})?$")]


class EpicsNetwork(Value):
    """Where process variables are searched for; by broadcast on every interface where nothing is said.

    Args:
        ca: addresses (with a port if it is not 5064) of Channel Access servers.
        pva: addresses (with a port if it is not 5076) of PV Access servers.
    """

    ca: tuple[Address, ...] = Field(default=(), max_length=64)
    pva: tuple[Address, ...] = Field(default=(), max_length=64)

    @classmethod
    def load(cls, folder: Path) -> EpicsNetwork:
        """What `epics.toml` in a station's folder says; the default where there is no such file.

        Raises:
            Invalid: it cannot be read, or has an unknown field.
        """
        path = folder / FILE
        try:
            return cls.read(canonical.dumps(tomllib.loads(path.read_text(encoding="utf-8"))), what=str(path))
        except FileNotFoundError:
            return cls()
        except tomllib.TOMLDecodeError as error:
            raise Invalid(str(path), f"not readable TOML ({error})") from None

    def environment(self) -> dict[str, str]:
        """The variables by which EPICS' client libraries are told, as their reference manuals name them."""
        found: dict[str, str] = {}
        for protocol, addresses in (("CA", self.ca), ("PVA", self.pva)):
            if addresses:
                found[f"EPICS_{protocol}_ADDR_LIST"] = " ".join(addresses)
                found[f"EPICS_{protocol}_AUTO_ADDR_LIST"] = "NO"
        return found

    def apply(self) -> None:
        """Tell this process. Both libraries read it once, when they are first used."""
        os.environ.update(self.environment())
