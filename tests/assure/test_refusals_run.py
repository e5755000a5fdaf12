"""Guards are taken away in a copy, the test is seen to fail, and the copy is as it was before the next."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from assure import report
from assure.running import _spent
from assure.workplace import altered

TESTS = Path(__file__).parents[1]
GUARDED = "def most(count):\n    if count > 3:\n        raise ValueError(count)\n    return count\n"
CASES = """
import pytest
import subprocess
import sys
import time

from guarded import most

def test_watched():
    with pytest.raises(ValueError):
        most(4)

def test_asleep():
    assert most(2) == 2

def test_wrong():
    assert most(2) == 3

def test_in_a_process_of_its_own():
    code = "from guarded import most; most(4)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 1
"""
PROGRAM = """
import json
import sys
import time
from pathlib import Path

from assure.refusals import Guard, Row, outcome_with
from assure.running import Runner

copy, file = Path(sys.argv[1]), "tests/test_cases.py"
runner, passing = Runner(copy, [file]), {}
guard = Guard("src/guarded.py", "if count > 3:", "if False:")
rows = [Row(1, "", "library", f"{file}::test_{name}", (guard,)) for name in sys.argv[2:]]
print(json.dumps([outcome_with(runner, passing, row) for row in rows]), passing)
"""


@pytest.mark.processes
def test_each_guard_is_taken_away_and_put_back(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "tests").mkdir()
    (tmp_path / "src" / "guarded.py").write_text(GUARDED)
    (tmp_path / "tests" / "test_cases.py").write_text(CASES)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    names = ["watched", "asleep", "wrong", "in_a_process_of_its_own", "watched"]
    told = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path), *names],
        capture_output=True, text=True, check=False, timeout=110, env=os.environ | {"PYTHONPATH": str(TESTS)},
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    found = json.JSONDecoder().raw_decode(told.stdout.splitlines()[-1])[0]
    assert found == ["watched", "nothing notices", "fails with its guard", "watched", "watched"]
    assert (tmp_path / "src" / "guarded.py").read_text() == GUARDED


def test_what_was_altered_is_as_it_was_also_to_whoever_compiled_it(tmp_path: Path) -> None:
    file = tmp_path / "guarded.py"
    file.write_text(GUARDED)
    os.utime(file, ns=(1_000_000_000, 2_000_000_000))
    with altered([file]):
        file.write_text("pass\n")
    assert file.read_text() == GUARDED
    assert file.stat().st_mtime_ns == 2_000_000_000


PAGE = """# Assurance

2026-11-25, x86_64, 2 cores.

## Mutants

Small faults.

| room |
|---|

## Parsers under fuzz

None.
"""


def test_a_part_of_the_page_that_was_not_tried_anew_stays_and_says_of_which_day_it_is() -> None:
    kept = report._as_it_was("Mutants", PAGE)
    assert kept == "## Mutants\n\nFound on 2026-11-25.\n\nSmall faults.\n\n| room |\n|---|\n"
    again = report._as_it_was("Mutants", f"2026-12-01, x86_64\n\n{kept}")
    assert "2026-11-25" in again
    assert "2026-12-01" not in again
    assert report._as_it_was("Elsewhere", PAGE) == ""


@pytest.mark.processes
def test_work_of_a_process_that_a_test_started_counts_as_its_own() -> None:
    """A test that waits for a busy station or site is not endless."""
    burn = "import time\nwhile time.process_time() < 1.0: pass"
    line = ["sh", "-c", f'{sys.executable} -c "$0"; sleep 60', burn]
    with subprocess.Popen(line, start_new_session=True) as shell:
        try:
            end = time.monotonic() + 60
            while _spent(shell.pid) < 0.3:
                assert time.monotonic() < end
        finally:
            os.killpg(shell.pid, signal.SIGKILL)
