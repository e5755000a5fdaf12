"""Encodings. Bytes are made by Python's codecs; what must be read is the text that was encoded."""

from __future__ import annotations

import pytest

from yosegi.cli._table_text import decode
from yosegi.core.errors import Invalid

TABLE = "Temp °C,Zeit µs,Lösungsmittel,Ausbeute\n60,1,Äthanol,12\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be"])
def test_unicode_is_read_with_and_without_its_mark(encoding: str) -> None:
    assert decode(TABLE.encode(encoding), "t.csv").text == TABLE


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (TABLE, "cp1252"),
        ("Größe,Übermaß,y\n1,2,3\n", "cp1252"),
        ("T °C,y\n1,2\n", "cp1252"),
        ("dose,y\n1,5 µL\n", "cp1252"),
        ("温度,収率\n60,12.5\n80,\n", "cp932"),
        ("温度,溶媒,収率\n60,水,12\n80,エタノール,\n", "cp932"),
        ("温度(℃),収率(％)\n1,2\n", "cp932"),
        ("Т,выход\n1,2\n", "cp1251"),
    ],
)
def test_an_encoding_with_one_sensible_reading_is_named_with_its_evidence(text: str, encoding: str) -> None:
    found = decode(text.encode(encoding), "t.csv")
    assert (found.text, found.encoding) == (text, encoding)
    assert "it reads as" in found.why


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("温度,产率\n1,2\n", "gb18030"),
        ("温度,収率\n1,2\n", "euc_jp"),
        ("溫度,產率\n1,2\n", "big5"),
        ("온도,수율\n1,2\n", "cp949"),
        ("ﾄﾙｴﾝ,y\n1,2\n", "cp932"),
        ("teplota,výtěžek\n1,2\n", "cp1250"),
        ("Temp °C,Lösung,y\n1,2,3\n", "mac_roman"),
    ],
)
def test_an_encoding_with_several_sensible_readings_is_asked_for(text: str, encoding: str) -> None:
    with pytest.raises(Invalid, match=r"line 1: it is not UTF-8.*--encoding") as refused:
        decode(text.encode(encoding), "t.csv")
    assert f"{encoding} reads" in str(refused.value)
    assert decode(text.encode(encoding), "t.csv", encoding).text == text


def test_a_wrong_word_about_the_encoding_is_refused_with_its_line() -> None:
    with pytest.raises(Invalid, match=r"t.csv, line 2: it is not utf-8"):
        decode(b"x,y\n\xff,1\n", "t.csv", "utf-8")


@pytest.mark.parametrize("encoding", ["no-such", "hex"])
def test_an_unknown_encoding_lists_some(encoding: str) -> None:
    with pytest.raises(Invalid, match="there is no such encoding of text"):
        decode(b"x,y\n", "t.csv", encoding)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"PK\x03\x04rest", "it is an Excel or OpenDocument workbook"),
        (b"\xd0\xcf\x11\xe0rest", "it is an old Excel workbook"),
        (b"\x1f\x8brest", "it is a gzip archive"),
        (b"x,y\n1,\x00\n2,3\n", "it holds NUL characters"),
        (b"\x00\xff\xfe\x00\x81\x9c", "no text in UTF-8 or any common encoding"),
    ],
)
def test_what_is_no_text_is_called_what_it_is(data: bytes, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        decode(data, "t.csv")
