"""One capability at several owners, asked the same: what each needed, and how far their numbers agree."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeGuard

from yosegi.core.states import TaskState

if TYPE_CHECKING:
    from yosegi.client.client import Client
    from yosegi.services.tasks.schemas import RequestDetail

_LOOK = 0.5


@dataclass(frozen=True)
class Answered:
    """One owner's answer.

    Args:
        owner: who answered.
        seconds: from asking to the answer as it was seen here, so with the wait for a slot or a queue.
        differs: the largest relative difference of a number from the first owner's; None where none can be compared.
        joules: the energy of what it ran on; None where the owner's scheduler does not tell.
    """

    owner: str
    state: str
    seconds: float
    charged: Mapping[str, str]
    outputs: Mapping[str, Any]
    differs: float | None
    why: str = ""
    joules: float | None = None


def owners_of(name: str, offered: Iterable[str]) -> list[str]:
    """The owners that offer a capability by its name and version, in order."""
    return sorted(ref.partition("/")[0] for ref in offered if ref.partition("/")[2] == name)


def difference(first: Mapping[str, Any], other: Mapping[str, Any]) -> float | None:
    """The largest |a - b| / max(|a|, |b|) over outputs that are numbers in both; 0 where both are zero.

    Example:
        >>> difference({"energy": -0.5, "note": "x"}, {"energy": -0.4})
        0.2
    """
    found = []
    for name, a in first.items():
        b = other.get(name)
        if _is_number(a) and _is_number(b):
            size = max(abs(a), abs(b))
            found.append(round(abs(a - b) / size, 12) if size else 0.0)
    return max(found, default=None)


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def compare(
    client: Client, owners: Iterable[str], name: str, inputs: dict[str, Any], terms: dict[str, Any], patience: float
) -> list[Answered]:
    """Ask every owner the same, all at once, and wait for their answers.

    Args:
        client: of the home site.
        owners: whom to ask.
        name: of the capability, with its version.
        inputs: the same for all.
        terms: charter, team, purpose.
        patience: seconds that the last of them may take.
    """
    began = time.monotonic()
    waiting: dict[str, str] = {}
    for owner in owners:
        asked = client.requests.ask(f"{owner}/{name}", dict(inputs), **terms)
        waiting[owner] = asked.request.partition("/")[2]
    found: dict[str, tuple[RequestDetail, float]] = {}
    while len(found) < len(waiting):
        for owner, key in waiting.items():
            if owner in found:
                continue
            seen = client.requests.show(owner, key)
            seconds = time.monotonic() - began
            if seen.state.final or seen.state is TaskState.UNCERTAIN or seconds > patience:
                found[owner] = seen, seconds
        time.sleep(_LOOK if len(found) < len(waiting) else 0.0)
    first = next((seen.outputs for seen, _ in found.values() if seen.outputs), {})
    return [
        Answered(
            owner, str(seen.state), round(seconds, 1), seen.charged, seen.outputs, difference(first, seen.outputs),
            "; ".join(reason.en or reason.code for reason in seen.reasons), seen.joules,
        )
        for owner, (seen, seconds) in ((owner, found[owner]) for owner in waiting)
    ]  # fmt: skip
