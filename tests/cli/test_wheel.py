"""A wheel in an environment that has what it requires and nothing else: no extra, no tool of development."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

TOP = Path(__file__).parents[2]
pytestmark = [pytest.mark.processes, pytest.mark.slow, pytest.mark.timeout(600)]


def required(name: str, extras: tuple[str, ...] = ()) -> Iterator[Distribution]:
    """What a distribution requires, and what that requires, as installed here."""
    for text in distribution(name).requires or ():
        wanted = Requirement(text)
        if wanted.marker is None or any(wanted.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield distribution(wanted.name)
            yield from required(wanted.name, tuple(wanted.extras))


def copied(one: Distribution, to: Path) -> None:
    """Put a distribution's files into another environment."""
    for file in one.files or ():
        if ".." not in file.parts and file.suffix != ".pyc":
            target = to / file
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists():
                shutil.copy2(str(one.locate_file(file)), target)


def call(*command: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, env=environment, timeout=120)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`yosegi` of a wheel that was built here, in a fresh environment without extras."""
    own = TOP / ".uv" / "bin" / "uv"
    uv = str(own) if own.exists() else shutil.which("uv")
    assert uv is not None, "uv is neither in .uv/ nor on the PATH: make setup-dev"
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for part in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy2(TOP / part, source)
    shutil.copytree(TOP / "src", source / "src", ignore=shutil.ignore_patterns("__pycache__"))
    built = call(uv, "build", "--wheel", "-q", "--offline", "--no-build-isolation", "--python", sys.executable,
                 "--out-dir", folder / "dist", source)  # fmt: skip
    assert built.returncode == 0, built.stderr
    (wheel,) = (folder / "dist").glob("yosegi-*.whl")
    made = call(sys.executable, "-m", "venv", "--without-pip", folder / "venv")
    assert made.returncode == 0, made.stderr
    python = folder / "venv" / "bin" / "python"
    there = Path(call(python, "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])").stdout.strip())
    for one in {found.name: found for found in required("yosegi")}.values():
        copied(one, there)
    installed = call(uv, "pip", "install", "-q", "--offline", "--no-deps", "--python", python, wheel)
    assert installed.returncode == 0, installed.stderr
    return python.with_name("yosegi")


def test_it_is_the_wheel_and_no_extra_is_there(program: Path) -> None:
    said = call(program.with_name("python"), "-c", "import yosegi; print(yosegi.__file__)")
    assert said.stdout.startswith(str(program.parents[1])), said.stdout + said.stderr
    missing = ("colour", "pylabrobot", "mcp", "pandas", "psycopg", "joserfc", "pytest")
    code = f"import importlib.util; print([name for name in {missing} if importlib.util.find_spec(name)])"
    assert call(program.with_name("python"), "-c", code).stdout == "[]\n"


def test_the_demonstration_says_what_is_missing_before_it_begins(program: Path, tmp_path: Path) -> None:
    said = call(program, "demo", cwd=tmp_path)
    assert said.returncode == 6, said.stdout + said.stderr
    assert "colour-science and pylabrobot not installed" in said.stderr
    assert "pip install 'yosegi[labs]'" in said.stderr
    assert list(tmp_path.iterdir()) == []


def test_every_verb_says_what_it_does(program: Path) -> None:
    listed = call(program, "--help")
    assert listed.returncode == 0, listed.stderr
    verbs = re.findall(r"^  ([a-z-]+)  ", listed.stdout.partition("Commands:")[2], re.M)
    assert len(verbs) > 20
    for verb in verbs:
        said = call(program, verb, "--help")
        assert said.returncode == 0, said.stderr
        assert said.stdout.startswith("Usage: ")


def test_a_site_is_made_and_its_doctor_reads_it(program: Path, tmp_path: Path) -> None:
    made = call(program, "site", "init", "lab", "--name", "lab", "--title", "Laboratory", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    looked = call(program, "site", "doctor", "--home", "lab", cwd=tmp_path)
    assert looked.returncode == 0, looked.stdout + looked.stderr
    assert "Traceback" not in looked.stderr
    assert "keys" in looked.stdout


def test_a_table_is_tried(program: Path, tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text("x,y\n1,0.5\n2,0.9\n3,\n4,\n5,\n")
    said = call(program, "try", "points.csv", "--yes", cwd=tmp_path)
    assert said.returncode == 0, said.stderr
    assert "x" in said.stdout
