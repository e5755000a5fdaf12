"""A table's bytes as text: UTF-8, UTF-16 and UTF-32 by themselves, anything else by evidence or by the caller's word.

Statistical detectors need more text than a small table has: charset-normalizer 3.5.2 takes a Shift JIS table of three
lines for UTF-16 and a Cyrillic header for cp1006. Here an encoding is a candidate only where every word of the
decoded text is one that its languages write, and it is taken only where all candidates read the same text.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from dataclasses import dataclass

from yosegi.core.errors import Invalid

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NO_TEXT = (
    (b"PK\x03\x04", "an Excel or OpenDocument workbook"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"%PDF", "a PDF"),
    (b"PAR1", "a Parquet file"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x89PNG", "a picture"),
)
_SIGNS = set("°µμ±×·²³¹½¼¾–—‘’“”„…«»§€£¥‰Ωº　、。・：（）／％℃㎖㎎㎏㎜→－～")
_MEASURES = set("°µ±²³×")
_ASCII = {chr(code) for code in range(128)}
_NAMES = {
    "cp1252": "Windows-1252, Western European",
    "cp1250": "Windows-1250, Central European",
    "cp1251": "Windows-1251, Cyrillic",
    "cp1253": "Windows-1253, Greek",
    "cp932": "Shift JIS, Japanese",
    "euc_jp": "EUC-JP, Japanese",
    "gb18030": "GB 18030, Chinese",
    "big5": "Big5, Chinese",
    "cp949": "EUC-KR, Korean",
    "mac_roman": "Mac Roman",
}
_ALPHABETS = {"cp1252": "LATIN", "cp1250": "LATIN", "cp1251": "CYRILLIC", "cp1253": "GREEK"}
_COMMON: dict[str, tuple[tuple[str, int, int], ...]] = {  # codec, first and last lead byte of what is in daily use
    "cp932": (("euc_jp", 0xA1, 0xA5), ("euc_jp", 0xB0, 0xCF)),
    "euc_jp": (("euc_jp", 0xA1, 0xA5), ("euc_jp", 0xB0, 0xCF)),
    "gb18030": (("gb2312", 0xB0, 0xD7),),
    "big5": (("big5", 0xA4, 0xC6),),
    "cp949": (("euc_kr", 0xB0, 0xC8),),
}
_HALF = "[\uff61-\uff9f]"
_HALF_ALONE = re.compile(f"[a-zA-Z]{_HALF}|{_HALF}[a-zA-Z]|(?<!{_HALF}){_HALF}(?!{_HALF})")
_WORDS = re.compile(r"[^\s,;|\"]*[^\x00-\x7f][^\s,;|\"]*")


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a file says, and how it was read.

    Attributes:
        text: without a byte order mark.
        encoding: Python's name of it.
        why: how it is known, for people; empty for UTF-8.
    """

    text: str
    encoding: str
    why: str = ""


def decode(data: bytes, name: str, encoding: str | None = None) -> Decoded:
    """Bytes as text.

    Args:
        data: the whole file.
        name: of the file, for messages.
        encoding: what the caller says it is; None finds out.

    Raises:
        Invalid: it is no text, is not what the caller says, or may be one of several and the caller has to say.
    """
    for mark, kind in _NO_TEXT:
        if data.startswith(mark):
            raise Invalid(name, f"it is {kind}, not text", "Save the sheet as CSV (UTF-8) and try that")
    found = _as_told(data, name, encoding) if encoding else _known(data) or _by_evidence(data, name)
    if "\0" in found.text:
        raise Invalid(name, "it holds NUL characters, so it is no text", "Save the sheet as CSV (UTF-8) and try that")
    return found


def _as_told(data: bytes, name: str, encoding: str) -> Decoded:
    try:
        text = data.decode(encoding)
    except LookupError as error:
        known = ", ".join(["utf-8", "utf-16", *_NAMES])
        raise Invalid(f"--encoding {encoding}", "there is no such encoding of text", f"Some are {known}") from error
    except UnicodeError as error:
        start = error.start if isinstance(error, UnicodeDecodeError) else 0
        where = f"{name}, line {_line_at(data, start)}"
        raise Invalid(where, f"it is not {encoding} ({error})", "Try another --encoding") from error
    return Decoded(text.lstrip("\ufeff"), encoding, "as told")


