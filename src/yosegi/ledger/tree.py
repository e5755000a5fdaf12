"""The Merkle tree of RFC 6962 and RFC 9162, over stored subtree hashes.

A leaf completes some subtrees: itself, and each whose last leaf it is. Their hashes are stored with the leaf, about
two for each on average, so that the hash of any complete subtree is one read away and a proof costs O(log n) reads.
"""

from __future__ import annotations

import bisect
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence

from yosegi.core.errors import Invalid

HASH_SIZE = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()

Node = tuple[int, int]
"""A complete subtree: its level (0 is a leaf) and its index within the level."""

Fetch = Callable[[Iterable[Node]], Mapping[Node, bytes]]
"""Reads the hashes of complete subtrees, all at once."""

_sha256 = hashlib.sha256


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(0x00 ‖ data), RFC 9162 section 2.1.1."""
    return _sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right), RFC 9162 section 2.1.1."""
    return _sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a growing tree: its complete subtrees, the largest first. Small enough to copy at will."""

    __slots__ = ("peaks", "size")

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        self.size = size
        self.peaks = list(peaks)

    def copy(self) -> Frontier:
        """One that grows by itself."""
        return Frontier(self.size, self.peaks)

    def append(self, leaf: bytes) -> bytes:
        """Add a leaf hash; the hashes of the subtrees it completes, joined, from level 0 upwards."""
        node, completed, size = leaf, leaf, self.size
        peaks = self.peaks
        while size & 1:
            node = _sha256(b"\x01" + peaks.pop() + node).digest()
            completed += node
            size >>= 1
        peaks.append(node)
        self.size += 1
        return completed

    def root(self) -> bytes:
        """The tree's hash, RFC 9162 section 2.1.1."""
        return _fold(self.peaks)


def _fold(peaks: Sequence[bytes]) -> bytes:
    if not peaks:
        return EMPTY_ROOT
    root = peaks[-1]
    for peak in reversed(peaks[:-1]):
        root = node_hash(peak, root)
    return root


def home(node: Node) -> tuple[int, int]:
    """Where a subtree's hash is stored: its last leaf, and the offset in what that leaf completed."""
    level, index = node
    return ((index + 1) << level) - 1, level * HASH_SIZE


def peaks(start: int, length: int) -> list[Node]:
    """The complete subtrees that make up the leaves from `start`, the largest first.

    `start` is a multiple of the largest of them, as it is for every range a proof names.
    """
    nodes = []
    while length:
        level = length.bit_length() - 1
        nodes.append((level, start >> level))
        start += 1 << level
        length -= 1 << level
    return nodes


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << ((size - 1).bit_length() - 1)


Range = tuple[int, int]
"""Leaves `(start, length)` whose subtree hash a proof carries."""


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """PATH(index, D[size]) of RFC 9162 section 2.1.3.1 as ranges, from the leaf upwards."""
    start, path = 0, []
    while size > 1:
        left = _split(size)
        if index - start < left:
            path.append((start + left, size - left))
            size = left
        else:
            path.append((start, left))
            start, size = start + left, size - left
    return path[::-1]


def consistency_ranges(old: int, new: int) -> list[Range]:
    """PROOF(old, D[new]) of RFC 9162 section 2.1.4.1 as ranges, in the order of the standard."""
    if old in (0, new):
        return []
    start, size, whole, path = 0, new, True, []
    while old - start != size:
        left = _split(size)
        if old - start <= left:
            path.append((start + left, size - left))
            size = left
        else:
            path.append((start, left))
            start, size, whole = start + left, size - left, False
    if not whole:
        path.append((start, size))
    return path[::-1]


def hashes(ranges: Sequence[Range], fetch: Fetch) -> list[bytes]:
    """The subtree hash of each range, with one call of `fetch`."""
    parts = [peaks(start, length) for start, length in ranges]
    found = fetch(node for nodes in parts for node in nodes)
    return [_fold([found[node] for node in nodes]) for nodes in parts]


def root_at(size: int, fetch: Fetch) -> bytes:
    """The hash of the first `size` leaves."""
    return hashes([(0, size)], fetch)[0]


