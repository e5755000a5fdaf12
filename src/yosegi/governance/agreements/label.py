"""Labels of data: what must be known of it before it is handed on."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from yosegi.core.contract import Sensitivity, strictest
from yosegi.core.identifiers import CapabilityRef
from yosegi.core.values import Value
from yosegi.governance.agreements.agreement import ExportClass


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
