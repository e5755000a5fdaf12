"""The sequencer: decides, in order, what becomes an entry, and writes each group of appends in one transaction.

It is synchronous and knows neither threads nor event loops: `queue` feeds it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from yosegi.core import canonical
from yosegi.core.clock import Clock, timestamp
from yosegi.core.errors import Conflict, Corrupt, Invalid, NotFound, Unavailable
from yosegi.core.fifo_cache import FifoCache
from yosegi.ledger import rows
from yosegi.ledger.checkpoint import Checkpoint
from yosegi.ledger.entry import Entry
from yosegi.ledger.header import MAX_BODY, MAX_HEADER, Template, body_digest
from yosegi.ledger.store import Db, Stale, Store, StoreDamaged, StoreFailed
from yosegi.ledger.tree import leaf_hash
from yosegi.ledger.upcast import Upcasters
from yosegi.ledger.view import Views
from yosegi.ledger.write import Draft, Write
from yosegi.trust.envelope import Envelope
from yosegi.trust.signer import Signer


@dataclass(frozen=True, slots=True)
class AppendRequest:
    """One append: entries that are written together or not at all.

    Args:
        writes: the entries, by stream.
        erase: sequences whose bodies go in the same transaction.
        epoch: the epoch that this append opens, if it opens one.
    """

    writes: tuple[Write, ...]
    erase: tuple[int, ...] = ()
    epoch: int | None = None


_STREAMS = 4096
"""Streams whose positions are remembered: those that were written last are written next."""

Outcome = list[Entry] | Exception


@dataclass(frozen=True, slots=True)
class Committed:
    """What is durable: the head, and the signed checkpoint over it."""

    head: rows.Head
    checkpoint: Envelope

    @property
    def size(self) -> int:
        """How many entries."""
        return self.head.size


@dataclass(slots=True)
class _Staged:
    """What one request would add."""

    entries: list[Entry] = field(default_factory=list)
    places: list[tuple[str, int]] = field(default_factory=list)
    positions: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Batch:
    """What one group commit will add."""

    time: str
    size: int
    epoch: int
    copied: bool
    template: Template
    entries: list[Entry] = field(default_factory=list)
    places: list[tuple[str, int]] = field(default_factory=list)
    positions: dict[str, int] = field(default_factory=dict)
    scrub: bool = False

    def take(self, staged: _Staged) -> None:
        self.entries += staged.entries
        self.places += staged.places
        self.positions.update(staged.positions)
        self.size += len(staged.entries)


class _Undone(Exception):
    """The transaction of a single request is undone, as the request is refused."""

    def __init__(self, refusal: Exception) -> None:
        self.refusal = refusal
        super().__init__(str(refusal))


class Overtaken(Conflict):
    """Somebody else wrote to a stream after it was folded; what was decided then has to be decided again."""

    def __init__(self, stream: str, position: int, expected: int) -> None:
        self.stream = stream
        super().__init__(f"stream {stream}", f"at position {position}, and {expected} was expected")


class NotRestored(Unavailable):
    """A copy of a ledger may not go on as if it were the ledger."""

    code = "not_restored"

    def __init__(self, where: str) -> None:
        super().__init__(
            where, "it is a backup, and the original may have gone further", "open a new epoch (yosegi site restore)"
        )


class Sequencer:
    """The one writer of a ledger, for one term."""

    def __init__(
        self,
        store: Store,
        term: int,
        *,
        site: str,
        signer: Signer,
        clock: Clock,
        views: Views,
        code: str,
        salts: Callable[[], bytes],
        upcasters: Upcasters,
    ) -> None:
        self._store, self.term, self._site, self._signer, self._clock = store, term, site, signer, clock
        self._views, self._code, self._salts, self._upcasters = views, code, salts, upcasters
        self._sure = False
        self._positions = FifoCache[str, int](_STREAMS)
        self._lock = threading.Lock()
        self.committed: Committed | None = None
        self.stopped: Exception | None = None
        self.commits = self.refusals = self.failures = 0

    @property
    def key_id(self) -> str:
        """The key that signs checkpoints."""
        return self._signer.public.key_id

    def start(self, committed: Committed) -> None:
        """Go on from what was found, and verified, in the store."""
        self.committed, self._sure = committed, True

    def commit(self, requests: Sequence[AppendRequest]) -> list[Outcome]:
        """Decide each request in turn, and write all that were accepted in one transaction.

        Returns:
            For each request its entries, now durable, or the error that its caller shall see. If the transaction
            fails, nothing of any request is written.
        """
        with self._lock:
            return self._guarded(requests)

    def settled(self) -> Committed | None:
        """What is durable once the commit that is under way has ended."""
        with self._lock:
            return self.committed

    def stop(self, why: Exception) -> None:
        """Refuse everything from now on."""
        with self._lock:
            self.stopped = self.stopped or why

    def rebuild(self, names: Sequence[str] | None) -> None:
        """Throw views (all, if none is named) away and fold them again; appends wait meanwhile.

        Raises:
            Invalid: no view of that name is registered.
        """
        with self._lock:
            self._views.check(names)
            try:
                self._views.forget(self._store, self.term, names)
                self._views.catch_up(
                    self._store, self.term, self.committed.size if self.committed else 0, self._upcasters
                )
            except Exception as error:
                # A view that lags must not be shown the next entry; opening the ledger again goes on with the fold.
                self.stopped = error
                raise

    def _guarded(self, requests: Sequence[AppendRequest]) -> list[Outcome]:
        if self.stopped is not None:
            return [self.stopped] * len(requests)
        try:
            return self._commit(requests)
        except (Stale, Corrupt) as error:
            self.stopped = error
            return [error] * len(requests)
        except Exception as error:  # noqa: BLE001 every caller must hear of it, whatever it is; the ledger goes on
            # Whether the store kept the transaction is not certain now: look again before the next one.
            self._sure, self._positions = False, FifoCache(_STREAMS)
            self.failures += 1
            return [error] * len(requests)

    def _commit(self, requests: Sequence[AppendRequest]) -> list[Outcome]:
        committed = self.committed
        try:
            with self._store.transaction(self.term) as db:
                committed = committed if self._sure else self._found(db)
                head = committed.head if committed else rows.load_head(db, self._store.where)
                batch = self._batch(head)
                outcomes = [self._accept(db, batch, request, alone=len(requests) == 1) for request in requests]
                if batch.entries:
                    committed = self._write(db, head, batch)
        except _Undone as undone:
            self.committed, self._sure = committed, True
            return [undone.refusal]
        self.committed, self._sure = committed, True
        for stream, position in batch.positions.items():
            self._positions.put(stream, position)
        self.commits += bool(batch.entries)
        if batch.scrub:
            self._scrub()
        return outcomes

    def _scrub(self) -> None:
        # The erasure is durable already; what is left in the store's log goes with its next writes.
        try:
            self._store.scrub()
        except StoreFailed:
            self.failures += 1

    def _found(self, db: Db) -> Committed | None:
        """What the store holds, whatever became of the last transaction; None if it is empty."""
        stored = rows.last_checkpoint(db)
        if stored is None:
            return None
        return Committed(rows.load_head(db, self._store.where), Envelope.read(stored[1]))

    def _batch(self, head: rows.Head) -> _Batch:
        time = timestamp(self._clock.now())
        return _Batch(time, head.size, head.epoch, head.copied, self._template(head.epoch, time))

    def _template(self, epoch: int, time: str) -> Template:
        return Template(site=self._site, epoch=epoch, time=time, code=self._code)

    def _accept(self, db: Db, batch: _Batch, request: AppendRequest, *, alone: bool) -> Outcome:
        """One request's entries, or why not; the batch and the views are as if a refused one had never come.

        Raises:
            _Undone: the only request of the group is refused, so that the whole transaction is to be undone.
        """
        epoch, template = batch.epoch, batch.template
        guarded = bool(self._views or request.erase)
        try:
            if request.epoch is not None:
                self._turn(batch, request.epoch)
            staged = self._stage(db, batch, request)
            if guarded:
                self._show(db, staged, request, alone=alone)
        except (StoreFailed, Stale, StoreDamaged):
            raise
        except Exception as error:
            batch.epoch, batch.template = epoch, template
            self.refusals += 1
            if alone:
                raise _Undone(error) from error
            return error
        if request.epoch is not None:
            rows.settle_copy(db)
            batch.copied = False
        batch.scrub = batch.scrub or bool(request.erase)
        batch.take(staged)
        return staged.entries

    def _turn(self, batch: _Batch, epoch: int) -> None:
        if epoch <= batch.epoch and batch.size:
            raise Conflict(f"epoch {epoch}", f"the ledger is in epoch {batch.epoch}")
        batch.epoch, batch.template = epoch, self._template(epoch, batch.time)

    def _show(self, db: Db, staged: _Staged, request: AppendRequest, *, alone: bool) -> None:
        """Let the views fold the entries, or refuse them."""
        if not alone:
            db.execute("SAVEPOINT append")
        try:
            for sequence in request.erase:
                if not rows.erase_body(db, sequence):
                    raise NotFound("body of entry", str(sequence))
            self._views.apply(db, staged.entries)
        except (StoreFailed, Stale, StoreDamaged):
            raise
        except Exception:
            if not alone:
                self._take_back(db)
            raise
        if not alone:
            db.execute("RELEASE append")

    def _take_back(self, db: Db) -> None:
        try:
            db.execute("ROLLBACK TO append")
            db.execute("RELEASE append")
        except Exception as error:
            # The store has undone more than was asked; nothing may be written on top of that.
            raise StoreFailed(self._store.where, f"a savepoint was lost ({error})") from error

    def _stage(self, db: Db, batch: _Batch, request: AppendRequest) -> _Staged:
        if batch.copied and request.epoch is None:
            raise NotRestored(self._store.where)
        staged = _Staged()
        sequence = batch.size
        for write in request.writes:
            position = self._position(db, batch, staged, write)
            for draft in write.drafts:
                position += 1
                staged.entries.append(self._entry(batch.template, write, draft, sequence, position))
                staged.places.append((write.stream, position))
                sequence += 1
            staged.positions[write.stream] = position
        return staged

    def _position(self, db: Db, batch: _Batch, staged: _Staged, write: Write) -> int:
        position = staged.positions.get(write.stream, batch.positions.get(write.stream))
        if position is None:
            known = self._positions.get(write.stream) if self._sure else None
            position = batch.positions[write.stream] = rows.position(db, write.stream) if known is None else known
        if write.expected is not None and write.expected != position:
            raise Overtaken(write.stream, position, write.expected)
        return position

    def _entry(self, template: Template, write: Write, draft: Draft, sequence: int, position: int) -> Entry:
        salt = body = digest = None
        if draft.body is not None:
            body = draft.body if isinstance(draft.body, bytes) else canonical.dumps(dict(draft.body))
            if len(body) > MAX_BODY:
                raise Invalid(f"the body of {draft.type}", f"{len(body)} bytes, and at most {MAX_BODY} are kept")
            salt = self._salts()
            digest = body_digest(salt, body)
        header = template.header(write, draft, sequence=sequence, position=position, body=digest)
        if len(header) > MAX_HEADER:
            raise Invalid(f"the facts of {draft.type}", f"a header of {len(header)} bytes, and {MAX_HEADER} are kept")
        return Entry(sequence, header, leaf_hash(header), salt, body, self._upcasters)

    def _write(self, db: Db, head: rows.Head, batch: _Batch) -> Committed:
        frontier = head.frontier.copy()
        entries: list[rows.EntryRow] = []
        bodies: list[rows.BodyRow] = []
        for entry, (stream, position) in zip(batch.entries, batch.places, strict=True):
            nodes = frontier.append(entry.leaf)
            entries.append((entry.sequence, stream, position, entry.header_bytes, nodes))
            if entry.salt is not None and entry.body_bytes is not None:
                bodies.append((entry.sequence, entry.salt, entry.body_bytes))
        checkpoint = Checkpoint(
            site=self._site,
            epoch=batch.epoch,
            size=frontier.size,
            root="sha256:" + frontier.root().hex(),
            time=batch.time,
        ).sign(self._signer)
        rows.insert(db, entries, bodies, (frontier.size, canonical.dumps(checkpoint.model_dump(mode="json"))))
        self._views.advance(db, frontier.size)
        return Committed(rows.Head(frontier, batch.epoch, batch.copied), checkpoint)
