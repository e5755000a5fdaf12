"""The signed documents that sites exchange about one task: request, report, cancel; and what a site offers.

Each is evidence by itself: it names its charter, sender, addressee and key, and is kept by both sides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, StringConstraints

from yosegi.core.amounts import Amounts
from yosegi.core.contract import Conduct, Contract, Sensitivity
from yosegi.core.identifiers import CapabilityRef, Clearance, Digest, Key, PersonId, SiteId, TeamId
from yosegi.core.outcomes import Outcome
from yosegi.core.states import TaskState
from yosegi.core.values import Value
from yosegi.trust.calibration import CalibrationHeld
from yosegi.trust.document import Addressed, Moment
from yosegi.trust.envelope import Envelope
from yosegi.trust.explanation import Explanation, Text


class Request(Addressed):
    """A home site asks an owner for one task, on behalf of a named person. `key` makes it happen once.

    Args:
        agent: the program that acts for the person, if one does.
        conduct: how far it may go; carried out, if nothing is said.
        mandate: what it is asked under, if it is asked under one.
        token: who acts for whom, minted under the mandate; many requests of a few minutes carry the same.
        sensitivity: the strictest label of what went into the inputs.
        clearances: what the home site attests of the person, by its signature on this request.
        challenge: the challenge of the charter that it is to help answer, if its campaign names one.
    """

    kind: ClassVar[str] = "request"
    added: ClassVar[Mapping[int, tuple[str, ...]]] = {2: ("conduct", "mandate", "clearances", "challenge", "token")}

    team: TeamId
    on_behalf_of: PersonId
    agent: Key | None = None
    purpose: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    campaign: Key | None = None
    capability: CapabilityRef
    contract: Digest
    inputs: dict[str, Any]
    sensitivity: Sensitivity = "team"
    conduct: Conduct | None = None
    mandate: Key | None = None
    clearances: tuple[Clearance, ...] | None = Field(default=None, max_length=32)
    challenge: TeamId | None = None
    token: Envelope | None = None

    @property
    def how_far(self) -> Conduct:
        """Whether to suggest, to run once a person has approved, or to run."""
        return self.conduct or "run"


class DecisionSummary(Value):
    """One decision of an owner on a task: when, and what came of it.

    Args:
        action: the step of the task's life.
        at: the moment it was asked with.
        allow: whether it may be done.
        reasons: the names of the agreements that allow it, or the codes of what forbids it.
        approved: whether a person had approved exactly this; absent if not.
    """

    action: Literal["accept", "dispatch", "release"]
    at: Moment
    allow: bool
    reasons: tuple[str, ...]
    approved: bool | None = None


class DisclosedPolicies(Value):
    """The part of an owner's policies that it shows to those whom it concerns, and how much there is to fetch.

    Args:
        policies: digest of that part.
        policies_bytes: its size.
        entities_bytes: the size of the entities beside it.
    """

    policies: Digest
    policies_bytes: int = Field(ge=0)
    entities_bytes: int = Field(ge=0)


class DecisionBasis(Value):
    """What some decisions of an owner on one task rest on.

    Args:
        policies: digest of the policies in force, whole, as the owner's ledger has them.
        entities: digest of what was known, as Cedar's JSON.
        cedar: the engine that decided, with its version.
        shown: what of that the owner shows; absent where it keeps its policies to itself.
        judged: the decisions, in their order.
    """

    policies: Digest
    entities: Digest
    cedar: Annotated[str, StringConstraints(max_length=100)]
    shown: DisclosedPolicies | None = None
    judged: tuple[DecisionSummary, ...]


class Report(Addressed):
    """An owner tells the home site where a task stands; `key` is the task's.

    Args:
        decided: every decision of the owner on the task so far, so that it can be made again.
        joules: the energy of what it ran on, where a scheduler measured it.
        calibration: that held on its instrument when it was started, if one is on record.
    """

    kind: ClassVar[str] = "report"
    added: ClassVar[Mapping[int, tuple[str, ...]]] = {2: ("decided",), 3: ("joules",), 4: ("calibration",)}

    request: Digest
    state: TaskState = Field(strict=False)
    reasons: tuple[Explanation, ...] = ()
    outcome: Outcome | None = None
    charged: Amounts = Amounts()
    sensitivity: Sensitivity = "team"
    simulated: bool = False
    decided: tuple[DecisionBasis, ...] | None = Field(default=None, max_length=16)
    joules: float | None = Field(default=None, ge=0)
    calibration: CalibrationHeld | None = None


class Cancel(Addressed):
    """A home site takes a request back; `key` is the task's. What started may go on, and the report says so."""

    kind: ClassVar[str] = "cancel"

    reason: Text = ""


