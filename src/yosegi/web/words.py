"""Every text of the pages, in English and Japanese: `locale/ja/LC_MESSAGES/pages.po` has them.

What people and planners wrote stays as they wrote it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yosegi.core.errors import NotFound
from yosegi.core.messages import read_catalogue
from yosegi.core.reasons import CODES, Language, Text, explain, phrase
from yosegi.trust.explanation import Explanation

LANGUAGES: Mapping[Language, str] = {"en": "English", "ja": "日本語"}

CATALOGUE = Path(__file__).parent / "locale" / "ja" / "LC_MESSAGES" / "pages.po"
TEXTS: Mapping[str, Text] = {**read_catalogue(CATALOGUE), "effect.": Text("", ""), "result.": Text("", "")}
"""By key; an effect or a result that is not known yet has no word."""


@dataclass(frozen=True, slots=True)
class Words:
    """The texts in one language."""

    lang: Language

    def __call__(self, key: str, **fields: Any) -> str:
        """A text with its fields filled in.

        Raises:
            NotFound: no such text.
        """
        if key not in TEXTS:
            raise NotFound("text", key)
        return TEXTS[key].said(self.lang).format(**fields)

    def ago(self, seconds: float) -> str:
        """How long ago, in one unit."""
        names = (("day", "日", 86400), ("h", "時間", 3600), ("min", "分", 60), ("s", "秒", 1))
        for en, ja, size in names:
            if seconds >= size or size == 1:
                count = int(seconds // size)
                text = (
                    f"{count} {en}{'s' if en == 'day' and count > 1 else ''}" if self.lang == "en" else f"{count}{ja}"
                )
                return self("ago", text=text)
        return ""

    def reach(self, text: str) -> str:
        """How a peer is reached, from what the exchange says in English."""
        for start, key in (("listens at ", "listens"), ("dials out; mailbox at ", "dials_out")):
            if text.startswith(start):
                return self(key, where=text.removeprefix(start))
        return text

    def phrase(self, text: str) -> str:
        """What the program says on record in English; a person's own words stay as they wrote them."""
        return phrase(text, self.lang)

    def code(self, code: str) -> str:
        """What a reason code means here; empty for a code of somebody else's policy."""
        if code in CODES:
            return explain(code, self.lang)
        return self(f"engine.{code}") if f"engine.{code}" in TEXTS else ""

    def reason(self, given: Explanation) -> tuple[str, str, str]:
        """Code, text and contact of a reason as its owner explained it: its words come first."""
        own = given.ja if self.lang == "ja" else given.en
        return given.code, own or self.code(given.code) or given.en, given.contact
