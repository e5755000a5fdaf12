"""The documents are true: their examples run as printed, and no link leads nowhere."""

from __future__ import annotations

import doctest
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
PAGES = sorted(page for page in (TOP / "docs").rglob("*.md") if ">>>" in page.read_text())
MODULES = sorted(file for file in (TOP / "src").rglob("*.py") if ">>> " in file.read_text())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(TOP)))
def test_the_examples_of_a_page_run_as_printed(page: Path) -> None:
    failed, tried = doctest.testfile(str(page), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert tried
    assert not failed


@pytest.mark.parametrize("file", MODULES, ids=lambda file: str(file.relative_to(TOP / "src")))
def test_the_examples_of_a_docstring_run_as_printed(file: Path) -> None:
    name = ".".join(file.relative_to(TOP / "src").with_suffix("").parts).removesuffix(".__init__")
    failed, tried = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert tried
    assert not failed


def test_the_documents_build_as_a_site_with_no_dead_link(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "-d", str(tmp_path / "site")]
    built = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
