"""What the Python client draws of a campaign."""

from __future__ import annotations

from yosegi.client.campaign_results import drawn_learned
from yosegi.services.campaigns.schemas import CampaignAnswer, LearnedDetail, SliceDetail


def sliced(parameter: str, unit: str, at: tuple[str | float, ...], *, discrete: bool) -> SliceDetail:
    values = tuple(float(n) for n in range(len(at)))
    return SliceDetail(parameter=parameter, unit=unit, discrete=discrete, at=at, mean=values, sd=values, importance=0.5)


def test_kinds_are_points_with_bars_and_amounts_are_a_line() -> None:
    slices = (
        sliced("lot", "1", ("A", "B", "C"), discrete=True),
        sliced("force", "kN", (20.0, 250.0), discrete=False),
        sliced("speed", "1", (1.0, 2.0, 5.0), discrete=True),
    )
    learned = LearnedDetail(
        name="y", unit="MPa", r_squared=0.5, noise=0.1, covered=0.9, best=None, best_sd=None, parity=(), slices=slices
    )
    answer = CampaignAnswer(
        name="c", position=1, entry="", objectives=(), best=None, front=(), learned=(learned,), acceleration=None,
        methods="", bibtex="",
    )  # fmt: skip
    lot, force, speed = drawn_learned("slices", answer).axes
    assert [axes.lines[0].get_linestyle() for axes in (lot, force, speed)] == ["None", "-", "None"]
    assert [tick.get_text() for tick in lot.get_xticklabels()] == ["A", "B", "C"]
    assert force.get_xlabel() == "force (kN), 50 %"
