"""The simulated furnace and diffractometer, against published kinetics and the laws of diffraction."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from packs.example_campaigns import EXAMPLES, example, ran
from yosegi.campaign import read_spec
from yosegi.campaign.spec_check import check_against
from yosegi.core.capability import Context
from yosegi.core.errors import Invalid, NotFound
from yosegi.core.states import CampaignState, TrialState
from yosegi_packs.materials import anneal, diffract, expect
from yosegi_packs.materials.furnace import analysed
from yosegi_packs.materials.titania import (
    BROOKITE_121,
    FACTOR,
    RUTILE_110,
    bragg_angle,
    bragg_spacing,
    rutile_share,
    scherrer_size,
    scherrer_width,
    transformed,
)
from yosegi_packs.materials.twin_world import WORLD, AlreadyAnnealed, HoldCutOff, Pattern, Powder, TwinWorld


def task(folder, key="k"):
    return Context(key=key, seed=1, state=folder)


def test_the_frequency_factor_is_that_of_the_published_entropy_of_activation():
    # Rao et al. 1961: about -18 cal/(mol K) at 800 degrees. Eyring: A = e (k_B T / h) exp(S/R), here per hour.
    per_second = math.e * 1.380649e-23 * 1073.15 / 6.62607015e-34 * math.exp(-18.0 / 1.987204)
    assert math.log10(FACTOR) == pytest.approx(math.log10(3600.0 * per_second), abs=0.5)


def test_half_is_transformed_after_the_half_life():
    rate = -math.log1p(-transformed(1000.0, 1.0))
    assert transformed(1000.0, math.log(2.0) / rate) == pytest.approx(0.5)


def test_bragg_s_law_there_and_back():
    # λ = 2 d sin θ with Cu Kα₁.
    for spacing in (RUTILE_110, BROOKITE_121, 1.0):
        assert bragg_spacing(bragg_angle(spacing)) == pytest.approx(spacing)
        assert 2 * spacing * math.sin(math.radians(bragg_angle(spacing) / 2)) == pytest.approx(1.5406)


def test_scherrer_s_formula_is_the_width_of_a_row_of_planes():
    # N planes reflect as sin²(Nx)/sin²(x), x = 2πd sin θ/λ: as wide as 0.886 λ/(Nd cos θ), and K is taken as 0.9.
    size, spacing = 20.0, RUTILE_110
    planes = round(10.0 * size / spacing)
    angles = bragg_angle(spacing) + np.linspace(-1.0, 1.0, 200_001)
    phase = 2 * math.pi * spacing * np.sin(np.radians(angles / 2)) / 1.5406
    height = (np.sin(planes * phase) / np.sin(phase)) ** 2 / planes**2
    within = angles[height > 0.5]
    assert within[-1] - within[0] == pytest.approx(
        scherrer_width(planes * spacing / 10.0, bragg_angle(spacing)), rel=0.03
    )
    assert scherrer_size(scherrer_width(20.0, 27.0), 27.0) == pytest.approx(20.0)


def test_a_mixture_of_equal_masses_is_a_half():
    assert rutile_share(2000.0, 1000.0, equal_masses=2.0) == 0.5


def test_what_the_diffractometer_says_is_what_the_powder_is_within_its_errors(tmp_path):
    misses = []
    for seed in range(20):
        world = TwinWorld(tmp_path / str(seed), seed=seed)
        name = world.anneal(980.0, 1.0, "k")
        found, true = analysed(world.scan(name)), world.powder(name)
        misses.append((found.rutile - true.share) / found.standard_error)
        assert found.lattice_parameter == pytest.approx(4.593, abs=0.005)
        if true.size < 60.0:
            assert found.crystallite_size == pytest.approx(true.size, rel=0.15)
    # Standardised misses of twenty worlds: a variance of 1 within what twenty can tell.
    assert 0.3 < float(np.mean(np.square(misses))) < 2.5


def test_published_kinetics_mislead_where_the_world_differs(tmp_path):
    off = []
    for seed in range(10):
        world = TwinWorld(tmp_path / str(seed), seed=seed)
        off.append(abs(world.powder(world.anneal(960.0, 2.0, "k")).share - transformed(960.0, 2.0)))
    assert max(off) > 0.1


def test_a_scan_shows_the_same_each_time(tmp_path):
    made = anneal.run({"temperature": 950.0, "hold": 1.0}, task(tmp_path))
    first = diffract.run(made, task(tmp_path, "a"))
    assert first == diffract.run(made, task(tmp_path, "b"))


def test_a_sample_of_another_site_is_known_by_its_name_in_the_federation(tmp_path):
    made = anneal.run({"temperature": 950.0, "hold": 1.0}, task(tmp_path))
    named = {"sample": f"riken/{made['sample']}"}
    assert diffract.run(named, task(tmp_path, "a")) == diffract.run(made, task(tmp_path, "b"))


def test_a_task_gets_one_sample_and_no_second(tmp_path):
    inputs = {"temperature": 950.0, "hold": 1.0}
    anneal.run(inputs, task(tmp_path))
    with pytest.raises(AlreadyAnnealed, match="no second"):
        anneal.run(inputs, task(tmp_path))


def test_a_hold_is_charged_with_an_hour_for_heating_and_cooling(tmp_path):
    context = task(tmp_path)
    anneal.run({"temperature": 950.0, "hold": 2.5}, context)
    assert context.spent == {"samples": 1000, "instrument_h": 3500}


def test_a_sample_whose_hold_was_cut_off_is_never_measured(tmp_path):
    made = anneal.run({"temperature": 950.0, "hold": 1.0}, task(tmp_path))
    path = tmp_path / "samples" / f"{made['sample']}.json"
    path.write_bytes(Powder(phase="heating", share=0.1, size=10.0).to_bytes())
    with pytest.raises(HoldCutOff, match="cut off"):
        diffract.run(made, task(tmp_path))


@pytest.mark.parametrize("name", ["titania-000000000000", "../truth", "quartz"])
def test_a_sample_that_nobody_made_is_not_found(tmp_path, name):
    with pytest.raises(NotFound):
        diffract.run({"sample": name}, task(tmp_path))


def test_without_a_station_there_is_no_world(monkeypatch):
    monkeypatch.delenv(WORLD, raising=False)
    with pytest.raises(Invalid, match=WORLD):
        anneal.run({"temperature": 950.0, "hold": 1.0}, Context(key="k", seed=1))


def test_two_stations_share_a_world_that_their_folders_name(tmp_path):
    for name in ("furnace", "diffractometer"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "twin.json").write_text(json.dumps({"world": str(tmp_path / "world")}))
    made = anneal.run({"temperature": 950.0, "hold": 1.0}, task(tmp_path / "furnace"))
    assert diffract.run(made, task(tmp_path / "diffractometer"))["rutile"] > 0.0


def test_the_truth_is_readable_by_its_owner_alone(tmp_path):
    TwinWorld(tmp_path)
    assert (tmp_path / "truth.json").stat().st_mode & 0o077 == 0


def test_every_title_and_contract_says_that_it_is_simulated():
    for one in (anneal, diffract, expect):
        assert one.contract.simulated
        assert "(simulated" in one.contract.title


def test_a_pattern_of_one_phase_alone_has_an_answer():
    found = analysed(Pattern(rutile=0.0, brookite=40_000.0, angle=27.44, width=0.08))
    assert (found.rutile, found.crystallite_size) == (0.0, pytest.approx(found.crystallite_size))
    assert found.standard_error > 0.0


def test_the_campaign_over_furnace_and_diffractometer_comes_near_its_target(tmp_path, monkeypatch):
    # Both at one site here, so that nobody has to ship; tests/examples/test_titania.py has them at two.
    monkeypatch.setenv(WORLD, str(tmp_path / "world"))
    TwinWorld(tmp_path / "world", seed=3)
    spec = at_one_site(example("titania", trials=14))
    campaign = ran(tmp_path / "federation", spec, {"riken": [anneal, diffract], "ornl": [expect]})
    assert (campaign.state, campaign.why) == (CampaignState.ENDED, "14 trials done")
    done = [t for t in campaign.trials if t.state is TrialState.COMPLETED and t.source == "furnace"]
    assert done
    assert min(abs(float(t.outcomes["rutile"]) - 0.25) for t in done) < 0.1


def at_one_site(spec):
    source = spec.source[0]
    steps = tuple(
        step.model_copy(update={"capability": step.capability.replace("kek/", "riken/"), "shipment": None})
        for step in source.step
    )
    return spec.model_copy(update={"source": (source.model_copy(update={"step": steps}), *spec.source[1:])})


def test_the_example_of_two_sites_holds_against_the_contracts():
    spec = read_spec(EXAMPLES / "titania.toml")
    check_against(
        spec, dict(zip(spec.capabilities(), [one.contract for one in (anneal, diffract, expect)], strict=True))
    )
