"""Output files of jobs at another facility: fetched within bounds, held to their digests, and refused in words.

What must be there afterwards is the bytes that the facility holds; digests are Python's own SHA-256 of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from execution.tables import make
from iri.bad_facility import BadFacility
from iri.engines import facility_engine
from iri.in_process import InProcess
from web.house import PASSPHRASE, STORED
from yosegi.core.contract import EffectClass
from yosegi.core.engine import Outcome, Work
from yosegi.core.errors import Invalid
from yosegi.core.object import ObjectRef
from yosegi.core.states import Effect, Result
from yosegi.execution.engines.iri.files import LARGEST_FILE, check_files
from yosegi.execution.engines.iri.settings import JobTemplate
from yosegi.governance.charter.statement import Listens
from yosegi.identity.accounts import Account
from yosegi.iri import make_iri_app
from yosegi.testing.engine_suite import fresh, ignore
from yosegi.testing.federation import Federation, Place, address
from yosegi.testing.loop import SimulatedClock, run_simulated
from yosegi.testing.objects import MemoryStore

NAME = make.contract.name
TABLE = b"0\n1\n2\n"
PATH = "/scratch/job-1/table.csv"
JOB = {"resource": "perlmutter", "executable": "/opt/make", "output_files": {"table": "/scratch/{job}/table.csv"}}
WHOLE = ("facility", "launch", "job", "jobs", "cancel", "download", "task")


@dataclass
class Told:
    """How a task ended, and what is kept here."""

    outcome: Outcome
    store: MemoryStore = field(default_factory=MemoryStore)

    @property
    def table(self) -> ObjectRef:
        assert self.outcome.outputs is not None, self.outcome
        return ObjectRef.read(self.outcome.outputs["table"])


def asked(effect: EffectClass = EffectClass.PURE) -> Work:
    return Work(fresh(), NAME, {"rows": 3}, 60.0, effect)


async def counted(name: str, spec: dict[str, Any]) -> Outcome:
    """What a program that is no Yosegi site leaves beside its file."""
    return Outcome(effect=Effect.DONE, result=Result.VALID, outputs={"rows": 3})


class Centre(BadFacility):
    """A facility that has never heard of Yosegi: it tells numbers in `meta_data.outputs`, and leaves files."""

    def _told(self, job: Any) -> dict[str, Any]:
        told = super()._told(job)
        if job.state == "completed":
            told["status"]["meta_data"] = {"outputs": {"rows": 3}}
        return told


def run(
    tmp_path: Path, *, work: Work | None = None, fault: Callable[[int], str] = lambda number: "",
    kind: type[BadFacility] = Centre, **how: Any
) -> Told:  # fmt: skip
    async def main() -> Told:
        clock, store = SimulatedClock(), MemoryStore()
        there = kind(clock, tmp_path / "there", fault, **({"do": counted, "serves": WHOLE} | how))
        known = {NAME: make.contract}
        async with facility_engine(tmp_path, clock, there, store=store, contracts=known, job={NAME: JOB}) as engine:
            outcome = await engine.run(work or asked(), ignore)
        there.end()
        return Told(outcome, store)

    return run_simulated(main())


@pytest.mark.parametrize("version", ["v2", "v1"])
def test_a_file_that_a_job_left_is_kept_here_and_its_digest_is_on_record(tmp_path: Path, version: str) -> None:
    told = run(tmp_path, files={PATH: TABLE}, version=version, slowly=3)
    assert told.outcome.result is Result.VALID
    assert told.table.sha256 == f"sha256:{hashlib.sha256(TABLE).hexdigest()}"
    assert (told.table.size, told.table.media_type, told.table.site) == (6, "text/csv", "argonne")
    assert told.store.read(told.table.sha256) == TABLE
    assert told.outcome.outputs is not None
    assert told.outcome.outputs["rows"] == 3


@pytest.mark.parametrize("missing", ["download", "task"])
def test_a_facility_that_does_not_offer_its_files_is_told_in_words(tmp_path: Path, missing: str) -> None:
    told = run(tmp_path, files={PATH: TABLE}, serves=tuple(verb for verb in WHOLE if verb != missing))
    assert (told.outcome.result, told.outcome.reason) == (Result.INVALID, "bad_output")
    assert f"the facility does not {'give it: filesystem/download' if missing == 'download' else 'tell'}" in (
        told.outcome.message
    )
    assert PATH in told.outcome.message


def test_a_file_that_is_not_there_makes_the_result_invalid_and_the_effect_stays_done(
    tmp_path: Path,
) -> None:
    told = run(tmp_path, work=asked(EffectClass.CONSUMING))
    assert (told.outcome.effect, told.outcome.result) == (Effect.DONE, Result.INVALID)
    assert "no such file" in told.outcome.message


def test_a_file_that_is_too_large_is_not_kept(tmp_path: Path) -> None:
    told = run(tmp_path, files={PATH: bytes(LARGEST_FILE + 1)})
    assert told.outcome.result is Result.INVALID
    assert str(LARGEST_FILE) in told.outcome.message


@pytest.mark.parametrize("fault", ["lost", "answer_lost", "500", "garbage", "504", "409"])
@pytest.mark.parametrize("number", range(4, 9))
def test_a_call_for_a_file_that_goes_wrong_once_is_made_again(tmp_path: Path, fault: str, number: int) -> None:
    told = run(tmp_path, files={PATH: TABLE}, fault=lambda n: fault if n == number else "")
    assert told.outcome.result is Result.VALID, told.outcome
    assert told.store.read(told.table.sha256) == TABLE


def test_settings_that_name_a_file_for_no_object_of_the_contract_are_refused() -> None:
    template = JobTemplate.read({"resource": "perlmutter", "output_files": {"rows": "/scratch/rows"}})
    with pytest.raises(Invalid, match="rows is no object among its outputs"):
        check_files(template, make.contract)


@pytest.mark.parametrize(
    ("label", "is_taken"),
    [
        ({"sensitivity": "team"}, True),
        ({"sensitivity": "restricted"}, False),
        ({"sensitivity": "team", "export_classes": ("5E002",)}, False),
    ],
)
def test_an_object_that_is_labelled_more_strictly_there_is_not_brought(
    tmp_path: Path, label: dict[str, Any], is_taken: bool
) -> None:
    digest = f"sha256:{hashlib.sha256(TABLE).hexdigest()}"
    ref = ObjectRef(sha256=digest, size=len(TABLE), media_type="text/csv", site="riken", **label)

    async def made(name: str, spec: dict[str, Any]) -> Outcome:
        return Outcome(effect=Effect.DONE, result=Result.VALID, outputs={"table": ref.json(), "rows": 3})

    told = run(tmp_path, kind=BadFacility, do=made, files={f"/{ref.sha256}": TABLE})
    assert told.store.has(ref.sha256) is is_taken
    assert (told.outcome.result is Result.VALID) is is_taken
    assert is_taken or "labelled more strictly there" in told.outcome.message


def beside_a_site(tmp_path: Path, lie: bytes = b"") -> Told:
    """The same through the facility API of a site of ours, which knows its objects by their digests."""

    async def main() -> Told:
        who = "driver@argonne"
        place = Place("argonne", Listens(url=address("argonne")), "US", capabilities=[make])
        world = Federation({"argonne": place}, tmp_path, people=(who,))
        await world.start()
        site = place.running
        site.authenticator.accounts = {who: Account(person=who, role="member", passphrase=STORED)}
        token = await site.sessions.open(await site.authenticator.by_passphrase(who, PASSPHRASE), program=True)
        store, there = MemoryStore(), InProcess(lambda: make_iri_app(site))
        if lie:
            place.objects.read = lambda digest, offset=0, length=-1: lie  # type: ignore[method-assign]
        async with facility_engine(
            tmp_path / "engine", SimulatedClock(), there, store=store, contracts={NAME: make.contract}, token=token,
            account="demo.colour-team", job={NAME: {"resource": NAME, "custom_attributes": {"purpose": "research"}}},
        ) as engine:  # fmt: skip
            outcome = await engine.run(asked(), ignore)
        await world.crash("argonne")
        return Told(outcome, store)

    return run_simulated(main())


def test_an_object_that_another_site_made_is_brought_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    told = beside_a_site(tmp_path)
    assert told.outcome.result is Result.VALID, told.outcome
    assert told.table.sha256 == f"sha256:{hashlib.sha256(TABLE).hexdigest()}"
    assert told.store.read(told.table.sha256) == TABLE


def test_other_bytes_than_the_digest_says_are_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    told = beside_a_site(tmp_path, lie=b"9\n9\n9\n")
    assert told.outcome.result is Result.INVALID
    assert "other bytes" in told.outcome.message
    assert not told.store.has(f"sha256:{hashlib.sha256(TABLE).hexdigest()}")
