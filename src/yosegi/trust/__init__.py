"""Keys, signers and signed documents: what lets one site believe another."""

from yosegi.trust.clocks import PeerClocks
from yosegi.trust.document import SKEW, Addressed, Document, Moment
from yosegi.trust.envelope import Envelope, Signature, pae
from yosegi.trust.errors import LooseKeyFile, Untrusted
from yosegi.trust.keys import Algorithm, PublicKey, by_id
from yosegi.trust.passphrase import check_passphrase, hash_passphrase
from yosegi.trust.pkcs11 import Pkcs11Signer, Slot
from yosegi.trust.sealed import Sealed, SealingKey, Unsealer
from yosegi.trust.signer import Ed25519Signer, MlDsa65Signer, Signer
from yosegi.trust.token import Proof, SeenProofs, Token, accept_proof, accept_token, digest_of_request

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
