"""What a role allows at its own site: some things are for people alone, and some for those who run the site."""

from __future__ import annotations

from yosegi.core.errors import Refused
from yosegi.identity.accounts import Session


def check_person(who: Session, what: str) -> None:
    """See that a person acts, and no agent.

    Raises:
        Refused: an agent.
    """
    if who.agent:
        raise Refused(what, ("people_only",))


def check_operator(who: Session, what: str) -> None:
    """See that a person who runs the site acts.

    Raises:
        Refused: an agent, or neither operator nor officer.
    """
    check_person(who, what)
    if not who.runs_the_site:
        raise Refused(what, ("operators_only",))
