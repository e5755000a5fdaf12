"""The calibration that held on an instrument, as reports and answers name it."""

from __future__ import annotations

from yosegi.core.identifiers import Digest, PersonId, SiteId
from yosegi.core.values import Value
from yosegi.trust.document import Moment


class CalibrationHeld(Value):
    """The calibration of its instrument that held when a task was started.

    Args:
        by: who put it on record, and `since` when.
        until: when it runs out.
        object: of the data it rests on, if it names any.
    """

    instrument: SiteId
    by: PersonId
    since: Moment
    until: Moment
    object: Digest | None = None
