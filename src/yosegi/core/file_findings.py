"""What is wrong with a file that a person wrote, all of it at once, each with its line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from yosegi.core.errors import Invalid, sentence
from yosegi.core.toml_lines import KeyPath


@dataclass(frozen=True, slots=True)
class FileFinding:
    """One thing that is wrong with a file, or that its writer should know.

    Args:
        path: of the value in the file, e.g. `("parameter", 1, "levels")`.
        where: the same for people, e.g. `parameter minutes` or `engine.cluster.slots`.
        why: what is wrong with it.
        todo: what to do about it; may be empty.
        line: in the file, from 1; 0 where it is not known.
        fatal: whether the file cannot be used with it; otherwise it is a warning.
    """

    path: KeyPath
    where: str
    why: str
    todo: str = ""
    line: int = 0
    fatal: bool = True

    def __str__(self) -> str:
        line = f"line {self.line}, " if self.line else ""
        return f"{line}{self.where}: {self.why}" + (f". {sentence(self.todo)}" if self.todo else "")


class BadFile(Invalid):
    """A file that cannot be used; `findings` says all that is wrong, in the order of the file.

    Args:
        what: the file.
        findings: at least one.
    """

    def __init__(self, what: str, findings: Iterable[FileFinding]) -> None:
        self.findings = tuple(sorted(findings, key=lambda finding: finding.line))
        first = self.findings[0]
        if len(self.findings) == 1:
            super().__init__(what, str(replace(first, todo="")), first.todo)
        else:
            told = "\n".join(f"  {finding}" for finding in self.findings)
            super().__init__(what, f"{len(self.findings)} findings\n{told}")
