"""The part of a site's policies that concerns one team of one home site, as its owner may show it.

Enough to make the owner's decisions about that team's people again, with the same answer for the same reasons, and
nothing of what the owner agreed with others: agreements with the team and the home site, the owner's own forbids, and
of its suspensions those that can concern them. It follows from the whole alone, so whoever may read the owner's ledger
can see that nothing else was left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from yosegi.core import canonical
from yosegi.governance.agreements.agreement import Agreement
from yosegi.governance.policy.policy import SUSPENSIONS
from yosegi.trust.messages import DecisionBasis

RECEIVED = "evidence.received"
"""Policies or entities of an owner; facts: their digest; body: the text that has it."""
_AGREEMENT = "agreement "
_EACH = re.compile(r'(?=@id\("yosegi-suspended-)')
_NAMED = re.compile(r'@kind\("([a-z]+)"\)\s*@name\("([^"]+)"\)')


def disclosure_stream(charter: str, owner: str) -> str:
    """Where a home site keeps what an owner's decisions rest on."""
    return f"evidence/{charter}/{owner}"


def disclosed(decided: tuple[DecisionBasis, ...]) -> Iterator[tuple[str, int]]:
    """Digest and size of everything that decisions rest on and their owner shows."""
    for grounds in decided:
        if grounds.shown is not None:
            yield grounds.shown.policies, grounds.shown.policies_bytes
            yield grounds.entities, grounds.shown.entities_bytes


def extract(bundle: bytes, team: str, home: str, host: str | None = None) -> bytes:
    """What of a bundle of policies concerns a team's people of a home site, in the same form.

    Args:
        bundle: the whole, as it was published.
        team: the team in which they act.
        home: their institution.
        host: the site that vouches for them, where the institution has none of its own.
    """
    held: dict[str, Any] = json.loads(bundle)
    kept = [value for value in held["agreements"] if _concerns(Agreement.read(value), team, home)]
    names = {value["name"] for value in kept}
    texts = {
        where: text
        for where, text in held["texts"].items()
        if not where.startswith(_AGREEMENT) or where.removeprefix(_AGREEMENT) in names
    }
    if SUSPENSIONS in texts:
        each = _EACH.split(texts.pop(SUSPENSIONS))
        left = "".join(
            text for text in each if text.strip() and _may_concern(text, {held["site"], home, host}, team, home)
        )
        texts |= {SUSPENSIONS: left} if left else {}
    part = held | {"agreements": kept, "texts": texts}
    # Absent where agreements were permits of their own, and where none is suspended.
    by_name: dict[str, Callable[[Any], object]] = {
        "links": lambda link: link["new_id"],
        "terms": lambda terms: terms["uid"]["id"],
        "suspended": lambda name: name,
    }
    for which, name_of in by_name.items():
        if which in held:
            part[which] = [one for one in held[which] if name_of(one) in names]
    return canonical.dumps(part)


def hidden(bundle: bytes, team: str, home: str) -> bool:
    """Whether there are agreements for the team to which the home site is no party: what they say is not shown."""
    agreements = (Agreement.read(value) for value in json.loads(bundle)["agreements"])
    return any(team in agreement.for_teams and home not in agreement.parties for agreement in agreements)


def _concerns(agreement: Agreement, team: str, home: str) -> bool:
    return team in agreement.for_teams and home in agreement.parties


def _may_concern(text: str, sites: set[str | None], team: str, home: str) -> bool:
    """Whether a suspension can speak of the home site, its people, the team, an agent, or what is offered to them."""
    found = _NAMED.search(text)
    if found is None:
        return True
    kind, name = found.groups()
    tests: Mapping[str, bool] = {
        "site": name in sites,
        "person": name.endswith(f"@{home}"),
        "team": name == team,
    }
    return tests.get(kind, True)
