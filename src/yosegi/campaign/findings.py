"""What is wrong with a campaign file, each with its line: said before anything is recorded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from yosegi.core.errors import Invalid
from yosegi.core.toml_lines import Lines, Path, line_of

if TYPE_CHECKING:
    from yosegi.campaign.spec import CampaignSpec


@dataclass(frozen=True, slots=True)
class SpecFinding:
    """One thing that is wrong.

    Args:
        path: of the value in the file, e.g. `("parameter", 1, "levels")`.
        where: the same for people, e.g. `parameter minutes`.
        why: what is wrong with it.
        todo: what to do about it; may be empty.
        line: in the file, from 1; 0 where it is not known.
    """

    path: Path
    where: str
    why: str
    todo: str = ""
    line: int = 0

    def __str__(self) -> str:
        line = f"line {self.line}, " if self.line else ""
        return f"{line}{self.where}: {self.why}" + (f". {self.todo}" if self.todo else "")


class BadCampaign(Invalid):
    """A campaign file that cannot be started; `findings` says all that is wrong, in the order of the file.

    Args:
        what: the file.
        findings: at least one.
        readable: the campaign without what does not hold in its file, where that is a campaign: so that the rest can be
            held against contracts, too.
        lines: of the file.
    """

    def __init__(
        self,
        what: str,
        findings: Iterable[SpecFinding],
        readable: CampaignSpec | None = None,
        lines: Lines | None = None,
    ) -> None:
        self.readable, self.lines = readable, lines or {}
        self.findings = tuple(sorted(findings, key=lambda finding: finding.line))
        first = self.findings[0]
        why = str(replace(first, todo=""))
        if len(self.findings) > 1:
            why = f"{len(self.findings)} findings\n" + "\n".join(f"  {finding}" for finding in self.findings)
        super().__init__(what, why, first.todo if len(self.findings) == 1 else "")


def located(findings: Iterable[SpecFinding], lines: Lines) -> tuple[SpecFinding, ...]:
    """The findings with their lines."""
    return tuple(replace(finding, line=line_of(lines, finding.path)) for finding in findings)
