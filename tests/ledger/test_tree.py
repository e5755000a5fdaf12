"""The Merkle tree against published vectors and against RFC 9162's definitions, taken literally."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yosegi.core.errors import Invalid
from yosegi.ledger import tree

# Leaves, roots and proofs of Certificate Transparency's merkle_tree_test.cc, kept by transparency-dev/merkle
# (testonly/constants.go, testonly/reference_test.go).
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSION = {
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
CONSISTENCY = {
    (1, 1): [],
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}


class Grown:
    """A tree as the ledger keeps it: with each leaf, the hashes of the subtrees it completes."""

    def __init__(self, leaves: Iterable[bytes]) -> None:
        self.frontier = tree.Frontier()
        self.stored = [self.frontier.append(tree.leaf_hash(leaf)) for leaf in leaves]
        self.reads = 0

    def fetch(self, nodes: Iterable[tree.Node]) -> Mapping[tree.Node, bytes]:
        found = {}
        for node in nodes:
            leaf, offset = tree.home(node)
            found[node] = self.stored[leaf][offset : offset + 32]
            self.reads += 1
        return found

    def inclusion(self, index: int, size: int) -> list[bytes]:
        return tree.hashes(tree.inclusion_ranges(index, size), self.fetch)

    def consistency(self, old: int, new: int) -> list[bytes]:
        return tree.hashes(tree.consistency_ranges(old, new), self.fetch)


# RFC 9162 sections 2.1.1, 2.1.3.1 and 2.1.4.1, word for word.
def mth(leaves: list[bytes]) -> bytes:
    if not leaves:
        return tree.EMPTY_ROOT
    if len(leaves) == 1:
        return tree.leaf_hash(leaves[0])
    k = largest_below(len(leaves))
    return tree.node_hash(mth(leaves[:k]), mth(leaves[k:]))


def path(m: int, leaves: list[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    k = largest_below(len(leaves))
    return [*path(m, leaves[:k]), mth(leaves[k:])] if m < k else [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m: int, leaves: list[bytes], whole: bool) -> list[bytes]:
    if m == len(leaves):
        return [] if whole else [mth(leaves)]
    k = largest_below(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], whole), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], False), mth(leaves[:k])]


def largest_below(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


@pytest.mark.parametrize("size", range(9))
def test_the_published_roots_are_met(size: int) -> None:
    grown = Grown(LEAVES[:size])
    assert grown.frontier.root().hex() == ROOTS[size]
    assert tree.root_at(size, Grown(LEAVES).fetch).hex() == ROOTS[size]


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_the_published_inclusion_proofs_are_met(index: int, size: int) -> None:
    proof = Grown(LEAVES).inclusion(index, size)
    assert [item.hex() for item in proof] == INCLUSION[index, size]
    tree.check_inclusion(tree.leaf_hash(LEAVES[index]), index, size, proof, bytes.fromhex(ROOTS[size]))


@pytest.mark.parametrize(("old", "new"), CONSISTENCY)
def test_the_published_consistency_proofs_are_met(old: int, new: int) -> None:
    proof = Grown(LEAVES).consistency(old, new)
    assert [item.hex() for item in proof] == CONSISTENCY[old, new]
    tree.check_consistency(old, new, proof, bytes.fromhex(ROOTS[old]), bytes.fromhex(ROOTS[new]))


sizes = st.integers(1, 70)


@given(st.data(), sizes)
def test_every_inclusion_proof_is_the_standards_and_verifies(data: st.DataObject, size: int) -> None:
    index = data.draw(st.integers(0, size - 1))
    leaves = [str(number).encode() for number in range(size + data.draw(st.integers(0, 9)))]
    proof = Grown(leaves).inclusion(index, size)
    assert proof == path(index, leaves[:size])
    tree.check_inclusion(tree.leaf_hash(leaves[index]), index, size, proof, mth(leaves[:size]))


@given(st.data(), sizes)
def test_every_consistency_proof_is_the_standards_and_verifies(data: st.DataObject, new: int) -> None:
    old = data.draw(st.integers(0, new))
    leaves = [str(number).encode() for number in range(new)]
    proof = Grown(leaves).consistency(old, new)
    assert proof == (subproof(old, leaves, True) if old else [])
    tree.check_consistency(old, new, proof, mth(leaves[:old]), mth(leaves))


@given(st.data(), st.integers(2, 40))
def test_a_changed_inclusion_proof_is_refused(data: st.DataObject, size: int) -> None:
    index = data.draw(st.integers(0, size - 1))
    leaves = [str(number).encode() for number in range(size)]
    proof = Grown(leaves).inclusion(index, size)
    leaf, root = tree.leaf_hash(leaves[index]), mth(leaves)
    changed = data.draw(st.sampled_from(["flip", "drop", "add", "leaf", "size"]))
    if changed == "flip":
        place = data.draw(st.integers(0, len(proof) - 1))
        proof[place] = bytes([proof[place][0] ^ 1]) + proof[place][1:]
    elif changed == "drop":
        proof.pop(data.draw(st.integers(0, len(proof) - 1)))
    elif changed == "add":
        proof.append(bytes(32))
    elif changed == "leaf":
        leaf = tree.leaf_hash(b"another")
    else:
        size = index
    with pytest.raises(Invalid):
        tree.check_inclusion(leaf, index, size, proof, root)


@given(st.data(), st.integers(2, 40))
def test_a_rewritten_history_is_refused(data: st.DataObject, new: int) -> None:
    old = data.draw(st.integers(1, new - 1))
    leaves = [str(number).encode() for number in range(new)]
    changed = data.draw(st.integers(0, old - 1))
    rewritten = [b"another" if number == changed else leaf for number, leaf in enumerate(leaves)]
    proof = Grown(rewritten).consistency(old, new)
    with pytest.raises(Invalid):
        tree.check_consistency(old, new, proof, mth(leaves[:old]), mth(rewritten))


@pytest.mark.parametrize(
    ("old", "new", "proof"),
    [(3, 2, []), (2, 2, [bytes(32)]), (0, 2, [bytes(32)]), (1, 2, []), (3, 8, []), (3, 8, [bytes(32)] * 9)],
)
def test_a_consistency_proof_of_another_length_is_refused(old: int, new: int, proof: list[bytes]) -> None:
    with pytest.raises(Invalid, match="consistency proof"):
        tree.check_consistency(old, new, proof, mth(LEAVES[:old]), mth(LEAVES[:new]))


def test_a_proof_costs_logarithmic_reads() -> None:
    grown = Grown(str(number).encode() for number in range(100_000))
    for index in (0, 31_415, 99_998, 99_999):
        grown.reads = 0
        grown.inclusion(index, 100_000)
        assert grown.reads <= 2 * 17
    grown.reads = 0
    grown.consistency(31_415, 100_000)
    assert grown.reads <= 3 * 17


@settings(max_examples=60)
@given(st.data(), st.integers(0, 60))
def test_a_bundle_of_any_entries_leads_to_the_root_and_no_other_does(data: st.DataObject, size: int) -> None:
    leaves = [str(number).encode() for number in range(size)]
    chosen = sorted(data.draw(st.sets(st.integers(0, size - 1)))) if size else []
    proof = tree.hashes(tree.bundle_ranges(chosen, size), Grown(leaves).fetch)
    hashed = {number: tree.leaf_hash(leaves[number]) for number in chosen}
    assert tree.bundle_root(hashed, size, proof) == mth(leaves)
    if len(chosen) == size:
        assert not proof
    if chosen:
        hashed[chosen[0]] = bytes(32)
        assert tree.bundle_root(hashed, size, proof) != mth(leaves)
    with pytest.raises(Invalid, match="hashes"):
        tree.bundle_root(hashed, size, [*proof, bytes(32)])


def test_a_bundle_with_a_leaf_beyond_the_tree_is_refused() -> None:
    with pytest.raises(Invalid, match="not in a tree of 3"):
        tree.bundle_root({3: bytes(32)}, 3, [])
