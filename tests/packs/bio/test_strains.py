from __future__ import annotations

from math import comb

from hypothesis import given
from hypothesis import strategies as st

from yosegi_packs.bio.strains import CANDIDATES, strain, strains, triple

ANY = st.sampled_from(("none", *CANDIDATES))


def test_strains_are_all_choices_of_up_to_three_candidates():
    found = list(strains())
    n = len(CANDIDATES)
    assert len(found) == len(set(found)) == 1 + n + comb(n, 2) + comb(n, 3) == 3304


@given(st.lists(ANY, max_size=3), st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_makes_another_strain(knockouts, random):
    shuffled = [*knockouts, *knockouts[:1], "none"]
    random.shuffle(shuffled)
    assert strain(*shuffled) == strain(*knockouts)


@given(ANY, ANY, ANY)
def test_a_strain_survives_being_written_as_three_inputs(a, b, c):
    assert strain(*triple(strain(a, b, c))) == strain(a, b, c)
