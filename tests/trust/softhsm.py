"""A token of SoftHSM2, as a hardware token would be: a PKCS #11 library, a label and a PIN."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from yosegi.trust.pkcs11 import Slot, make_key

MODULES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
)
MODULE = next((path for path in MODULES if Path(path).exists()), "")
PIN = "8765-token-pin"
_numbers = itertools.count(1)


def token(folder: Path) -> str:
    """A new token's label. All of one process lie in one folder: the library reads its configuration once."""
    if not MODULE or shutil.which("softhsm2-util") is None:
        pytest.skip("SoftHSM2 is not installed (apt-get install softhsm2)")
    if "SOFTHSM2_CONF" not in os.environ:
        (folder / "tokens").mkdir()
        config = folder / "softhsm2.conf"
        config.write_text(
            f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n"
        )
        os.environ["SOFTHSM2_CONF"] = str(config)
    label = f"token-{os.getpid()}-{next(_numbers)}"
    init(label)
    return label


def init(label: str) -> None:
    """An empty token of that label."""
    subprocess.run(
        ["softhsm2-util", "--init-token", "--free", "--label", label, "--so-pin", "12345678", "--pin", PIN],
        check=True, capture_output=True,
    )  # fmt: skip
    renew()


def renew() -> None:
    """End every session, as a token does that is pulled out and put back."""
    import pkcs11

    pkcs11.lib(MODULE).reinitialize()


def slot(folder: Path, label: str = "site") -> Slot:
    """A new token with one key."""
    made = Slot(MODULE, token(folder), label)
    make_key(made, lambda: PIN)
    return made


def tokens() -> Path:
    """Where the library keeps its tokens."""
    return Path(Path(os.environ["SOFTHSM2_CONF"]).read_text().split()[2])
