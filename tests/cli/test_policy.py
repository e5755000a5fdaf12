"""Asking before acting, at a running site: by command line and in Python."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.asking import document, entries, operator, pi, refused, told
from processes.sites import Town

pytestmark = pytest.mark.processes


def some_capability(town: Town) -> str:
    return sorted(line.ref for line in town.client("argonne").capabilities())[0]


def test_what_would_be_allowed_is_said_before_anybody_acts(town: Town) -> None:
    ref = some_capability(town)
    answer = document("policy", "explain", ref, *pi(town))
    assert answer["allow"]
    assert answer["owner"]["allow"]
    said = told("policy", "explain", ref, *pi(town))
    assert answer["agreements"][0] in said
    assert f"{ref.partition('/')[0]} would do it, by" in said
    assert town.client("argonne").explain(ref).model_dump(mode="json") == answer
    japanese = told("policy", "explain", ref, "--lang", "ja", *pi(town))
    assert "応じます" in japanese


def test_asking_again_within_a_minute_asks_the_owner_nothing(town: Town) -> None:
    ref = some_capability(town)
    document("policy", "explain", ref, *pi(town))
    before = entries(town, "argonne")
    document("policy", "explain", ref, *pi(town))
    assert entries(town, "argonne") == before


def test_a_refusal_is_explained_in_the_language_asked_for(town: Town) -> None:
    ref = some_capability(town)
    english = told("policy", "explain", ref, "--purpose", "teaching", *pi(town))
    japanese = told("policy", "explain", ref, "--purpose", "teaching", "--lang", "ja", *pi(town))
    assert "refused" in english
    assert "目的" in japanese


def test_what_if_an_agreement_were_added(town: Town, tmp_path: Path) -> None:
    ref = some_capability(town)
    wider = tmp_path / "wider.toml"
    wider.write_text(
        'charter = "demo"\nname = "teaching"\ntitle = "Teaching"\nteam = "toy-team"\n'
        f'parties = ["argonne", "riken"]\ncapabilities = ["{ref.partition("/")[0]}/*"]\npurposes = ["teaching"]\n'
    )
    answer = document("policy", "what-if", ref, "--purpose", "teaching", "--add", wider, *pi(town))
    assert (answer["now"]["allow"], answer["then"]["allow"]) == (False, True)
    same = document("policy", "what-if", ref, "--without", "toy-team-agreement", *pi(town))
    assert not same["then"]["allow"]
    assert "no agreement 'unheard'" in refused("policy", "what-if", ref, "--without", "unheard", *pi(town))


def test_the_catalogue_of_a_member_has_every_capability_once_a_team(town: Town) -> None:
    lines = document("policy", "access", *pi(town))
    known = {line.ref for line in town.client("argonne").capabilities()}
    assert {line["capability"] for line in lines} == known
    assert all(line["allow"] or line["reasons"] for line in lines)


def test_rules_are_published_at_a_running_site_or_not_at_all(town: Town) -> None:
    home = town.folder / "riken"
    rule = home / "policy" / "closed.cedar"
    expectation = home / "policy" / "table.toml"
    ref = next(line.ref for line in town.client("riken").capabilities() if line.ref.startswith("riken/"))
    expectation.write_text(f'[[row]]\nwho = "pi@argonne"\nteam = "toy-team"\nwhat = "{ref}"\nallow = true\n')
    rule.write_text('@id("closed") @reason("Closed.") forbid (principal, action == Action::"accept", resource);')
    try:
        assert "is to be allowed" in refused("policy", "publish", "--home", home)
        assert document("policy", "explain", ref, "--of", "pi@argonne", *operator(town))["allow"]
        expectation.write_text("")
        told("policy", "publish", "--home", home)
        answer = document("policy", "explain", ref, "--of", "pi@argonne", *operator(town))
        assert answer["reasons"][0]["code"] == "local_rule"
    finally:
        rule.unlink()
        expectation.unlink(missing_ok=True)
        told("policy", "publish", "--home", home)


def test_charters_and_agreements_of_a_running_site_are_read_and_published(town: Town, tmp_path: Path) -> None:
    home = town.folder / "riken"
    (found,) = document("agreement", "list", "--home", home)
    assert found["in_force"]
    assert document("agreement", "show", "--home", home, found["name"]) == found
    v1, v2, changes = tmp_path / "v1.json", tmp_path / "v2.json", tmp_path / "changes.toml"
    told("charter", "export", "--home", home, "demo", "--out", v1)
    changes.write_text('title = "Changed while it ran"\n')
    told("charter", "propose", v1, changes, "--out", v2)
    for site in ("argonne", "riken", "nims"):
        told("charter", "sign", v2, "--home", town.folder / site)
    told("charter", "publish", "--home", home, v2)
    assert town.client("riken").charters()[0].title == "Changed while it ran"
