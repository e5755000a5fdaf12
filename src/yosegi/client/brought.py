"""Measurements that somebody brings to a campaign: read from a table, and signed with their own key."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from yosegi.client.campaign_body import csv_of
from yosegi.core.clock import SystemClock
from yosegi.core.errors import Invalid
from yosegi.services.campaigns.schemas import CampaignFileText
from yosegi.trust.signer import Signer


def table_text(table: Any) -> tuple[str, str]:
    """A table as CSV, and the name of the file it came from.

    Raises:
        Invalid: the file cannot be read.
    """
    if isinstance(table, Path):
        try:
            return table.read_text(encoding="utf-8-sig"), table.name
        except (OSError, UnicodeDecodeError) as error:
            raise Invalid(f"file {table}", f"cannot be read ({error})") from None
    return (table, "") if isinstance(table, str) else (csv_of(table), "")


def signed_measurements(
    campaign: CampaignFileText, table: str, source: str, file: str, key: Signer, person: str
) -> dict[str, Any]:
    """The measurements of a table in an envelope that their bringer has signed.

    Raises:
        Invalid: nobody is named, or the table is none of this campaign's points; names the line.
    """
    # Only here: they bring the planner with them.
    from yosegi.campaign.measurements import Measurements, rows_of
    from yosegi.campaign.spec_file import parse_spec
    from yosegi.campaign.tables import read_table

    if not person:
        raise Invalid("the measurements", "nobody is named who signs them", 'say whose key it is: person="pi@argonne"')
    spec = parse_spec(campaign.text, files=campaign.files)
    now = SystemClock().now()
    brought = Measurements(
        charter=spec.charter,
        campaign=campaign.name,
        person=person,
        source=source or spec.source[0].name,
        rows=rows_of(spec, read_table(table, file or "the table")),
        file=file[:200],
        issued=now,
        not_after=now + timedelta(minutes=10),
    )
    return brought.sign(key).model_dump(mode="json")
