"""Approvals, mandates, agents and single tasks, as people and agents do them against sites that are served."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.asking import answered, document, entries, operator, pi, refused, served, told
from processes.sites import PASSPHRASE, Town, until
from yosegi.core.clock import SystemClock

pytestmark = pytest.mark.processes
TERMS = ("--charter", "demo", "--team", "toy-team")
SIMULATE = "riken/toy.simulate@1"
AGREEMENT = """
charter = "demo"
name = "who-approves"
title = "Who approves what is asked of riken"
teams = ["toy-team"]
parties = ["argonne", "riken"]
capabilities = ["riken/*"]
purposes = ["research"]
approvers = ["operator@riken"]
valid_from = {from_}
valid_until = 2099-01-01T00:00:00Z
"""


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A federation of this module's own, for what is agreed here would be found by others."""
    with served(tmp_path_factory.mktemp("rights")) as town:
        yield town


@pytest.fixture(scope="module")
def approvals(town: Town, tmp_path_factory: pytest.TempPathFactory) -> Town:
    """The running federation, in which an agreement names an approver of riken's."""
    folder = tmp_path_factory.mktemp("agreement")
    source, out = folder / "a.toml", folder / "a.json"
    source.write_text(AGREEMENT.format(from_=f"{SystemClock().now():%Y-%m-%dT00:00:00Z}"))
    told("agreement", "propose", source, "--out", out)
    for site in ("argonne", "riken"):
        told("agreement", "sign", out, "--home", town.folder / site)
    told("agreement", "publish", "--home", town.folder / "riken", out)
    return town


def ask(town: Town, *more: str, capability: str = SIMULATE) -> dict[str, Any]:
    """One request of pi's."""
    return dict(answered("task", "ask", capability, *TERMS, *more, *pi(town)))


def settled(town: Town, request: str, *states: str) -> dict[str, Any]:
    """A request, when it has come to one of these states; to its end, if none is named."""
    found: dict[str, Any] = {}

    def there() -> bool:
        found.update(document("task", "asked", request, *pi(town)))
        return found["state"] in (states or ("ended", "refused", "cancelled"))

    until(there, f"{request} has come so far")
    return found


def why(asked: dict[str, Any]) -> list[str]:
    return [reason["code"] for reason in asked["reasons"]]


# -- single tasks -----------------------------------------------------------------------------------------------------


def test_a_task_is_asked_for_once_and_its_result_says_whose_it_is(town: Town) -> None:
    asked = ask(town, "--input", "x=0.5", "--task-key", "once-1")
    done = settled(town, asked["request"])
    assert (done["request"], done["told_by"], done["state"]) == ("riken/once-1", "riken", "ended")
    assert done["outputs"]["y"] == pytest.approx(0.01)
    again = ask(town, "--input", "x=0.5", "--task-key", "once-1")
    assert again["state"] == "ended"
    assert len([t for t in document("task", "list", *operator(town)) if t["key"] == "once-1"]) == 1
    assert "riken says y = 0.0" in told("task", "asked", "riken/once-1", *pi(town))
    assert "riken/once-1" in [one["request"] for one in document("task", "asked", *pi(town))]


def test_a_key_that_was_used_for_something_else_is_refused(town: Town) -> None:
    settled(town, ask(town, "--input", "x=0.5", "--task-key", "once-2")["request"])
    before = entries(town, "argonne")
    other = ("--input", "x=0.75", "--task-key", "once-2")
    assert "used before" in refused("task", "ask", SIMULATE, *TERMS, *other, *pi(town))
    assert entries(town, "argonne") == before


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--input", "x"), "name=value"),
        (("--charter", "none-such"), "none-such"),
        (("--mandate", "none-such"), "none-such"),
        (("--task-key", "a b"), "key"),
    ],
)
def test_what_cannot_be_asked_is_said_in_one_line_and_changes_nothing(
    town: Town, given: tuple[str, ...], said: str
) -> None:
    before = entries(town, "argonne")
    assert said in refused("task", "ask", SIMULATE, *TERMS, "--input", "x=0.5", *given, *pi(town))
    assert entries(town, "argonne") == before


