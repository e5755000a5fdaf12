"""What happens between sites that others at this site are told of (`yosegi.core.events`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yosegi.exchange.requests import Asked


@dataclass(frozen=True, slots=True)
class RequestChanged:
    """An owner's word on a request of this site is on record."""

    asked: Asked


@dataclass(frozen=True, slots=True)
class ClockRighted:
    """This site's clock was off, and may be believed again."""
