"""What changes in who may do what, of which others at this site are told (`yosegi.core.events`)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PoliciesChanged:
    """A document came into force: rights may have begun or lapsed with it."""


@dataclass(frozen=True, slots=True)
class MandatesChanged:
    """A mandate of this site was given or is over."""