def test_a_capability_nobody_offers_is_said_with_what_there_is(town: Town) -> None:
    assert "toy.none@1" in refused("task", "ask", "riken/toy.none@1", *TERMS, *pi(town))
    assert "site/name@version" in refused("task", "ask", "toy", *TERMS, *pi(town))


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (("--input", "x=2"), "bad_inputs"),
        (("--input", "x=0.5", "--purpose", "teaching"), "purpose_not_covered"),
        (("--input", "x=0.5", "--conduct", "suggest"), "only_a_suggestion"),
    ],
)
def test_what_is_refused_says_why_in_words_and_in_both_languages(town: Town, given: tuple[str, ...], code: str) -> None:
    asked = settled(town, ask(town, *given)["request"])
    assert why(asked) == [code]
    assert all(reason["en"] and reason["ja"] for reason in asked["reasons"])
    assert asked["reasons"][0]["en"] in told("task", "asked", asked["request"], *pi(town)).replace("\n", " ")


@pytest.mark.parametrize("name", ["riken/none-such", "none-such/key", "riken", "a/b/c", "../../tasks"])
def test_a_request_that_was_never_made_is_said_in_one_line(town: Town, name: str) -> None:
    refused("task", "asked", name, *pi(town))


# -- mandates ---------------------------------------------------------------------------------------------------------


def give(town: Town, name: str, *more: str) -> dict[str, Any]:
    return dict(document("mandate", "give", name, *TERMS, "--capability", "riken/*", *more, *pi(town)))


def test_a_mandate_is_given_shown_used_and_cancelled(town: Town) -> None:
    given = give(town, "mine", "--budget", "samples=3", "--days", "2", "--conduct", "approve")
    assert (given["stands"], given["budget"], given["last_use"]) == (True, {"samples": "3"}, "")
    assert given["conduct"] == ["suggest", "approve"]
    assert document("mandate", "show", "mine", *pi(town)) == given
    assert "mine" in [one["id"] for one in document("mandate", "list", *pi(town))]
    assert "mine" in told("mandate", "list", "--of", "pi@argonne", *pi(town))

    beyond = ask(town, "--input", "x=0.5", "--mandate", "mine")
    assert (beyond["state"], why(beyond)) == ("refused", ["outside_mandate"])
    ended = document("mandate", "cancel", "mine", "--why", "a change of plan", *pi(town))
    assert (ended["stands"], ended["why"]["code"]) == (False, "mandate_cancelled")
    assert "mandate_cancelled" in told("mandate", "list", *pi(town))
    before = entries(town, "argonne")
    late = refused("task", "ask", SIMULATE, *TERMS, "--input", "x=0.5", "--mandate", "mine", *pi(town))
    assert "mandate_cancelled" in late
    assert entries(town, "argonne") == before


def test_the_last_use_of_a_mandate_is_seen(town: Town) -> None:
    give(town, "narrow")
    done = settled(town, ask(town, "--input", "x=0.25", "--mandate", "narrow")["request"])
    assert (done["state"], done["mandate"]) == ("ended", "narrow")
    assert document("mandate", "show", "narrow", *pi(town))["last_use"]


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("twice", ("--capability", "riken/*"), "mandate_repeated"),
        ("m-1", ("--capability", "riken/*", "--budget", "samples"), "unit=decimal"),
        ("m-2", ("--capability", "riken/*", "--budget", "apples=3"), "apples"),
        ("m-3", ("--capability", "riken/*", "--budget", "samples=-3"), "samples"),
        ("m-4", ("--capability", "riken"), "capabilities"),
        ("m-5", ("--capability", "riken/*", "--days", "4000"), "days"),
        ("no good", ("--capability", "riken/*"), "id"),
    ],
)
def test_a_mandate_that_does_not_hold_together_is_refused_in_one_line(
    town: Town, name: str, given: tuple[str, ...], said: str
) -> None:
    if name == "twice":
        give(town, "twice")
    before = entries(town, "argonne")
    assert said in refused("mandate", "give", name, *TERMS, *given, *pi(town))
    assert entries(town, "argonne") == before


@pytest.mark.parametrize("verb", ["show", "cancel"])
def test_a_mandate_that_is_not_there_is_said_with_those_that_are(town: Town, verb: str) -> None:
    give(town, f"there-{verb}")
    assert f"there-{verb}" in refused("mandate", verb, "none-such", *pi(town))


# -- agents -----------------------------------------------------------------------------------------------------------


def agent(town: Town, name: str, key: Path) -> tuple[object, ...]:
    """The options by which an agent of pi's asks argonne."""
    return "--url", town.urls["argonne"], "--as", "pi@argonne", "--as-agent", name, "--key", key


