from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from execution import samples
from execution.conftest import HERE, can_shut_in
from yosegi.core.contract import Contract
from yosegi.core.errors import Invalid
from yosegi.execution.engines.derivation import CannotDerive, derive, derive_all, derive_publications
from yosegi.execution.engines.process._sandbox import Sandbox

pytestmark = pytest.mark.processes


def contract(entry: str, *path: Path, time_limit: float = 60.0) -> Contract:
    return asyncio.run(derive(entry, time_limit=time_limit, import_path=(HERE, *path)))


def test_the_contract_is_the_functions_own() -> None:
    assert contract("execution.samples:twice").digest == samples.twice.contract.digest


def test_many_contracts_come_from_one_worker() -> None:
    entries = ["execution.samples:twice", "execution.samples:noop", "execution.samples:twice"]
    found = asyncio.run(derive_all(entries, import_path=(HERE,)))
    assert {entry: contract.name for entry, contract in found.items()} == {
        "execution.samples:twice": "sample.twice@1",
        "execution.samples:noop": "sample.noop@1",
    }


def test_a_word_that_is_no_entry_is_refused_before_anything_starts() -> None:
    with pytest.raises(Invalid, match=r"not of the form package\.module:attribute"):
        contract("execution.samples.twice")


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ("execution.absent:x", "No module named 'execution.absent'.* Check the spelling"),
        ("execution.samples:absent", "has no 'absent'. It has: broken, close_everything"),
        ("execution.samples:not_a_capability", "is a int and not a capability. Decorate"),
    ],
)
def test_what_is_wrong_with_an_entry_is_said(entry: str, why: str) -> None:
    with pytest.raises(CannotDerive, match=why):
        contract(entry)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("import absent_library", "Install absent_library where the site runs"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("import os; os._exit(0)", "its import ended the process"),
        ("print('{' * 100)\nx = 1", "is a int and not a capability"),
    ],
)
def test_what_is_wrong_with_a_module_is_said(tmp_path: Path, source: str, why: str) -> None:
    (tmp_path / "a_module.py").write_text(source)
    with pytest.raises(CannotDerive, match=why):
        contract("a_module:x", tmp_path)


def test_a_pack_without_its_library_names_the_extra(tmp_path: Path) -> None:
    pack = tmp_path / "yosegi_packs" / "alchemy"
    pack.mkdir(parents=True)
    (pack / "__init__.py").write_text("import absent_library")
    (tmp_path / "yosegi_packs" / "__init__.py").touch()
    with pytest.raises(CannotDerive, match=r"pip install 'yosegi\[alchemy\]'"):
        contract("yosegi_packs.alchemy:transmute", tmp_path)


def test_an_import_that_never_ends_is_ended(tmp_path: Path) -> None:
    (tmp_path / "a_module.py").write_text("import time\ntime.sleep(600)")
    with pytest.raises(CannotDerive, match=r"took longer than 0\.3 seconds"):
        contract("a_module:x", tmp_path, time_limit=0.3)


def test_the_sites_process_imports_nothing_of_it(tmp_path: Path) -> None:
    (tmp_path / "a_module_apart.py").write_text("x = 1")
    with pytest.raises(CannotDerive):
        contract("a_module_apart:x", tmp_path)
    assert "a_module_apart" not in sys.modules


def test_what_is_imported_to_be_described_is_shut_in_as_its_tasks_are(tmp_path: Path) -> None:
    if not can_shut_in():
        pytest.skip("bubblewrap is not installed, or may not make namespaces here")
    home, work = tmp_path / "home", tmp_path / "work"
    for folder in (home, work):
        folder.mkdir()
    (home / "site.key").write_text("secret")
    module = tmp_path / "modules"
    module.mkdir()
    source = (
        f"from pathlib import Path\nif Path({str(home / 'site.key')!r}).exists(): raise RuntimeError('it is seen')\n"
    )
    (module / "curious.py").write_text(source + "from execution.samples import noop\n")
    sandbox = Sandbox(work, (home,), needed=(HERE, module))
    entry = "curious:noop"

    def described(box: Sandbox | None) -> str:
        found = derive_publications([entry], import_path=(HERE, module), sandbox=box)
        return asyncio.run(found)[entry][entry].name

    with pytest.raises(CannotDerive, match="it is seen"):
        described(None)
    assert described(sandbox) == "sample.noop@1"
