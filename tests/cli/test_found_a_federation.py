"""`docs/how-to/found-a-federation.md` is true: every command on it is run, in its order, on the files it shows."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli.asking import document, refused, told
from yosegi.cli import main
from yosegi.cli.documents import documents_of
from yosegi.governance.charter.statement import Statement

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "found-a-federation.md"
_BLOCK = re.compile(r"^```(toml|)\n(.*?)^```$", re.S | re.M)
_FILE = re.compile(r"`([\w-]+\.toml)`:\s*$")


def steps() -> Iterator[tuple[str, str]]:
    """`("file", name and content)` and `("run", command)`, as they stand on the page."""
    text = PAGE.read_text(encoding="utf-8")
    for block in _BLOCK.finditer(text):
        kind, content = block[1], block[2]
        if kind == "toml":
            named = _FILE.search(text[: block.start()].rstrip())
            assert named, "a file on the page is named right before it"
            yield "file", f"{named[1]}\n{content}"
        else:
            yield from (("run", line) for line in content.splitlines())


class Reader:
    """Somebody who does what the page says, and reads fingerprints aloud."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.aloud = folder, ""

    def write(self, text: str) -> None:
        name, _, content = text.partition("\n")
        for site in ("lab-a", "lab-b", "small"):
            word = f"KEYS-OF-{site.upper()}"
            if word in content:
                content = content.replace(
                    word, told("charter", "key", "--home", site).splitlines()[0].removeprefix("keys = ")
                )
        (self.folder / name).write_text(content, encoding="utf-8")

    def run(self, line: str) -> Result:
        program, *arguments = shlex.split(line)
        assert program == "yosegi"
        result = CliRunner().invoke(main, arguments, input=f"{self.aloud}\n")
        assert result.exit_code == 0, f"{line}\n{result.output}"
        if found := re.search(r"Read aloud to \S+: ([0-9a-f ]+)", result.output):
            self.aloud = found[1].strip()
        return result


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reader:
    monkeypatch.chdir(tmp_path)
    return Reader(tmp_path)


def follow(reader: Reader, until: str = "") -> None:
    for kind, text in steps():
        if until and until in text:
            return
        if kind == "file":
            reader.write(text)
        elif " site serve " not in text:
            reader.run(text)


def test_the_page_founds_a_federation_changes_it_and_founds_another(reader: Reader) -> None:
    follow(reader)
    for site in ("lab-a", "lab-b"):
        (found,) = document("agreement", "list", "--home", site)
        assert found["in_force"]
        assert found["publication"].startswith("Both institutions")
    assert document("charter", "verify", "v1.json", "v2.json", "v3.json")["complete"]
    assert "lab-a hosts the people of small" in told("charter", "diff", "v2.json", "v3.json")
    assert any(line.split()[:1] == ["small"] and line.split()[-1] == "lab-a" for line in shown_lines("v3.json"))


def shown_lines(charter: str) -> list[str]:
    return told("charter", "show", charter).splitlines()


def test_the_fingerprint_is_compared_before_anything_is_signed(reader: Reader) -> None:
    follow(reader, until="charter admit")
    reader.aloud = "0000 0000 0000 0000 0000"
    result = CliRunner().invoke(
        main, ["charter", "admit", "--home", "lab-a", "answer.json", "--out", "welcome.json"], input=f"{reader.aloud}\n"
    )
    assert result.exit_code == 1
    assert "another charter" in result.stderr
    assert not Path("welcome.json").exists()
    assert (
        "does not live"
        in CliRunner().invoke(main, ["charter", "invite", "--home", "lab-a", "pair", "--out", "x"]).stderr
    )


def test_an_invitation_to_a_charter_in_force_says_nothing_else_than_the_charter(reader: Reader) -> None:
    follow(reader, until="agreement.toml")
    invite = ("charter", "invite", "pair", "--home", "lab-a", "--out", "again.json", "--team", "alloys")
    for other in (("--title", "Another"), ("--country", "FR"), ("--kind", "company"), ("--person", "x@lab-a")):
        said = refused(*invite, *other)
        assert other[0] in said
        assert "yosegi charter propose" in said
    assert "--demonstration" in refused(*invite, "--demonstration")
    told(*invite, "--title", "Two laboratories", "--country", "US", "--person", "pi@lab-a")


