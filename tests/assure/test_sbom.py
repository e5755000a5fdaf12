"""The bill of materials in the documents is that of the locked requirements: written again by `make sbom`."""

from __future__ import annotations

import json
import re

from assure.workplace import ROOT


def canonical(name: str) -> str:
    """A package's name as PyPI compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_bill_of_materials_names_what_is_locked() -> None:
    bill = json.loads((ROOT / "docs/security/sbom.cdx.json").read_text("utf-8"))
    listed = {(canonical(one["name"]), one["version"]) for one in bill["components"]}
    lines = (ROOT / "requirements/run.txt").read_text("utf-8").splitlines()
    locked = [re.fullmatch(r"([\w.-]+)(?:\[.*\])?==([^ ;]+)( ?;.*)?", line) for line in lines if line.strip()]
    every = {(canonical(one[1]), one[2]) for one in locked if one}
    always = {(canonical(one[1]), one[2]) for one in locked if one and not one[3]}
    assert always <= listed <= every
