"""Lines for an institution's log system in the form of RFC 5424 (the syslog protocol)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yosegi.ledger import Entry

LOG_AUDIT = 13
"""The facility (RFC 5424, table 1)."""
WARNING, NOTICE, INFORMATIONAL = 4, 5, 6
"""Severities (RFC 5424, table 2)."""
SD_ID = "yosegi@32473"
"""The structured data of an entry. 32473 is the enterprise number that RFC 5612 keeps for documentation."""


def message(
    facility: int,
    severity: int,
    time: str,
    host: str,
    app: str,
    kind: str,
    data: Mapping[str, str],
    text: str = "",
    *,
    sd_id: str = SD_ID,
) -> str:
    r"""One message (RFC 5424, section 6), without a process id.

    Example:
        The escapes of section 6.3.3:

        >>> message(13, 6, "2003-10-11T22:14:15.003Z", "riken", "yosegi", "x", {"a": 'b"]\\'})
        '<110>1 2003-10-11T22:14:15.003Z riken yosegi - x [yosegi@32473 a="b\\"\\]\\\\"]'
    """
    fields = "".join(f' {name}="{_escaped(value)}"' for name, value in data.items())
    structured = f"[{sd_id}{fields}]" if data else "-"
    head = f"<{facility * 8 + severity}>1 {time} {_name(host, 255)} {_name(app, 48)} - {_name(kind, 32)} {structured}"
    return f"{head} {text}" if text else head


def of_entry(entry: Entry, host: str) -> str:
    """An entry of a ledger: its header and facts, never a body."""
    header = entry.header
    data = {
        "sequence": str(entry.sequence),
        "site": header.site,
        "charter": header.charter,
        "stream": header.stream,
        "actor": header.actor,
        "onBehalfOf": header.on_behalf_of or "",
        "hash": entry.hash,
    }
    facts = {f"f.{key}"[:32]: str(value) for key, value in header.facts.items() if isinstance(value, str | int | bool)}
    severity = WARNING if "failed" in entry.type or "refused" in entry.type else NOTICE
    return message(LOG_AUDIT, severity, header.time, host, "yosegi", entry.type, data | facts)


def _name(text: str, longest: int) -> str:
    """Printable ASCII without spaces (section 6); `-` where nothing is left."""
    return re.sub(r"[^\x21-\x7e]", "_", text)[:longest] or "-"


def _escaped(value: str) -> str:
    """A value (section 6.3.3); no control character ends the line or acts on a terminal."""
    plain = re.sub(r"[\x00-\x1f\x7f]", " ", value)
    return re.sub(r'(["\\\]])', r"\\\1", plain)
