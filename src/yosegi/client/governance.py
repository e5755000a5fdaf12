"""Charters, agreements, policy, suspensions and mandates in the Python client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal
from urllib.parse import quote, urlencode

from yosegi.client.connection import Connection
from yosegi.services.agents.schemas import AgentActivity
from yosegi.services.delegation.schemas import AgentDetail, MandateDetail
from yosegi.services.governance.schemas import (
    AccessLine,
    AgreementDetail,
    CharterDetail,
    DocumentPublished,
    PolicyAnswer,
    PolicyWarnings,
    SuspensionDetail,
    WhatIfAnswer,
)
from yosegi.services.programme.schemas import CharterProgramme
from yosegi.trust.envelope import Envelope

Suspendable = Literal["site", "person", "agent", "team", "agreement", "capability"]


class GovernanceClient:
    """Charters, agreements, policy and suspensions at one site. Made by `Client.governance`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __repr__(self) -> str:
        return f"<governance at {self._connection.url}>"

    def charters(self) -> tuple[CharterDetail, ...]:
        """Every charter the site lives in."""
        return self._connection.get_all(CharterDetail, "/charters")

    def charter(self, charter: str) -> CharterDetail:
        """One charter, with whose statement is in force."""
        return self._connection.get(CharterDetail, f"/charters/{quote(charter)}")

    def documents(self, charter: str) -> tuple[Envelope, ...]:
        """Every document accepted under a charter, as it was signed."""
        return self._connection.get_all(Envelope, f"/charters/{quote(charter)}/documents")

    def publish(self, document: Envelope) -> DocumentPublished:
        """Put a signed charter, statement or agreement in force, and pass it on to whom it concerns."""
        body = {"document": document.model_dump(mode="json")}
        return self._connection.post(DocumentPublished, "/governance", body)

    def agreements(self, charter: str = "") -> tuple[AgreementDetail, ...]:
        """The agreements the site is a party to."""
        return self._connection.get_all(AgreementDetail, f"/agreements?{urlencode({'charter': charter})}")

    def explain(self, capability: str, **question: Any) -> PolicyAnswer:
        """What policy would answer, and why not: `team`, `purpose`, `person`, `action`, `sensitivity` … narrow it."""
        return self._connection.post(PolicyAnswer, "/policy/explain", {"capability": capability, **question})

    def what_if(self, capability: str, **question: Any) -> WhatIfAnswer:
        """The same `now` and `then`: with agreements to `add` (dicts), names to do `without`, or other `rules`."""
        return self._connection.post(WhatIfAnswer, "/policy/what-if", {"capability": capability, **question})

    def access(self, person: str = "", purpose: str = "") -> tuple[AccessLine, ...]:
        """What somebody may use in each of their teams, and why not the rest."""
        query = urlencode({"person": person, "purpose": purpose})
        return self._connection.get_all(AccessLine, f"/access?{query}")

    def reload_policy(self, rules: Mapping[str, str], table: Sequence[Mapping[str, Any]] = ()) -> PolicyWarnings:
        """Take other rules of the site's own, and another table of expectations."""
        body = {"rules": dict(rules), "table": [dict(row) for row in table]}
        return self._connection.post(PolicyWarnings, "/policy", body)

    def suspensions(self) -> tuple[SuspensionDetail, ...]:
        """What is barred at the site."""
        return self._connection.get_all(SuspensionDetail, "/suspensions")

    def suspend(self, kind: Suspendable, name: str, why: str = "", charter: str = "") -> SuspensionDetail:
        """Bar a site, person, agent, team, agreement or capability there, at once."""
        body = {"kind": kind, "name": name, "why": why, "charter": charter}
        return self._connection.post(SuspensionDetail, "/suspensions", body)

    def lift(self, kind: Suspendable, name: str, why: str = "", charter: str = "") -> SuspensionDetail:
        """Bar it no more."""
        body = {"kind": kind, "name": name, "why": why, "charter": charter}
        return self._connection.post(SuspensionDetail, "/suspensions/lift", body)

    def programme(self, charter: str = "") -> tuple[CharterProgramme, ...]:
        """Teams, challenges, agreements, grants, campaigns with baselines and outcomes, under each charter."""
        return self._connection.get_all(CharterProgramme, f"/programme?{urlencode({'charter': charter})}")


class MandatesClient:
    """Mandates given at one site, and the agents that act under them. Made by `Client.mandates`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __repr__(self) -> str:
        return f"<mandates at {self._connection.url}>"

    def list(self, person: str = "") -> tuple[MandateDetail, ...]:
        """The mandates given at the site, the newest first; of one member alone, if one is given."""
        return self._connection.get_all(MandateDetail, f"/mandates?{urlencode({'person': person})}")

    def show(self, mandate: str) -> MandateDetail:
        """One mandate: its terms, what is left of it, and whether it stands."""
        return self._connection.get(MandateDetail, f"/mandates/{quote(mandate)}")

    def give(self, terms: Mapping[str, Any]) -> MandateDetail:
        """Give a mandate in one's own name, or derive one from another; `terms` as the API describes them."""
        return self._connection.post(MandateDetail, "/mandates", terms)

    def cancel(self, mandate: str, why: str = "") -> MandateDetail:
        """End a mandate and all that was derived from it."""
        return self._connection.post(MandateDetail, f"/mandates/{quote(mandate)}/cancel", {"why": why})

    def activity(self, mandate: str, most: int = 100) -> AgentActivity:
        """What an agent called under a mandate, and what it was answered, the latest first."""
        return self._connection.get(AgentActivity, f"/mandates/{quote(mandate)}/activity?{urlencode({'most': most})}")

    def agents(self) -> tuple[AgentDetail, ...]:
        """The agents that act for members of the site."""
        return self._connection.get_all(AgentDetail, "/agents")
