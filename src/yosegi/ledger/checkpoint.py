"""A checkpoint: a site signs that its ledger has so many entries and this root."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field

from yosegi.core import canonical
from yosegi.core.errors import Invalid
from yosegi.core.identifiers import Digest
from yosegi.core.values import Value
from yosegi.ledger.header import Name, Time
from yosegi.trust.envelope import ORDINARY, Envelope
from yosegi.trust.keys import Algorithm, PublicKey
from yosegi.trust.signer import Signer


class Checkpoint(Value):
    """The state of a ledger in a few bytes.

    Args:
        format: which checkpoint this is.
        site: whose ledger.
        epoch: the epoch of its last entry.
        size: how many entries.
        root: the Merkle root over them (RFC 9162), `sha256:…`.
        time: when, by the site's clock.
    """

    payload_type: ClassVar[str] = "application/vnd.yosegi.checkpoint.v1+json"

    format: Literal["yosegi.checkpoint/1"] = "yosegi.checkpoint/1"
    site: Name
    epoch: Annotated[int, Field(ge=1)]
    size: Annotated[int, Field(ge=1)]
    root: Digest
    time: Time

    def to_bytes(self) -> bytes:
        """Canonical JSON (RFC 8785)."""
        return canonical.dumps(self.model_dump(mode="json"))

    @property
    def root_hash(self) -> bytes:
        """The root's 32 bytes."""
        return bytes.fromhex(self.root.removeprefix("sha256:"))

    def sign(self, *signers: Signer) -> Envelope:
        """The signed document."""
        return Envelope.sign(self.payload_type, self.to_bytes(), *signers)

    @classmethod
    def open(
        cls,
        envelope: Envelope,
        keys: Mapping[str, PublicKey],
        *,
        site: str = "",
        needs: Collection[Algorithm] = ORDINARY,
    ) -> Self:
        """The checkpoint in a signed document.

        Args:
            envelope: the document.
            keys: who may have signed it: the site's keys, and its witnesses'.
            site: whose it must be, if that is known.
            needs: algorithms of which a signature must be there: both, where it must be believed for decades.

        Raises:
            Untrusted: not signed by these keys, or not with each of these algorithms.
            Invalid: not a checkpoint, or another site's.
        """
        checkpoint = cls.read(envelope.verify(keys, payload_type=cls.payload_type, needs=needs))
        if site and checkpoint.site != site:
            raise Invalid("a checkpoint", f"of {checkpoint.site}, where one of {site} was expected")
        return checkpoint
