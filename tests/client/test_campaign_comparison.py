"""Two campaigns side by side: what was brought apart from what was tried, and fronts as fronts."""

from __future__ import annotations

from typing import Any

import pytest

from yosegi.client.campaign_comparison import compared
from yosegi.core.errors import Invalid
from yosegi.services.answer import Level
from yosegi.services.campaigns.schemas import BestTrial, CampaignDetail, ObjectiveDetail, TrialDetail

STRENGTH = ObjectiveDetail(name="strength", goal="maximise", target=None, noise=None, unit="MPa")
TIME = ObjectiveDetail(name="time", goal="minimise", target=None, noise=None, unit="min")
Row = tuple[str, str, dict[str, Level]]
"""State, origin and outcomes of a trial."""
in_part: Any = lambda kind: kind.model_construct  # noqa: E731 - answers of which only what is read is there


def campaign(name: str, goals: tuple[ObjectiveDetail, ...], rows: list[Row], front: tuple[int, ...]) -> CampaignDetail:
    """What `compared` reads of a campaign."""
    best = [BestTrial(trial=n, value=None, values={}, outcomes=rows[n - 1][2]) for n in front]
    own = sum(origin != "imported" for _, origin, _ in rows)
    found: CampaignDetail = in_part(CampaignDetail)(
        name=name,
        state="ended",
        why="",
        objectives=goals,
        ended=own,
        trial=tuple(in_part(TrialDetail)(state=state, origin=origin) for state, origin, _ in rows),
        best=best[0] if len(goals) == 1 and best else None,
        front=tuple(best) if len(goals) > 1 else (),
        price=1.5,
        spent={"samples": "2"},
    )
    return found


def done(strength: float, time: float, origin: str = "planner") -> Row:
    return ("completed", origin, {"strength": strength, "time": time})


def test_what_was_imported_is_neither_a_trial_nor_a_failure_of_the_campaign() -> None:
    brought: list[Row] = [("failed", "imported", {}), done(9.0, 1.0, "imported")]
    one = campaign("one", (STRENGTH,), [done(7.0, 2.0), ("infeasible", "planner", {}), *brought], (4,))
    told = {label: (a, b) for label, a, b in compared(one, campaign("two", (STRENGTH,), [], ()))}
    assert told["trials over"] == ("2", "0")
    assert told["of them without a result"] == ("1", "0")
    assert told["imported measurements"] == ("2, 1 without a result", "0")
    assert told["best strength"] == ("9 MPa (trial 4 imported)", "none yet")


def test_fronts_are_compared_by_size_by_their_ends_and_by_what_they_surpass_of_each_other() -> None:
    """Zitzler & Thiele (1999), IEEE Trans. Evol. Comput. 3, 257: coverage, the share that the other set dominates."""
    one = campaign("one", (STRENGTH, TIME), [done(7.0, 5.0), done(4.0, 2.0), done(5.0, 3.0)], (1, 2, 3))
    two = campaign("two", (STRENGTH, TIME), [done(7.5, 5.0), done(3.0, 2.0)], (1, 2))
    told = {label: (a, b) for label, a, b in compared(one, two)}
    assert told["front"] == ("3 trials (1, 2, 3)", "2 trials (1, 2)")
    assert told["best strength on it"] == ("7 MPa (trial 1)", "7.5 MPa (trial 1)")
    assert told["best time on it"] == ("2 min (trial 2)", "2 min (trial 2)")
    assert told["of them surpassed by the other's"] == ("1", "1")
    assert not [label for label in told if label == "best"]


def test_campaigns_that_seek_other_things_are_not_compared() -> None:
    with pytest.raises(Invalid, match="have other objectives"):
        list(compared(campaign("one", (STRENGTH,), [], ()), campaign("two", (TIME,), [], ())))
