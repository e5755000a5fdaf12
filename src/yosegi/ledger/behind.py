"""A ledger that is older than what it signed: a copy that was put back, or one that lost its last seconds."""

from __future__ import annotations

from yosegi.core.errors import Corrupt


class LedgerBehind(Corrupt):
    """This ledger does not contain what it is known to have signed; nothing may be written to it.

    Args:
        site: whose ledger.
        size: how many entries it has.
        signed: how many it had when it signed what is known.
        by: who knows it, as the beginning of a sentence: `a peer holds`.
    """

    code = "ledger_behind"

    def __init__(self, site: str, size: int, signed: int, by: str) -> None:
        self.size, self.signed = size, signed
        super().__init__(
            f"the ledger of {site}",
            f"{by} its signed checkpoint over {signed} entries, and that is not in this one, which has {size}:"
            " an older copy was put back, or its end was lost",
            "bring back the newest copy as a restoration, which says what was lost: yosegi site restore HOME NEW-HOME",
        )
