from __future__ import annotations

import pytest

from packs.example_campaigns import example, ran
from yosegi.core.states import CampaignState, TrialState
from yosegi_packs.materials import crystal_radii, crystal_relax

pytest.importorskip(
    "chgnet",
    reason="needs the extra yosegi[materials-ml], 4.7 GB with torch: make setup-materials-ml, make test-materials-ml",
)
pytestmark = pytest.mark.timeout(600)


def test_the_campaign_for_what_fits_silicon_runs_to_its_end_and_gives_a_front(tmp_path):
    spec = example("crystal-match", trials=20)
    campaign = ran(tmp_path, spec, {"ornl": [crystal_relax], "riken": [crystal_radii]})
    assert (campaign.state, campaign.why) == (CampaignState.ENDED, "20 trials done")
    done = [trial for trial in campaign.trials if trial.state is TrialState.COMPLETED]
    assert len(done) == 20
    assert "relaxed" in {trial.source for trial in done}
    front = [(float(t.outcomes["formation_energy"]), float(t.outcomes["mismatch"])) for t in campaign.front()]
    assert front
    # None of the front is as good as another in both.
    for one in front:
        assert not any(other[0] <= one[0] and other[1] <= one[1] for other in front if other != one)
