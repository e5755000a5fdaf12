"""A request before it is signed: what a member asks of an owner, its objects parsed once and labelled once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field, fields, replace
from typing import Any

from yosegi.core.contract import Conduct, Contract, Sensitivity, strictest
from yosegi.core.identifiers import split_capability
from yosegi.core.object import ObjectRef, refs
from yosegi.governance.agreements.label import Label
from yosegi.governance.policy.decision import Decision
from yosegi.trust.messages import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestDraft:
    """What a member asks of an owner.

    Args:
        contract: of the capability, as the asker knows it.
        sensitivity: the strictest label of what went into the inputs, as far as the asker knows.
        conduct: how far it may go; carried out, if nothing is said.
        learned: the label of what the inputs came from, besides objects.
        labelled: the objects among the inputs, by name, where somebody has parsed them already.
        objects: the objects among the inputs, by name.

    Raises:
        Invalid: an input that should be an object is none.
    """

    charter: str
    key: str
    team: str
    on_behalf_of: str
    purpose: str
    capability: str
    contract: Contract
    inputs: dict[str, Any]
    campaign: str | None = None
    sensitivity: Sensitivity = "team"
    conduct: Conduct | None = None
    mandate: str | None = None
    clearances: tuple[str, ...] | None = None
    challenge: str | None = None
    learned: Label = field(default_factory=Label)
    labelled: InitVar[Mapping[str, ObjectRef] | None] = None
    objects: Mapping[str, ObjectRef] = field(init=False)

    def __post_init__(self, labelled: Mapping[str, ObjectRef] | None) -> None:
        objects = refs(self.contract.inputs, self.inputs) if labelled is None else labelled
        object.__setattr__(self, "objects", objects)

    @classmethod
    def of(cls, request: Request, contract: Contract) -> RequestDraft:
        """The draft of a request that was sent."""
        return cls(contract=contract, **{name: getattr(request, name) for name in _SENT})

    @property
    def owner(self) -> str:
        """The site that is asked."""
        return split_capability(self.capability)[0]

    def with_labels(self, objects: Mapping[str, ObjectRef]) -> RequestDraft:
        """The same that names each object by such a label, and is as strict as the strictest."""
        return replace(
            self,
            inputs=self.inputs | {name: ref.json() for name, ref in objects.items()},
            labelled=objects,
            sensitivity=strictest(self.sensitivity, *(ref.sensitivity for ref in objects.values())),
        )

    def fields(self) -> dict[str, Any]:
        """The fields of a `Request` that do not depend on who signs it, for whom and when."""
        return {name: getattr(self, name) for name in _SENT} | {"contract": self.contract.digest}


_SENT = tuple(f.name for f in fields(RequestDraft) if f.name not in ("contract", "learned", "objects"))
"""Fields that a `Request` has under the same name."""


@dataclass(frozen=True, slots=True)
class AuthorizedRequest:
    """A labelled request with its home site's own decision on it, which may be a refusal."""

    request: RequestDraft
    decision: Decision
