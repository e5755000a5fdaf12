"""What a site's engines publish is derived when it starts, in the time that their settings give an import."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from yosegi.app.engines import derived
from yosegi.app.settings import Settings
from yosegi.execution.engines.derivation import CannotDerive

BASE = {"site": "riken", "title": "R", "listen": "127.0.0.1:1", "reach": "listens", "url": "http://127.0.0.1:1"}


def test_an_import_may_take_as_long_as_its_engine_says(tmp_path: Path) -> None:
    # No interpreter starts within a millisecond.
    process = {"publish": ["yosegi_packs.materials:expect"], "import_seconds": 0.001}
    engines = Settings.read({**BASE, "process": process}).engines()
    with pytest.raises(CannotDerive, match=r"took longer than 0\.001 seconds"):
        asyncio.run(derived(engines, tmp_path))


def test_engines_that_are_derived_together_have_the_time_of_the_most_patient(tmp_path: Path) -> None:
    hasty = {"kind": "process", "publish": ["yosegi_packs.materials:expect"], "import_seconds": 0.001}
    patient = {"kind": "process", "publish": ["yosegi_packs.materials:ageing_quick"], "import_seconds": 60.0}
    engines = Settings.read({**BASE, "engine": {"hasty": hasty, "patient": patient}}).engines()
    found = asyncio.run(derived(engines, tmp_path))
    assert {name for one in found for name in one.contracts} == {"titania.expect@1", "alloy.ageing-quick@1"}
