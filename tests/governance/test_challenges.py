"""Challenges in the charter: which team works on which, and what of that changes with a version."""

from __future__ import annotations

import pytest

from governance.world import OTHER_TEAM, TEAM, charter
from yosegi.governance.charter.amendment import differences
from yosegi.governance.charter.charter import Named

CHALLENGES = (Named(id="recipes", title="Recipes in a day"), Named(id="wells", title="Few wells"))


def working(colour: tuple[str, ...] | None, fusion: tuple[str, ...] | None = None, **changes: object):
    teams = (
        TEAM.model_copy(update={"challenges": colour}),
        OTHER_TEAM.model_copy(update={"challenges": fusion}),
    )
    return charter(teams=teams, challenges=CHALLENGES, **changes)


def test_a_charter_says_which_team_works_on_which_challenge():
    found = working(("recipes", "wells"), ("wells",))
    assert found.challenges_of("colour") == ("recipes", "wells")
    assert found.teams_on("wells") == ("colour", "fusion")
    assert found.teams_on("recipes") == ("colour",)


def test_a_team_that_names_none_works_on_none():
    assert working(None).challenges_of("colour") == ()
    assert working(None).challenges_of("nobody") == ()


def test_what_was_signed_before_teams_named_challenges_keeps_its_bytes():
    # Members, focus areas and challenges all have names of their own in it.
    assert b'"teams":[{"focus_area":"","id":"colour","lead":"argonne","people"' in working(None).to_bytes()


@pytest.mark.parametrize(
    ("colour", "why"), [(("alloys",), "not in the charter"), (("wells", "wells"), "more than once")]
)
def test_a_team_names_challenges_of_the_charter_each_once(colour, why):
    with pytest.raises(ValueError, match=why):
        charter(teams=(TEAM.model_validate(TEAM.model_dump() | {"challenges": colour}),), challenges=CHALLENGES)


def test_the_difference_of_two_versions_says_who_takes_up_what():
    assert differences(working(("recipes",), ("wells",)), working(("recipes", "wells"))) == [
        "team colour takes up the challenge wells",
        "team fusion no longer works on the challenge wells",
    ]


def test_a_team_that_joins_or_leaves_is_told_with_its_challenges():
    lines = differences(working(("recipes",), ("wells",)), working(("recipes",)).model_copy(update={"teams": (TEAM,)}))
    assert "team fusion leaves" in lines
    assert "team fusion no longer works on the challenge wells" in lines
