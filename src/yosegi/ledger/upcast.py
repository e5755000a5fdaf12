"""Upcasters: old entries read as if they had been written today. What was written is never rewritten."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from yosegi.core.errors import Invalid

Upcaster = Callable[[dict[str, Any], dict[str, Any] | None], tuple[dict[str, Any], dict[str, Any] | None]]
"""From facts and body (None: none, or erased) of one version to those of the next; a pure function."""


class Upcasters:
    """One step per type and version; steps follow each other up to the newest.

    Example:
        >>> upcasters = Upcasters()
        >>> upcasters.register("task.settled", 1, lambda facts, body: ({**facts, "unit": "node_h"}, body))
        >>> upcasters.newest("task.settled", 1, {"amount": 5}, None)
        (2, {'amount': 5, 'unit': 'node_h'}, None)
    """

    def __init__(self) -> None:
        self._steps: dict[tuple[str, int], Upcaster] = {}
        self._types: set[str] = set()

    def register(self, type: str, version: int, upcaster: Upcaster) -> None:
        """Read entries of this type and version as the next version.

        Raises:
            Invalid: there is such a step already.
        """
        if (type, version) in self._steps:
            raise Invalid(f"the upcaster of {type} version {version}", "registered twice")
        self._steps[type, version] = upcaster
        self._types.add(type)

    def knows(self, type: str) -> bool:
        """Whether any version of the type is upcast."""
        return type in self._types

    def newest(
        self, type: str, version: int, facts: dict[str, Any], body: dict[str, Any] | None
    ) -> tuple[int, dict[str, Any], dict[str, Any] | None]:
        """Version, facts and body after every step that there is."""
        while (step := self._steps.get((type, version))) is not None:
            facts, body = step(facts, body)
            version += 1
        return version, facts, body
