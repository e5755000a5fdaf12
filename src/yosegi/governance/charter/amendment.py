"""Changing a charter, for the people who do it: what changes, who has signed, and what is still lacking."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from yosegi.governance.charter.charter import Charter
from yosegi.trust.envelope import Envelope
from yosegi.trust.errors import Untrusted
from yosegi.trust.keys import PublicKey


@dataclass(frozen=True, slots=True)
class AmendmentProgress:
    """How far a proposed charter has been signed.

    Args:
        signed: members that have signed with enough of their keys.
        begun: members that have signed with some, but not enough: keys that signed and keys needed.
        waiting: members that have not signed at all.
        lacking: reason codes with fields and the version whose rule is not yet satisfied: the one in force, or the new.
    """

    signed: tuple[str, ...]
    begun: Mapping[str, tuple[int, int]]
    waiting: tuple[str, ...]
    lacking: tuple[tuple[str, Mapping[str, Any], int], ...]

    @property
    def complete(self) -> bool:
        """Whether it can be published."""
        return not self.lacking


def progress(current: Charter | None, proposed: Charter, envelope: Envelope) -> AmendmentProgress:
    """Who has signed a proposal, and what is lacking.

    Args:
        current: the version in force, or none for a first charter.
        proposed: the new version.
        envelope: the same with the signatures gathered so far.

    Raises:
        Untrusted: a signature on it does not count at all.
    """
    keys = proposed.keys | (current.keys if current else {})
    if envelope.signatures:
        envelope.verify(keys, payload_type=Charter.payload_type, needs=())
    key_ids = {signature.key_id for signature in envelope.signatures}
    members = {member.id: member for rule in (current, proposed) if rule is not None for member in rule.members}
    signed, begun, waiting = [], {}, []
    for name, member in sorted(members.items()):
        have = sum(key.key_id in key_ids for key in member.keys)
        if member.signed(key_ids, proposed.algorithms):
            signed.append(name)
        elif have:
            begun[name] = (have, member.needed * len(proposed.algorithms))
        else:
            waiting.append(name)
    return AmendmentProgress(tuple(signed), begun, tuple(waiting), tuple(_lacking((current, proposed), key_ids)))


def _lacking(rules: Iterable[Charter | None], key_ids: set[str]) -> Iterable[tuple[str, Mapping[str, Any], int]]:
    for rule in rules:
        if rule is None:
            continue
        try:
            rule.check_signed(key_ids)
        except Untrusted as missing:
            yield missing.reason, missing.fields, rule.version


def successor(current: Charter, **changes: Any) -> Charter:
    """The next version of a charter, with changes, ready to be signed.

    Args:
        current: the version in force.
        changes: fields that change; `issued` and `expires` at least.

    Raises:
        ValueError: what results does not hold together.
    """
    fields = {name: getattr(current, name) for name in Charter.model_fields}
    return Charter(**(fields | {"version": current.version + 1, "previous": current.digest} | changes))


def differences(old: Charter, new: Charter) -> list[str]:
    """What changes from one version to another, one line each, for people to read before they sign."""
    lines = []
    for name in ("title", "expires", "threshold", "post_quantum", "demonstration", "networks"):
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            lines.append(f"{name.replace('_', ' ')}: {_shown(before)} becomes {_shown(after)}")
    for kind in ("members", "teams", "focus_areas", "challenges"):
        lines += _changed(kind.rstrip("s").replace("_", " "), getattr(old, kind), getattr(new, kind))
    return [*lines, *_hosted(old, new), *_taken_up(old, new)]


def _changed(kind: str, old: tuple[Any, ...], new: tuple[Any, ...]) -> list[str]:
    before, after = ({thing.id: thing for thing in things} for things in (old, new))
    lines = [f"{kind} {name} leaves" for name in sorted(before.keys() - after.keys())]
    lines += [f"{kind} {name} joins" for name in sorted(after.keys() - before.keys())]
    for name in sorted(before.keys() & after.keys()):
        fields = [field for field in type(before[name]).model_fields if field not in _TOLD]
        for field in fields:
            was, becomes = getattr(before[name], field), getattr(after[name], field)
            if was != becomes:
                lines.append(f"{kind} {name}: {field.replace('_', ' ')}: {_change(was, becomes)}")
    return lines


def _change(was: Any, becomes: Any) -> str:
    """From what to what; of a list, what is taken away and what comes: a few keys or people among many."""
    if not (isinstance(was, tuple) and isinstance(becomes, tuple)):
        return f"{_shown(was)} becomes {_shown(becomes)}"
    parts = [f"without {_shown(one)}" for one in was if one not in becomes]
    parts += [f"with {_shown(one)}" for one in becomes if one not in was]
    return "; ".join(parts) or "in another order"


_TOLD = ("challenges", "hosted_by")
"""What has lines of its own."""


def _hosted(old: Charter, new: Charter) -> list[str]:
    """Whose people use whose site from now on, and whose no longer do."""
    lines = []
    for name in sorted({member.id for member in (*old.members, *new.members)}):
        before, after = old.host_of(name), new.host_of(name)
        if before != after:
            lines += [f"{before} no longer hosts the people of {name}"] if before else []
            lines += [f"{after} hosts the people of {name}, which has no site of its own"] if after else []
    return lines


def _taken_up(old: Charter, new: Charter) -> list[str]:
    """Which team begins to work on which challenge, and which no longer does."""
    lines = []
    for team in sorted({team.id for team in (*old.teams, *new.teams)}):
        before, after = set(old.challenges_of(team)), set(new.challenges_of(team))
        lines += [f"team {team} takes up the challenge {one}" for one in sorted(after - before)]
        lines += [f"team {team} no longer works on the challenge {one}" for one in sorted(before - after)]
    return lines


def _shown(value: Any) -> str:
    if isinstance(value, PublicKey):
        return f"{value.algorithm} {value.fingerprint}"
    if hasattr(value, "model_dump"):
        return ", ".join(f"{name.replace('_', ' ')} {part}" for name, part in value.model_dump().items())
    return str(value) if value not in ((), "", None) else "none"