def test_an_agent_acts_for_its_member_with_a_key_of_its_own_until_it_is_removed(town: Town, tmp_path: Path) -> None:
    key = tmp_path / "helper.key"
    added = document("agent", "add", "helper", "--agent-key", key, *TERMS, "--capability", "riken/*", *pi(town))
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert (added["agent"], added["person"], added["stands"]) == ("helper", "pi@argonne", True)

    asked = document("task", "ask", SIMULATE, *TERMS, "--input", "x=0.5", *agent(town, "helper", key))
    done = settled(town, asked["request"])
    assert (done["agent"], done["on_behalf_of"], done["mandate"]) == ("helper", "pi@argonne", "helper")
    seen = next(one for one in document("agent", "list", *pi(town)) if one["agent"] == "helper")
    assert (seen["person"], seen["stands"], seen["mandates"]) == ("pi@argonne", True, ["helper"])
    assert seen["last_use"]
    assert "helper" in told("agent", "list", *pi(town))

    assert [one["stands"] for one in document("agent", "remove", "helper", *pi(town))] == [False]
    assert "sign_in_failed" in refused("task", "ask", SIMULATE, *TERMS, *agent(town, "helper", key))
    assert "no mandate that stands" in refused("agent", "remove", "helper", *pi(town))


def test_who_runs_the_site_says_whose_agent_acts_no_more(town: Town, tmp_path: Path) -> None:
    mine = ("--home", town.folder / "argonne", "--as", "operator@argonne")
    for who, name in ((pi(town), "two-1"), (mine, "two-2")):
        added = ("agent", "add", "two", "--mandate", name, "--agent-key", tmp_path / f"{name}.key", *TERMS)
        document(*added, "--capability", "riken/*", *who)
    assert "pi@argonne" in refused("agent", "remove", "two", *mine)
    ended = document("agent", "remove", "two", "--of", "pi@argonne", *mine)
    assert [one["id"] for one in ended] == ["two-1"]
    assert document("mandate", "show", "two-2", *mine)["stands"]


def test_an_agent_reaches_no_further_than_its_mandate_and_cuts_no_wider_one(town: Town, tmp_path: Path) -> None:
    key, sub = tmp_path / "planner.key", tmp_path / "sub.key"
    document("agent", "add", "planner", "--agent-key", key, *TERMS, "--capability", SIMULATE, *pi(town))
    who = agent(town, "planner", key)
    beyond = answered("task", "ask", "riken/toy.use@1", *TERMS, "--input", "x=0.5", "--input", "world=w", *who)
    assert why(beyond) == ["outside_mandate"]
    cut = ("mandate", "cut", "sub", "planner", "--for-agent", "sub", "--agent-key", sub, *TERMS)
    before = entries(town, "argonne")
    assert "mandate_wider" in refused(*cut, "--capability", "riken/*", "--days", "1", *who)
    assert "mandate_wider" in refused(*cut, "--capability", SIMULATE, "--days", "300", *who)
    assert entries(town, "argonne") == before
    made = document(*cut, "--capability", SIMULATE, "--days", "1", *who)
    assert (made["parent"], made["depth"], made["agent"]) == ("planner", 2, "sub")
    deeper = ("mandate", "cut", "deeper", "sub", "--for-agent", "deeper", "--agent-key", tmp_path / "d.key", *TERMS)
    refused(*deeper, "--capability", SIMULATE, "--days", "0.5", *agent(town, "sub", sub))
    document("mandate", "cancel", "planner", *pi(town))
    assert not document("mandate", "show", "sub", *pi(town))["stands"]


def test_nobody_gets_in_as_an_agent_without_its_key(town: Town, tmp_path: Path) -> None:
    key, other = tmp_path / "a.key", tmp_path / "b.key"
    document("agent", "add", "kept", "--agent-key", key, *TERMS, "--capability", "riken/*", *pi(town))
    document("agent", "add", "another", "--agent-key", other, *TERMS, "--capability", "riken/*", *pi(town))
    assert "sign_in_failed" in refused("campaign", "list", *agent(town, "kept", other))
    assert "--key FILE" in refused("campaign", "list", "--url", town.urls["argonne"], "--as", "pi@argonne",
                                   "--as-agent", "kept", "--passphrase", PASSPHRASE)  # fmt: skip


