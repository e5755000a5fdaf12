"""Message catalogues: the texts people read, in English and Japanese, in gettext's PO format.

A translator edits the `.po` file and nothing else; it is read when its texts are first needed, and never compiled.
Format: https://www.gnu.org/software/gettext/manual/html_node/PO-Files.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from yosegi.core.errors import Corrupt

Language = Literal["en", "ja"]


@dataclass(frozen=True, slots=True)
class Text:
    """One text in both languages; `{name}` stands for a field."""

    en: str
    ja: str

    def said(self, lang: Language) -> str:
        """The text in one language, its fields not filled in."""
        return self.en if lang == "en" else self.ja


def read_catalogue(file: Path) -> Mapping[str, Text]:
    """The texts of a `.po` file by key: `msgctxt` is the key, `msgid` the English, `msgstr` the Japanese.

    What is not translated yet, or marked fuzzy, is English in both.

    Raises:
        Corrupt: not of that format, an entry without a key, or a key twice.
    """
    import polib  # 25 ms that a process which explains nothing does not need

    try:
        entries = polib.pofile(str(file), encoding="utf-8")
    except (OSError, ValueError) as error:
        raise Corrupt(str(file), f"is no message catalogue ({error})") from None
    texts: dict[str, Text] = {}
    for entry in entries:
        if entry.obsolete:
            continue
        if not entry.msgctxt or entry.msgctxt in texts:
            raise Corrupt(str(file), f"line {entry.linenum}: an entry without msgctxt, or one that is there already")
        texts[entry.msgctxt] = Text(entry.msgid, entry.msgstr if entry.translated() else entry.msgid)
    return texts
