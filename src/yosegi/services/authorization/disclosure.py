"""What owners' decisions rest on, kept by the home site: fetched once for each owner and version, not for each task.

A report says by digest which policies and entities its owner decided by. Where the owner shows its policies, the home
site asks for those bytes when it sees a digest for the first time, in pieces as objects are asked for, and keeps them
in its ledger, so that a campaign's bundle can carry them. An owner gives them for a task of the one that asks alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass, field
from functools import partial

from yosegi.core.errors import YosegiError
from yosegi.core.object import ObjectRef
from yosegi.core.supervision import Backoff, TaskScope
from yosegi.data import Chunk, ChunkRequest, ObjectStore, Puller, TransferRefused, known
from yosegi.exchange import Channels
from yosegi.exchange.budget import PeerBudget, Rate
from yosegi.exchange.requests import Asked, fold
from yosegi.execution.decision_summary import append_decision
from yosegi.execution.tasks import task_stream
from yosegi.governance.policy.disclosure import RECEIVED, disclosed, disclosure_stream
from yosegi.governance.policy.explanation import explained
from yosegi.governance.policy.question import Question
from yosegi.ledger import Draft, Ledger, Write
from yosegi.ledger.header import MAX_BODY
from yosegi.services.authorization.service import Authorizer

log = logging.getLogger("yosegi.evidence")

PREFIX = "decisions/"
"""Before a task's key, in what is wanted: it is no object of the task that is asked for."""
MOST_BYTES = MAX_BODY // 2
"""Of one of them; what is larger is not fetched."""
LATEST = 100
"""Requests that a start looks at; what older ones rest on comes with the next report, or with an export."""
KEPT = Rate(burst=64 * 1024 * 1024, hourly=8 * 1024 * 1024)
"""Bytes of one owner that are kept: policies change seldom, and an owner chooses how large they are."""
BACKOFF = Backoff(1.0, 600.0)
PATIENCE = 10.0
"""Seconds that an export waits for what has not come yet."""


@dataclass
class PolicyDisclosure:
    """Fetches, keeps and gives what owners' decisions rest on.

    Args:
        budget: how many bytes of it are kept of one owner.
    """

    site: str
    ledger: Ledger
    store: ObjectStore
    puller: Puller
    authorizer: Authorizer
    channels: Channels
    budget: PeerBudget
    scope: TaskScope
    _have: set[tuple[str, str, str]] = field(default_factory=set)
    _coming: dict[tuple[str, str, str], asyncio.Future[None]] = field(default_factory=dict)

    def start(self) -> None:
        """Know what is here, and take up what was on its way: what the latest requests rest on."""
        for stream in self.ledger.streams("evidence/"):
            _, charter, owner = stream.split("/")
            self._have |= {(charter, owner, str(entry.facts["digest"])) for entry in self.ledger.read(stream)}
        for row in self.ledger.query("SELECT stream FROM request ORDER BY last DESC LIMIT ?", (LATEST,)):
            self.reported(fold(row["stream"], self.ledger.read(row["stream"])))

    async def close(self) -> None:
        """Stop; what has not come is asked for again by the next report or export."""
        await self.scope.close()

    # -- as the home ------------------------------------------------------------------------------------------------

    def expects(self, charter: str, peer: str) -> bool:
        """Whether anything of a peer is awaited."""
        return any(key[:2] == (charter, peer) for key in self._coming)

    def reported(self, asked: Asked) -> None:
        """An owner has told what it decided; have what that rests on here, if it is seen for the first time."""
        if asked.request is not None and asked.decided:
            for digest, size in disclosed(asked.decided):
                key = (asked.request.charter, asked.request.to, digest)
                if size > MOST_BYTES or key in self._have or key in self._coming:
                    continue
                if self.budget.allows(asked.request.to, "policies", KEPT, float(size)):
                    self._fetch(key, size, asked.request.key)

    async def complete(self, requests: list[Asked]) -> None:
        """Have everything here that these rest on, as far as it comes soon."""
        for asked in requests:
            self.reported(asked)
        coming = [asyncio.shield(work) for work in self._coming.values()]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await asyncio.gather(*coming, return_exceptions=True)

    def _fetch(self, key: tuple[str, str, str], size: int, task: str) -> None:
        name = f"policies of {key[1]} under {key[0]}, {key[2]}"
        self._coming[key] = coming = self.scope.repeat(name, partial(self._fetched, key, size, task), BACKOFF)
        coming.add_done_callback(lambda _: self._coming.pop(key, None))

    async def _fetched(self, key: tuple[str, str, str], size: int, task: str) -> bool:
        """Have one of them here; what is refused, or cannot be recorded, is asked for again by the next report."""
        charter, owner, digest = key
        form = {"sha256": digest, "size": size, "media_type": "application/json", "site": owner}
        ref = ObjectRef.read(form | {"sensitivity": "team"}, what="what a decision rests on")
        link = self.channels.channel(charter, owner)
        try:
            await self.puller.bring(ref, owner, f"{PREFIX}{task}", link.want, patience=2 * self.channels.patience(link))
            await self._keep(key, self.store.read(digest))
        except TransferRefused as gave:
            log.warning("%s does not give what its decisions rest on: %s", owner, gave.why.en)
        except YosegiError as error:
            log.warning("what decisions of %s rest on did not come: %s", owner, error)
        return False

    async def _keep(self, key: tuple[str, str, str], data: bytes) -> None:
        """Record what came, if it is text as policies and entities are; its bytes are kept nowhere else."""
        charter, owner, digest = key
        try:
            draft = Draft(RECEIVED, {"digest": digest}, {"text": data.decode()})
            write = Write(disclosure_stream(charter, owner), None, (draft,), charter=charter, actor=owner)
            await self.ledger.append(write)
        except UnicodeDecodeError:
            log.warning("what decisions of %s rest on is no text: %s", owner, digest)
        # Whether it is kept or not: asked for again it would be the same.
        self._have.add(key)
        if not known(self.ledger, "digest = ?", digest):
            self.store.delete(digest)

    # -- as the owner -----------------------------------------------------------------------------------------------

    def give(self, charter: str, peer: str, want: ChunkRequest) -> Chunk | None:
        """A piece of what a task's decisions rest on; None if an object of the task is asked for."""
        if not want.task.startswith(PREFIX):
            return None
        data = self._rests_on(charter, task_stream(peer, want.task.removeprefix(PREFIX)), want.sha256)
        if data is None:
            return Chunk.why_not(want, explained("policies_kept", site=self.site))
        piece = data[want.offset : want.offset + want.length]
        return Chunk(task=want.task, sha256=want.sha256, offset=want.offset, data=piece)

    def _rests_on(self, charter: str, stream: str, digest: str) -> bytes | None:
        """What a task's decisions rest on, by its digest; None if it is nothing of theirs, or not shown any more."""
        if not self.authorizer.shows:
            return None
        for entry in self.ledger.read(stream):
            body = entry.body or {}
            if entry.header.charter != charter or "shown" not in body:
                continue
            (grounds,) = append_decision((), body)
            if digest == grounds.entities:
                return str(body["decision"]["entities"]).encode()
            if grounds.shown is not None and digest == grounds.shown.policies:
                return self.authorizer.extract(grounds.policies, Question.parsed(body["decision"]["question"]))
        return None
