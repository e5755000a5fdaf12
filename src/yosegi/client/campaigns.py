"""One campaign in the Python client: looked at, steered, exported, and its results as a table."""

from __future__ import annotations

from typing import Any, Literal, cast
from urllib.parse import quote

from yosegi.client.connection import LONG, Connection
from yosegi.services.campaigns.schemas import AgentComparison, CampaignDetail, CampaignMoved, StepDetail
from yosegi.services.programme.schemas import CampaignStanding, ResultKind


class CampaignHandle:
    """One campaign of a site."""

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection, self.name = connection, name

    def __repr__(self) -> str:
        return f"<campaign {self.name} at {self._connection.url}>"

    def state(self) -> CampaignDetail:
        """Everything about it, trials included."""
        return self._connection.get(CampaignDetail, f"/campaigns/{quote(self.name)}")

    def move(
        self, word: str, why: str = "", conduct: Literal["suggest", "approve", "run"] | None = None
    ) -> CampaignDetail | CampaignMoved:
        """`hold`, `resume` (perhaps with another conduct), `stop` or `abort`.

        Who may not see the campaign is told its name and state alone.
        """
        body = {"why": why} | ({"conduct": conduct} if conduct else {})
        kind = cast("type[CampaignDetail | CampaignMoved]", CampaignDetail | CampaignMoved)
        return self._connection.post(kind, f"/campaigns/{quote(self.name)}/{word}", body)

    def hypotheses(self) -> AgentComparison:
        """What agents thought about it, what came of it, and whether they did better than the planner."""
        return self._connection.get(AgentComparison, f"/campaigns/{quote(self.name)}/hypotheses")

    def export(self) -> bytes:
        """Its bundle, for `yosegi verify` and `yosegi replay`."""
        request = self._connection.request("GET", f"/campaigns/{quote(self.name)}/export")
        with self._connection.opened(request, LONG) as answer:
            return answer.read()

    def register_outcome(self, kind: ResultKind, title: str, link: str = "") -> CampaignStanding:
        """Record what came of it: a paper, data set, model or answered question."""
        body = {"kind": kind, "title": title, "link": link}
        return self._connection.post(CampaignStanding, f"/outcomes/{quote(self.name)}", body)

    def results(self) -> Any:
        """Its ended trials, one row each: a pandas DataFrame where pandas is installed, else a list of dicts.

        A step's output that is an object is a column `step.output` of digests, for `Client.objects`.
        """
        state = self.state()
        objective = state.objective.name
        rows = [
            {"trial": trial.number, "source": trial.source, "state": str(trial.state)}
            | trial.values
            | {objective: trial.value, f"{objective}_error": trial.error}
            | _references(trial.steps)
            for trial in state.trial
        ]
        try:
            import pandas
        except ImportError:
            return rows
        return pandas.DataFrame(rows)


def _references(steps: tuple[StepDetail, ...]) -> dict[str, str]:
    """The digest of each object that a trial's steps yielded."""
    return {
        f"{step.name}.{name}": str(value["sha256"])
        for step in steps
        for name, value in step.outputs.items()
        if isinstance(value, dict) and "sha256" in value
    }
