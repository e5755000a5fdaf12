"""A real site whose online key lives in a PKCS #11 token."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from processes.sites import free_ports, until
from trust import softhsm
from yosegi.app.init_home import make_home
from yosegi.client.client import connect
from yosegi.ledger import Checkpoint
from yosegi.ledger.sqlite import SqliteStore
from yosegi.trust.envelope import Envelope
from yosegi.trust.keys import by_id
from yosegi.trust.pkcs11 import Pkcs11Signer

pytestmark = pytest.mark.processes


def test_a_site_serves_with_its_key_in_a_token_and_signs_its_ledger_with_it(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    slot = softhsm.slot(tmp_path_factory.mktemp("token"))
    address = f"127.0.0.1:{free_ports(1)[0]}"
    hardware = {"module": slot.module, "token": slot.token, "label": slot.label, "pin_env": "YOSEGI_PIN"}
    settings = {"site": "riken", "title": "R", "listen": address, "reach": "carried", "key": {"site": hardware}}
    home = make_home(tmp_path / "riken", settings)
    (home.keys / "site.key").unlink()
    serving = subprocess.Popen(
        [sys.executable, "-m", "yosegi.cli", "site", "serve", "--home", str(home.folder)],
        env=os.environ | {"YOSEGI_PIN": softhsm.PIN}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        until(lambda: connect(f"http://{address}").site().site == "riken", "the site answers")
    finally:
        serving.terminate()
        told, _ = serving.communicate(timeout=60)
    assert softhsm.PIN.encode() not in told
    store = SqliteStore(home.ledger)
    rows = store.query("SELECT envelope FROM ledger_checkpoints ORDER BY size DESC LIMIT 1")
    store.close()
    key = Pkcs11Signer(slot, lambda: softhsm.PIN).public
    assert Checkpoint.open(Envelope.read(bytes(rows[0]["envelope"])), by_id([key]), site="riken").size >= 1
