"""Is every guard watched? Removes each refusal in `trust` and `governance`, one at a time, and runs the rooms' tests.

    python tests/governance/assure.py [word in the file's name ...]

Works on a copy; the sources stay as they are. A guard whose removal no test notices is printed, and the exit status is
the number of those. Takes some seconds a guard, so it is no part of the ordinary tests.
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
REFUSALS = {
    "ApprovalRefused",
    "Corrupt",
    "GrantExceeded",
    "GrantRefused",
    "Invalid",
    "LooseKeyFile",
    "MandateRefused",
    "NotFound",
    "Refused",
    "Untrusted",
    "ValueError",
}
# Which tests could notice; all of the room's where nothing is named.
TESTS = {
    "agreement.py": ["governance/test_agreement.py", "governance/test_policy.py"],
    "address.py": ["governance/test_statement.py"],
    "approvals.py": ["governance/test_approvals.py"],
    "amend.py": ["governance/test_amend.py"],
    "charter.py": ["governance/test_charter.py", "governance/test_amend.py"],
    "clocks.py": ["trust/test_clocks.py"],
    "directory.py": ["governance/test_policy.py"],
    "document.py": ["trust/test_document.py"],
    "envelope.py": ["trust/test_envelope.py"],
    "foresight.py": ["governance/test_foresight.py"],
    "grant.py": ["governance/test_grants.py"],
    "grants.py": ["governance/test_grants.py"],
    "keys.py": ["trust/test_keys.py", "trust/test_envelope.py"],
    "keyhistory.py": ["governance/test_keyhistory.py"],
    "labels.py": ["governance/test_labels.py"],
    "mandate.py": ["governance/test_mandates.py"],
    "mandates.py": ["governance/test_mandates.py"],
    "passphrase.py": ["trust/test_passphrase.py"],
    "policy.py": ["governance/test_policy.py"],
    "registry.py": ["governance/test_registry.py"],
    "roster.py": ["governance/test_statement.py"],
    "rules.py": ["governance/test_policy.py", "governance/test_agreement.py"],
    "sealed.py": ["trust/test_sealed.py", "trust/test_signer.py"],
    "signer.py": ["trust/test_signer.py"],
    "statement.py": ["governance/test_statement.py", "governance/test_keyhistory.py"],
    "token.py": ["trust/test_token.py"],
}


def guards(path: Path) -> Iterator[tuple[int, int, str]]:
    """First line, last line and text of each refusal."""
    source = path.read_text("utf-8")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            name = getattr(node.exc.func, "id", "")
            if name in REFUSALS:
                yield node.lineno, node.end_lineno or node.lineno, ast.unparse(node.exc)[:90]


def without(path: Path, first: int, last: int) -> str:
    """The source with one refusal replaced by `pass`."""
    lines = path.read_text("utf-8").splitlines(keepends=True)
    indent = lines[first - 1][: len(lines[first - 1]) - len(lines[first - 1].lstrip())]
    return "".join([*lines[: first - 1], f"{indent}pass\n", *lines[last:]])


def noticed(copy: Path, tests: list[str]) -> bool:
    """Whether a test fails on the copy.

    Raises:
        RuntimeError: the tests could not be run at all.
    """
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--no-header", *tests]
    environment = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False, text=True)
    if done.returncode not in (0, 1):
        raise RuntimeError(done.stdout[-2000:] + done.stderr[-2000:])
    return done.returncode == 1


def main(words: list[str]) -> int:
    """Try every guard; how many are not watched."""
    missed = tried = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "src"
        shutil.copytree(ROOT / "src", copy, ignore=shutil.ignore_patterns("__pycache__"))
        for room in ("trust", "governance"):
            for path in sorted((ROOT / "src/yosegi" / room).glob("*.py")):
                if path.name not in TESTS or (words and not any(word in path.name for word in words)):
                    continue
                target = copy / "yosegi" / room / path.name
                for first, last, text in guards(path):
                    target.write_text(without(path, first, last), "utf-8")
                    tried += 1
                    if not noticed(copy, [f"tests/{name}" for name in TESTS[path.name]]):
                        missed += 1
                        print(f"{path.relative_to(ROOT)}:{first}: nothing notices without {text}", flush=True)
                target.write_text(path.read_text("utf-8"), "utf-8")
    print(f"{tried - missed} of {tried} guards are watched")
    return min(missed, 100)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
