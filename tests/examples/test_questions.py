"""The example questions run to their ends and replay: a front, candidates, history, and a person as a source."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from federation.questions import replayed, until_over
from yosegi.campaign import Campaign, read_spec
from yosegi.core.engine import PersonResult
from yosegi.core.states import CampaignState, TrialState
from yosegi.governance.charter.statement import Listens
from yosegi.testing.federation import Federation, Place, address
from yosegi.testing.loop import run_simulated

FOLDER = Path(__file__).parents[2] / "examples" / "questions"


def lab() -> ModuleType:
    found = importlib.util.spec_from_file_location("questions_lab", FOLDER / "lab.py")
    assert found is not None
    assert found.loader is not None
    module = sys.modules[found.name] = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


LAB = lab()


def strength(share: float, force: float) -> float:
    """As the docstring of the laboratory says: greatest at 60 % and 140 kN."""
    found: float = LAB.press(share, force).strength
    return found


async def somebody_at_the_tester(federation: Federation) -> None:
    bench, who = federation.places["riken"].running.bench, federation.member()
    while True:
        for task in bench.list_for(who):
            point = {one.name: float(str(one.value)) for one in task.inputs}
            await bench.enter(task.task, PersonResult({"strength": strength(**point)}), who)
        await asyncio.sleep(600)


def ran(folder: Path, name: str) -> tuple[Campaign, set[str]]:
    async def story() -> tuple[Campaign, set[str]]:
        places = {
            "argonne": Place("argonne", Listens(url=address("argonne")), "US"),
            "riken": Place(
                "riken",
                Listens(url=address("riken")),
                capabilities=[LAB.press],
                by_hand=(LAB.break_by_hand,),
                grant={"samples": "100"},
                duration=0.1,
            ),
        }
        federation = Federation(places, folder)
        await federation.start()
        spec = read_spec(FOLDER / f"{name}.toml")
        await federation.places["argonne"].running.campaigns.start(spec, federation.member())
        person = asyncio.create_task(somebody_at_the_tester(federation))
        for _ in range(40):
            campaign = federation.places["argonne"].running.campaigns.get(spec.name)
            if campaign.state is not CampaignState.RUNNING:
                break
            await asyncio.sleep(300)
        person.cancel()
        return await until_over(federation, spec.name), await replayed(federation, spec.name)

    return run_simulated(story())


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("two-objectives", "10 trials done"),
        ("candidates", "8 trials done"),
        ("history", "6 trials done"),
        ("by-hand", "5 trials done"),
    ],
)
def test_an_example_runs_to_its_end_and_replays(tmp_path: Path, name: str, why: str) -> None:
    campaign, verdicts = ran(tmp_path, name)
    assert (campaign.state, campaign.why) == (CampaignState.ENDED, why)
    assert verdicts == {"identical"}
    done = [t for t in campaign.trials if t.state is TrialState.COMPLETED]
    for trial in done:
        point = {name: float(value) for name, value in trial.values.items()}
        assert trial.outcomes["strength"] == pytest.approx(strength(**point))
    if name == "two-objectives":
        assert all(float(t.outcomes["strength"]) >= 2.0 for t in campaign.front())
    if name == "history":
        # Better than anything in the notebook within six tablets, which is what it asks for.
        (notebook,) = campaign.spec.earlier
        best = campaign.best()
        assert best is not None
        assert (best.value or 0.0) > max(float(row.outcomes["strength"]) for row in notebook.rows if row.outcomes)
