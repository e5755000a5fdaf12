"""The Python client as users of Optuna and Ax expect it: dict in, wait, best, results, plot, add, ask and tell."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pandas
import pytest

from federation.questions import mixes
from web.house import PASSPHRASE, House
from web.test_campaign_pages import BY_HAND, bench  # noqa: F401 a fixture
from yosegi.campaign.spec_file import parse_spec
from yosegi.client.campaigns import CampaignHandle
from yosegi.client.client import Client, SiteRefused, connect
from yosegi.core.errors import Invalid


@pytest.fixture
def site(bench: House) -> Client:  # noqa: F811
    return connect(bench.url(), person="pi@argonne", passphrase=PASSPHRASE)


def question(name: str, **more: object) -> dict[str, object]:
    import tomllib

    value = tomllib.loads(mixes().replace('name = "mixes"', f'name = "{name}"', 1))
    return value | {"stop": {"trials": 3}} | more


def test_a_dict_is_started_waited_for_and_read(site: Client, capsys: pytest.CaptureFixture[str]) -> None:
    campaign = site.start(question("from-dict"))
    state = campaign.wait(timeout=60, every=0.05)
    assert (state.state, state.why) == ("ended", "3 trials done")
    assert "3 of 3 trials over" in capsys.readouterr().out
    frame = campaign.results()
    assert isinstance(frame, pandas.DataFrame)
    assert {"trial", "x", "y", "strength", "mix.purity", "test.effort", "owner", "reason", "proposed", "ended"} <= set(
        frame
    )
    assert campaign.best_value == frame["strength"].max()
    top = frame.loc[frame["strength"].idxmax()]
    assert campaign.best_params == {"x": top["x"], "y": top["y"]}
    assert "from-dict" in campaign._repr_html_()
    assert campaign.plot().axes[0].get_ylabel() == "strength (MPa)"
    assert "@misc{from-dict," in campaign.answer().bibtex


def test_a_request_says_the_units_of_what_came_of_it(site: Client) -> None:
    campaign = site.start(question("with-units", stop={"trials": 1}, parallel=1))
    state = campaign.wait(timeout=60, progress=False, every=0.05)
    told = [site.requests.show(step.owner, step.key) for step in state.trial[0].steps]
    assert [one.units for one in told] == [{"purity": "%"}, {"strength": "MPa", "effort": "h"}]


def test_a_table_of_candidates_is_a_data_frame(site: Client) -> None:
    samples = pandas.DataFrame({"id": [f"s{n}" for n in range(8)], "x": [n / 8 for n in range(8)], "y": 0.5})
    spec = question("frame", candidates=samples, parameter=[{"name": "x"}, {"name": "y"}])
    assert not site.check(spec).findings
    campaign = site.start(spec)
    campaign.wait(timeout=60, progress=False, every=0.05)
    assert set(campaign.results()["candidate"]) <= set(samples["id"])


def test_everything_wrong_with_a_dict_is_said(site: Client) -> None:
    spec = question(
        "wrong", purpose="sales", parameter=[{"name": "x", "low": 0, "high": 9}, {"name": "y", "low": 0, "high": 1}]
    )
    found = site.check(spec).findings
    assert {one.where for one in found} == {"purpose", "parameter x"}
    with pytest.raises(SiteRefused, match="up to 9"):
        site.start(spec)


def test_measurements_points_and_extensions(site: Client) -> None:
    campaign = site.start(question("living"))
    campaign.wait(timeout=60, progress=False, every=0.05)
    told = campaign.add(pandas.DataFrame({"x": [0.6], "y": [0.4], "strength": [99.0], "state": [""]}))
    assert (told.count, told.signed) == (1, False)
    campaign.extend(stop={"trials": 5})
    campaign.ask_for({"x": 0.61, "y": 0.41}, why="by experience")
    campaign.wait(timeout=60, progress=False, every=0.05)
    frame = campaign.results()
    assert set(frame["origin"]) == {"planner", "imported", "person"}
    other = campaign.clone("living-2", seed=7)
    assert other.wait(timeout=60, progress=False, every=0.05).state == "ended"
    assert parse_spec(other.file().text).seed == 7


def test_a_clone_keeps_its_tables_whatever_lies_in_the_folder(
    site: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = pandas.DataFrame({"x": [0.2, 0.4, 0.6], "y": [0.3, 0.5, 0.7]})
    campaign = site.start(question("of-table", candidates=table, stop={"trials": 2}))
    (tmp_path / "candidates.csv").write_text("x,y\n0.9,0.9\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    other = campaign.clone("of-table-2", seed=7)
    assert other.file().files == campaign.file().files
    assert other.wait(timeout=60, progress=False, every=0.05).state == "ended"


def test_ask_and_tell_are_a_loop_of_ones_own_under_the_same_record(site: Client) -> None:
    campaign = site.start(BY_HAND.replace('name = "hands"', 'name = "loop"').replace("trials = 6", "trials = 2"))
    told = 0
    while (asked := campaign.ask(timeout=30, every=0.05)) is not None:
        assert set(asked.values) == {"x", "y"} == set(asked.inputs)
        assert asked.outputs == ("strength",)
        campaign.tell(asked, 50 + float(asked.values["x"]))
        told += 1
        if told >= 2:
            campaign.wait(timeout=30, progress=False, every=0.05)
    assert campaign.state().why == "2 trials done"
    assert campaign.best_value == max(campaign.results()["strength"])
    with pytest.raises(Invalid, match="one objective has no front"):
        campaign.plot("front")


def test_ask_raises_at_once_where_no_source_is_done_by_people(site: Client) -> None:
    campaign = site.start(question("machines"))
    with pytest.raises(Invalid, match=r"done by people at this site .*Follow it by wait.*enter it there, on the page"):
        campaign.ask(timeout=60)
    campaign.wait(timeout=60, progress=False, every=0.05)


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda site, _: connect(8101), TypeError, "url is of type int; give the address of a site"),  # type: ignore[arg-type]
        (lambda site, _: connect(site.url, person=3), TypeError, "person is of type int; give a text"),  # type: ignore[arg-type]
        (
            lambda site, _: connect(site.url, person="a@b", key=3),
            TypeError,
            "key is of type int; give the file of a key",
        ),
        (lambda site, _: site.start(["a"]), TypeError, "spec is of type list; give the path of a campaign file"),
        (lambda site, _: site.check(None), TypeError, "spec is of type NoneType"),
        (lambda site, _: site.campaign(3), TypeError, "name is of type int"),
        (lambda site, _: site.capability(3), TypeError, "ref is of type int"),
        (lambda _, campaign: campaign.tell("a", 3.0), TypeError, "asked is of type str; give what ask"),
        (lambda _, campaign: campaign.move("halt"), ValueError, "give one of hold, resume, stop, abort"),
        (lambda _, campaign: campaign.plot("pie"), ValueError, "give one of convergence"),
        (lambda _, campaign: campaign.wait(timeout="10"), TypeError, "timeout is of type str; give seconds"),
        (lambda _, campaign: campaign.wait(every=0), ValueError, "give seconds above 0"),
        (lambda _, campaign: campaign.ask_for([1, 2]), TypeError, "values is of type list; give a dict by parameter"),
        (lambda _, campaign: campaign.ask_for(), ValueError, "give the values of a point, or the id"),
        (
            lambda _, campaign: campaign.withdraw("7", "x"),
            TypeError,
            "trial is of type str; give the number of a trial",
        ),
        (lambda _, campaign: campaign.clone(seed=2, name=3), TypeError, "name is of type int"),
    ],
)
def test_an_argument_of_another_kind_is_refused_in_a_sentence(
    site: Client, call: Callable[[Client, CampaignHandle], object], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=re.escape(said)):
        call(site, CampaignHandle(site._connection, "any"))
