"""What the caller may do, what is left of it, and what it did."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from yosegi.http.bodies import Body
from yosegi.mcp.tool import Call, Tool
from yosegi.services.agents.schemas import AgentActivity
from yosegi.services.answer import Answer
from yosegi.services.delegation.schemas import MandateDetail


class Nothing(Body):
    """No input."""


class SomeCalls(Body):
    """How many of the latest calls."""

    most: Annotated[int, Field(ge=1, le=200)] = 50


class Myself(Answer):
    """For whom the caller acts, and under which mandate; without one it reads, and changes nothing."""

    person: str
    agent: str
    site: str
    mandate: MandateDetail | None


async def who_am_i(call: Call, asked: Nothing) -> Myself:
    """The caller's right."""
    mandate = call.site.mandates.show(call.who.mandate, call.who) if call.who.agent else None
    return Myself(person=call.who.person, agent=call.who.agent, site=call.site.name, mandate=mandate)


async def activity(call: Call, asked: SomeCalls) -> AgentActivity:
    """What was done under the caller's mandate."""
    return call.site.agents.activity(call.who.mandate, call.who, asked.most)


TOOLS = (
    Tool(
        "who_am_i",
        "See your right",
        "Say for whom you act, what your mandate allows, until when, and what is left of its budget.",
        Nothing,
        Myself,
        who_am_i,
    ),
    Tool(
        "my_activity",
        "See what you did",
        "List the latest calls under your mandate as this site has them on record.",
        SomeCalls,
        AgentActivity,
        activity,
    ),
)
