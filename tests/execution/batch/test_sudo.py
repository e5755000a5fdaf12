"""The page on accounts, played to the letter: its commands as root, its lines of sudoers, and who may call the helper.

In a mount namespace of its own, where /etc and /usr/libexec are copies: nothing of the machine is changed. What the
page says comes from the page; what sudo says of a file of rules from `visudo -c`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[3] / "docs/how-to/account-map.md"
NEEDED = ("sudo", "visudo", "useradd", "runuser", "unshare")
SCRIPT = """\
set -e
mount --make-rprivate /
for folder in etc usr/libexec; do
    mkdir -p /$folder "$KEPT/$folder"
    cp -a /$folder/. "$KEPT/$folder/"
    mount --bind "$KEPT/$folder" /$folder
done
useradd --no-create-home yosegi
useradd --no-create-home u01234
mkdir -p /etc/yosegi
"""


def why_not() -> str:
    """Why this cannot be tried here; empty where it can."""
    if missing := [name for name in NEEDED if shutil.which(name) is None]:
        return f"{missing[0]} is not installed (Debian: apt-get install sudo passwd util-linux)"
    if os.geteuid() != 0:
        return "only root can make users and lines of sudoers"
    tried = subprocess.run(["unshare", "-m", "mount", "--make-rprivate", "/"], capture_output=True, check=False)
    return "this machine gives root no mount namespace of its own" if tried.returncode else ""


WHY_NOT = why_not()
pytestmark = [pytest.mark.processes, pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)]


def block(begins: str) -> str:
    """The block of the page that begins so."""
    found: list[str] = re.findall(r"^```\w*\n(.*?)^```$", PAGE.read_text("utf-8"), re.S | re.M)
    (one,) = [text for text in found if text.startswith(begins)]
    return one.replace(".venv/bin/python", sys.executable)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What each command after those of the page says, and its status."""
    folder = tmp_path_factory.mktemp("sudo")
    helper, name = "/usr/libexec/yosegi-batch-helper", "y" + "a" * 26
    asked = {
        "rules": "visudo -c",
        "site": f"runuser -u yosegi -- sudo -n {helper}",
        "unmapped": f"runuser -u yosegi -- sudo -n {helper} state yosegi {name}",
        "stranger": f"runuser -u u01234 -- sudo -n {helper}",
        "shell": "runuser -u yosegi -- sudo -n /bin/sh -c id",
        "account": "runuser -u yosegi -- sudo -n -u u01234 id",
        "table": "runuser -u yosegi -- sh -c 'echo >> /usr/libexec/yosegi-batch-helper.toml'",
    }
    lines = [
        f"{call} > $KEPT/{what} 2>&1 && echo 0 >> $KEPT/{what} || echo $? >> $KEPT/{what}"
        for what, call in asked.items()
    ]
    accounts = f"cat > /etc/yosegi/accounts.toml <<'MAP'\n{block('ask = ')}MAP\n"
    script = "\n".join([SCRIPT, accounts, block("helper="), *lines])
    variables = os.environ | {"KEPT": str(folder)}
    subprocess.run(["unshare", "-m", "bash", "-c", script], env=variables, check=True, timeout=120)
    return {what: (folder / what).read_text().strip() for what in asked}


def test_the_rules_that_the_page_writes_are_as_sudo_wants_them(played: dict[str, str]) -> None:
    assert "/etc/sudoers.d/yosegi-batch: parsed OK" in played["rules"]
    assert "bad permissions" not in played["rules"]
    assert played["rules"].endswith("\n0")


def test_the_sites_user_may_call_the_helper_and_is_told_what_it_does(played: dict[str, str]) -> None:
    assert played["site"] == "\n".join([
        "yosegi-batch-helper: submit USER NAME, state USER NAME..., or cancel USER NUMBER...", "77",
    ])  # fmt: skip
    assert "'yosegi' is not in the account map" in played["unmapped"]


@pytest.mark.parametrize("what", ["stranger", "shell", "account"])
def test_nobody_else_may_call_it_and_the_sites_user_nothing_else(played: dict[str, str], what: str) -> None:
    assert played[what] == "sudo: a password is required\n1"


def test_the_sites_user_cannot_write_what_the_helper_believes(played: dict[str, str]) -> None:
    assert "Permission denied" in played["table"]
