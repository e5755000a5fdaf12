"""Labels of data: results inherit the strictest of what went in, and go onward only as every source agreed.

A label remembers its sources. Whoever holds a derived result may hand it to a third site only if, for each source, an
agreement in force covers that source and has both its owner and the third site among its parties.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Self

from pydantic import model_validator

from yosegi.core.contract import Sensitivity, strictest
from yosegi.core.ids import CapabilityRef, split_capability
from yosegi.core.values import Value
from yosegi.governance.agreement import Agreement, ExportClass
from yosegi.governance.decision import Note


class Label(Value):
    """What must be known of data before it is handed on.

    Args:
        sensitivity: the strictest of everything it came from.
        export_classes: the export classes of everything it came from, sorted.
        sources: the capabilities it came from, sorted.
    """

    sensitivity: Sensitivity = "public"
    export_classes: tuple[ExportClass, ...] = ()
    sources: tuple[CapabilityRef, ...] = ()

    @model_validator(mode="after")
    def _is_sorted(self) -> Self:
        for values in (self.export_classes, self.sources):
            if list(values) != sorted(set(values)):
                raise ValueError("export classes and sources are sorted, each there once")
        return self

    @classmethod
    def of(cls, source: str, sensitivity: Sensitivity, export_class: str) -> Self:
        """The label of what one capability yields of itself."""
        classes = () if export_class == "none" else (export_class,)
        return cls(sensitivity=sensitivity, export_classes=classes, sources=(source,))

    def __or__(self, other: Label) -> Label:
        """The label of what came from both: never less than either."""
        return Label(
            sensitivity=strictest(self.sensitivity, other.sensitivity),
            export_classes=tuple(sorted({*self.export_classes, *other.export_classes})),
            sources=tuple(sorted({*self.sources, *other.sources})),
        )


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
