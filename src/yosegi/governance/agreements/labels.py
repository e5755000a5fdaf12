"""Labels of data: results inherit the strictest of what went in, and go onward only as every source agreed.

A label remembers its sources. Whoever holds a derived result may hand it to a third site only if, for each source, an
agreement in force covers that source and has both its owner and the third site among its parties.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from yosegi.core.contract import strictest
from yosegi.core.identifiers import split_capability
from yosegi.governance.agreements.agreement import Agreement
from yosegi.governance.agreements.label import Label
from yosegi.governance.policy.note import Note


def combined(labels: Iterable[Label]) -> Label:
    """The label of what came from all of them."""
    result = Label()
    for label in labels:
        result = result | label
    return result


def why_not_onward(
    label: Label, to: str, agreements: Iterable[Agreement], *, purpose: str, now: datetime
) -> tuple[Note, ...]:
    """For each source that does not agree to the transfer, a note; none if all do.

    A source's owner needs no agreement for what is its own.

    Args:
        label: of what is to be handed on.
        to: the site that would receive it.
        agreements: signed agreements known here.
        purpose: what the receiver wants it for.
        now: the moment to judge by.
    """
    known = list(agreements)
    return tuple(
        Note(code="transfer_not_covered", fields={"source": source, "site": to, "label": label.sensitivity})
        for source in label.sources
        if split_capability(source)[0] != to
        and not any(_lets_through(agreement, label, source, to, purpose, now) for agreement in known)
    )


def _lets_through(agreement: Agreement, label: Label, source: str, to: str, purpose: str, now: datetime) -> bool:
    return (
        agreement.in_force(now)
        and {split_capability(source)[0], to} <= set(agreement.parties)
        and agreement.covers(source)
        and purpose in agreement.purposes
        and strictest(label.sensitivity, agreement.highest_sensitivity) == agreement.highest_sensitivity
        and set(label.export_classes) <= set(agreement.export_classes)
    )
