"""Objects between sites: the bytes of a task's inputs and outputs go between its home and its owner, and nowhere else.

A site gives a piece only for a task of the one that asks, and decides anew each time: its owner on the release of a
result, its home on the request. A site uses an object for a request only if it has the bytes from the one who asks,
so that nobody gets at data by knowing its digest.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from yosegi.core.clock import Clock
from yosegi.core.errors import NotFound, Refused, Unavailable, YosegiError
from yosegi.core.object import ObjectRef
from yosegi.core.supervision import Backoff, TaskScope
from yosegi.data import (
    RECEIVED,
    REFUSED,
    RELEASED,
    Chunk,
    ChunkRequest,
    Known,
    ObjectStore,
    Puller,
    TransferRefused,
    known,
)
from yosegi.data.entries import about
from yosegi.data.view import is_erased
from yosegi.exchange import Channels
from yosegi.exchange.request_draft import RequestDraft
from yosegi.exchange.requests import MADE, REPORTED, Asked, Requests, request_stream
from yosegi.execution.records import TaskRepository
from yosegi.execution.tasks import ENDED, task_stream
from yosegi.governance.policy.decision import Decision
from yosegi.governance.policy.explanation import explained, why
from yosegi.ledger import Entry, Ledger, Write
from yosegi.services.authorization.service import Authorizer
from yosegi.trust.explanation import Explanation
from yosegi.trust.messages import Request

log = logging.getLogger("yosegi.objects")

AGAIN_AFTER = 1.0
BACKOFF = Backoff(1.0, 600.0)
_TO_FETCH = (
    "NOT EXISTS (SELECT 1 FROM object o WHERE o.digest = object.digest AND o.task = object.stream AND o.kind IN (?, ?))"
    " AND digest NOT IN (SELECT digest FROM object_erased) AND kind = ?"
)


class NotReleased(Refused):
    """A piece is not given; `later` if it may be."""

    def __init__(self, why: Explanation, *, later: bool = False) -> None:
        self.why, self.later = why, later
        super().__init__("an object", (why.code,))


@dataclass
class ObjectTransfers:
    """The transfers of one site.

    Args:
        puller: brings objects here.
        largest: bytes; a larger object is not taken.
        repository: the tasks that this site does for others.
    """

    site: str
    ledger: Ledger
    clock: Clock
    store: ObjectStore
    puller: Puller
    authorizer: Authorizer
    channels: Channels
    requests: Requests
    repository: TaskRepository
    largest: int
    scope: TaskScope
    _open: dict[tuple[str, str], int] = field(default_factory=dict)

    # -- life -----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Take up every result whose bytes are not here yet."""
        for one in known(self.ledger, _TO_FETCH, RECEIVED, REFUSED, REPORTED):
            self._fetch(one)

    async def close(self) -> None:
        """Stop; what is on its way goes on after the next start."""
        await self.scope.close()

    def expects(self, charter: str, peer: str) -> bool:
        """Whether pieces of a peer are awaited."""
        return bool(self._open.get((charter, peer)))

    # -- as the home: results ---------------------------------------------------------------------------------------

    def reported(self, asked: Asked) -> None:
        """A request has moved; have the objects among its outputs here."""
        if asked.state.final:
            for one in known(self.ledger, f"{_TO_FETCH} AND stream = ?", RECEIVED, REFUSED, REPORTED, asked.stream):
                self._fetch(one)

    def _fetch(self, result: Known) -> None:
        name = f"object {result.ref.sha256} of {result.stream}"
        if not self.scope.is_running(name):
            self.scope.repeat(name, partial(self._fetched, result), BACKOFF)

    async def _fetched(self, result: Known) -> bool:
        _, owner, key = result.stream.split("/", 2)
        if self.store.has(result.ref.sha256):
            facts = self._facts(result.charter, owner, result.stream, result.team)
            await self._record(about(RECEIVED, result.ref, **facts))
        else:
            await self._bring(result.ref, result.charter, owner, key, result.stream, result.team)
        return False

    # -- as the owner: inputs (see `yosegi.execution.ports.InputFetcher`) ------------------------------------

    def unfit(self, objects: Mapping[str, ObjectRef]) -> Explanation | None:
        """Why objects would never be taken here."""
        for ref in objects.values():
            if ref.size > self.largest:
                return explained("object_too_large", size=str(ref.size), most=str(self.largest))
        return None

    def missing(self, request: Request, objects: Mapping[str, ObjectRef]) -> dict[str, ObjectRef]:
        """Those whose bytes are not here from the one who asks."""
        return {name: ref for name, ref in objects.items() if not self._is_here(request.sender, ref.sha256)}

    def _is_here(self, home: str, digest: str) -> bool:
        if not self.store.has(digest):
            return False
        shared = known(self.ledger, "digest = ? AND peer = ? AND kind IN (?, ?)", digest, home, RECEIVED, RELEASED)
        return home == self.site or bool(shared)

    async def bring(self, request: Request, stream: str, objects: Mapping[str, ObjectRef]) -> tuple[Explanation, ...]:
        """Have inputs here; why they did not come, or nothing if they did."""
        try:
            async with asyncio.timeout(max(0.0, (request.not_after - self.clock.now()).total_seconds())):
                for ref in objects.values():
                    failed = await self._bring(ref, request.charter, request.sender, request.key, stream, request.team)
                    if failed is not None:
                        return (failed,)
        except TimeoutError:
            return (explained("inputs_missing", names=", ".join(objects), site=request.sender),)
        return ()

    # -- bringing ---------------------------------------------------------------------------------------------------

    def _facts(self, charter: str, peer: str, stream: str, team: str) -> dict[str, Any]:
        return {"charter": charter, "actor": self.site, "peer": peer, "task": stream, "team": team}

    async def _bring(
        self, ref: ObjectRef, charter: str, peer: str, key: str, stream: str, team: str
    ) -> Explanation | None:
        """Have one object here, and say so in the ledger; why it does not come, if it does not."""
        facts = self._facts(charter, peer, stream, team)
        self._open[charter, peer] = self._open.get((charter, peer), 0) + 1
        try:
            if (failed := self.unfit({"it": ref})) is None:
                link = self.channels.channel(charter, peer)
                await self.puller.bring(ref, peer, key, link.want, patience=2 * self.channels.patience(link))
        except TransferRefused as gave:
            failed = gave.why
        finally:
            self._open[charter, peer] -= 1
        if failed is None:
            await self._record(about(RECEIVED, ref, **facts))
            return None
        await self._record(about(REFUSED, ref, **facts, body={"reasons": [failed.model_dump(mode="json")]}))
        return failed

    async def _record(self, write: Write) -> list[Entry]:
        """Append; a full disk is waited for."""
        while True:
            try:
                return await self.ledger.append(write)
            except Unavailable as error:
                log.warning("an object's entry waits: %s", error)
                await self.clock.sleep(AGAIN_AFTER)

    # -- giving -----------------------------------------------------------------------------------------------------

    async def give(self, charter: str, peer: str, want: ChunkRequest) -> Chunk:
        """A piece that a peer asks for, or why not."""
        try:
            ref, stream, decision = self._may_have(charter, peer, want)
            self._check_here(ref)
            if not known(self.ledger, "digest = ? AND task = ? AND kind = ?", ref.sha256, stream, RELEASED):
                body = {"decision": decision.model_dump(mode="json", exclude_none=True)}
                await self.ledger.append(about(RELEASED, ref, **self._facts(charter, peer, stream, ""), body=body))
            data = self.store.read(want.sha256, want.offset, want.length)
            return Chunk(task=want.task, sha256=want.sha256, offset=want.offset, data=data)
        except NotReleased as withheld:
            return Chunk.why_not(want, withheld.why, later=withheld.later)
        except (NotFound, Unavailable):
            return Chunk.why_not(want, self._not_here(want.sha256), later=True)
        except YosegiError as error:
            return Chunk.why_not(want, Explanation(code=error.code, en=str(error)[:2000]))

    def _not_here(self, digest: str) -> Explanation:
        return explained("object_not_here", digest=digest, site=self.site)

    def _may_have(self, charter: str, peer: str, want: ChunkRequest) -> tuple[ObjectRef, str, Decision]:
        """The object, the task's stream here and the decision that gives it.

        Raises:
            Withheld: no task of the peer has it, or policy no longer gives it.
        """
        stream, kind = task_stream(peer, want.task), ENDED
        found = known(self.ledger, "stream = ? AND digest = ? AND kind = ?", stream, want.sha256, kind)
        if not found:
            stream, kind = request_stream(peer, want.task), MADE
            found = known(self.ledger, "stream = ? AND digest = ? AND kind = ?", stream, want.sha256, kind)
        if not found or found[0].charter != charter:
            raise NotReleased(explained("object_unknown", digest=want.sha256, task=want.task))
        decision = self._release(stream) if kind == ENDED else self._request(peer, want)
        if not decision.allow:
            raise NotReleased(why(decision)[0])
        return found[0].ref, stream, decision

    def _release(self, stream: str) -> Decision:
        """The owner's decision, now, on the release of a result."""
        task = self.repository.task(stream)
        contract = self.repository.contract_of(task)
        if contract is None:
            raise NotReleased(explained("unknown_capability", capability=stream))
        return self.authorizer.decide("release", task.asked(), contract, task.objects.values())

    def _request(self, peer: str, want: ChunkRequest) -> Decision:
        """The home's decision, now, on handing over an input."""
        asked = self.requests.get(peer, want.task)
        contract = self.requests.contract(asked)
        if asked.request is None or asked.state.final or contract is None:
            raise NotReleased(explained("object_unknown", digest=want.sha256, task=want.task))
        return self.authorizer.authorize(RequestDraft.of(asked.request, contract)).decision

    def _check_here(self, ref: ObjectRef) -> None:
        """See that the bytes are here.

        Raises:
            Withheld: not yet; or never, as they were erased or did not come.
        """
        if self.store.has(ref.sha256):
            return
        if is_erased(self.ledger, ref.sha256):
            raise NotReleased(explained("object_erased", digest=ref.sha256, site=self.site))
        last = known(self.ledger, "digest = ? AND kind IN (?, ?)", ref.sha256, RECEIVED, REFUSED)[-1:]
        if last and last[0].kind == REFUSED:
            body = self.ledger.entry(last[0].sequence).body or {}
            raise NotReleased(Explanation.read((body.get("reasons") or [{"code": "object_unknown"}])[0]))
        raise NotReleased(self._not_here(ref.sha256), later=True)

    # -- for people -------------------------------------------------------------------------------------------------

    def progress(self) -> dict[str, str]:
        """What is on its way here, by digest, and what hinders it."""
        return dict(self.puller.under_way)
