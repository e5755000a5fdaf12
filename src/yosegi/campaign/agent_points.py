"""Points that an agent proposes for a campaign, each with a hypothesis and what it expects; and what came of them.

They are entries of the campaign's stream (`agent.proposed`), so a replay uses what was recorded and asks no model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from yosegi.campaign.spec import CampaignSpec
from yosegi.campaign.trial import Trial
from yosegi.core.identifiers import Digest
from yosegi.core.values import Value
from yosegi.planner import Problem, Proposal
from yosegi.planner.predict import misfit

ADVISED = "agent.proposed"
"""An agent proposed points; facts: agent, mandate, points, model, prompt and answer (digests), tokens, cost."""
THOUGHT = "agent.thought"
"""What its model was sent and gave, for the points in the same commit; facts: their digests. The body may be erased."""
MOST_AT_ONCE = 16
MOST_WAITING = 32
Words = Annotated[str, StringConstraints(max_length=1000)]
Decline = Literal["outside", "measured", "source_closed", "expected_loss"]
Verdict = Literal["held", "refuted", "open", "untested"]


class AdvisedPoint(Value):
    """One point that an agent proposes.

    Args:
        values: by parameter name, in the parameters' units.
        source: which to ask; the campaign's first, if none is named.
        hypothesis: what the agent thinks, in words.
        expects: the outcome it expects, in words.
        at_least: the objective's value is expected to be at least this, in its unit.
        at_most: and at most this. Without either, nothing can refute the hypothesis, and it is refused.
    """

    values: dict[str, str | int | float | bool] = Field(min_length=1, max_length=200)
    source: Annotated[str, StringConstraints(max_length=40)] = ""
    hypothesis: Annotated[str, StringConstraints(min_length=3, max_length=1000)]
    expects: Words = ""
    at_least: float | None = None
    at_most: float | None = None


class ModelUse(Value):
    """What was asked of a model to come to the points, and what it took.

    Args:
        name: of the model; `none` for an agent without one.
        version: as its endpoint states it.
        prompt: digest of what it was sent, and `answer` of what it gave.
        tokens_in: tokens of the prompt, and `tokens_out` of the answer.
        cost: in `currency`, as a decimal.
    """

    name: Annotated[str, StringConstraints(min_length=1, max_length=120)] = "none"
    version: Annotated[str, StringConstraints(max_length=120)] = ""
    prompt: Digest | None = None
    answer: Digest | None = None
    tokens_in: int = Field(default=0, ge=0, le=10**9)
    tokens_out: int = Field(default=0, ge=0, le=10**9)
    cost: Annotated[str, StringConstraints(pattern=r"^\d{1,9}(\.\d{1,6})?$")] = "0"
    currency: Annotated[str, StringConstraints(pattern=r"^[a-z]{3}$")] = "usd"


@dataclass(frozen=True, slots=True)
class AgentPoint:
    """A point as it stands on record.

    Args:
        number: from 1 in its campaign.
        agent: which agent proposed it, or `agent/person`.
        model: name and version of its model.
    """

    number: int
    said: AdvisedPoint
    agent: str
    model: str

    def verdict(self, trial: Trial | None) -> Verdict:
        """What came of the hypothesis: `held` where the value lies where it was expected, else `refuted`."""
        if trial is None or not trial.state.final:
            return "open"
        if trial.value is None:
            return "untested"
        low = self.said.at_least is None or trial.value >= self.said.at_least
        high = self.said.at_most is None or trial.value <= self.said.at_most
        return "held" if low and high else "refuted"


@dataclass(frozen=True, slots=True)
class Mixed:
    """What is to be measured next, and where each point came from.

    Args:
        by: for each proposal the number of the agent's point, or 0 for the planner's.
        declined: points of the agent that are not taken, and why.
    """

    proposals: tuple[Proposal, ...]
    by: tuple[int, ...]
    declined: tuple[tuple[int, Decline], ...] = ()


def points_of(entry_facts: Mapping[str, Any], body: Mapping[str, Any], first: int) -> tuple[AgentPoint, ...]:
    """The points in an entry `agent.proposed`; where its body was erased, as many that nobody can measure."""
    erased = [{"values": {"erased": True}, "hypothesis": "(erased)"}] * int(entry_facts["points"])
    said = [AdvisedPoint.read(dict(point)) for point in body.get("points", erased)]
    model = " ".join(filter(None, (str(entry_facts["model"]["name"]), str(entry_facts["model"].get("version", "")))))
    return tuple(AgentPoint(first + n, one, str(entry_facts["agent"]), model) for n, one in enumerate(said))


def why_unfit(spec: CampaignSpec, problem: Problem, point: AdvisedPoint) -> str:
    """Why a point can be none of a campaign; empty if it can be one."""
    if point.at_least is None and point.at_most is None:
        return "nothing could refute it: say at_least or at_most"
    if point.source and point.source not in {source.name for source in spec.source}:
        return f"there is no source {point.source}"
    return misfit(problem, point.values)
