"""Labels: never less strict than what went in; onward only with every source's agreement."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.world import DAY, NOW, agreement, determined
from yosegi.core.contract import SENSITIVITIES
from yosegi.governance.agreements.labels import Label, combined, why_not_onward

MIX = Label.of("nims/colour.mix@1", "team", "none")
SIM = Label.of("riken/colour.simulate@1", "public", "none")
SECRET = Label.of("nims/colour.measure@1", "restricted", "EAR99")


def onward(label: Label, to: str, *agreements, **changes: object) -> list[str]:
    where = {"purpose": "research", "now": NOW} | changes
    return [note.fields["source"] for note in why_not_onward(label, to, agreements, **where)]


def test_a_result_inherits_the_strictest_label_and_every_source():
    both = MIX | SIM | SECRET
    assert both.sensitivity == "restricted"
    assert both.export_classes == ("EAR99",)
    assert both.sources == ("nims/colour.measure@1", "nims/colour.mix@1", "riken/colour.simulate@1")


LABELS = st.builds(
    Label.of,
    st.sampled_from(("nims/a@1", "riken/b@1", "ornl/c@2")),
    st.sampled_from(SENSITIVITIES),
    st.sampled_from(("none", "EAR99", "METI-9")),
)


@given(st.lists(LABELS, max_size=5))
def test_combining_never_loses_anything_and_order_does_not_matter(labels):
    whole = combined(labels)
    assert whole == combined(reversed(labels)) == combined([*labels, *labels])
    for label in labels:
        assert SENSITIVITIES.index(whole.sensitivity) >= SENSITIVITIES.index(label.sensitivity)
        assert set(label.export_classes) <= set(whole.export_classes)
        assert set(label.sources) <= set(whole.sources)


def test_a_label_in_another_order_is_no_label():
    with pytest.raises(ValueError, match="sorted"):
        Label(sources=("riken/b@1", "nims/a@1"))


def test_data_goes_to_a_party_that_every_source_agreed_with():
    assert onward(MIX | SIM, "argonne", agreement()) == []


def test_every_source_must_agree():
    nims_only = agreement(parties=("argonne", "nims"), capabilities=("nims/*",))
    assert onward(MIX | SIM, "argonne", nims_only) == ["riken/colour.simulate@1"]
    riken_too = agreement(name="b", parties=("argonne", "riken"), capabilities=("riken/*",))
    assert onward(MIX | SIM, "argonne", nims_only, riken_too) == []


def test_what_is_a_sites_own_may_always_return_to_it():
    assert onward(MIX, "nims") == []


@pytest.mark.parametrize(
    ("to", "changes", "terms"),
    [
        ("ornl", {}, {}),
        ("argonne", {"purpose": "war"}, {}),
        ("argonne", {"now": NOW + 100 * DAY}, {}),
        ("argonne", {}, {"highest_sensitivity": "public"}),
        ("argonne", {}, {"capabilities": ("nims/press@1",)}),
    ],
)
def test_outside_an_agreements_terms_nothing_goes_onward(to, changes, terms):
    assert onward(MIX, to, agreement(**terms), **changes) == ["nims/colour.mix@1"]


def test_a_derived_result_is_judged_by_its_own_label_and_not_by_its_sources():
    wide = agreement(capabilities=("nims/*", "riken/*"))
    assert onward(SIM, "argonne", wide) == []
    assert onward(SIM | SECRET, "argonne", wide) == ["nims/colour.measure@1", "riken/colour.simulate@1"]
    covered = agreement(
        capabilities=("nims/*", "riken/*"),
        highest_sensitivity="restricted",
        export_classes=("EAR99", "none"),
        determinations=determined("EAR99"),
    )
    assert onward(SIM | SECRET, "argonne", covered) == []
