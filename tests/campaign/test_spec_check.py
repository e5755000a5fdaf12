"""A campaign file is held against contracts before it starts; what is wrong is said with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from campaign.labcaps import CONTRACTS
from yosegi.campaign.findings import BadCampaign, located
from yosegi.campaign.problem import problem_of
from yosegi.campaign.spec_check import budget_notes, check_against, findings_against, said_of_taken_over, taken_over
from yosegi.campaign.spec_file import parse_file, read_spec
from yosegi.core.file_findings import FileFinding
from yosegi.planner import Observation, Status, suggest

CASES = Path(__file__).parent / "cases"


def findings(name: str, change: tuple[str, str] = ("", "")) -> tuple[FileFinding, ...]:
    text = (CASES / f"{name}.toml").read_text()
    assert change[0] in text
    file = parse_file(text.replace(*change) if change[0] else text)
    return located(findings_against(file.spec, CONTRACTS), file.lines)


def line(name: str, starts: str) -> int:
    """The line of a case that starts so: what an editor would show."""
    lines = (CASES / f"{name}.toml").read_text().splitlines()
    return next(number for number, text in enumerate(lines, start=1) if text.startswith(starts))


@pytest.mark.parametrize(
    ("name", "at", "says"),
    [
        ("levels", "levels =", "'short'"),
        ("levels2", "levels =", "999"),
        ("constrange", "minutes =", "999"),
        ("setrange", "set =", "999"),
        ("settext", "set =", "'ten'"),
    ],
)
def test_a_value_that_a_contract_does_not_take_is_said_with_its_line(name: str, at: str, says: str) -> None:
    found = [one for one in findings(name) if says in one.why]
    assert [one.line for one in found] == [line(name, at)], found
    assert "kiln/oven.anneal@1" in found[0].why


def test_one_of_several_objectives_in_another_unit_is_said_with_its_line() -> None:
    tables = '[[objective]]\nname = "standard_error"\nunit = "GPa"\n\n[[objective]]\nname = "hardness"\nunit = "mPa"\n'
    found = findings("levels", ('[objective]\nname = "hardness"\nunit = "GPa"\n', tables))
    wanted = (CASES / "levels.toml").read_text().splitlines().index("[objective]") + 7
    assert [one.line for one in found if "comes in 'GPa'" in one.why] == [wanted]


def test_all_that_is_wrong_is_said_at_once() -> None:
    text = (CASES / "levels.toml").read_text().replace("high = 1400.0", "high = 2000.0")
    file = parse_file(text.replace('node_h = "0.5"', 'node_h = "0.005"'))
    with pytest.raises(BadCampaign) as caught:
        check_against(file.spec, CONTRACTS)
    told = str(caught.value)
    assert all(part in told for part in ("up to 2000", "'short'", "'long'", "do not pay for one trial")), told


@pytest.mark.parametrize(("budget", "noted"), [("0.11", ["pays for 11 of the 12 trials of oven"]), ("0.12", [])])
def test_a_budget_for_fewer_trials_than_the_stop_rule_asks_is_noted_with_its_line(
    budget: str, noted: list[str]
) -> None:
    """The contract costs at most 0.01 node hours."""
    file = parse_file((CASES / "levels.toml").read_text().replace('node_h = "0.5"', f'node_h = "{budget}"'))
    notes = located(budget_notes(file.spec, CONTRACTS), file.lines)
    assert [one.why.partition(" that")[0] for one in notes] == noted
    assert all((one.line, one.fatal) == (line("levels", "node_h"), False) for one in notes)


def test_a_parameter_without_levels_is_refused_where_the_contract_has_choices() -> None:
    change = ("kiln/oven.anneal@1", "kiln/oven.gas@1")
    text = (CASES / "levels.toml").read_text().replace(*change).replace('name = "minutes"', 'name = "kind"')
    file = parse_file(text.replace('unit = "min"', "").replace('"short", "long"', '"argon", "neon"'))
    found = list(findings_against(file.spec, CONTRACTS))
    assert [one.where for one in found] == ["parameter kind"]
    assert "neon" in found[0].why


def test_the_constraints_of_the_contract_are_taken_over_and_kept() -> None:
    spec = taken_over(read_spec(CASES / "blend0.toml"), CONTRACTS)
    assert [(c.equals, dict(c.weights), c.of) for c in spec.constraint] == [
        (1.0, {"a": 1.0, "b": 1.0, "c": 1.0}, "kiln/oven.blend@1")
    ]
    for proposal in suggest(problem_of(spec), [], count=8, seed=1):
        CONTRACTS["kiln/oven.blend@1"].check_inputs(dict(proposal.values))


def test_the_resolution_of_the_contract_is_taken_over_where_the_file_states_none() -> None:
    stated = (CASES / "levels.toml").read_text()
    minutes = 'kind = "categorical"\nlevels = ["short", "long"]\n'
    assert minutes in stated
    stated = stated.replace(minutes, "low = 10.0\nhigh = 60.0\n")
    file = parse_file(stated.replace("resolution = 5.0\n", "")).spec
    taken = taken_over(file, CONTRACTS)
    assert {p.name: p.resolution for p in taken.parameter} == {"temperature": 5.0, "minutes": None}
    assert said_of_taken_over(file, CONTRACTS) == ("temperature in steps of 5 K (oven)",)
    (proposal,) = suggest(problem_of(taken), [], seed=3)
    assert float(proposal.values["temperature"]) % 5 == 0
    coarser = parse_file(stated.replace("resolution = 5.0", "resolution = 20.0")).spec
    assert taken_over(coarser, CONTRACTS) == coarser


def test_a_constraint_that_the_file_states_is_not_there_twice() -> None:
    spec = read_spec(CASES / "blend0.toml")
    first = taken_over(spec, CONTRACTS)
    stated = spec.model_copy(update={"constraint": (first.constraint[0].model_copy(update={"of": None}),)})
    assert taken_over(stated, CONTRACTS) == stated


def test_an_equality_written_as_two_bounds_is_searched_to_the_end() -> None:
    spec = taken_over(read_spec(CASES / "blend2.toml"), CONTRACTS)
    history = []
    for seed in range(4):
        (proposal,) = suggest(problem_of(spec), history, seed=seed)
        CONTRACTS["kiln/oven.blend@1"].check_inputs(dict(proposal.values))
        history.append(Observation(proposal.values, {"hardness": float(seed)}, source="oven"))


def test_inputs_that_stay_the_same_go_into_the_bound() -> None:
    text = (CASES / "blend0.toml").read_text().replace('[[parameter]]\nname = "c"\nlow = 0.0\nhigh = 1.0\n', "")
    spec = taken_over(parse_file(text + "set = { c = 0.25 }\n").spec, CONTRACTS)
    assert [(c.equals, dict(c.weights)) for c in spec.constraint] == [(0.75, {"a": 1.0, "b": 1.0})]


def test_an_input_that_nobody_gives_goes_into_the_bound_as_its_default() -> None:
    text = (CASES / "blend0.toml").read_text().replace('[[parameter]]\nname = "c"\nlow = 0.0\nhigh = 1.0\n', "")
    blend = CONTRACTS["kiln/oven.blend@1"]
    properties = blend.inputs["properties"] | {"c": blend.inputs["properties"]["c"] | {"default": 0.25}}
    optional = blend.model_copy(update={"inputs": blend.inputs | {"properties": properties, "required": ["a", "b"]}})
    spec = taken_over(parse_file(text).spec, {"kiln/oven.blend@1": optional})
    assert [(c.equals, dict(c.weights)) for c in spec.constraint] == [(0.75, {"a": 1.0, "b": 1.0})]
    for proposal in suggest(problem_of(spec), [], count=4, seed=1):
        optional.check_inputs(dict(proposal.values))


def test_a_mark_at_the_begin_of_the_file_is_read() -> None:
    assert (CASES / "bom.toml").read_bytes().startswith(b"\xef\xbb\xbf")
    assert read_spec(CASES / "bom.toml").name == "bomcase"


def test_a_field_that_does_not_hold_is_said_with_its_line() -> None:
    text = (CASES / "bom.toml").read_text(encoding="utf-8-sig").replace("parallel = 2", 'parallel = 0\ncolour = "red"')
    with pytest.raises(BadCampaign) as caught:
        parse_file(text)
    lines = text.splitlines()
    assert {one.line for one in caught.value.findings} == {
        lines.index("parallel = 0") + 1,
        lines.index('colour = "red"') + 1,
    }


def test_a_budget_below_one_trial_is_refused_on_its_line() -> None:
    text = (CASES / "blend0.toml").read_text().replace('node_h = "0.5"', 'node_h = "0.005"')
    file = parse_file(text)
    (found,) = located(findings_against(file.spec, CONTRACTS), file.lines)
    assert found.line == text.splitlines().index('node_h = "0.005"') + 1


def test_a_refused_point_is_not_asked_again() -> None:
    spec = read_spec(CASES / "bom.toml")
    spec = spec.model_copy(update={"constraint": (), "starts": 1})
    (first,) = suggest(problem_of(spec), [], seed=1)
    refused = Observation(first.values, source="oven", status=Status.REFUSED)
    assert all(p.values != first.values for seed in range(3) for p in suggest(problem_of(spec), [refused], seed=seed))