def test_the_charters_of_a_site_are_listed(reader: Reader) -> None:
    follow(reader, until="agreement.toml")
    assert [(one["id"], one["version"]) for one in document("charter", "list", "--home", "lab-b")] == [("pair", 1)]
    line = told("charter", "list", "--home", "lab-b").splitlines()[1]
    assert line.split()[:2] == ["pair", "1"]
    assert "Two laboratories" in line


def test_a_welcome_with_another_charter_than_was_signed_is_refused(reader: Reader) -> None:
    follow(reader, until="site join welcome.json --home lab-b")
    again = CliRunner().invoke(
        main,
        ["site", "init", "lab-c", "--name", "lab-b", "--title", "University B", "--mailbox", "lab-a"],
    )
    assert again.exit_code == 0
    # Another site of that name never signed this charter.
    result = CliRunner().invoke(main, ["site", "join", "--home", "lab-c", "welcome.json"])
    assert result.exit_code == 1
    assert "welcome" in result.stderr


def test_a_third_country_is_admitted_by_the_same_files(reader: Reader) -> None:
    follow(reader, until="changes.toml")
    reader.run('yosegi site init lab-c --name lab-c --title "Facility C" --mailbox lab-a')
    reader.run("yosegi charter invite pair --team alloys --out invite-c.json --home lab-a")
    reader.run(
        "yosegi site join invite-c.json --country GB --kind facility --person pi@lab-c --out answer-c.json --home lab-c"
    )
    result = reader.run("yosegi charter admit answer-c.json --out v2.json --home lab-a")
    # The rule says two members and one of each country: Japan has not signed yet.
    assert "JP" in result.output
    assert "lab-b" in result.output
    assert "charter admit answer-c.json" in result.output
    shown = reader.run("yosegi charter show answer-c.json").output
    assert "answer to an invitation" in shown
    assert told("charter", "key", "--home", "lab-c").splitlines()[1].removeprefix("read aloud: ed25519 ") in shown
    assert "ask whoever invited you" in refused("site", "join", "v2.json", "--home", "lab-c")
    assert "yosegi charter admit" in refused("charter", "publish", "answer-c.json", "--home", "lab-a")
    reader.run("yosegi charter sign v2.json --home lab-b")
    for site in ("lab-a", "lab-b"):
        reader.run(f"yosegi charter publish v2.json --home {site}")
    reader.run("yosegi charter admit answer-c.json --out welcome-c.json --home lab-a")
    reader.run("yosegi site join welcome-c.json --home lab-c")
    # The newcomer has everybody's statement, and so hears everybody.
    stated = {
        Statement.peek(one).site for one in documents_of(Path("lab-c"), "pair") if "statement" in one.payload_type
    }
    assert stated == {"lab-a", "lab-b", "lab-c"}
    shown = document("charter", "show", "v2.json")["document"]
    assert [member["id"] for member in shown["members"]] == ["lab-a", "lab-b", "lab-c"]
    assert shown["teams"][0]["sites"] == ["lab-a", "lab-b", "lab-c"]
    assert shown["teams"][0]["people"] == ["pi@lab-a", "pi@lab-c"]


def test_an_institution_joins_with_its_governance_keys_offline(reader: Reader) -> None:
    follow(reader, until="site join invitation.json")
    Path("offline").mkdir()
    for name in ("governance.key", "governance-pq.key"):
        Path("lab-b/keys", name).rename(Path("offline", name))
    join = ("site", "join", "invitation.json", "--country", "JP", "--out", "answer.json", "--home", "lab-b")
    assert "Bring it: --key FILE" in refused(*join)
    keys = "--key offline/governance.key --key offline/governance-pq.key"
    reader.run(f"yosegi site join invitation.json --country JP --out answer.json --home lab-b {keys}")
    reader.run("yosegi charter admit answer.json --out welcome.json --home lab-a")
    reader.run(f"yosegi site join welcome.json --home lab-b {keys}")
    assert len(documents_of(Path("lab-b"), "pair")) == 3
