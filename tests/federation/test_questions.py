"""Several objectives, limits, tables of candidates, other goals and earlier campaigns, each to its end and replayed."""

from __future__ import annotations

from pathlib import Path

import pytest

from federation.questions import OBJECTIVE, mixes, replayed, run, two_sites
from yosegi.campaign import BadCampaign, parse_spec
from yosegi.campaign.spec_file import parse_file
from yosegi.campaign.spec_text import text_of_spec
from yosegi.core.states import CampaignState, TrialState
from yosegi.testing.loop import run_simulated

BOTH = """
[[objective]]
name = "strength"
unit = "MPa"
goal = "maximise"
[[objective]]
name = "effort"
unit = "h"
[[limit]]
name = "purity"
unit = "%"
at_least = 75.0
"""


def test_two_objectives_and_a_limit_on_an_earlier_step_end_in_a_front_that_keeps_it(tmp_path: Path) -> None:
    async def story() -> None:
        federation = two_sites(tmp_path)
        await federation.start()
        campaign = await run(federation, mixes(BOTH).replace("trials = 6", "trials = 8"))
        assert (campaign.state, campaign.why) == (CampaignState.ENDED, "8 trials done")
        measured = [t.outcomes for t in campaign.trials if t.state is TrialState.COMPLETED]
        assert all(set(each) == {"strength", "effort", "purity"} for each in measured)
        kept = [each for each in measured if each["purity"] >= 75.0]
        # Pareto by its definition: no other that keeps the limit is at least as good in both and better in one.
        front = [
            a
            for a in kept
            if not any(b["strength"] >= a["strength"] and b["effort"] <= a["effort"] and b != a for b in kept)
        ]
        assert front
        assert sorted(t.outcomes["effort"] for t in campaign.front()) == sorted(each["effort"] for each in front)
        assert campaign.best() is None
        assert await replayed(federation) == {"identical"}

    run_simulated(story())


def test_a_trial_that_breaks_the_limit_is_not_the_best(tmp_path: Path) -> None:
    limited = f'{OBJECTIVE}\nlimit = [{{ name = "purity", unit = "%", at_most = 70.0 }}]'

    async def story() -> None:
        federation = two_sites(tmp_path)
        await federation.start()
        campaign = await run(federation, mixes(limited))
        best = campaign.best()
        assert best is not None
        assert best.outcomes["purity"] <= 70.0
        others = [t for t in campaign.trials if t.value is not None and t.outcomes["purity"] <= 70.0]
        assert best.value == max(t.value or 0.0 for t in others)

    run_simulated(story())


def table(rows: int = 30) -> str:
    lines = [f"s{n:02d},{(n * 7 % rows) / rows:.3f},{(n * 11 % rows) / rows:.3f},lot-{n % 3}" for n in range(rows)]
    return "\n".join(("id,x,y,lot", *lines, ""))


def test_a_table_of_candidates_is_chosen_from_and_its_columns_reach_the_capability(tmp_path: Path) -> None:
    parameters = 'parameter = [{ name = "x" }, { name = "y" }]\ncandidates = "samples.csv"'
    rows = {line.split(",")[0]: line.split(",") for line in table().splitlines()[1:]}

    async def story() -> None:
        federation = two_sites(tmp_path)
        await federation.start()
        campaign = await run(federation, mixes(parameters=parameters), {"samples.csv": table()})
        assert campaign.state is CampaignState.ENDED
        asked = [t.candidate for t in campaign.trials]
        assert len(set(asked)) == len(asked)
        riken = federation.places["riken"].running
        for trial in campaign.trials:
            assert [trial.values["x"], trial.values["y"]] == [float(cell) for cell in rows[trial.candidate][1:3]]
            task = riken.tasks.get(f"argonne/{trial.steps[0].key}")
            assert task.asked().inputs["lot"] == rows[trial.candidate][3]
        assert await replayed(federation) == {"identical"}
        # What was learned is asked of rows drawn at random, one perhaps more than once.
        answer = await federation.places["argonne"].running.campaigns.answer("mixes", federation.member())
        assert [one.parameter for one in answer.learned[0].slices] == ["x", "y"]

    run_simulated(story())


def test_a_price_that_depends_on_the_point_is_summed_as_it_was_paid(tmp_path: Path) -> None:
    async def story() -> None:
        federation = two_sites(tmp_path)
        await federation.start()
        text = mixes().replace("price = 1.0", "price = { base = 1.0, per = { y = 4.0 } }")
        campaign = await run(federation, text.replace("trials = 6", "trials = 4"))
        assert campaign.price() == pytest.approx(sum(1.0 + 4.0 * float(t.values["y"]) for t in campaign.trials))

    run_simulated(story())


