"""Finding what the federation can do, and asking what an owner would say, before anything is asked of it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from yosegi.core.contract import Conduct, Sensitivity
from yosegi.http.bodies import Body
from yosegi.mcp.tool import Call, Tool
from yosegi.services.answer import Answer
from yosegi.services.capabilities.schemas import ContractDetail
from yosegi.services.governance.schemas import AccessLine, PolicyAnswer
from yosegi.services.governance.service import PolicyQuery

Name = Annotated[str, Field(max_length=130)]
Ref = Annotated[str, Field(max_length=130, description="site/name@version, e.g. nims/colour.mix@1")]


class FindCapabilities(Body):
    """Which capabilities to find; all that are known, if nothing is said."""

    text: Annotated[str, Field(max_length=200, description="found in the reference or in its owner's title")] = ""
    kind: Literal["", "simulation", "instrument", "robot", "analysis", "training", "data", "model"] = ""
    usable_only: Annotated[bool, Field(description="leave out what policy refuses, or the mandate does not name")] = (
        False
    )
    purpose: Name = ""
    after: Annotated[str, Field(max_length=130, description="the last reference of the page before")] = ""
    most: Annotated[int, Field(ge=1, le=100)] = 50


class CapabilityFound(AccessLine):
    """One capability, whether it may be used and why not, and whether the caller's mandate names it."""

    within_mandate: bool


class CapabilitiesFound(Answer):
    """A page of capabilities, in the order of their references; `more` follow the last."""

    capabilities: tuple[CapabilityFound, ...]
    more: int


class Describe(Body):
    """One capability."""

    ref: Ref


class AskPolicy(Body):
    """What would be asked of an owner; nothing is asked."""

    capability: Ref
    team: Name = ""
    charter: Name = ""
    purpose: Name = "research"
    conduct: Conduct = "run"
    sensitivity: Sensitivity = "public"


class Preflight(Answer):
    """What the home site's policy and the owner would answer, and whether the caller's mandate reaches so far."""

    policy: PolicyAnswer
    within_mandate: bool


async def find(call: Call, asked: FindCapabilities) -> CapabilitiesFound:
    """Everything known here, with why not."""
    text = asked.text.casefold()
    found = []
    for line in await call.site.governance.access(call.who, purpose=asked.purpose):
        fits = text in line.capability.casefold() or text in line.title.casefold()
        if not fits or asked.kind not in ("", line.kind):
            continue
        within = call.mandate is not None and call.mandate.right.covers(line.capability)
        if asked.usable_only and not (line.allow and (within or call.mandate is None)):
            continue
        found.append(CapabilityFound(**dict(line), within_mandate=within))
    found.sort(key=lambda line: line.capability)
    rest = [line for line in found if line.capability > asked.after]
    return CapabilitiesFound(capabilities=tuple(rest[: asked.most]), more=max(0, len(rest) - asked.most))


async def describe(call: Call, asked: Describe) -> ContractDetail:
    """A whole contract."""
    return call.site.catalogue.show(asked.ref)


async def preflight(call: Call, asked: AskPolicy) -> Preflight:
    """The home site's word and the owner's, and the mandate's."""
    policy = await call.site.governance.explain(PolicyQuery(**dict(asked)), call.who)
    within = call.mandate is not None
    if call.mandate is not None:
        right = call.mandate.right
        within = right.covers(asked.capability) and asked.purpose in right.purposes and asked.conduct in right.conduct
    return Preflight(policy=policy, within_mandate=within)


TOOLS = (
    Tool(
        "find_capabilities",
        "Find capabilities",
        "List what the federation can do for you, with whether you may use it and why not.",
        FindCapabilities,
        CapabilitiesFound,
        find,
    ),
    Tool(
        "describe_capability",
        "Describe a capability",
        "Give the whole contract of one capability: inputs and outputs with units, cost, effect and limits.",
        Describe,
        ContractDetail,
        describe,
    ),
    Tool(
        "preflight",
        "Ask what an owner would say",
        "Say what the home site's policy and the owner would answer to a request, and why not. Nothing is asked.",
        AskPolicy,
        Preflight,
        preflight,
    ),
)
