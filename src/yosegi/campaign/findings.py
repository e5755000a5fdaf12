"""What is wrong with a campaign file, each with its line: said before anything is recorded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from yosegi.core.file_findings import BadFile, FileFinding
from yosegi.core.toml_lines import Lines, line_of

if TYPE_CHECKING:
    from yosegi.campaign.spec import CampaignSpec


class BadCampaign(BadFile):
    """A campaign file that cannot be started.

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
        findings: Iterable[FileFinding],
        readable: CampaignSpec | None = None,
        lines: Lines | None = None,
    ) -> None:
        super().__init__(what, findings)
        self.readable, self.lines = readable, lines or {}


def located(findings: Iterable[FileFinding], lines: Lines) -> tuple[FileFinding, ...]:
    """The findings with their lines."""
    return tuple(replace(finding, line=line_of(lines, finding.path)) for finding in findings)
