"""The one signed form: DSSE version 1 (https://github.com/secure-systems-lab/dsse, protocol 1.0.2).

The signature covers the payload's type and bytes as they were sent, so nothing is parsed before it is verified and
no canonical form has to be agreed on. Every signature names its key and algorithm.
"""

from __future__ import annotations

import base64
import functools
from collections.abc import Collection, Mapping
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, ConfigDict, Field, PlainSerializer

from yosegi.core import canonical
from yosegi.core.values import Value
from yosegi.trust.errors import Untrusted
from yosegi.trust.keys import Algorithm, PublicKey, unbase64
from yosegi.trust.signer import Signer

MAX_SIGNATURES = 256
ORDINARY: tuple[Algorithm, ...] = ("ed25519",)
"""What a document is signed with that need not be believed for decades."""


def pae(payload_type: str, payload: bytes) -> bytes:
    """The bytes that are signed: DSSE's pre-authentication encoding.

    Example:
        >>> pae("http://example.com/HelloWorld", b"hello world")
        b'DSSEv1 29 http://example.com/HelloWorld 11 hello world'
    """
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def _bytes(value: Any) -> Any:
    # DSSE readers accept both base64 alphabets; writers here use the standard one.
    return unbase64(value.replace("-", "+").replace("_", "/")) if isinstance(value, str) else value


Bytes = Annotated[bytes, BeforeValidator(_bytes), PlainSerializer(lambda b: base64.b64encode(b).decode())]
"""Bytes that travel as base64."""


class Signature(Value):
    """One signature, naming the key and the algorithm it was made with."""

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True)

    key_id: str = Field(alias="keyid", min_length=1, max_length=200)
    algorithm: Algorithm
    sig: Bytes


class Envelope(Value):
    """A payload, what kind it is, and who signed it. Nothing in it may be believed before `verify`."""

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True)

    payload_type: str = Field(alias="payloadType", min_length=1, max_length=200)
    payload: Bytes
    signatures: tuple[Signature, ...] = Field(max_length=MAX_SIGNATURES)

    @classmethod
    def sign(cls, payload_type: str, payload: bytes, *signers: Signer) -> Self:
        """Sign with each signer, over the same bytes."""
        message = pae(payload_type, payload)
        return cls(
            payload_type=payload_type,
            payload=payload,
            signatures=tuple(
                Signature(key_id=signer.public.key_id, algorithm=signer.public.algorithm, sig=signer.sign(message))
                for signer in signers
            ),
        )

    def signed_also_by(self, *signers: Signer) -> Self:
        """The same payload with further signatures; a key that signed before is left as it was."""
        have = {signature.key_id for signature in self.signatures}
        new = [signer for signer in signers if signer.public.key_id not in have]
        more = Envelope.sign(self.payload_type, self.payload, *new).signatures
        return self.model_copy(update={"signatures": self.signatures + more})

    @functools.cached_property
    def plain(self) -> dict[str, Any]:
        """As it stands in JSON; shared, so nobody changes it."""
        return self.model_dump(mode="json")

    @functools.cached_property
    def payload_digest(self) -> str:
        """SHA-256 of the payload: the name of the document, whoever signed it."""
        return canonical.digest(self.payload)

    def verify(
        self,
        keys: Mapping[str, PublicKey],
        *,
        payload_type: str,
        needs: Collection[Algorithm] = ORDINARY,
    ) -> bytes:
        """The payload, if every signature on it is a valid one of a known key.

        Args:
            keys: the keys that may sign, by key id.
            payload_type: the kind of document that is expected.
            needs: algorithms of which at least one signature must be there.

        Raises:
            Untrusted: another kind of document; no signature; one that is unknown, twice there, made with another
                algorithm than its key's, or wrong; or an algorithm in `needs` without signature.
        """
        what = f"a document ({self.payload_type})"
        if self.payload_type != payload_type:
            raise Untrusted(what, "wrong_payload_type", found=self.payload_type, expected=payload_type)
        if not self.signatures:
            raise Untrusted(what, "not_signed")
        self._check_names(what, keys)
        present = {signature.algorithm for signature in self.signatures}
        for algorithm in needs:
            if algorithm not in present:
                raise Untrusted(what, "algorithm_missing", algorithm=algorithm)
        message = pae(self.payload_type, self.payload)
        for signature in self.signatures:
            if not keys[signature.key_id].verify(signature.sig, message):
                raise Untrusted(what, "bad_signature", key=signature.key_id)
        return self.payload

    def _check_names(self, what: str, keys: Mapping[str, PublicKey]) -> None:
        """Cheap checks first: a stranger's message costs no signature check."""
        seen: set[str] = set()
        for signature in self.signatures:
            key = keys.get(signature.key_id)
            if key is None or key.key_id != signature.key_id:
                raise Untrusted(what, "unknown_key", key=signature.key_id)
            if signature.key_id in seen:
                raise Untrusted(what, "signed_twice", key=signature.key_id)
            if signature.algorithm != key.algorithm:
                raise Untrusted(what, "wrong_algorithm", said=signature.algorithm, is_for=key.algorithm)
            seen.add(signature.key_id)

    @classmethod
    def read(cls, data: bytes | dict[str, Any], *, what: str = "") -> Self:
        """Read an envelope; unknown fields are refused.

        Raises:
            Invalid: not an envelope; names the field.
        """
        return super().read(data, what=what or "an envelope")
