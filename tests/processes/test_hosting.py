"""People of a member without a site work at another's, through its real doors, until the charter says otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.asking import told
from processes.sites import PASSPHRASE, PURE_SOURCE, Town, until
from yosegi.client.client import connect
from yosegi.core.errors import YosegiError

pytestmark = [pytest.mark.processes, pytest.mark.timeout(200)]

PI = "pi@small"
TEAM = """
[[teams]]
id = "toy-team"
title = "Toy team"
lead = "argonne"
sites = ["argonne", "riken", "nims"]
people = [PEOPLE]
"""
OURS = '"pi@argonne", "operator@riken", "operator@nims"'
AGREEMENT = """
charter = "demo"
name = "small-toys"
title = "What small's people may use"
teams = ["toy-team"]
parties = ["small", "riken"]
capabilities = ["riken/*"]
purposes = ["research"]
"""


def amend(town: Town, folder: Path, changes: str, *signers: Path) -> None:
    """Export the charter at argonne, change it, have it signed, and publish it there."""
    before, after, file = folder / "before.json", folder / "after.json", folder / "changes.toml"
    argonne = town.folder / "argonne"
    told("charter", "export", "--home", argonne, "demo", "--out", before, "--overwrite")
    file.write_text(changes, encoding="utf-8")
    told("charter", "propose", before, file, "--out", after, "--overwrite")
    for home in (argonne, town.folder / "riken", *signers):
        told("charter", "sign", after, "--home", home, "--before", before)
    told("charter", "publish", "--home", argonne, after)


def test_a_hosted_person_signs_in_at_the_host_has_an_answer_and_is_signed_out(town: Town, tmp_path: Path) -> None:
    small, argonne, riken = tmp_path / "small", town.folder / "argonne", town.folder / "riken"
    told("site", "init", small, "--name", "small")
    keys = told("charter", "key", "--home", small).splitlines()[0]
    member = '[[members]]\nid = "small"\nname = "Small"\nkind = "university"\ncountry = "GB"\nhosted_by = "argonne"\n'
    amend(town, tmp_path, f"{member}{keys}\n" + TEAM.replace("PEOPLE", f'{OURS}, "{PI}"'), small)

    file, agreement = tmp_path / "agreement.toml", tmp_path / "agreement.json"
    file.write_text(AGREEMENT, encoding="utf-8")
    told("agreement", "propose", file, "--out", agreement)
    for home in (small, riken):
        told("agreement", "sign", agreement, "--home", home)
    until(lambda: told("agreement", "publish", "--home", riken, agreement), "riken has heard of small")

    told("site", "account", "--home", argonne, PI, "--passphrase", PASSPHRASE)
    town.restart("argonne")
    client = connect(town.urls["argonne"], person=PI, passphrase=PASSPHRASE)
    until(lambda: any(a.name == "small-toys" for a in client.agreements()), "the agreement is in force at the host")
    until(lambda: any(c.ref == "riken/toy.simulate@1" for c in client.capabilities()), "riken offers it")
    client.start(town.spec("hosted", PURE_SOURCE).replace("pi@argonne", PI))
    until(lambda: client.campaign("hosted").state().state == "ended", "the campaign has its answer")
    assert town.ask("riken", "SELECT DISTINCT home FROM task WHERE campaign = ?", "hosted") == [("argonne",)]
    asked = "SELECT COUNT(*) FROM task WHERE campaign = ? AND state != 'ended'"
    assert town.ask("riken", asked, "hosted") == [(0,)]

    amend(town, tmp_path, TEAM.replace("PEOPLE", OURS) + '[leave]\nmembers = ["small"]\n', small)
    with pytest.raises(YosegiError):
        client.campaigns()
    with pytest.raises(YosegiError, match=r"institution_not_hosted|hosts your institution"):
        connect(town.urls["argonne"], person=PI, passphrase=PASSPHRASE)
