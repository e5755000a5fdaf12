"""What a planner answers: a point, a source, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from yosegi.planner.parameter import Level


@dataclass(frozen=True, slots=True)
class Expected:
    """What the planner expects of a proposal, for machines.

    Args:
        mean: predicted value by outcome name, in the outcome's unit, at the problem's first source.
        sd: predicted standard deviation of what a measurement gives there, noise included, by outcome name: nine in
            ten measurements lie within 1.64 of it.
        gain: expected improvement, in the objective's unit (hypervolume, entropy in nats or variance for other goals);
            None from a planner that predicts nothing.
        cost: what the measurement should cost, in the sources' unit.
        feasible: probability that the point has an answer and that what is measured there keeps the outcome
            constraints, noise included as in `sd`: of ten points announced with 0.9, nine keep them.
    """

    mean: Mapping[str, float] = field(default_factory=dict)
    sd: Mapping[str, float] = field(default_factory=dict)
    gain: float | None = None
    cost: float = 1.0
    feasible: float = 1.0

    def as_dict(self) -> dict[str, object]:
        """Plain values, for JSON."""
        return {
            "mean": dict(self.mean),
            "sd": dict(self.sd),
            "gain": self.gain,
            "cost": self.cost,
            "feasible": self.feasible,
        }


@dataclass(frozen=True, slots=True)
class Proposal:
    """One point to measure next.

    Args:
        values: the point, by parameter name, on each parameter's resolution.
        source: the source to ask; empty when the problem's only source has no name.
        reason: why, in a sentence with numbers, for people.
        expected: the same for machines.
        candidate: the id of the row in the problem's candidates, as text; None in an open space.
    """

    values: Mapping[str, Level]
    source: str = ""
    reason: str = ""
    expected: Expected = field(default_factory=Expected)
    candidate: str | None = None

    def as_dict(self) -> dict[str, object]:
        """Plain values, for JSON."""
        return {
            "values": dict(self.values),
            "source": self.source,
            "reason": self.reason,
            "expected": self.expected.as_dict(),
            "candidate": self.candidate,
        }
