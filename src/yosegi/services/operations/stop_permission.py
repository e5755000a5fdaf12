"""Who may stop a whole site: whoever may be in the room, which each site says in its settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from yosegi.core.identifiers import home_of
from yosegi.identity.accounts import Session

MayStop = Literal["anybody", "own_people", "operators"]


@dataclass(frozen=True, slots=True)
class StopPermission:
    """Who may hold, safely stop and abort everything a site runs. Those who run the site always may.

    Args:
        site: whose work.
        by: `anybody` who is signed in, `own_people` of the site, or `operators` alone.
        also: further people by name, e.g. a visitor at the instrument.
    """

    site: str
    by: MayStop = "anybody"
    also: tuple[str, ...] = ()

    def allows(self, who: Session) -> bool:
        """Whether somebody who is signed in may stop the site."""
        if who.runs_the_site or self.by == "anybody" or who.person in self.also:
            return True
        return self.by == "own_people" and home_of(who.person) == self.site
