"""Message catalogues: what a translator writes is what people read, and mistakes in a file are told with their line."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

import yosegi
from yosegi.core.errors import Corrupt
from yosegi.core.messages import Text, read_catalogue

CATALOGUES = sorted(Path(yosegi.__file__).parent.rglob("*.po"))
# The example of an entry with a context in gettext's manual, section "PO Files", with Japanese for the Polish.
ENTRY = '#. a comment\nmsgctxt "greeting"\nmsgid "Hello, "\n"{name}"\nmsgstr "{name} さん、\\"今日は\\""\n'


def catalogue(folder: Path, text: str) -> Path:
    file = folder / "some.po"
    file.write_text('msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n' + text, encoding="utf-8")
    return file


def test_an_entry_gives_both_languages_by_its_context(tmp_path: Path) -> None:
    found = read_catalogue(catalogue(tmp_path, ENTRY))
    assert found == {"greeting": Text("Hello, {name}", '{name} さん、"今日は"')}


@pytest.mark.parametrize(
    "entry", [ENTRY.replace("msgctxt", "#, fuzzy\nmsgctxt"), ENTRY.split("msgstr")[0] + 'msgstr ""\n']
)
def test_what_is_not_translated_for_certain_is_english(tmp_path: Path, entry: str) -> None:
    assert read_catalogue(catalogue(tmp_path, entry))["greeting"].ja == "Hello, {name}"


def test_what_a_merge_has_set_aside_is_not_read(tmp_path: Path) -> None:
    aside = "".join(f"#~ {line}\n" for line in ENTRY.splitlines()[1:])
    assert read_catalogue(catalogue(tmp_path, aside)) == {}


@pytest.mark.parametrize("text", [ENTRY + "\n" + ENTRY, ENTRY.replace('msgctxt "greeting"\n', ""), 'msgid "half\n'])
def test_a_file_with_a_key_twice_without_a_key_or_of_another_format_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(Corrupt):
        read_catalogue(catalogue(tmp_path, text))


@pytest.mark.parametrize("file", CATALOGUES, ids=lambda file: file.name)
def test_everything_is_translated(file: Path) -> None:
    assert [key for key, text in read_catalogue(file).items() if text.en == text.ja] in ([], ["object"])


@pytest.mark.skipif(shutil.which("msgfmt") is None, reason="gettext's own programs are not installed")
@pytest.mark.parametrize("file", CATALOGUES, ids=lambda file: file.name)
def test_gettexts_own_compiler_takes_the_file(file: Path, tmp_path: Path) -> None:
    subprocess.run(["msgfmt", "--check", "-o", str(tmp_path / "out.mo"), str(file)], check=True, capture_output=True)
