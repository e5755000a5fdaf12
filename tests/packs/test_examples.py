"""The examples' campaign files hold against the contracts that the packs give."""

from __future__ import annotations

from pathlib import Path

import pytest

from yosegi.campaign import read_spec
from yosegi.campaign.spec_check import check_against
from yosegi_packs.fusion import scenario_full, scenario_quick
from yosegi_packs.materials import ageing, ageing_quick, crystal_radii, crystal_relax
from yosegi_packs.quantum import drag, drag_quick

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize(
    ("file", "costly", "cheap"),
    [
        ("alloy-ageing.toml", ageing, ageing_quick),
        ("crystal-match.toml", crystal_relax, crystal_radii),
        ("quantum-drag.toml", drag, drag_quick),
        ("fusion-scenario.toml", scenario_full, scenario_quick),
    ],
)
def test_a_campaign_file_holds_against_the_contracts(file, costly, cheap):
    spec = read_spec(EXAMPLES / file)
    contracts = dict(zip(spec.capabilities(), (costly.contract, cheap.contract), strict=True))
    check_against(spec, contracts)
    assert contracts[spec.source[0].step[0].capability] is costly.contract
