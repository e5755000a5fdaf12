"""What a peer checks before it cosigns a checkpoint: that it continues the one it holds, or admits what it lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from yosegi.core.errors import Invalid
from yosegi.ledger import tree
from yosegi.ledger.checkpoint import Checkpoint
from yosegi.ledger.header import Header
from yosegi.ledger.write import OPENED


class Forked(Invalid):
    """A site's checkpoint contradicts one that it signed before: it tells two stories."""

    code = "forked"

    def __init__(self, earlier: Checkpoint, later: Checkpoint, why: str) -> None:
        self.earlier, self.later = earlier, later
        super().__init__(
            f"the checkpoint of {later.site} over {later.size} entries",
            f"it does not continue the one over {earlier.size}: {why}",
            "keep both as evidence, and ask the site",
        )


def check_continues(
    earlier: Checkpoint, later: Checkpoint, proof: Sequence[bytes], *, opened: Sequence[Header] = ()
) -> None:
    """Verify that a later checkpoint tells the same story as an earlier one, a pure function.

    Args:
        earlier: what is held of the site.
        later: what it says now.
        proof: consistency from `common_history(earlier, opened)` entries to `later.size`.
        opened: if the epoch is another, the `ledger.opened` header (from a verified receipt) of each epoch since.

    Raises:
        Forked: it does not; both checkpoints are evidence.
        Invalid: not of one site, or the headers are not those of the epochs between.
    """
    size, root = _shared(earlier, later, opened)
    try:
        tree.check_consistency(size, later.size, proof, root, later.root_hash)
    except Invalid as error:
        raise Forked(earlier, later, error.why) from None


def check_contains(
    earlier: Checkpoint, later: Checkpoint, root_at: Callable[[int], bytes], *, opened: Sequence[Header] = ()
) -> None:
    """`check_continues` for whoever has the whole later ledger at hand, and so needs no proof.

    Args:
        earlier: what is held of the site.
        later: the ledger's newest.
        root_at: the Merkle root over the ledger's first so many entries; asked at `common_history` alone.
        opened: the `ledger.opened` header of each epoch since the earlier one.

    Raises:
        Forked, Invalid: as `check_continues`.
    """
    size, root = _shared(earlier, later, opened)
    if root_at(size) != root:
        raise Forked(earlier, later, f"its first {size} entries are others now")


def _shared(earlier: Checkpoint, later: Checkpoint, opened: Sequence[Header]) -> tuple[int, bytes]:
    """How many entries, and with which root, the later one must have in common with the earlier."""
    if earlier.site != later.site:
        raise Invalid("a checkpoint", f"of {later.site}, where one of {earlier.site} is held")
    if later.epoch < earlier.epoch:
        raise Forked(earlier, later, f"epoch {later.epoch} comes before epoch {earlier.epoch}")
    _check_openings(earlier, later, opened)
    size, root = common_history(earlier, opened)
    if later.size < size:
        raise Forked(earlier, later, f"the first {size} entries are kept in every epoch, and it has {later.size}")
    return size, root


def common_history(earlier: Checkpoint, opened: Sequence[Header] = ()) -> tuple[int, bytes]:
    """How many entries, and with which root, both checkpoints must share: what restores left of the earlier one."""
    size, root = earlier.size, earlier.root_hash
    for header in opened:
        restored = header.facts["restored"]
        if restored["size"] < size:
            size, root = restored["size"], bytes.fromhex(restored["root"].removeprefix("sha256:"))
    return size, root


def _check_openings(earlier: Checkpoint, later: Checkpoint, opened: Sequence[Header]) -> None:
    epochs = list(range(earlier.epoch + 1, later.epoch + 1))
    named = [header.epoch for header in opened]
    # An epoch's number may skip some: those that a lost part of the ledger had reached.
    if sorted(set(named)) != named or not set(named) <= set(epochs) or (epochs and named[-1:] != epochs[-1:]):
        raise Invalid("the opened epochs", f"{named}, from epoch {earlier.epoch} to {later.epoch}")
    for header in opened:
        if header.site != later.site or header.type != OPENED or "restored" not in header.facts:
            raise Invalid(f"entry {header.sequence} of {header.site}", "it does not open an epoch")
    # A peer that could not be asked in time is admitted to by a later epoch, before it is shown any of them.
    lost = [header.epoch for header in opened if header.facts["restored"]["size"] < earlier.size]
    witnessed = [header.facts["witnessed"] for header in opened]
    if lost and not any(said is not None and said["size"] >= earlier.size for said in witnessed):
        raise Forked(earlier, later, f"epoch {lost[0]} does not admit the entries it lost")
