"""Notices by e-mail, to a real SMTP server on loopback with TLS and passwords of its own."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from processes.sites import free_ports
from yosegi.app.settings import NoticeSettings
from yosegi.core.clock import SystemClock
from yosegi.core.errors import Invalid, Unavailable
from yosegi.services.alerts.email import Mailer
from yosegi.services.alerts.service import Alert

NOTICE = Alert(
    "nims",
    "",
    "robot",
    "2026-04-01T00:00:00Z",
    "Nothing was heard.\nBcc: x@y",
    "condition",
    "station/robot",
    "応答なし",
)


class Kept:
    """Keeps what it is sent."""

    def __init__(self) -> None:
        self.mails: list[Any] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.mails.append((session.authenticated, session.ssl is not None, envelope))
        return "250 kept"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1, and its key, in one file."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


def _check(server: Any, session: Any, envelope: Any, mechanism: str, login: Any) -> AuthResult:
    good = isinstance(login, LoginPassword) and (login.login, login.password) == (b"yosegi", b"secret")
    return AuthResult(success=good, handled=False)


@pytest.fixture
def kept(certificate: Path) -> Iterator[tuple[Kept, int]]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    handler = Kept()
    server = Controller(
        handler,
        hostname="127.0.0.1",
        port=free_ports(1)[0],
        tls_context=context,
        require_starttls=True,
        authenticator=_check,
        auth_required=True,
    )
    yield from _running(server, handler)


@pytest.fixture
def plain() -> Iterator[tuple[Kept, int]]:
    handler = Kept()
    yield from _running(Controller(handler, hostname="127.0.0.1", port=free_ports(1)[0]), handler)


def _running(server: Controller, handler: Kept) -> Iterator[tuple[Kept, int]]:
    server.start()
    try:
        assert server.server is not None
        yield handler, server.server.sockets[0].getsockname()[1]
    finally:
        server.stop()


def _mailer(port: int, **how: Any) -> Mailer:
    given = {"host": "127.0.0.1", "port": port, "sender": "yosegi@nims.example", "to": ("operator@nims.example",)}
    return Mailer(clock=SystemClock(), **(given | how))  # type: ignore[arg-type]


def test_a_notice_arrives_over_starttls_with_a_password_from_a_file(
    kept: tuple[Kept, int], certificate: Path, tmp_path: Path
) -> None:
    handler, port = kept
    (tmp_path / "password").write_text("secret\n")
    mailer = _mailer(port, user="yosegi", password_file=str(tmp_path / "password"), ca_file=str(certificate))
    asyncio.run(mailer(NOTICE))
    ((authenticated, encrypted, envelope),) = handler.mails
    assert authenticated
    assert encrypted
    assert envelope.rcpt_tos == ["operator@nims.example"]
    message = message_from_bytes(envelope.content, policy=policy.default)
    assert message["Subject"] == "Yosegi at nims: condition station/robot"
    assert message["Bcc"] is None
    assert message["Auto-Submitted"] == "auto-generated"
    text = message.get_content()
    assert "Nothing was heard." in text
    assert "応答なし" in text


def test_a_wrong_password_is_said_and_nothing_is_sent(
    kept: tuple[Kept, int], certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler, port = kept
    monkeypatch.setenv("MAIL_PASSWORD", "wrong")
    mailer = _mailer(port, user="yosegi", password_env="MAIL_PASSWORD", ca_file=str(certificate))
    with pytest.raises(Unavailable, match="535"):
        asyncio.run(mailer(NOTICE))
    assert not handler.mails


def test_a_server_that_is_not_whom_it_should_be_gets_no_password(
    kept: tuple[Kept, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    handler, port = kept
    monkeypatch.setenv("MAIL_PASSWORD", "secret")
    with pytest.raises(Unavailable, match="certificate"):
        asyncio.run(_mailer(port, user="yosegi", password_env="MAIL_PASSWORD")(NOTICE))
    assert not handler.mails


def test_a_server_without_starttls_is_not_used_unless_the_settings_say_so(plain: tuple[Kept, int]) -> None:
    handler, port = plain
    with pytest.raises(Unavailable, match="STARTTLS"):
        asyncio.run(_mailer(port)(NOTICE))
    assert not handler.mails
    asyncio.run(_mailer(port, security="none")(NOTICE))
    assert len(handler.mails) == 1


def test_what_a_peer_said_is_written_out_and_reaches_no_terminal_as_it_is() -> None:
    text = _mailer(1).message(replace(NOTICE, text="it says: \x1b[2J\u202eyes", told_by="riken")).get_content()
    assert "\\x1b[2J\\u202eyes" in text
    assert "\x1b" not in text


def test_a_name_adds_no_line_to_the_head_of_a_message_and_stops_none() -> None:
    # RFC 5322, 2.2: a header field is one line of printable characters, or folded; a bare line end begins another.
    message = _mailer(25).message(replace(NOTICE, task="a\nBcc: all@example.org\x1b[2J\ud800"))
    assert message["Subject"].endswith("a\\nBcc: all@example.org\\x1b[2J\\ud800")
    assert message["Bcc"] is None
    assert message.as_bytes()


def test_a_server_that_is_away_is_said() -> None:
    with pytest.raises(Unavailable, match="mail server"):
        asyncio.run(_mailer(1)(NOTICE))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"user": "yosegi"}, "password"),
        ({"security": "none", "host": "mail.example"}, "this machine"),
        ({"to": []}, "to"),
        ({"sender": "a\nb@c"}, "sender"),
    ],
)
def test_settings_that_do_not_hold_are_refused(change: dict[str, Any], why: str) -> None:
    good = {"host": "127.0.0.1", "sender": "y@n.example", "to": ["o@n.example"]}
    NoticeSettings.read({"email": good})
    with pytest.raises(Invalid, match=why):
        NoticeSettings.read({"email": good | change})
