from __future__ import annotations

import pytest

from cli.asking import document, entries, operator, pi, refused, told
from processes.sites import Town

pytestmark = pytest.mark.processes


def test_tasks_are_listed_and_shown_by_the_beginning_of_their_key(town: Town) -> None:
    found = document("task", "list", "--state", "ended", *operator(town))
    assert {one["state"] for one in found} == {"ended"}
    assert document("task", "list", "--state", "uncertain", *operator(town)) == []
    assert "no tasks" in told("task", "list", "--state", "uncertain", *operator(town))
    # The first that was asked: what came of later ones may have been erased by another test.
    name = f"{found[-1]['home']}/{found[-1]['key'][:13]}"
    assert document("task", "show", name, *operator(town))["task"] == f"{found[-1]['home']}/{found[-1]['key']}"
    assert "toy.simulate@1" in told("task", "show", name, *operator(town))


def test_what_is_not_uncertain_is_not_settled(town: Town) -> None:
    name = document("task", "list", *operator(town))[0]
    before = entries(town, "riken")
    full = f"{name['home']}/{name['key']}"
    assert "uncertain" in refused("task", "settle", full, "--effect", "none", "--note", "looked", *operator(town))
    assert entries(town, "riken") == before


@pytest.mark.parametrize("verb", [("show",), ("settle", "--effect", "done", "--note", "x"), ("acknowledge",)])
@pytest.mark.parametrize("name", ["argonne/0000", "argonne/" + "0" * 36, "", "../../campaigns", "a/b/c"])
def test_an_unknown_task_is_said_in_one_line(town: Town, verb: tuple[str, ...], name: str) -> None:
    refused("task", *verb, name, *operator(town))


def test_a_state_that_does_not_exist_lists_nothing_or_is_refused(town: Town) -> None:
    assert document("task", "list", "--state", "uncertain&x=1", *operator(town)) == []


def test_only_an_operator_releases_what_anybody_may_hold(town: Town) -> None:
    assert "nothing new starts" in told("site", "switch", "hold", *pi(town))
    assert "release" in refused("site", "switch", "release", *pi(town)) or "operator" in refused(
        "site", "switch", "release", *pi(town)
    )
    home = ("--home", town.folder / "argonne", "--as", "operator@argonne")
    assert "work starts again" in told("site", "switch", "release", *home)
