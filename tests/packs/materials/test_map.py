"""A campaign that maps where the phases of Al–Zn change, against the measured eutectic."""

from __future__ import annotations

from packs.example_campaigns import example, ran
from yosegi.core.states import CampaignState, TrialState
from yosegi_packs.materials import phases

EUTECTIC = 381.0 + 273.15
"""K: Murray 1983, Bull. Alloy Phase Diagrams 4:55. The database of the capability was assessed without this test."""


def test_a_campaign_for_phase_boundaries_closes_in_on_the_measured_eutectic(tmp_path):
    campaign = ran(tmp_path, example("aluminium-zinc", trials=40), {"riken": [phases]})
    assert (campaign.state, campaign.why) == (CampaignState.ENDED, "40 trials done")
    done = [trial for trial in campaign.trials if trial.state is TrialState.COMPLETED]
    found = sorted((float(t.values["temperature"]), "liquid" in str(t.outcomes["label"])) for t in done)
    coldest = min(kelvin for kelvin, melts in found if melts)
    below = max(kelvin for kelvin, melts in found if not melts and kelvin < coldest)
    # No alloy melts below the eutectic; the campaign asked just above it and just below.
    assert EUTECTIC - 1.0 < coldest < EUTECTIC + 25.0
    assert below > EUTECTIC - 25.0
    assert len({str(t.outcomes["label"]) for t in done}) > 3
