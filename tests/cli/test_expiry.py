"""What `yosegi site doctor` says of documents that end."""

from __future__ import annotations

import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from cli.asking import document
from processes.sites import Town
from yosegi.app.settings import Settings
from yosegi.cli._expiry import Expiry, certificates, expiring

NOW = datetime(2026, 12, 1, tzinfo=UTC)


def line(*given: tuple[str, str, str]) -> list[str]:
    return list(expiring("agreements", (Expiry.of(*one) for one in given), NOW, "sign another"))


@pytest.mark.parametrize(
    ("starts", "ends", "told"),
    [
        ("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", False),  # 31 days are left of a year
        ("2026-01-01T00:00:00Z", "2026-12-31T00:00:00Z", True),
        ("2026-11-29T00:00:00Z", "2026-12-07T00:00:00Z", False),  # 6 of 8 days are left
        ("2026-11-25T00:00:00Z", "2026-12-03T00:00:00Z", True),
        ("", "2026-12-31T00:00:00Z", True),
    ],
)
def test_an_end_is_told_a_month_before_or_in_the_last_quarter_of_a_shorter_life(
    starts: str, ends: str, told: bool
) -> None:
    assert bool(line(("alloys", starts, ends))) is told


def test_a_kind_is_one_line_with_the_days_left_and_what_to_do_the_first_to_end_first() -> None:
    later, sooner, over = (
        (name, "2026-01-01T00:00:00Z", f"2026-{day}T00:00:00Z")
        for name, day in (("later", "12-20"), ("sooner", "12-02"), ("over", "11-20"))
    )
    assert line(later, sooner, over) == [
        "agreements: over ended 2026-11-20 00:00 UTC; sooner ends 2026-12-02 00:00 UTC, in 1 day; "
        "later ends 2026-12-20 00:00 UTC, in 19 days: sign another"
    ]


def test_of_very_many_the_first_are_named_and_the_others_counted() -> None:
    many = [Expiry(f"m{number}", NOW + timedelta(days=number), timedelta(days=30)) for number in range(1, 9)]
    (told,) = expiring("mandates", many, NOW, "give others")
    assert "m5 ends" in told
    assert "m6 ends" not in told
    assert "3 more end soon" in told


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Of ten days, of which one is left at `NOW`; with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "lab")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(NOW - timedelta(days=9)).not_valid_after(NOW + timedelta(days=1, hours=1))
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path / "lab.pem"
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


def settings(**more: object) -> Settings:
    return Settings.read({"site": "lab", "title": "Lab", "listen": "127.0.0.1:8100", **more})


def test_the_authority_that_the_settings_name_is_told_before_its_end(certificate: Path) -> None:
    found = certificates(settings(reach="outbound", mailbox="m", network={"ca_file": "lab.pem"}), certificate.parent)
    assert list(expiring("certificates", found, NOW, "put the next")) == [
        "certificates: CN=lab in lab.pem ends 2026-12-02 01:00 UTC, in 1 day: put the next"
    ]


def test_the_certificate_that_the_sites_own_address_shows_is_told_before_its_end(certificate: Path) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def shake_hands() -> None:
            connection, _ = listener.accept()
            with connection, context.wrap_socket(connection, server_side=True):
                pass

        server = threading.Thread(target=shake_hands)
        server.start()
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        (found,) = certificates(settings(url=url), certificate.parent)
        server.join()
    assert found.told(NOW) == f"that of {url} ends 2026-12-02 01:00 UTC, in 1 day"


def test_a_certificate_that_cannot_be_read_is_no_end(tmp_path: Path) -> None:
    assert list(certificates(settings(reach="outbound", mailbox="m", network={"ca_file": "none.pem"}), tmp_path)) == []


@pytest.mark.processes
def test_doctor_looks_for_what_ends_soon_at_a_running_site(town: Town) -> None:
    assert document("site", "doctor", "--home", town.folder / "argonne")["ends soon"] == []
