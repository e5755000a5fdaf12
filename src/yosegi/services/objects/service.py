"""What people do with objects at their own site: bring one, look, take one away, and tidy up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, BinaryIO

from yosegi.core.clock import Clock
from yosegi.core.contract import Sensitivity, strictest
from yosegi.core.errors import Invalid, NotFound, Refused
from yosegi.core.object import ObjectRef
from yosegi.data import PUT, Known, ObjectStore, known, named
from yosegi.data.entries import about
from yosegi.data.pulling import Offload
from yosegi.data.store import verified
from yosegi.data.view import is_erased
from yosegi.governance.charter.registry import Registry
from yosegi.identity.accounts import Session
from yosegi.ledger import Ledger
from yosegi.services.access.service import AccessLog
from yosegi.services.authorization.roles import check_operator
from yosegi.services.authorization.service import Authorizer
from yosegi.services.objects.schemas import ObjectDetail, ObjectNaming, ObjectsCollected, ObjectSummary
from yosegi.services.objects.transfers import ObjectTransfers

YOUNG = timedelta(days=1)
"""What no entry names is kept that long: whoever wrote it may be about to name it."""
_OF_CAMPAIGN = (
    "(stream IN (SELECT stream FROM request WHERE campaign = ?)"
    " OR stream IN (SELECT stream FROM task WHERE campaign = ?))"
)


@dataclass
class ObjectService:
    """The objects of one site, as far as a person may see them."""

    site: str
    ledger: Ledger
    store: ObjectStore
    clock: Clock
    registry: Registry
    authorizer: Authorizer
    transfers: ObjectTransfers
    access: AccessLog
    offload: Offload

    async def put(
        self, file: BinaryIO, who: Session, *, media_type: str, sensitivity: Sensitivity, team: str, charter: str = ""
    ) -> ObjectRef:
        """Keep a file for a team; the same bytes again add a label and no copy.

        Raises:
            Refused: the person is not of that team.
            NotFound: no such charter or team.
        """
        charter = charter or self._only_charter()
        if not self.authorizer.in_team(charter, team, who.person) and who.role != "officer":
            raise Refused(f"an object for {team}", ("object_not_yours",))
        if team not in (one.id for one in self.registry.federation(charter).roster.charter.teams):
            raise NotFound("team", team)
        form = {"sha256": "sha256:" + "0" * 64, "size": 0, "media_type": media_type}
        ref = ObjectRef.read(form | {"site": self.site, "sensitivity": sensitivity}, what="the object")
        sha256, size = await self.offload(self.store.put, file)
        ref = ref.model_copy(update={"sha256": sha256, "size": size})
        await self.ledger.append(about(PUT, ref, charter=charter, actor=who.person, team=team))
        return ref

    def _only_charter(self) -> str:
        charters = self.registry.charters()
        if len(charters) != 1:
            raise Invalid("the object", f"this site holds {len(charters)} charters", "say which: --charter")
        return charters[0]

    def named(self, digest: str) -> ObjectRef:
        """An object that a campaign names by its digest.

        Raises:
            NotFound: it is not known here, or its bytes were erased.
        """
        if is_erased(self.ledger, digest):
            raise NotFound("object", digest)
        return named(self.ledger, digest)

    # -- looking ----------------------------------------------------------------------------------------------------

    def listing(
        self, who: Session, *, campaign: str = "", task: str = "", limit: int = 500
    ) -> tuple[ObjectSummary, ...]:
        """One line an object that somebody may see, the newest first; of a campaign or a task (its key) alone."""
        if campaign:
            found = known(self.ledger, _OF_CAMPAIGN, campaign, campaign)
        elif task:
            found = known(self.ledger, "stream LIKE ? OR task LIKE ?", f"%/{task}", f"%/{task}")
        else:
            found = known(self.ledger, "sequence > (SELECT MAX(sequence) FROM object) - 100000")
        by_digest: dict[str, list[Known]] = {}
        for one in reversed(found):
            by_digest.setdefault(one.ref.sha256, []).append(one)
        seen = [(digest, namings) for digest, namings in by_digest.items() if self._may_see(namings, who)]
        return tuple(ObjectSummary(**self._line(digest, namings)) for digest, namings in seen[:limit])

    def _line(self, digest: str, namings: list[Known]) -> dict[str, Any]:
        ref = namings[-1].ref.with_label_of(*(one.ref for one in namings))
        return {name: getattr(ref, name) for name in ObjectRef.model_fields} | {
            "here": self.store.has(digest),
            "erased": is_erased(self.ledger, digest),
            "state": self._state(digest),
            "told_by": ref.site,
            "names": tuple(sorted({one.name for one in namings if one.name != "it"})),
            "teams": tuple(sorted({one.team for one in namings if one.team})),
            "since": namings[-1].time,
        }

    def _state(self, digest: str) -> str:
        """In words: on its way, and what hinders it; empty where there is nothing to say."""
        under_way = self.transfers.progress()
        if digest not in under_way:
            return ""
        return under_way[digest] or "on its way"

    def show(self, digest: str, who: Session) -> ObjectDetail:
        """One object and every entry that names it.

        Raises:
            NotFound: no entry does, or it is another team's; which, is not said.
        """
        namings = known(self.ledger, "digest = ?", digest)
        if not namings or not self._may_see(namings, who):
            raise NotFound("object", digest)
        fields = ("kind", "stream", "name", "peer", "task", "team", "charter", "actor", "time", "sequence")
        history = tuple(
            ObjectNaming(**{field: getattr(one, field) for field in fields}, sensitivity=one.ref.sensitivity)
            for one in namings
        )
        return ObjectDetail(**self._line(digest, namings[::-1]), history=history)

    async def take(self, digest: str, who: Session) -> tuple[ObjectRef, Iterator[bytes]]:
        """The same as `open`, on record where the object is not public.

        Raises:
            NotFound, Refused: as `open`.
            Unavailable: it cannot be recorded, and so is not given.
        """
        found = self.open(digest, who)
        labels = (one.ref.sensitivity for one in known(self.ledger, "digest = ?", digest))
        await self.access.read(digest, strictest(*labels), who)
        return found

    def open(self, digest: str, who: Session) -> tuple[ObjectRef, Iterator[bytes]]:
        """The bytes of an object, verified as they are read.

        Raises:
            NotFound: no such object, or another team's; or its bytes are not here.
            Refused: its bytes are for members of its team, or were erased.
        """
        ref, namings = named(self.ledger, digest), known(self.ledger, "digest = ?", digest)
        if not self._may_see(namings, who):
            raise NotFound("object", digest)
        if is_erased(self.ledger, digest):
            raise Refused(f"object {digest}", ("object_erased",))
        if not (ref.sensitivity == "public" or who.role == "officer" or self._is_of(namings, who)):
            raise Refused(f"object {digest}", ("object_not_yours",))
        if not self.store.has(digest):
            raise NotFound("bytes of object", digest)
        return ref, verified(self.store, digest)

    async def check_whole(self, digest: str, who: Session) -> None:
        """See that an object that somebody may see is here and can be read, whole.

        Raises:
            NotFound: no entry names it, or it is another team's; or its bytes are not here.
            Refused: its bytes were erased.
            Corrupt: its bytes have changed.
        """
        namings = known(self.ledger, "digest = ?", digest)
        if not namings or not self._may_see(namings, who):
            raise NotFound("object", digest)
        if is_erased(self.ledger, digest):
            raise Refused(f"object {digest}", ("object_erased",))
        if not self.store.has(digest):
            raise NotFound("bytes of object", digest)
        await self.offload(_read_through, verified(self.store, digest))

    def _may_see(self, namings: list[Known], who: Session) -> bool:
        """Whether somebody may know of an object: its team, and those who run the site; all, if it is public."""
        public = bool(namings) and all(one.ref.sensitivity == "public" for one in namings)
        return public or who.runs_the_site or self._is_of(namings, who)

    def _is_of(self, namings: list[Known], who: Session) -> bool:
        """Whether somebody belongs to a team for which it was made or brought, or brought it."""
        return any(
            (one.kind == PUT and one.actor == who.person and not who.agent)
            or self.authorizer.belongs(one.charter, one.team, who)
            for one in namings
        )

    # -- tidying ----------------------------------------------------------------------------------------------------

    async def collect(self, who: Session) -> ObjectsCollected:
        """Take away what no entry names and is older than a day.

        Raises:
            Refused: not an operator.
        """
        check_operator(who, "collecting objects")
        before = (self.clock.now() - YOUNG).timestamp()
        # Asked for each object just before it goes: an entry may name it meanwhile.
        gone = self.store.collect(lambda digest: bool(known(self.ledger, "digest = ?", digest)), before)
        return ObjectsCollected(
            collected=len(gone), bytes=sum(size for _, size in gone), sha256=tuple(digest for digest, _ in gone)
        )

    def start(self) -> None:
        """Take away what was erased on record and not yet on the disk."""
        for row in self.ledger.query("SELECT digest FROM object_erased"):
            self.store.delete(row["digest"])


def _read_through(parts: Iterator[bytes]) -> None:
    for _ in parts:
        pass
