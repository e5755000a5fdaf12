"""The entry that keeps a job's specification, and the order that it is read from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from yosegi.core import canonical
from yosegi.core.contract import Conduct, Sensitivity
from yosegi.ledger import Draft

LAUNCHED = "facility_job.launched"


def job_stream(key: str) -> str:
    """The stream of a job; its key is the task's."""
    return f"facility_job/{key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOrder:
    """A job as a caller wants it.

    Args:
        capability: name and version within this site.
        specification: what the caller sent, as it is to be told again.
        name: what the caller calls it; empty if it has no name.
    """

    key: str
    charter: str
    team: str
    capability: str
    inputs: dict[str, Any]
    purpose: str
    conduct: Conduct = "run"
    sensitivity: Sensitivity = "team"
    mandate: str = ""
    name: str = ""
    specification: dict[str, Any]

    def draft(self) -> Draft:
        """The entry that records it; what may be erased stands in the body."""
        facts = {"capability": self.capability, "team": self.team, "order": self.digest}
        return Draft(LAUNCHED, facts, {"specification": self.specification, "name": self.name})

    @property
    def digest(self) -> str:
        """Of what a key stands for: the same key with another digest is another job."""
        said = [self.charter, self.team, self.capability, self.specification]
        return canonical.digest(canonical.dumps(said))