def check_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Whether the leaf is in the tree: RFC 9162 section 2.1.3.2.

    Raises:
        Invalid: it is not, or the proof is not one for this place and size.
    """
    if not 0 <= index < size:
        raise Invalid("an inclusion proof", f"no leaf {index} is in a tree of {size}")
    _check_hashes("an inclusion proof", leaf, root, *proof)
    node, last, computed = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise Invalid("an inclusion proof", "longer than the tree is high")
        if node & 1 or node == last:
            computed = node_hash(sibling, computed)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            computed = node_hash(computed, sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise Invalid("an inclusion proof", "shorter than the tree is high")
    if computed != root:
        raise Invalid("an inclusion proof", f"leads to another root for leaf {index} of {size}")


def check_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """Whether the new tree begins with the whole old one: RFC 9162 section 2.1.4.2.

    Raises:
        Invalid: it does not, or the proof is not one for these sizes.
    """
    what = "a consistency proof"
    if not 0 <= old <= new:
        raise Invalid(what, f"a tree of {new} cannot follow one of {old}")
    _check_hashes(what, old_root, new_root, *proof)
    for size, root in ((old, old_root), (new, new_root)):
        if size == 0 and root != EMPTY_ROOT:
            raise Invalid(what, "a root that is not that of an empty tree, for no entries")
    if old in (0, new):
        if proof:
            raise Invalid(what, f"nothing is needed from {old} to {new}, and {len(proof)} hashes are there")
        if old == new and old_root != new_root:
            raise Invalid(what, f"two roots for the same {old} entries")
        return
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not path:
        raise Invalid(what, "empty")
    if _replay(old, new, path) != (old_root, new_root):
        raise Invalid(what, f"the tree of {new} does not continue the tree of {old}")


def _check_hashes(what: str, *hashes: bytes) -> None:
    if any(len(one) != HASH_SIZE for one in hashes):
        raise Invalid(what, f"a hash is not {HASH_SIZE} bytes long")


def _replay(old: int, new: int, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old_root = new_root = path[0]
    for item in path[1:]:
        if last == 0:
            raise Invalid("a consistency proof", "longer than the tree is high")
        if node & 1 or node == last:
            old_root, new_root = node_hash(item, old_root), node_hash(item, new_root)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new_root = node_hash(new_root, item)
        node, last = node >> 1, last >> 1
    if last:
        raise Invalid("a consistency proof", "shorter than the tree is high")
    return old_root, new_root


def bundle_ranges(indices: Sequence[int], size: int) -> list[Range]:
    """The fewest ranges that, with the leaves at `indices` (ascending), make up the whole tree; left to right."""
    found: list[Range] = []
    _cover(0, size, indices, 0, len(indices), found)
    return found


def _cover(start: int, size: int, indices: Sequence[int], low: int, high: int, found: list[Range]) -> None:
    if low == high:
        if size:
            found.append((start, size))
        return
    if size > 1:
        left = _split(size)
        middle = bisect.bisect_left(indices, start + left, low, high)
        _cover(start, left, indices, low, middle, found)
        _cover(start + left, size - left, indices, middle, high, found)


def bundle_root(leaves: Mapping[int, bytes], size: int, proof: Sequence[bytes]) -> bytes:
    """The root that some leaves and the hashes of the ranges between them lead to.

    Raises:
        Invalid: a leaf beyond the tree, or too few or too many hashes.
    """
    indices = sorted(leaves)
    if indices and not 0 <= indices[0] <= indices[-1] < size:
        raise Invalid("a bundle's proof", f"leaf {indices[-1]} is not in a tree of {size}")
    ranges = bundle_ranges(indices, size)
    if len(ranges) != len(proof):
        raise Invalid("a bundle's proof", f"{len(proof)} hashes, and these entries need {len(ranges)}")
    between = dict(zip(ranges, proof, strict=True))
    return _join(0, size, leaves, between)


def _join(start: int, size: int, leaves: Mapping[int, bytes], between: Mapping[Range, bytes]) -> bytes:
    known = between.get((start, size))
    if known is not None:
        return known
    if size == 0:
        return EMPTY_ROOT
    if size == 1:
        return leaves[start]
    left = _split(size)
    return node_hash(_join(start, left, leaves, between), _join(start + left, size - left, leaves, between))
