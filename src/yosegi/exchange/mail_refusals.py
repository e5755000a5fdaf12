"""What a host tells of mail that it turned away: values alone."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from yosegi.core.identifiers import SiteId
from yosegi.core.values import Value
from yosegi.trust.document import Addressed


class RefusedMail(Value):
    """How many letters of one sender were turned away."""

    sender: SiteId
    letters: Annotated[int, Field(ge=1)]


class MailRefusals(Addressed):
    """A host tells a receiver which mail for it was turned away, as its sender's share of the mailbox was full.

    Args:
        refused: by sender, since the last report.
    """

    kind: ClassVar[str] = "mail-refusals"

    refused: tuple[RefusedMail, ...] = Field(min_length=1, max_length=1000)
