"""Coverage-guided fuzzers (atheris, libFuzzer) over every parser that takes bytes from outside.

    python -m assure.fuzz TARGET SECONDS

Each runs in a process of its own, keeps what it found interesting in `.assure/corpus`, and so goes on where it was.
What a parser may do with any bytes is return a value or raise an error of ours; all else is a finding.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from assure.workplace import KEPT, ROOT

Parse = Callable[[bytes], Any]
PARSERS: dict[str, tuple[str, str]] = {
    "json": ("yosegi.core.canonical", "loads"),
    "envelope": ("yosegi.trust.envelope", "Envelope.read"),
    "key": ("yosegi.trust.keys", "PublicKey.read"),
    "box": ("yosegi.trust.sealed", "Sealed.read"),
    "token": ("yosegi.trust.token", "Token.read"),
    "proof": ("yosegi.trust.token", "Proof.read"),
    "request": ("yosegi.trust.messages", "Request.read"),
    "report": ("yosegi.trust.messages", "Report.read"),
    "offer": ("yosegi.trust.messages", "Offer.read"),
    "cancel": ("yosegi.trust.messages", "Cancel.read"),
    "authorization-query": ("yosegi.trust.messages", "AuthorizationQuery.read"),
    "authorization-answer": ("yosegi.trust.messages", "AuthorizationAnswer.read"),
    "erase": ("yosegi.trust.messages", "Erase.read"),
    "erased": ("yosegi.trust.messages", "Erased.read"),
    "sample-given": ("yosegi.trust.samples", "SampleGiven.read"),
    "sample-received": ("yosegi.trust.samples", "SampleReceived.read"),
    "shipment-asked": ("yosegi.trust.samples", "ShipmentAsked.read"),
    "sample-moved": ("yosegi.trust.samples", "SampleMoved.read"),
    "renewal": ("yosegi.trust.messages", "Renewal.read"),
    "revocation": ("yosegi.trust.messages", "Revocation.read"),
    "login": ("yosegi.trust.login", "Login.read"),
    "charter": ("yosegi.governance.charter.charter", "Charter.read"),
    "statement": ("yosegi.governance.charter.statement", "Statement.read"),
    "agreement": ("yosegi.governance.agreements.agreement", "Agreement.read"),
    "grant": ("yosegi.governance.grants.grant", "Grant.read"),
    "release": ("yosegi.governance.grants.grant", "Release.read"),
    "transfer": ("yosegi.governance.grants.transfers", "Transfer.read"),
    "mandate": ("yosegi.governance.mandates.mandate", "Mandate.read"),
    "approval": ("yosegi.governance.mandates.approvals", "Approval.read"),
    "rules": ("yosegi.governance.policy.rules", "local_rules"),
    "policies": ("yosegi.governance.policy.cedar", "CedarEngine.read"),
    "address": ("yosegi.governance.charter.address", "check_address"),
    "parcel": ("yosegi.exchange.parcel", "Parcel.read"),
    "receipt-request": ("yosegi.exchange.restore_sync", "ReceiptRequest.read"),
    "receipt-reply": ("yosegi.exchange.restore_sync", "ReceiptReply.read"),
    "receipt": ("yosegi.ledger", "Receipt.read"),
    "checkpoint": ("yosegi.ledger", "Checkpoint.read"),
    "header": ("yosegi.ledger", "Header.read"),
    "contract": ("yosegi.core.contract", "Contract.read"),
    "campaign": ("yosegi.campaign", "parse_spec"),
    "station": ("yosegi.execution.engines.station.documents", "StationCall.read"),
    "stop": ("yosegi.execution.last_resort", "UnrecordedStop.read"),
    "bundle": ("yosegi.verification.bundle", "read_bundle"),
}
TEXT = {"rules", "address", "campaign"}
"""Parsers that take text; bytes that are none are not for them."""
_DONE = re.compile(r"Done (\d+) (?:runs )?in (\d+) second")
_PULSE = re.compile(r"^#(\d+)\s.*cov: (\d+)", re.MULTILINE)


def parser(target: str) -> Parse:
    """A parser as a function of bytes."""
    import importlib

    module, name = PARSERS[target]
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    if target == "rules":
        return lambda data: found("local.cedar", data.decode())
    return (lambda data: found(data.decode())) if target in TEXT else found


def fuzz(target: str, seconds: int) -> None:
    """Run one fuzzer; never returns."""
    import atheris

    with atheris.instrument_imports(include=["yosegi"]):
        from yosegi.core.errors import YosegiError

        parse = parser(target)

    def once(data: bytes) -> None:
        if target in TEXT:
            try:
                data.decode()
            except UnicodeDecodeError:
                return
        try:
            parse(data)
        except YosegiError:
            return

    corpus = KEPT / "corpus" / target
    corpus.mkdir(parents=True, exist_ok=True)
    crashes = KEPT / "crashes" / target
    crashes.mkdir(parents=True, exist_ok=True)
    words = ROOT / "tests/assure/words.dict"
    atheris.Setup(
        [
            "fuzz",
            str(corpus),
            f"-artifact_prefix={crashes}/",
            f"-max_total_time={seconds}",
            "-timeout=20",
            "-rss_limit_mb=2048",
            "-max_len=8192",
            f"-dict={words}",
        ],
        once,
    )
    atheris.Fuzz()


def run(target: str, seconds: int) -> dict[str, Any]:
    """One fuzzer in a process of its own: how often it called, what it covered, what it found."""
    command = [sys.executable, "-m", "assure.fuzz", target, str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT / "tests", errors="replace")
    pulses = _PULSE.findall(done.stderr)
    calls, covered = pulses[-1] if pulses else ("0", "0")
    crashes = sorted(path.name for path in (KEPT / "crashes" / target).glob("*"))
    trouble = "" if done.returncode == 0 else done.stderr[-1500:]
    return {"target": target, "calls": int(calls), "covered": int(covered), "found": crashes, "trouble": trouble}


def replay(target: str) -> list[Path]:
    """Findings of earlier runs that still are ones."""
    from yosegi.core.errors import YosegiError

    parse, left = parser(target), []
    for path in sorted((KEPT / "crashes" / target).glob("*")):
        try:
            parse(path.read_bytes())
        except YosegiError:
            path.unlink()
        except Exception:  # noqa: BLE001 - that is what is looked for
            left.append(path)
        else:
            path.unlink()
    return left


if __name__ == "__main__":
    fuzz(sys.argv[1], int(sys.argv[2]))
