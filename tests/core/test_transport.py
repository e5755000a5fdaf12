"""Calling across a network: which numbers a connection may be made to, whatever name leads there."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from yosegi.app.settings import NetworkSettings
from yosegi.core.errors import Invalid, Unavailable, YosegiError
from yosegi.core.proxies import proxy_for
from yosegi.core.transport import MAX_ANSWER, HttpTransport


async def _served() -> tuple[web.AppRunner, int, list[bytes]]:
    """A server on loopback, and what it was sent."""
    heard: list[bytes] = []

    async def answer(request: web.Request) -> web.Response:
        heard.append(await request.read())
        return web.Response(body=b"yes")

    app = web.Application()
    app.router.add_post("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return runner, runner.addresses[0][1], heard


def _call(host: str, settings: NetworkSettings) -> tuple[bytes | str, list[bytes]]:
    async def main() -> tuple[bytes | str, list[bytes]]:
        runner, port, heard = await _served()
        try:
            async with HttpTransport(refuses=settings.refuses) as transport:
                said = await transport.call(f"http://{host}:{port}/", b"hello", timeout=5)
        except Unavailable as error:
            return str(error), heard
        finally:
            await runner.cleanup()
        return said, heard

    return asyncio.run(main())


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "peer.example"])
def test_no_connection_is_made_to_a_number_that_is_refused(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    """A peer's name led to a public address when it was stated, and leads here now (DNS rebinding)."""
    _lead(monkeypatch, "peer.example", "127.0.0.1")
    said, heard = _call(host, NetworkSettings())
    assert "this machine itself" in str(said)
    assert "[network] in site.toml" in str(said)
    assert not heard


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "peer.example"])
def test_a_demonstration_may_connect_to_this_machine(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    _lead(monkeypatch, "peer.example", "127.0.0.1")
    assert _call(host, NetworkSettings(loopback=True)) == (b"yes", [b"hello"])


def test_each_of_several_numbers_is_asked_about_and_a_refused_one_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    _lead(monkeypatch, "peer.example", "169.254.169.254", "127.0.0.1")
    assert _call("peer.example", NetworkSettings(loopback=True)) == (b"yes", [b"hello"])


def test_private_ranges_are_connected_to_where_the_settings_name_them() -> None:
    settings = NetworkSettings(private=("10.20.0.0/16",))
    assert settings.refuses("10.20.3.4") == ""
    assert "private address" in settings.refuses("10.21.3.4")
    with pytest.raises(ValueError, match="ten"):
        NetworkSettings(private=("ten",))


def _lead(monkeypatch: pytest.MonkeyPatch, name: str, *numbers: str) -> None:
    """Have a name lead to numbers, as its owner's DNS server may at any moment."""
    ordinary = aiohttp.ThreadedResolver.resolve

    async def resolve(self: Any, host: str, port: int = 0, family: Any = socket.AF_INET) -> Any:
        if host != name:
            return await ordinary(self, host, port, family)
        assert all(ipaddress.ip_address(number).version == 4 for number in numbers)
        return [
            {"hostname": host, "host": n, "port": port, "family": socket.AF_INET, "proto": 0, "flags": 0}
            for n in numbers
        ]

    for kind in {aiohttp.ThreadedResolver, aiohttp.DefaultResolver}:
        monkeypatch.setattr(kind, "resolve", resolve)


def test_a_redirect_is_not_followed_wherever_it_leads() -> None:
    async def elsewhere(request: web.Request) -> web.StreamResponse:
        raise web.HTTPTemporaryRedirect("http://169.254.169.254/latest")

    assert "status 307" in str(asyncio.run(_answered_by(elsewhere)))


def test_an_answer_without_end_is_not_read_to_it() -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        for _ in range(MAX_ANSWER // 2**20 + 1):
            await answer.write(b" " * 2**20)
        return answer

    assert "larger" in str(asyncio.run(_answered_by(endless)))


async def _answered_by(handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> bytes | YosegiError:
    app = web.Application()
    app.router.add_post("/", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with HttpTransport() as transport:
            return await transport.call(f"http://127.0.0.1:{runner.addresses[0][1]}/", b"x", timeout=10)
    except YosegiError as error:
        return error
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("address", "proxy"),
    [
        ("https://peer.example/", "http://proxy.example:3128"),
        ("http://peer.example/", "http://plain.example:3128"),
        ("https://inside.lab.example/", None),
        ("http://127.0.0.1:8100/", None),
        ("http://[::1]:8100/", None),
        ("http://localhost/", None),
    ],
)
def test_the_environment_names_the_proxy_for_all_but_this_machine(
    monkeypatch: pytest.MonkeyPatch, address: str, proxy: str | None
) -> None:
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("HTTP_PROXY", "http://plain.example:3128")
    monkeypatch.setenv("NO_PROXY", "lab.example")
    assert proxy_for(address) == proxy


def test_a_call_goes_through_the_proxy_and_a_refused_number_is_not_asked_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def main() -> tuple[bytes, str, list[str]]:
        asked: list[str] = []

        async def forward(request: web.Request) -> web.Response:
            asked.append(str(request.url))
            return web.Response(body=b"by proxy")

        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", forward)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{runner.addresses[0][1]}")
        monkeypatch.setenv("no_proxy", "")
        try:
            async with HttpTransport(refuses=NetworkSettings().refuses) as transport:
                said = await transport.call("http://peer.example/exchange", b"x", timeout=5)
                with pytest.raises(Unavailable) as refused:
                    await transport.call("http://10.1.2.3/exchange", b"x", timeout=5)
        finally:
            await runner.cleanup()
        return said, str(refused.value), asked

    said, refused, asked = asyncio.run(main())
    assert said == b"by proxy"
    assert "10.1.2.3 is not connected to" in refused
    assert asked == ["http://peer.example/exchange"]


def test_a_file_of_authorities_that_holds_no_certificate_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_text("not a certificate")

    async def main() -> None:
        async with HttpTransport(ca_file=str(path)) as transport:
            await transport.call("https://127.0.0.1:1/", b"", timeout=5)

    with pytest.raises(Invalid, match=r"ca_file .* holds no certificates"):
        asyncio.run(main())


def _signed(
    subject: str, by: tuple[x509.Certificate, EllipticCurvePrivateKey] | None = None
) -> tuple[x509.Certificate, EllipticCurvePrivateKey]:
    """A certificate for this machine's number by an authority; an authority's own, if none is named."""
    key = generate_private_key(SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    authority, signer = (by[0].subject, by[1]) if by else (name, key)
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(authority)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
    )
    return built.sign(signer, SHA256()), key


@pytest.mark.parametrize("trusted", [True, False])
def test_a_peer_with_a_certificate_of_a_private_authority_is_called_where_the_setting_names_it(
    tmp_path: Path, trusted: bool
) -> None:
    authority = _signed("An institution's authority")
    certificate, key = _signed("peer", authority)
    (tmp_path / "ca.pem").write_bytes(authority[0].public_bytes(Encoding.PEM))
    (tmp_path / "peer.pem").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(Encoding.PEM)
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "peer.pem")

    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=b"yes")

    async def main() -> bytes | str:
        app = web.Application()
        app.router.add_post("/", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        try:
            async with HttpTransport(ca_file=str(tmp_path / "ca.pem") if trusted else "") as transport:
                return await transport.call(f"https://127.0.0.1:{runner.addresses[0][1]}/", b"x", timeout=60)
        except Unavailable as error:
            return str(error)
        finally:
            await runner.cleanup()

    said = asyncio.run(main())
    assert said == b"yes" if trusted else "CERTIFICATE_VERIFY_FAILED" in str(said)
