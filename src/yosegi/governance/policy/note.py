"""A reason of a decision, with what its sentence names."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from yosegi.core.reasons import Language, explain
from yosegi.core.values import Value


class Note(Value):
    """A reason with what its sentence names."""

    code: str
    fields: dict[str, str] = Field(default_factory=dict)

    def explain(self, lang: Language = "en") -> str:
        """The sentence; a local rule speaks for itself in the language it has."""
        fields: dict[str, Any] = dict(self.fields)
        if lang == "ja" and fields.get("text_ja"):
            fields["text"] = fields["text_ja"]
        return explain(self.code, lang, **fields)
