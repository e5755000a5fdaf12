"""A key that lives in hardware: an Ed25519 key behind PKCS #11 (OASIS, version 3.0, section 2.3.15 for CKM_EDDSA).

The private key never leaves its token, so a stolen disk or backup signs nothing. What the token answers is verified
before it is used: a token that fails half-way, or that was exchanged for another, signs nothing either.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from yosegi.core.errors import Conflict, Invalid, Unavailable
from yosegi.trust.keys import PublicKey

if TYPE_CHECKING:
    from pkcs11 import PrivateKey, Session

_ED25519 = ("1.3.101.112", "1.3.6.1.4.1.11591.15.1")
"""OIDs of the curve: RFC 8410's, and the one that tokens made before it still use."""
_MISSING = "install it: pip install 'yosegi[pkcs11]'"


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a key is.

    Args:
        module: path of the PKCS #11 library of the token's vendor.
        token: label of the token.
        label: label of the key pair in it.
    """

    module: str
    token: str
    label: str

    def __str__(self) -> str:
        return f"key {self.label} in token {self.token} ({self.module})"


class Pkcs11Signer:
    """An Ed25519 key in a token; the session is opened again when it was lost.

    Args:
        slot: which key.
        pin: asked for the PIN each time a session is opened; it is kept nowhere.

    Raises:
        Invalid: no such library, token or key, a wrong PIN, or a key of another kind.
    """

    def __init__(self, slot: Slot, pin: Callable[[], str]) -> None:
        self.slot, self._pin = slot, pin
        self._lock = threading.Lock()
        self._session, self._private, self._public = self._open()

    @property
    def public(self) -> PublicKey:
        """The key that verifies."""
        return self._public

    def sign(self, message: bytes) -> bytes:
        """64 bytes.

        Raises:
            Unavailable: the token does not sign, even in a new session; nothing was signed.
        """
        import pkcs11

        with self._lock:
            try:
                return self._sign(message)
            except pkcs11.PKCS11Error as lost:
                self._again(lost)
            try:
                return self._sign(message)
            except pkcs11.PKCS11Error as error:
                raise self._unavailable(error) from None

    def _sign(self, message: bytes) -> bytes:
        from pkcs11 import Mechanism

        signature = bytes(self._private.sign(message, mechanism=Mechanism.EDDSA))  # type: ignore[attr-defined]
        if not self._public.verify(signature, message):
            raise Unavailable(str(self.slot), "what it signed does not verify", "look at the token; nothing was signed")
        return signature

    def _again(self, lost: Exception) -> None:
        """A new session after one that was lost: the token was pulled out, restarted, or logged us out."""
        import pkcs11

        with contextlib.suppress(pkcs11.PKCS11Error):
            self._session.close()
        try:
            session, private, public = self._open()
        except Invalid:
            try:
                # Some libraries look for tokens only when they begin.
                pkcs11.lib(self.slot.module).reinitialize()
                session, private, public = self._open()
            except (Invalid, pkcs11.PKCS11Error) as error:
                raise self._unavailable(error) from lost
        if public != self._public:
            raise Unavailable(str(self.slot), "another key lies there now", "bring the token back that was there")
        self._session, self._private = session, private

    def _unavailable(self, error: Exception) -> Unavailable:
        why = error.why if isinstance(error, Invalid) else _told(error)
        return Unavailable(str(self.slot), why, "bring the token back; nothing was signed")

    def _open(self) -> tuple[Session, PrivateKey, PublicKey]:
        session = _session(self.slot, self._pin)
        from pkcs11 import ObjectClass

        private = _key(self.slot, session, ObjectClass.PRIVATE_KEY)
        return session, private, _public(self.slot, _key(self.slot, session, ObjectClass.PUBLIC_KEY))

    def __repr__(self) -> str:
        return f"<Ed25519 signer {self._public.fingerprint}, {self.slot}>"


def make_key(slot: Slot, pin: Callable[[], str]) -> PublicKey:
    """Make a new Ed25519 key pair in a token, which its private half can never leave.

    Raises:
        Conflict: there is a key of that label.
        Invalid: no such library or token, a wrong PIN, or a token that does not know Ed25519.
    """
    session = _session(slot, pin, write=True)
    # Only now: without the library, the session says how to install it.
    from pkcs11 import Attribute, KeyType, ObjectClass, PKCS11Error
    from pkcs11.util.ec import encode_named_curve_parameters

    try:
        if list(session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.LABEL: slot.label})):
            raise Conflict(str(slot), "is there already", "choose another label; a key is never overwritten")
        curve = {Attribute.EC_PARAMS: encode_named_curve_parameters(_ED25519[0])}
        parameters = session.create_domain_parameters(KeyType.EC_EDWARDS, curve, local=True)
        public, _ = parameters.generate_keypair(
            store=True,
            label=slot.label,
            private_template={Attribute.EXTRACTABLE: False, Attribute.SENSITIVE: True},
        )
        return _public(slot, public)
    except PKCS11Error as error:
        raise Invalid(str(slot), f"no key was made: {_told(error)}") from None
    finally:
        session.close()


def _session(slot: Slot, pin: Callable[[], str], *, write: bool = False) -> Session:
    try:
        import pkcs11
    except ImportError:
        raise Invalid(str(slot), "the library python-pkcs11 is not there", _MISSING) from None
    try:
        library = pkcs11.lib(slot.module)
    except (pkcs11.PKCS11Error, RuntimeError) as error:
        raise Invalid(str(slot), _told(error), "name the vendor's PKCS #11 library in site.toml") from None
    try:
        token = library.get_token(token_label=slot.token)
        try:
            return token.open(user_pin=pin(), rw=write)
        except pkcs11.UserAlreadyLoggedIn:
            # A token knows one login a process; another key of this token is in use here.
            return token.open(rw=write)
    except (pkcs11.NoSuchToken, pkcs11.MultipleTokensReturned):
        raise Invalid(str(slot), "there is no such token, or more than one", "plug it in, or mend its label") from None
    except (pkcs11.PinIncorrect, pkcs11.PinLocked, pkcs11.PinInvalid, pkcs11.PinLenRange, pkcs11.PinExpired) as error:
        raise Invalid(str(slot), f"the PIN is refused ({_told(error)})", "a few wrong ones lock the token") from None
    except pkcs11.PKCS11Error as error:
        raise Invalid(str(slot), _told(error)) from None


def _key(slot: Slot, session: Session, kind: object) -> PrivateKey:
    import pkcs11

    try:
        return session.get_key(object_class=kind, key_type=pkcs11.KeyType.EC_EDWARDS, label=slot.label)  # type: ignore[return-value, arg-type]
    except (pkcs11.NoSuchKey, pkcs11.MultipleObjectsReturned):
        raise Invalid(
            str(slot), "there is no such Ed25519 key pair, or more than one", "make one: yosegi site key make"
        ) from None


def _public(slot: Slot, key: object) -> PublicKey:
    """The public key of a token's object; its point is a DER octet string, or raw in some tokens."""
    from pkcs11 import Attribute

    point = bytes(key[Attribute.EC_POINT])  # type: ignore[index]
    if len(point.removeprefix(b"\x04\x20")) == 32:
        return PublicKey.of("ed25519", point.removeprefix(b"\x04\x20"))
    if len(point) == 32:
        return PublicKey.of("ed25519", point)
    raise Invalid(str(slot), f"its point has {len(point)} bytes, and an Ed25519 key has 32")


def _told(error: Exception) -> str:
    return str(error) or type(error).__name__