def test_a_space_is_explored_and_has_no_best(tmp_path: Path) -> None:
    async def story() -> None:
        federation = two_sites(tmp_path)
        await federation.start()
        campaign = await run(federation, mixes(OBJECTIVE.replace("maximise", "explore")))
        assert campaign.best() is None
        assert "least is known" in campaign.trials[-1].reason
        assert await replayed(federation) == {"identical"}

    run_simulated(story())


def test_an_earlier_campaign_and_an_earlier_table_are_learned_from(tmp_path: Path) -> None:
    more = '[[earlier]]\nname = "first"\ncampaign = "mixes"\n[[earlier]]\nname = "notes"\ntable = "notes.csv"\n'
    notes = "x,y,strength (MPa),state\n0.61,0.41,99.9,\n0.1,0.9,,failed\n"

    async def story() -> None:
        federation = two_sites(tmp_path)
        await federation.start()
        before = await run(federation, mixes())
        text = mixes(more=more).replace('name = "mixes"', 'name = "again"', 1)
        campaign = await run(federation, text, {"notes.csv": notes})
        first, table = campaign.spec.earlier
        assert [row.outcomes["strength"] for row in first.rows] == [t.value for t in before.trials]
        assert [row.status for row in table.rows] == ["done", "infeasible"]
        assert any("earlier campaigns: first" in trial.reason for trial in campaign.trials)
        methods = (await federation.places["argonne"].running.campaigns.answer("again", federation.member())).methods
        assert f"{len(first.rows)} measurements of the earlier campaign mixes" in methods
        assert "2 measurements of the earlier table notes.csv (notes)" in methods
        # What was learned there came from riken, and requests carry it on.
        assert campaign.learned.sources == before.learned.sources
        assert await replayed(federation, "again") == {"identical"}

    run_simulated(story())


def test_a_purpose_that_no_agreement_has_is_refused_on_its_line(tmp_path: Path) -> None:
    async def story() -> None:
        federation = two_sites(tmp_path)
        await federation.start()
        home = federation.places["argonne"].running
        text = mixes().replace('purpose = "research"', 'purpose = "sales"')
        file, size = parse_file(text), home.ledger.size
        checked = home.campaigns.check(file.spec, federation.member(), file.lines)
        assert [(one.line, one.where) for one in checked.findings] == [
            (text.splitlines().index('purpose = "sales"') + 1, "purpose")
        ]
        with pytest.raises(BadCampaign, match="purpose"):
            await home.campaigns.start(file.spec, federation.member(), lines=file.lines)
        assert home.ledger.size == size

    run_simulated(story())


@pytest.mark.parametrize("files", [{}, {"samples.csv": table(), "notes.csv": "x,y,strength\n0.5,0.5,80\n"}])
def test_a_file_from_a_specification_gives_the_specification_again(files: dict[str, str]) -> None:
    more = '[[earlier]]\nname = "notes"\ntable = "notes.csv"\n' if files else ""
    text = mixes(BOTH, more=more)
    if files:
        text = 'candidates = "samples.csv"\n' + text
    spec = parse_spec(text, files=files)
    again, tables = text_of_spec(spec)
    other = parse_spec(again, files=tables)
    for name in type(spec).model_fields:
        if name not in ("candidates", "earlier"):
            assert getattr(other, name) == getattr(spec, name), name
    assert (other.candidates is None) == (spec.candidates is None)
    if other.candidates is not None and spec.candidates is not None:
        assert (other.candidates.ids, other.candidates.columns) == (spec.candidates.ids, spec.candidates.columns)
    assert [e.rows for e in other.earlier] == [e.rows for e in spec.earlier]


def test_faults_of_every_layer_are_told_at_once_with_their_lines(tmp_path: Path) -> None:
    # An amount's unit, which the file alone shows; names, and a contract's bound, which a site knows.
    text = mixes().replace('charter = "demo"', 'charter = "dome"').replace('"colour-team"', '"colour"')
    text = text.replace("high = 1.0", "high = 9.0", 1) + '\n[budget]\nnode-h = "1"\n'
    assert 'charter = "dome"' in text

    async def story() -> None:
        federation = two_sites(tmp_path)
        await federation.start()
        site = federation.places["argonne"].running
        found = site.campaigns.check_file(text, {}, federation.member()).findings
        lines = text.splitlines()
        said = {lines[one.line - 1].strip() for one in found}
        assert {'charter = "dome"', 'team = "colour"', 'node-h = "1"'} <= said
        assert any("up to 9" in one.why and one.line for one in found), found
        (syntax,) = site.campaigns.check_file('name = "x"\nseed =\n', {}, federation.member()).findings
        assert (syntax.line, "not TOML" in syntax.why) == (2, True)

    run_simulated(story())
