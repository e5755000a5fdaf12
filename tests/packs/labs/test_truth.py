"""The world behind the robot."""

import stat

import numpy as np
import pytest

from yosegi.core.errors import Invalid, NotFound
from yosegi_packs.labs.answer import TARGET, best_recipe, random_recipes, random_search
from yosegi_packs.labs.colour import delta_e
from yosegi_packs.labs.dyes import ASSUMED, colour_of
from yosegi_packs.labs.truth import Truth, create_truth, draw_truth, read_truth


@pytest.mark.parametrize("seed", range(20))
def test_every_dye_differs_from_the_assumed_one_by_5_to_20_per_cent_and_2_to_8_nm(seed):
    for true, assumed in zip(draw_truth(seed).dyes, ASSUMED, strict=True):
        assert 0.05 <= abs(true.absorptivity / assumed.absorptivity - 1.0) <= 0.20
        assert 2.0 <= abs(true.bands[0].peak - assumed.bands[0].peak) <= 8.0


def test_the_same_well_reads_the_same_and_another_does_not():
    truth = draw_truth(3)
    recipe = np.array([30.0, 30.0, 40.0, 50.0])
    assert truth.reading(5, recipe).tolist() == truth.reading(5, recipe).tolist()
    assert truth.reading(5, recipe).tolist() != truth.reading(6, recipe).tolist()


def test_readings_scatter_about_the_mean_colour():
    truth = draw_truth(4)
    recipe = np.array([30.0, 30.0, 40.0, 50.0])
    seen = np.stack([truth.reading(well, recipe) for well in range(200)])
    error = seen.std(axis=0) / np.sqrt(200)
    assert np.all(np.abs(seen.mean(axis=0) - truth.colour(recipe)) < 5 * error + 0.02)


def test_a_truth_is_drawn_once_and_only_its_owner_reads_it(tmp_path):
    truth = create_truth(tmp_path / "robot", seed=9)
    assert read_truth(tmp_path / "robot") == truth
    assert stat.S_IMODE((tmp_path / "robot" / "truth.json").stat().st_mode) == 0o600
    with pytest.raises(Invalid, match="drawn already"):
        create_truth(tmp_path / "robot", seed=10)


def test_two_robots_differ_if_nobody_chose_their_seed(tmp_path):
    assert create_truth(tmp_path / "one") != create_truth(tmp_path / "two")


def test_a_folder_without_truth_says_so(tmp_path):
    with pytest.raises(NotFound, match="no truth"):
        read_truth(tmp_path)


def test_a_truth_that_was_changed_by_hand_is_refused(tmp_path):
    create_truth(tmp_path, seed=1)
    path = tmp_path / "truth.json"
    path.write_bytes(path.read_bytes().replace(b'"blank"', b'"blanc"'))
    with pytest.raises(Invalid, match=r"truth\.json"):
        read_truth(tmp_path)


@pytest.mark.parametrize("seed", range(8))
def test_the_target_of_the_demonstration_can_be_reached_whatever_the_truth(seed):
    best = best_recipe(draw_truth(seed))
    assert best.delta_e < 0.5
    assert sum(best.volumes) == pytest.approx(150.0)
    assert min(best.volumes) >= 0.0


def test_the_recipe_that_the_simulation_likes_best_is_not_the_answer_as_a_rule():
    start = random_recipes(4096, seed=0)
    guess = start[int(np.argmin(delta_e(colour_of(start), TARGET)))]
    misses = [float(delta_e(draw_truth(seed).colour(guess), TARGET)) for seed in range(20)]
    assert np.median(misses) > 3.0


def test_a_random_search_finds_a_wide_target_and_misses_a_narrow_one():
    truth = draw_truth(2)
    assert random_search(truth, searches=2, limit=40, below=200.0) == (1, 1)
    assert random_search(truth, searches=2, limit=40, below=1e-6) == (None, None)


def test_a_truth_survives_its_own_bytes():
    truth = draw_truth(11)
    assert Truth.read(truth.to_bytes()) == truth
