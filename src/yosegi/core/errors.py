"""The errors of Yosegi: one small tree; each class builds its message from its fields.

A message says what happened, why, and what to do. Refusals by policy are not errors but decisions with reason
codes (`yosegi.core.reasons`).
"""

from __future__ import annotations

_COMMANDS = ("chmod", "pip", "yosegi")


def sentence(text: str) -> str:
    """A text that stands after a full stop, its first letter a capital, but for names, values and commands.

    Example:
        >>> [sentence(text) for text in ("say why", "e.g. x=0.5", "yosegi site doctor", "kind = one of a, b", "a/b@1")]
        ['Say why', 'E.g. x=0.5', 'yosegi site doctor', 'kind = one of a, b', 'a/b@1']
    """
    word, _, rest = text.partition(" ")
    if word in _COMMANDS or rest.startswith("=") or not (word.rstrip(":").isalpha() or word == "e.g."):
        return text
    return text[:1].upper() + text[1:]


class YosegiError(Exception):
    """Anything the program can explain. `code` is stable and may be matched by callers."""

    code = "error"


class Invalid(YosegiError):
    """A value from outside does not hold what its format promises.

    Args:
        what: the thing that was read, e.g. `campaign file colour.toml`.
        why: what is wrong with it, naming the field.
        todo: what to do about it.
    """

    code = "invalid"

    def __init__(self, what: str, why: str, todo: str = "") -> None:
        self.what, self.why, self.todo = what, why, todo
        super().__init__(f"{what}: {why}" + (f". {sentence(todo)}" if todo else ""))


class SenderSuspended(Invalid):
    """A site hears nothing of a sender that its officer has suspended there, or whose ledger tells two stories.

    Args:
        sender: who is not heard.
        site: where.
    """

    code = "sender_suspended"

    def __init__(self, sender: str, site: str) -> None:
        super().__init__(f"a parcel of {sender}", f"{sender} is suspended at {site}")


class NotFound(YosegiError):
    """Nothing by that name is known here, or the caller may not know of it."""

    code = "not_found"

    def __init__(self, kind: str, name: str, known: tuple[str, ...] = ()) -> None:
        self.kind, self.name, self.known = kind, name, known
        hint = f". Known here: {', '.join(known[:8])}" if known else ""
        super().__init__(f"no {kind} {name!r}{hint}")


class Conflict(YosegiError):
    """A stream has moved on, or a key was used before with another content; nothing was changed."""

    code = "conflict"

    def __init__(self, what: str, why: str, todo: str = "read again and decide again") -> None:
        self.what, self.why, self.todo = what, why, todo
        super().__init__(f"{what}: {why}; {todo}")


class Refused(YosegiError):
    """A decision went against the caller.

    Args:
        what: was asked for.
        reasons: reason codes (`yosegi.core.reasons`).
        told: the same in words, in English and Japanese, where whoever decided knows more than the codes say.
    """

    code = "refused"

    def __init__(self, what: str, reasons: tuple[str, ...], told: tuple[tuple[str, str], ...] = ()) -> None:
        self.what, self.reasons, self.told = what, reasons, told
        words = " ".join(en for en, _ in told)
        super().__init__(f"{what} was refused: {', '.join(reasons)}" + (f". {words}" if words else ""))


class Unavailable(YosegiError):
    """A peer, store or engine did not answer; the effect of what was asked may be unknown."""

    code = "unavailable"

    def __init__(self, what: str, why: str, todo: str = "it is tried again by itself") -> None:
        self.what, self.why, self.todo = what, why, todo
        super().__init__(f"{what} is unavailable: {why}; {todo}")


class Corrupt(YosegiError):
    """A ledger, store or bundle does not hold together. Names the first place that is wrong."""

    code = "corrupt"

    def __init__(self, where: str, why: str, todo: str = "restore a backup (yosegi site restore)") -> None:
        self.where, self.why, self.todo = where, why, todo
        super().__init__(f"{where} is corrupt: {why}. {sentence(todo)}")
