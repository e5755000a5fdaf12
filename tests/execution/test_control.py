"""Control samples: the rules against what the literature says of them."""

from __future__ import annotations

import pytest

from yosegi.execution.instruments.control import ControlRule, out_of_control


@pytest.mark.parametrize(
    ("values", "rule", "out"),
    [
        ([0.0], "limits", False),
        ([2.99], "limits", False),
        ([-3.01], "limits", True),
        ([2.1, 0.0, 2.1], "limits", False),
        ([2.1, 0.0, 2.1], "western_electric", True),
        ([2.1, 0.0, -2.1], "western_electric", False),
        ([1.1, 1.1, 0.0, 1.1, 1.1], "western_electric", True),
        ([1.1, 1.1, 0.0, 1.1, 0.9], "western_electric", False),
        ([0.1] * 8, "western_electric", True),
        ([0.1] * 7, "western_electric", False),
        ([0.1] * 7 + [-0.1], "western_electric", False),
    ],
)
def test_each_rule_is_broken_as_the_handbook_says(values: list[float], rule: ControlRule, out: bool) -> None:
    # NIST/SEMATECH e-Handbook of Statistical Methods, section 6.3.2: the Western Electric rules.
    assert bool(out_of_control([10 + 0.5 * value for value in values], 10.0, 0.5, rule)) is out


@pytest.mark.parametrize(("rule", "expected", "runs"), [("limits", 370.4, 1500), ("western_electric", 91.75, 1500)])
def test_false_alarms_come_as_seldom_as_the_literature_says(rule: ControlRule, expected: float, runs: int) -> None:
    # Average run length in control: 370.4 for three standard deviations, 91.75 with the Western Electric rules
    # (C. W. Champ and W. H. Woodall, Technometrics 29 (1987) 393, table 1). A run length is about geometric, so its
    # standard deviation is about its mean; four standard errors are allowed.
    numpy = pytest.importorskip("numpy")
    draws, lengths = numpy.random.default_rng(7), []
    for _ in range(runs):
        values: list[float] = []
        while not (values and out_of_control(values[-8:], 0.0, 1.0, rule)):
            values.append(float(draws.standard_normal()))
        lengths.append(len(values))
    assert abs(sum(lengths) / runs - expected) < 4 * expected / runs**0.5
