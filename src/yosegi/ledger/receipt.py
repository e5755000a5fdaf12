"""A receipt: proof, good offline and for ever, that a site wrote an entry. Both sides of an exchange keep it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Annotated

from pydantic import Field

from yosegi.core import canonical
from yosegi.core.errors import Invalid
from yosegi.core.identifiers import Digest
from yosegi.core.values import Value
from yosegi.ledger import tree
from yosegi.ledger.checkpoint import Checkpoint
from yosegi.ledger.header import MAX_HEADER, Header
from yosegi.trust.envelope import ORDINARY, Envelope
from yosegi.trust.keys import Algorithm, PublicKey

# A tree of 2^64 leaves is 64 high.
MAX_PROOF = 64


class Receipt(Value):
    """An entry's header, its inclusion proof, and the signed checkpoint that the proof leads to.

    Args:
        header: the header's canonical bytes, as text.
        proof: sibling hashes from the leaf upwards (RFC 9162, section 2.1.3).
        checkpoint: the signed checkpoint.
    """

    header: Annotated[str, Field(max_length=MAX_HEADER)]
    proof: Annotated[tuple[Digest, ...], Field(max_length=MAX_PROOF)]
    checkpoint: Envelope

    def to_bytes(self) -> bytes:
        """Canonical JSON (RFC 8785)."""
        return canonical.dumps(self.model_dump(mode="json"))

    def verify(self, keys: Mapping[str, PublicKey], *, site: str = "") -> Header:
        """The header, if everything holds; nothing else is needed.

        Args:
            keys: the keys of the site that gave the receipt (and of witnesses, if they cosigned), by key id.
            site: whose receipt it must be, if that is known.

        Raises:
            Untrusted: the checkpoint is not signed by these keys.
            Invalid: the header is malformed or another site's, or the proof does not lead to the checkpoint.
        """
        header = Header.read(self.header.encode(), what="a receipt's header")
        checkpoint = Checkpoint.open(self.checkpoint, keys, site=site or header.site)
        _belongs(header, checkpoint)
        leaf = tree.leaf_hash(self.header.encode())
        proof = [_raw(item) for item in self.proof]
        tree.check_inclusion(leaf, header.sequence, checkpoint.size, proof, checkpoint.root_hash)
        return header

    @property
    def hash(self) -> str:
        """The entry's hash, as `after` names it."""
        return "sha256:" + tree.leaf_hash(self.header.encode()).hex()


def verify_entries(
    headers: Iterable[bytes],
    checkpoint: Envelope,
    keys: Mapping[str, PublicKey],
    *,
    proof: Sequence[str] = (),
    hashes: Sequence[str] = (),
    site: str = "",
    needs: Collection[Algorithm] = ORDINARY,
) -> list[Header]:
    """Verify many entries of one ledger at once, offline: a pure function.

    Args:
        headers: the canonical bytes of each header, in any order.
        checkpoint: the signed checkpoint they are all under.
        keys: the keys of the site (and of witnesses, if they cosigned), by key id.
        proof: what `Ledger.prove` gave for these entries; empty if they are the whole ledger.
        hashes: the entries' hashes as they were exported, in the order of `headers`. They prove nothing, but a header
            that was changed since is named by them.
        site: whose entries they must be, if that is known.
        needs: algorithms with which the checkpoint must be signed.

    Returns:
        The headers in the order of the ledger.

    Raises:
        Untrusted: the checkpoint is not signed by these keys.
        Invalid: a header is malformed, another site's or there twice, or they do not lead to the checkpoint's root.
    """
    read: list[tuple[Header, bytes]] = []
    for number, raw in enumerate(headers):
        leaf = tree.leaf_hash(raw)
        if hashes and (number >= len(hashes) or _raw(hashes[number]) != leaf):
            raise Invalid(f"header {number} of the bundle", f"changed since it was exported: {_sequence_of(raw)}")
        read.append((Header.read(raw, what=f"header {number} of the bundle"), leaf))
    return verify_leaves(read, checkpoint, keys, proof=proof, site=site, needs=needs)


def verify_leaves(
    read: Iterable[tuple[Header, bytes]],
    checkpoint: Envelope,
    keys: Mapping[str, PublicKey],
    *,
    proof: Sequence[str] = (),
    site: str = "",
    needs: Collection[Algorithm] = ORDINARY,
) -> list[Header]:
    """`verify_entries` for headers that were read (`Header.read`), each with the leaf hash of its bytes.

    Raises:
        Untrusted, Invalid: as `verify_entries`.
    """
    signed = Checkpoint.open(checkpoint, keys, site=site, needs=needs)
    found: dict[int, Header] = {}
    leaves: dict[int, bytes] = {}
    for number, (header, leaf) in enumerate(read):
        _belongs(header, signed)
        if header.sequence in found:
            raise Invalid(f"header {number} of the bundle", f"entry {header.sequence} is there twice")
        found[header.sequence] = header
        leaves[header.sequence] = leaf
    root = tree.bundle_root(leaves, signed.size, [_raw(item) for item in proof])
    if root != signed.root_hash:
        raise Invalid(
            f"the {len(found)} entries of {signed.site}",
            f"lead to another root than the checkpoint at {signed.size}: an entry or the proof was changed",
            "compare each entry with its receipt to find which",
        )
    return [found[sequence] for sequence in sorted(found)]


def _belongs(header: Header, checkpoint: Checkpoint) -> None:
    if header.site != checkpoint.site:
        raise Invalid(f"entry {header.sequence}", f"of {header.site}, under a checkpoint of {checkpoint.site}")
    if header.epoch > checkpoint.epoch:
        raise Invalid(
            f"entry {header.sequence}", f"of epoch {header.epoch}, under a checkpoint of epoch {checkpoint.epoch}"
        )
    if header.sequence >= checkpoint.size:
        raise Invalid(f"entry {header.sequence}", f"beyond the checkpoint's {checkpoint.size} entries")


def _sequence_of(raw: bytes) -> str:
    """What a damaged header says of itself: a hint for people."""
    match = re.search(rb'"sequence":(\d{1,18}),', raw)
    return f"it calls itself entry {int(match[1])}" if match else "it is not readable"


def _raw(digest: str) -> bytes:
    return bytes.fromhex(digest.removeprefix("sha256:"))
