"""What happens to rights at a site that others may want to be told of (`yosegi.core.events`)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DocumentInForce:
    """A charter, statement or agreement came into force: what rests on the ones before may have lapsed."""

    charter: str


@dataclass(frozen=True, slots=True)
class MandateEnded:
    """A mandate that this site gave is over."""

    mandate: str


@dataclass(frozen=True, slots=True)
class RemoteMandateRenewed:
    """A home site says that its mandate stands: what waited for that may start."""

    mandate: str


@dataclass(frozen=True, slots=True)
class RemoteMandateEnded:
    """A home site says that its mandate is over: what runs under it has no right any more."""

    mandate: str