class Renewal(Addressed):
    """An owner asks a home site whether a mandate still stands, because it holds work under it and its token ran out.

    The answer is a fresh token, or a revocation.
    """

    kind: ClassVar[str] = "renewal"

    mandate: Key


class Revocation(Addressed):
    """A home site says that a mandate is over: nothing new starts under it, and what runs follows its contract."""

    kind: ClassVar[str] = "revocation"

    mandate: Key
    reason: Explanation


class CapabilityStatus(Value):
    """The short-lived side of a capability: whether it can be used now, how busy it is, what it has left."""

    available: bool
    why: Text = ""
    waiting: int = 0
    running: int = 0


class Offered(Value):
    """One capability as offered: its contract and its status when the offer was made."""

    contract: Contract
    status: CapabilityStatus


MOST_OFFERED = 256
"""Capabilities in one offer."""


class Offer(Addressed):
    """What a site offers to another under a charter; short-lived, replaced by the next."""

    kind: ClassVar[str] = "offer"

    offers: tuple[Offered, ...] = Field(max_length=MOST_OFFERED)


class AuthorizationQuery(Addressed):
    """A home site asks what an owner would say of one of its members; nothing comes of it but an answer.

    Args:
        agent: the program that would act for the person, if one would.
        conduct: how far it would go.
        sensitivity: the strictest label of what would go in.
        model: the language model's endpoint that would see it, if one would.
        clearances: what the home site attests of the person, by its signature on this question.
        capabilities: of the owner.
        add: agreements as if they were in force.
        without: names of agreements as if they were not.
    """

    kind: ClassVar[str] = "would-you"

    team: TeamId
    on_behalf_of: PersonId
    agent: Key | None = None
    purpose: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    conduct: Conduct = "run"
    sensitivity: Sensitivity = "public"
    model: Annotated[str, StringConstraints(max_length=120)] | None = None
    clearances: tuple[Clearance, ...] | None = Field(default=None, max_length=32)
    capabilities: tuple[CapabilityRef, ...] = Field(min_length=1, max_length=200)
    add: tuple[dict[str, Any], ...] | None = Field(default=None, max_length=20)
    without: tuple[str, ...] | None = Field(default=None, max_length=200)


class IntendedAction(Value):
    """What an owner would do with a request for one of its capabilities.

    Args:
        allow: whether it would accept it, start it once approved where that is needed, and release what comes of it.
        at: the first step that it would refuse.
        agreements: by which it would do it.
        reasons: why not.
    """

    capability: CapabilityRef
    allow: bool
    at: Annotated[str, StringConstraints(max_length=40)] = ""
    agreements: tuple[str, ...] = ()
    reasons: tuple[Explanation, ...] = ()


class AuthorizationAnswer(Addressed):
    """An owner's answer, as its policies stood when it was issued; `key` is the question's."""

    kind: ClassVar[str] = "would"

    answers: tuple[IntendedAction, ...] = Field(max_length=200)


Subject = Annotated[str, StringConstraints(min_length=1, max_length=300)]


class Erase(Addressed):
    """A site asks another to erase what it holds of something that must not have been shared.

    Args:
        what: an object, or a task.
        subject: the object's digest, or the task as `home/owner/key`.
        reason: for the other's record.
    """

    kind: ClassVar[str] = "erase"

    what: Literal["object", "task"]
    subject: Annotated[Subject, StringConstraints(pattern=r"^(sha256:[0-9a-f]{64}|[a-z0-9_-]+/[a-z0-9_-]+/[^/]+)$")]
    reason: Text = ""


class Erased(Addressed):
    """The answer: where it is gone, and who is still waited for; signed again when that changes.

    Args:
        gone: sites that hold it no more: the one that signs this, and those it passed the request on to.
        waiting: sites that have not answered it yet, itself among them if a person there has to decide.
        not_taken: sites that will not hear of it.
    """

    kind: ClassVar[str] = "erased"

    what: Literal["object", "task"]
    subject: Subject
    gone: tuple[SiteId, ...] = Field(default=(), max_length=1000)
    waiting: tuple[SiteId, ...] = Field(default=(), max_length=1000)
    not_taken: tuple[SiteId, ...] = Field(default=(), max_length=1000)