# -- approvals --------------------------------------------------------------------------------------------------------


def waits(town: Town, x: float) -> str:
    """A task at riken that waits for a person."""
    asked = ask(town, "--input", f"x={x}", "--conduct", "approve")
    assert why(settled(town, asked["request"], "accepted")) == ["approval_missing"]
    return f"argonne/{asked['request'].partition('/')[2]}"


def test_what_waits_is_listed_shown_and_started_by_a_signed_yes_once(approvals: Town) -> None:
    town, task = approvals, waits(approvals, 0.125)
    listed = next(one for one in document("approval", "list", *operator(town)) if one["task"] == task)
    shown = document("approval", "show", task, *operator(town))
    assert listed == shown
    assert shown["inputs"] == [{"name": "x", "value": 0.125, "unit": "1"}]
    assert task.partition("/")[2][:13] in told("approval", "list", *operator(town))
    assert shown["request"] in told("approval", "show", task, *operator(town))

    given = document("approval", "give", task, "--yes", *operator(town))
    assert given["approval"]
    done = settled(town, f"riken/{task.partition('/')[2]}")
    assert done["outputs"]["y"] == pytest.approx((0.125 - 0.4) ** 2)
    assert "waits for no approval" in refused("approval", "give", task, "--yes", *operator(town))
    assert "nothing waits" in told("approval", "list", *operator(town))


def test_a_no_ends_it_with_words_that_the_asker_reads(approvals: Town) -> None:
    town, task = approvals, waits(approvals, 0.25)
    assert "is refused" in told("approval", "refuse", task, "--why", "not with this dye", *operator(town))
    asked = settled(town, f"riken/{task.partition('/')[2]}")
    assert (asked["state"], why(asked)) == ("refused", ["approval_declined"])
    assert "not with this dye" in asked["reasons"][0]["en"]


def test_an_approval_that_was_not_used_is_withdrawn(approvals: Town) -> None:
    town, task = approvals, waits(approvals, 0.375)
    told("site", "switch", "hold", *operator(town))
    try:
        given = document("approval", "give", task, "--yes", *operator(town))["approval"]
        assert document("approval", "withdraw", given, "--why", "a second thought", *operator(town)) == {
            "withdrawn": given
        }
        refused("approval", "withdraw", given, *operator(town))
    finally:
        told("site", "switch", "release", *operator(town))
    assert task in [one["task"] for one in document("approval", "list", *operator(town))]
    told("approval", "refuse", task, *operator(town))


def test_a_yes_needs_the_approvers_own_key_and_nothing_is_changed_by_another(approvals: Town, tmp_path: Path) -> None:
    town, task = approvals, waits(approvals, 0.5)
    own = town.folder / "riken" / "people" / "operator@riken.key"
    other = town.folder / "argonne" / "people" / "operator@argonne.key"
    before = entries(town, "riken")
    there = ("--url", town.urls["riken"], "--as", "operator@riken")
    assert "Give --key FILE" in refused("approval", "give", task, "--yes", *there, "--passphrase", PASSPHRASE)
    assert "sign_in_failed" in refused("approval", "give", task, "--yes", *there, "--key", other)
    for hours in ("-1", "nan", "-1e300"):
        assert "above 0" in refused("approval", "give", task, "--yes", "--hours", hours, *there, "--key", own)
    assert entries(town, "riken") == before
    out = tmp_path / "yes.json"
    assert "nothing was handed in" in told("approval", "give", task, "--yes", "--out", out, *there, "--key", own)
    assert entries(town, "riken") == before
    assert out.stat().st_size > 200
    told("approval", "refuse", task, *operator(town))


@pytest.mark.parametrize("verb", [("show",), ("give", "--yes"), ("refuse",)])
def test_what_does_not_wait_is_said_in_one_line(approvals: Town, verb: tuple[str, ...]) -> None:
    refused("approval", *verb, "argonne/none-such", *operator(approvals))


def test_a_member_of_the_home_site_does_not_approve_at_the_owners(approvals: Town) -> None:
    town, task = approvals, waits(approvals, 0.625)
    mine = town.folder / "argonne" / "people" / "pi@argonne.key"
    there = ("--url", town.urls["riken"], "--as", "pi@argonne", "--key", mine)
    assert "sign_in_failed" in refused("approval", "give", task, "--yes", *there)
    told("approval", "refuse", task, *operator(town))