def _known(data: bytes) -> Decoded | None:
    """By its byte order mark, as UTF-8, or as UTF-16 whose every other byte is zero."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            try:
                text = data.decode("utf-8-sig" if encoding == "utf-8" else encoding)
            except UnicodeDecodeError:
                return None
            return Decoded(text, encoding, "by its byte order mark")
    zero = [data[start:2000:2].count(0) for start in (0, 1)]
    if max(zero) > 0.4 * len(data[:2000]) / 2 and min(zero) == 0:
        encoding = "utf-16-be" if zero[0] else "utf-16-le"
        return Decoded(data.decode(encoding, "replace"), encoding, "every other byte is zero")
    try:
        return Decoded(data.decode("utf-8"), "utf-8")
    except UnicodeDecodeError:
        return None


def _by_evidence(data: bytes, name: str) -> Decoded:
    line = _line_of_fault(data)
    read = {encoding: text for encoding in _NAMES if (text := _strict(data, encoding)) is not None}
    likely = {encoding: text for encoding, text in read.items() if _plausible(text, encoding)}
    if set("".join(_words(read.get("cp1252", "")))) - _ASCII <= _MEASURES:  # `°C` alone could be a rare ideograph
        likely = {"cp1252": read["cp1252"]} if "cp1252" in read else likely
    if len(set(likely.values())) == 1:
        encoding, text = next(iter(likely.items()))
        words = ", ".join(repr(word) for word in _words(text)[:3])
        return Decoded(text, encoding, f"{_NAMES[encoding]}: it reads as {words}")
    shown = likely or {e: t for e, t in read.items() if e in ("cp1252", "cp932", "mac_roman")}
    readings = "; ".join(f"{e} reads {_words(text)[0]!r}" for e, text in shown.items() if _words(text))
    if not readings:
        raise Invalid(f"{name}, line {line}", "it is no text in UTF-8 or any common encoding", "Save it as CSV (UTF-8)")
    todo = f"Say which it is with --encoding ({readings}), or save it as CSV (UTF-8)"
    raise Invalid(f"{name}, line {line}", "it is not UTF-8, and its encoding is not certain", todo)


def _line_of_fault(data: bytes) -> int:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return _line_at(data, error.start)
    return 1


def _line_at(data: bytes, place: int) -> int:
    """Counted from 1."""
    return data.count(b"\n", 0, place) + 1


def _strict(data: bytes, encoding: str) -> str | None:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return None
    return None if any(unicodedata.category(c) == "Cc" and c not in "\t\r\n" for c in set(text)) else text


def _words(text: str) -> list[str]:
    """Distinct words that hold a character beyond ASCII, in order."""
    return list(dict.fromkeys(_WORDS.findall(text)))[:20_000]


def _plausible(text: str, encoding: str) -> bool:
    words = _words(text)
    if encoding in _ALPHABETS:
        return all(_alphabetic(word, _ALPHABETS[encoding]) for word in words)
    return encoding in _COMMON and all(_ideographic(word, encoding) for word in words)


def _alphabetic(word: str, alphabet: str) -> bool:
    """Signs and letters of one alphabet: Latin with at most two accented letters in a row, others unmixed."""
    letters = [c for c in word if c.isalpha() and c not in _SIGNS]
    if any(ord(c) > 127 and c not in _SIGNS and not c.isalpha() for c in word):
        return False
    if any(not unicodedata.name(c, "").startswith(alphabet) for c in letters if ord(c) > 127):
        return False
    if alphabet == "LATIN":
        return not re.search(r"[^\W\d_a-zA-Z]{3}", word) and not re.search(r"[a-z][À-ÖØ-Þ]", word)
    beyond = [ord(c) > 127 for c in letters]
    return all(beyond) or not any(beyond)


def _ideographic(word: str, encoding: str) -> bool:
    """Ideographs and syllables in daily use, nine in ten; half-width kana only in runs of its own."""
    beyond = [c for c in word if ord(c) > 127 and c not in _SIGNS]
    half = [c for c in beyond if "\uff61" <= c <= "\uff9f"]
    if half:
        return encoding in ("cp932", "euc_jp") and not _HALF_ALONE.search(word)
    return sum(_is_common(c, encoding) for c in beyond) >= 0.9 * len(beyond)


def _is_common(character: str, encoding: str) -> bool:
    for codec, first, last in _COMMON[encoding]:
        try:
            lead = character.encode(codec)[0]
        except UnicodeEncodeError:
            continue
        if first <= lead <= last:
            return True
    return False
