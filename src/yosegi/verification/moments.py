"""When entries were really written, as far as a ledger itself says it: a clock may have been ahead for a while.

What follows an entry was written after it. So no entry is later than any that follows it, nor than the checkpoint over
them, whatever its own time says; and what it carries was there by then.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from yosegi.core.clock import parse_timestamp
from yosegi.ledger import Checkpoint


def corrected(times: Iterable[tuple[int, str]], checkpoint: Checkpoint) -> dict[int, datetime]:
    """The latest moment at which each entry can have been written.

    Args:
        times: sequence and time of entries, in any order.
        checkpoint: over all of them.

    Returns:
        By sequence, the least of the entry's own time, those of all that follow it, and the checkpoint's.

    Example:
        >>> at = Checkpoint(
        ...     site="nims", epoch=1, size=4, root="sha256:" + "0" * 64, time="2026-04-01T00:00:03.000000Z"
        ... )
        >>> times = ["2026-04-01T00:00:00.000000Z", "2026-05-11T00:00:00.000000Z", "2026-04-01T00:00:02.000000Z"]
        >>> [moment.isoformat() for moment in corrected(enumerate(times), at).values()]
        ['2026-04-01T00:00:02+00:00', '2026-04-01T00:00:02+00:00', '2026-04-01T00:00:00+00:00']
    """
    latest, found = parse_timestamp(checkpoint.time), dict[int, datetime]()
    for sequence, time in sorted(times, reverse=True):
        latest = min(latest, parse_timestamp(time))
        found[sequence] = latest
    return found
