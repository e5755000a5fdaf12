"""Tasks in the Python client: those that others asked of the site, those asked from it, and approvals."""

from __future__ import annotations

from typing import Any, Literal, cast
from urllib.parse import quote, urlencode

from yosegi.client.connection import Connection
from yosegi.core.contract_terms import Conduct, Sensitivity
from yosegi.services.approvals.schemas import ApprovalRequest, ApprovalWithdrawn
from yosegi.services.bench.schemas import BenchTask
from yosegi.services.tasks.schemas import RequestDetail, RequestSummary, TaskCancelled, TaskDetail, TaskSummary
from yosegi.trust.envelope import Envelope


class TasksClient:
    """Tasks that others asked of one site. Made by `Client.tasks`; a task is named `home/key`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __repr__(self) -> str:
        return f"<tasks at {self._connection.url}>"

    def list(self, state: str = "") -> tuple[TaskSummary, ...]:
        """The latest tasks; of one state alone, if one is given."""
        return self._connection.get_all(TaskSummary, f"/tasks?{urlencode({'state': state})}")

    def show(self, name: str) -> TaskDetail:
        """One task."""
        return self._connection.get(TaskDetail, f"/tasks/{quote(name)}")

    def settle(self, name: str, effect: Literal["none", "done"], note: str) -> TaskDetail:
        """Say what an uncertain task did, after a look at the instrument."""
        return self._connection.post(TaskDetail, f"/tasks/{quote(name)}/settle", {"effect": effect, "note": note})

    def acknowledge(self, name: str) -> TaskDetail:
        """Say that the alert of an uncertain task was seen."""
        return self._connection.post(TaskDetail, f"/tasks/{quote(name)}/acknowledge")

    def cancel(self, name: str, why: str = "") -> TaskDetail | TaskCancelled:
        """Cancel a task; who may not see it is told its name and state alone."""
        kind = cast("type[TaskDetail | TaskCancelled]", TaskDetail | TaskCancelled)
        return self._connection.post(kind, f"/tasks/{quote(name)}/cancel", {"why": why})

    def asked(self, name: str) -> ApprovalRequest:
        """What exactly a task asks, and what was said to it."""
        return self._connection.get(ApprovalRequest, f"/tasks/{quote(name)}/asked")

    def approve(self, name: str, approval: Envelope) -> TaskDetail:
        """Say yes, in a document signed with the person's own key."""
        body = {"document": approval.model_dump(mode="json")}
        return self._connection.post(TaskDetail, f"/tasks/{quote(name)}/approve", body)

    def refuse(self, name: str, why: str = "") -> TaskDetail:
        """Say no, with words that the asker reads."""
        return self._connection.post(TaskDetail, f"/tasks/{quote(name)}/refuse", {"why": why})

    def awaiting_approval(self) -> tuple[ApprovalRequest, ...]:
        """What waits for a person's approval, the oldest first."""
        return self._connection.get_all(ApprovalRequest, "/approvals")

    def withdraw_approval(self, approval: str, why: str = "") -> ApprovalWithdrawn:
        """Take an approval back that was not used yet."""
        return self._connection.post(ApprovalWithdrawn, f"/approvals/{quote(approval)}/withdraw", {"why": why})

    def by_hand(self) -> tuple[BenchTask, ...]:
        """What waits for people at the site to do it, the oldest first, and to whom it was handed on."""
        return self._connection.get_all(BenchTask, "/bench")

    def hand_on(self, name: str, to: str, note: str) -> BenchTask:
        """Give a task that waits for people to another person of the site, e.g. `pi@riken`; the note says why.

        From then on they alone enter its result. Whoever handed it on last takes it back by naming themselves.
        """
        return self._connection.post(BenchTask, f"/bench/{quote(name)}/hand-on", {"to": to, "note": note})


class RequestsClient:
    """Single tasks that are asked from one site. Made by `Client.requests`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __repr__(self) -> str:
        return f"<requests from {self._connection.url}>"

    def ask(
        self,
        capability: str,
        inputs: dict[str, Any],
        *,
        charter: str,
        team: str,
        purpose: str = "research",
        key: str = "",
        conduct: Conduct = "run",
        sensitivity: Sensitivity = "team",
        mandate: str = "",
    ) -> RequestDetail:
        """Ask an owner for one task.

        Args:
            capability: `site/name@version`.
            inputs: as its contract describes them.
            charter: under which.
            team: for which.
            purpose: what for.
            key: makes it happen once: the same key again asks nothing new.
            conduct: how far it may go.
            sensitivity: the strictest label of what goes in.
            mandate: what it is asked under; an agent's own if it asks.
        """
        body = {
            "capability": capability,
            "inputs": inputs,
            "charter": charter,
            "team": team,
            "purpose": purpose,
            "key": key,
            "conduct": conduct,
            "sensitivity": sensitivity,
            "mandate": mandate,
        }
        return self._connection.post(RequestDetail, "/requests", body)

    def list(self) -> tuple[RequestSummary, ...]:
        """The latest that was asked of other sites, by campaigns too."""
        return self._connection.get_all(RequestSummary, "/requests")

    def show(self, owner: str, key: str) -> RequestDetail:
        """Where one request stands, as far as its home site knows."""
        return self._connection.get(RequestDetail, f"/requests/{quote(owner)}/{quote(key)}")

    def withdraw(self, owner: str, key: str, why: str = "") -> RequestDetail:
        """Ask the owner to take a request back; what became of it is told once the owner has answered."""
        return self._connection.post(RequestDetail, f"/requests/{quote(owner)}/{quote(key)}/withdraw", {"why": why})
