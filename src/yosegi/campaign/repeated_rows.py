"""Measurements that a campaign knows already: the planner would take each for another repetition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from yosegi.campaign.measurements import MeasuredRow
from yosegi.campaign.state import Campaign
from yosegi.campaign.trial import Trial
from yosegi.core.errors import Conflict

_SHOWN = 8
_Row = tuple[frozenset[tuple[str, Any]], frozenset[tuple[str, Any]], str]
"""A point, what was measured there, and a note."""


def check_new(campaign: Campaign, source: str, rows: Sequence[MeasuredRow]) -> None:
    """Refuse rows that the campaign knows: trials of its own, rows that were imported, or those of an earlier table.

    A trial counts as the same where its note is the same too, so that a column such as a date tells repetitions apart.

    Raises:
        Conflict: names the rows, and where they are known from.
    """
    names = frozenset(campaign.spec.units)
    trials = {_key(names, t.values, t.outcomes, note): f"trial {t.number}" for t, note in _trials(campaign, source)}
    earlier = {
        _key(names, row.values, row.outcomes): f"the earlier {one.campaign or one.table or one.name}"
        for one in campaign.spec.earlier
        if source == campaign.spec.source[0].name
        for row in one.rows
    }
    known: dict[int, str] = {}
    for number, row in enumerate(rows, start=1):
        where = trials.get(_key(names, row.values, row.outcomes, row.note))
        where = where or earlier.get(_key(names, row.values, row.outcomes))
        if where is not None:
            known[number] = where
    if known:
        told = ", ".join(f"row {number} ({where})" for number, where in list(known.items())[:_SHOWN])
        more = f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""
        raise Conflict(
            f"campaign {campaign.spec.name}",
            f"has {len(known)} of these {len(rows)} measurements already: {told}{more}",
            "nothing was changed; leave them out, since each would count as another repetition (a column of its own, "
            "such as a date, tells true repetitions apart)",
        )


def _trials(campaign: Campaign, source: str) -> Iterator[tuple[Trial, str]]:
    """What was imported, with its note, and what was measured here."""
    for trial in campaign.trials:
        if trial.source == source and (trial.outcomes or trial.origin == "imported"):
            yield trial, trial.why if trial.origin == "imported" else ""


def _key(names: frozenset[str], values: Mapping[str, Any], outcomes: Mapping[str, Any], note: str = "") -> _Row:
    return frozenset(_plain(names, values)), frozenset(_plain(names, outcomes)), note


def _plain(names: frozenset[str], of: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Names that the campaign knows and their values, where 60 and 60.0 are the same."""
    for name in names & of.keys():
        value = of[name]
        yield name, float(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
