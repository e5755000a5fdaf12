"""What policy answered, with everything needed to explain it and to decide it again in twenty years."""

from __future__ import annotations

from yosegi.core.errors import Refused
from yosegi.core.identifiers import Digest
from yosegi.core.reasons import Language
from yosegi.core.values import Value
from yosegi.governance.policy.note import Note
from yosegi.governance.policy.question import Question

__all__ = ["Decision", "Note"]


class Decision(Value):
    """An answer.

    Args:
        allow: whether it may be done.
        reasons: the names of the agreements that allow it, or the codes of what forbids it.
        notes: for a refusal, each reason with its fields.
        question: what was asked.
        entities: what was known, as Cedar's JSON.
        policies_digest: of the bundle of policies in force; the bundle itself is kept once per digest.
        entities_digest: of `entities`.
        cedar: the engine that decided, with its version.
    """

    allow: bool
    reasons: tuple[str, ...]
    notes: tuple[Note, ...] = ()
    question: Question
    entities: str
    policies_digest: Digest
    entities_digest: Digest
    cedar: str

    def explain(self, lang: Language = "en") -> str:
        """Why not, in sentences for people; for a permission the agreements it rests on."""
        if not self.allow:
            return "\n".join(note.explain(lang) for note in self.notes)
        names = ", ".join(self.reasons)
        return f"Allowed by {names}." if lang == "en" else f"{names} により許可。"

    def or_refuse(self) -> Decision:
        """This decision, if it allows.

        Raises:
            Refused: with the reason codes.
        """
        if not self.allow:
            raise Refused(f"{self.question.action} of {self.question.capability.ref}", self.reasons)
        return self

    def same_as(self, other: Decision) -> bool:
        """Whether another decision came to the same answer for the same reasons."""
        return (self.allow, self.reasons, self.notes) == (other.allow, other.reasons, other.notes)
