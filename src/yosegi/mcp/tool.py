"""A tool: a name, an input and an answer of checked form, and the one service it asks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from yosegi.core.contract import Conduct
from yosegi.governance.mandates.mandate import Mandate
from yosegi.http.bodies import Body
from yosegi.identity.accounts import Session
from yosegi.services.answer import Answer
from yosegi.services.runtime import Site

Takes = TypeVar("Takes", bound=Body)
Progressing = Callable[[float, str], Awaitable[None]]
"""Tells a client that waits how far it is, in seconds, and in words of this program."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a tool.

    Args:
        site: the site that is asked.
        who: who calls: a person, or a program under a mandate.
        mandate: what it acts under; None for a person's own client, which only reads.
        base: the address of the site's pages, as the caller reaches it, without a slash at its end.
        progress: tells the caller how far it is.
    """

    site: Site
    who: Session
    mandate: Mandate | None
    base: str
    progress: Progressing


@dataclass(frozen=True)
class Tool(Generic[Takes]):
    """One tool.

    Args:
        name: by which it is called.
        title: for people.
        description: what it does, in this program's own words: a model takes it for an instruction.
        takes: its input; closed to unknown fields.
        gives: its answer.
        run: asks the service.
        needs: how far the mandate must let its holder go; None for a tool that only reads.
        schema: its input as JSON Schema, where that says more than `takes`.
    """

    name: str
    title: str
    description: str
    takes: type[Takes]
    gives: type[Answer]
    run: Callable[[Call, Takes], Awaitable[Answer]]
    needs: Conduct | None = None
    ends: bool = False
    """Whether it takes something back; then it is never refused for a budget of calls."""
    schema: dict[str, Any] = field(default_factory=dict)

    @property
    def acts(self) -> bool:
        """Whether it changes anything."""
        return self.needs is not None or self.ends

    def allowed_to(self, mandate: Mandate | None) -> bool:
        """Whether the holder of a mandate, or a person without one, sees it."""
        if not self.acts:
            return True
        if mandate is None:
            return False
        return self.ends or self.needs in mandate.right.conduct
