"""Keys, signers and signed documents: what lets one site believe another.

Each name is imported when it is first used: whoever signs in with a key needs neither hardware tokens nor sealing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from yosegi.core.lazy_names import lazy_names

if TYPE_CHECKING:
    from yosegi.trust.clocks import PeerClocks as PeerClocks
    from yosegi.trust.document import SKEW as SKEW
    from yosegi.trust.document import Addressed as Addressed
    from yosegi.trust.document import Document as Document
    from yosegi.trust.document import Moment as Moment
    from yosegi.trust.envelope import Envelope as Envelope
    from yosegi.trust.envelope import Signature as Signature
    from yosegi.trust.envelope import pae as pae
    from yosegi.trust.errors import LooseKeyFile as LooseKeyFile
    from yosegi.trust.errors import Untrusted as Untrusted
    from yosegi.trust.keys import Algorithm as Algorithm
    from yosegi.trust.keys import PublicKey as PublicKey
    from yosegi.trust.keys import by_id as by_id
    from yosegi.trust.passphrase import check_passphrase as check_passphrase
    from yosegi.trust.passphrase import hash_passphrase as hash_passphrase
    from yosegi.trust.pkcs11 import Pkcs11Signer as Pkcs11Signer
    from yosegi.trust.pkcs11 import Slot as Slot
    from yosegi.trust.sealed import Sealed as Sealed
    from yosegi.trust.sealed import SealingKey as SealingKey
    from yosegi.trust.sealed import Unsealer as Unsealer
    from yosegi.trust.signer import Ed25519Signer as Ed25519Signer
    from yosegi.trust.signer import MlDsa65Signer as MlDsa65Signer
    from yosegi.trust.signer import Signer as Signer
    from yosegi.trust.token import Proof as Proof
    from yosegi.trust.token import SeenProofs as SeenProofs
    from yosegi.trust.token import Token as Token
    from yosegi.trust.token import accept_proof as accept_proof
    from yosegi.trust.token import accept_token as accept_token
    from yosegi.trust.token import digest_of_request as digest_of_request

__all__ = [
    "PublicKey",
    "Algorithm",
    "by_id",
    "Signer",
    "Ed25519Signer",
    "MlDsa65Signer",
    "Pkcs11Signer",
    "Slot",
    "Envelope",
    "Signature",
    "pae",
    "Document",
    "Addressed",
    "Moment",
    "SKEW",
    "Sealed",
    "SealingKey",
    "Unsealer",
    "Token",
    "Proof",
    "SeenProofs",
    "accept_token",
    "accept_proof",
    "digest_of_request",
    "PeerClocks",
    "hash_passphrase",
    "check_passphrase",
    "Untrusted",
    "LooseKeyFile",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "clocks": ("PeerClocks",),
        "document": ("SKEW", "Addressed", "Document", "Moment"),
        "envelope": ("Envelope", "Signature", "pae"),
        "errors": ("LooseKeyFile", "Untrusted"),
        "keys": ("Algorithm", "PublicKey", "by_id"),
        "passphrase": ("check_passphrase", "hash_passphrase"),
        "pkcs11": ("Pkcs11Signer", "Slot"),
        "sealed": ("Sealed", "SealingKey", "Unsealer"),
        "signer": ("Ed25519Signer", "MlDsa65Signer", "Signer"),
        "token": ("Proof", "SeenProofs", "Token", "accept_proof", "accept_token", "digest_of_request"),
    },
)
