"""A site's ledger: what other packages append to, read from, and take receipts of."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from yosegi.core import canonical
from yosegi.core.clock import Clock
from yosegi.core.errors import Corrupt, Invalid, NotFound
from yosegi.core.fifo_cache import FifoCache
from yosegi.ledger import check, rows, tree
from yosegi.ledger.checkpoint import Checkpoint
from yosegi.ledger.entry import Entry
from yosegi.ledger.header import Header
from yosegi.ledger.queue import Queue
from yosegi.ledger.receipt import Receipt
from yosegi.ledger.sequencer import AppendRequest, Committed, Sequencer
from yosegi.ledger.store import Parameter, Store, check_pages
from yosegi.ledger.upcast import Upcasters
from yosegi.ledger.view import View, Views, compare
from yosegi.ledger.write import ERASED, LEDGER, OPENED, REFILLED, Draft, Write
from yosegi.trust.envelope import Envelope
from yosegi.trust.keys import PublicKey, by_id
from yosegi.trust.signer import Signer

SALT_SIZE = 16
_KEPT, _LONGEST_KEPT = 512, 64 * 1024
"""How many of the latest entries stay at hand, and how large their bodies may be: these are asked for again soon."""


class Ledger:
    """One site's append-only record. Made by `open`; used from one event loop.

    Appends are durable when they return. Reads see what is durable, and never wait for a writer.
    """

    def __init__(
        self,
        store: Store,
        sequencer: Sequencer,
        queue: Queue,
        *,
        site: str,
        clock: Clock,
        views: Views,
        keys: Mapping[str, PublicKey],
        upcasters: Upcasters,
    ) -> None:
        self._store, self._sequencer, self._queue = store, sequencer, queue
        self._clock, self._views, self._keys, self._upcasters = clock, views, keys, upcasters
        self.site = site
        self.ending = False
        """Whether nobody is kept waiting for news any more."""
        self._recent = FifoCache[int, Entry](_KEPT)

    @classmethod
    async def open(
        cls,
        store: Store,
        *,
        site: str,
        signer: Signer,
        clock: Clock,
        views: Iterable[View] = (),
        code: str = "",
        keys: Iterable[PublicKey] = (),
        upcasters: Upcasters | None = None,
        salts: Callable[[], bytes] | None = None,
        inline: bool = False,
    ) -> Self:
        """Become the ledger's one writer: take the lock, begin a term, verify the tail, fold the views that lag.

        An empty store becomes a new ledger, whose entry 0 names the site and its key.

        Args:
            store: where its rows lie.
            site: whose ledger.
            signer: signs its checkpoints.
            clock: dates its entries.
            views: folded in every append's transaction, in this order.
            code: the program that writes, e.g. `yosegi 0.1.0`.
            keys: earlier public keys of the site, which may have signed older checkpoints.
            upcasters: how older entries are read.
            salts: where the salts of bodies come from; chance, but for simulations.
            inline: no writer thread, each append commits at once: for simulations.

        Raises:
            Locked: another process writes it.
            Corrupt: its tail does not hold together, or a view refuses what was accepted.
        """
        known = by_id([*keys, signer.public])
        registered, upcasters = Views(views), upcasters or Upcasters()
        term = store.claim(rows.DDL)
        try:
            sequencer = Sequencer(
                store,
                term,
                site=site,
                signer=signer,
                clock=clock,
                views=registered,
                code=code,
                salts=salts or (lambda: secrets.token_bytes(SALT_SIZE)),
                upcasters=upcasters,
            )
            _start(store, sequencer, registered, upcasters, site=site, signer=signer, keys=known)
            queue = Queue(sequencer, clock, inline=inline)
        except BaseException:
            store.close()
            raise
        return cls(store, sequencer, queue, site=site, clock=clock, views=registered, keys=known, upcasters=upcasters)

    async def append(self, *writes: Write) -> list[Entry]:
        """Write entries to one or several streams, all or none; they are durable when this returns.

        Raises:
            Conflict: a stream has moved on; fold again and decide again.
            YosegiError: a view's guard refuses; or the store failed. Nothing is written.
        """
        entries = await self._queue.submit(AppendRequest(writes)) if writes else []
        for entry in entries:
            if len(entry.body_bytes or b"") <= _LONGEST_KEPT:
                self._recent.put(entry.sequence, entry)
        return entries

    async def erase(self, sequence: int, reason: str, actor: str) -> Entry:
        """Take an entry's body away for ever, and say so in an entry; header and proofs stand.

        Raises:
            NotFound: no such entry, or it has no body (any more).
        """
        header = self.entry(sequence).header
        facts = {"sequence": sequence, "stream": header.stream, "body": header.body, "reason": reason}
        write = Write(LEDGER, None, (Draft(ERASED, facts),), header.charter, actor)
        erased = await self._queue.submit(AppendRequest((write,), erase=(sequence,)))
        self._recent.drop(sequence)
        return erased[0]

    async def open_epoch(self, witnessed: Checkpoint | None, by: str) -> Entry:
        """Begin a new epoch after a backup was restored, naming the last checkpoint that a peer has witnessed.

        Args:
            witnessed: the furthest checkpoint of this ledger that any peer holds; None if none does.
            by: who restored it.

        Raises:
            Invalid: a checkpoint of another site.
        """
        if witnessed is not None and witnessed.site != self.site:
            raise Invalid("the witnessed checkpoint", f"of {witnessed.site}, not of {self.site}")
        head = self._committed.head
        epoch = max(head.epoch, witnessed.epoch if witnessed else 0) + 1
        facts = {
            "epoch": epoch,
            "key": self._sequencer.key_id,
            "restored": {"size": head.size, "root": "sha256:" + head.frontier.root().hex()},
            "witnessed": None
            if witnessed is None
            else {"epoch": witnessed.epoch, "size": witnessed.size, "root": witnessed.root},
        }
        write = Write(LEDGER, None, (Draft(OPENED, facts),), "", by)
        return (await self._queue.submit(AppendRequest((write,), epoch=epoch)))[0]

    async def refill(self, receipts: Iterable[Receipt], by: str) -> list[Entry]:
        """Note what peers' receipts prove of entries that a restored backup has lost.

        Each becomes a `ledger.refilled` entry that carries the lost header in its facts and the receipt in its body;
        what is here already, or was refilled before, is left out.

        Raises:
            Untrusted, Invalid: a receipt is not of this ledger, or proves nothing.
        """
        have = {
            (entry.facts["epoch"], entry.facts["sequence"]) for entry in self.read(LEDGER) if entry.type == REFILLED
        }
        drafts: dict[tuple[int, int], Draft] = {}
        charters: dict[tuple[int, int], str] = {}
        for receipt in receipts:
            header = receipt.verify(self._keys, site=self.site)
            place = (header.epoch, header.sequence)
            if place in have or self._is_here(receipt):
                continue
            facts = {
                "epoch": header.epoch,
                "sequence": header.sequence,
                "hash": receipt.hash,
                "header": canonical.as_doubles(canonical.loads(receipt.header)),
            }
            drafts[place] = Draft(REFILLED, facts, receipt.to_bytes(), after=(receipt.hash,))
            charters[place] = header.charter
        writes = [Write(LEDGER, None, (drafts[place],), charters[place], by) for place in sorted(drafts)]
        return await self.append(*writes)

    def _is_here(self, receipt: Receipt) -> bool:
        header = receipt.header.encode()
        sequence = Header.read(header).sequence
        return sequence < self.size and self.entry(sequence).header_bytes == header

    def entry(self, sequence: int) -> Entry:
        """One entry.

        Raises:
            NotFound: there is none of that sequence.
        """
        found = self._recent.get(sequence) or rows.entry_at(self._store.reader(), sequence, self._upcasters)
        if found is None:
            raise NotFound("entry", str(sequence), (f"0 to {self.size - 1}",))
        return found

    def read(self, stream: str, after: int = 0) -> list[Entry]:
        """A stream's entries beyond a position; after 0, all."""
        return rows.stream_after(self._store.reader(), stream, after, self._upcasters)

    def scan(self, from_sequence: int = 0, limit: int | None = None) -> Iterator[Entry]:
        """Entries in the order of the ledger, as many as are there when it is called, or `limit`."""
        stop = self.size if limit is None else min(self.size, from_sequence + limit)
        return rows.scan(self._store.reader(), from_sequence, stop, self._upcasters)

    def position(self, stream: str) -> int:
        """The position of a stream's last entry; 0 if it has none."""
        return rows.position(self._store.reader(), stream)

    def streams(self, prefix: str = "") -> list[str]:
        """The names of streams that begin so, in order."""
        return rows.streams(self._store.reader(), prefix)

    def query(self, sql: str, params: Sequence[Parameter] = ()) -> list[dict[str, Any]]:
        """Rows from the views' tables, by column; this connection cannot write."""
        return self._store.query(sql, params)

    @property
    def _committed(self) -> Committed:
        committed = self._sequencer.committed
        if committed is None:
            raise Corrupt(self._store.where, "it was never started")
        return committed

    @property
    def size(self) -> int:
        """How many entries are durable."""
        return self._committed.size

    @property
    def epoch(self) -> int:
        """The epoch of the last entry."""
        return self._committed.head.epoch

    @property
    def restored(self) -> bool:
        """Whether this is a restored copy that waits for `open_epoch`."""
        return self._committed.head.copied

    def checkpoint(self) -> Envelope:
        """The newest signed checkpoint (`Checkpoint.open` reads it)."""
        return self._committed.checkpoint

    def receipt(self, sequence: int) -> Receipt:
        """Proof that an entry is in this ledger, under the newest checkpoint.

        Raises:
            NotFound: there is none of that sequence.
        """
        committed = self._covering(sequence)
        header = self.entry(sequence).header_bytes
        ranges = tree.inclusion_ranges(sequence, committed.size)
        return Receipt(header=header.decode(), proof=self._digests(ranges), checkpoint=committed.checkpoint)

    def prove(self, sequences: Iterable[int], size: int | None = None) -> tuple[str, ...]:
        """The hashes that, with these entries, lead to the root over `size` (default: all): for `verify_entries`.

        Raises:
            NotFound: a sequence beyond the tree.
        """
        indices = sorted(set(sequences))
        committed = self._covering(indices[-1] if indices else 0)
        size = committed.size if size is None else self._within(size)
        if indices and not 0 <= indices[0] <= indices[-1] < size:
            raise NotFound("entry", str(indices[-1]), (f"0 to {size - 1}",))
        return self._digests(tree.bundle_ranges(indices, size))

    def attest(self, sequences: Iterable[int]) -> tuple[tuple[str, ...], Envelope]:
        """The proof of some entries and the checkpoint it leads to, of one moment: for `verify_entries`.

        Raises:
            NotFound: a sequence beyond the tree.
        """
        chosen = tuple(sequences)
        committed = self._covering(max(chosen, default=0))
        return self.prove(chosen, committed.size), committed.checkpoint

    def _covering(self, sequence: int) -> Committed:
        """The newest checkpoint, which is over that entry; what can be read has one, if only a moment later."""
        committed = self._committed
        if sequence >= committed.size:
            committed = self._sequencer.settled() or committed
        if sequence >= committed.size:
            raise NotFound("entry", str(sequence), (f"0 to {committed.size - 1}",))
        return committed

    def consistency(self, size1: int, size2: int) -> list[bytes]:
        """Proof that the ledger at `size2` begins with the whole ledger at `size1` (RFC 9162, section 2.1.4).

        Raises:
            NotFound: the ledger never had such a size, or `size1` is above `size2`.
        """
        if not 0 <= size1 <= self._within(size2):
            raise NotFound("ledger of size", str(size1), (f"0 to {size2}",))
        return tree.hashes(tree.consistency_ranges(size1, size2), self._fetch)

    def root(self, size: int | None = None) -> bytes:
        """The Merkle root over the first `size` entries (default: all)."""
        return tree.root_at(self._within(size), self._fetch)

    def _within(self, size: int | None) -> int:
        if size is None:
            return self.size
        if not 0 <= size <= self.size:
            raise NotFound("ledger of size", str(size), (f"0 to {self.size}",))
        return size

    def _fetch(self, nodes: Iterable[tree.Node]) -> Mapping[tree.Node, bytes]:
        return rows.fetch_nodes(self._store.reader(), nodes)

    def _digests(self, ranges: Sequence[tree.Range]) -> tuple[str, ...]:
        return tuple("sha256:" + item.hex() for item in tree.hashes(ranges, self._fetch))

    async def changed(self, after_sequence: int, timeout: float) -> int:
        """The last sequence, as soon as it is above `after_sequence`, or after `timeout` seconds whatever it is.

        At once where the ledger is `ending`.
        """
        end = self._clock.monotonic() + timeout
        while self.size - 1 <= after_sequence and not (self.ending or self._queue.closed):
            left = end - self._clock.monotonic()
            if left <= 0 or not await self._wait(self._queue.news(), left):
                break
        return self.size - 1

    async def _wait(self, news: asyncio.Future[None], seconds: float) -> bool:
        """Whether there was news within that time."""
        late = asyncio.ensure_future(self._clock.sleep(seconds))
        try:
            await asyncio.wait({news, late}, return_when=asyncio.FIRST_COMPLETED)
            return news.done()
        finally:
            news.cancel()
            late.cancel()

    @property
    def stopped(self) -> Exception | None:
        """Why nothing can be appended any more: another process writes it, or it does not hold together; else None."""
        return self._sequencer.stopped

    def stop(self, why: Corrupt) -> Corrupt:
        """Append nothing more, for a reason found outside of the ledger's own file; the same reason again."""
        self._sequencer.stop(why)
        self._queue.note_stop()
        return why

    async def until_stopped(self) -> Exception:
        """Wait until nothing can be appended any more; why."""
        while (why := self.stopped) is None:
            await self._queue.stopped.wait()
        return why

    def release_waiters(self) -> None:
        """Let everybody go who waits for news; appends go on until it is closed."""
        self.ending = True
        self._queue.tell()

    def check(self) -> Iterator[check.CheckProgress]:
        """Verify everything that is durable when this begins, views and pages too, step by step; appends may go on.

        Raises:
            Corrupt: something does not hold; names the first entry or table that is wrong.
        """
        db, head = self._store.reader(), self._committed.head
        yield from check.check_all(db, head, site=self.site, keys=self._keys)
        for number, view in enumerate(self._views):
            compare(db, view, lambda size: rows.scan(db, 0, size, self._upcasters))
            yield check.CheckProgress(f"view {view.name}", number + 1, len(self._views))
        check_pages(self._store)

    def rebuild(self, names: Sequence[str] | None = None) -> None:
        """Throw views (all, if none is named) away and fold them again; appends wait meanwhile.

        Raises:
            Invalid: no view of that name is registered.
        """
        self._sequencer.rebuild(names)

    def backup(self, target: Path) -> None:
        """A consistent copy of what is durable, while the ledger goes on; it must open a new epoch to be written."""
        self._store.backup(target)

    def statistics(self) -> dict[str, int]:
        """Figures for an operator."""
        sequencer = self._sequencer
        return {
            "entries": self.size,
            "epoch": self.epoch,
            "term": sequencer.term,
            "waiting": len(self._queue),
            "commits": sequencer.commits,
            "refusals": sequencer.refusals,
            "failures": sequencer.failures,
            **self._store.statistics(),
        }

    def close(self) -> None:
        """Finish the appends that wait, then let go of the store and its lock."""
        self._queue.close()
        self._store.close()

    def __repr__(self) -> str:
        return f"ledger of {self.site}: {self.size} entries, epoch {self.epoch}, term {self._sequencer.term}"


def _start(
    store: Store,
    sequencer: Sequencer,
    views: Views,
    upcasters: Upcasters,
    *,
    site: str,
    signer: Signer,
    keys: Mapping[str, PublicKey],
) -> None:
    """Verify what is there, fold what lags; write entry 0 if nothing is there."""
    with store.transaction(sequencer.term) as db:
        head = rows.load_head(db, store.where)
        checkpoint = check.check_tail(db, head, site=site, keys=keys) if head.size else None
    views.catch_up(store, sequencer.term, head.size, upcasters)
    if checkpoint is not None:
        sequencer.start(Committed(head, checkpoint))
        return
    facts = {"epoch": 1, "key": signer.public.key_id}
    first = Write(LEDGER, 0, (Draft(OPENED, facts),), "", f"sequencer@{site}")
    outcome = sequencer.commit([AppendRequest((first,), epoch=1)])[0]
    if isinstance(outcome, Exception):
        raise outcome
