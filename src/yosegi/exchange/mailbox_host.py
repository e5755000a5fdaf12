"""A site as the host of mailboxes: it keeps mail for members that only dial out, and tells them what it turned away."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from yosegi.core.clock import Clock
from yosegi.core.errors import Invalid, Unavailable
from yosegi.exchange.channels import Channels
from yosegi.exchange.mail_refusals import MailRefusals, RefusedMail
from yosegi.exchange.mailbox import Mailbox
from yosegi.exchange.outbox import sending
from yosegi.exchange.parcel import Mail, Parcel
from yosegi.exchange.received import Received
from yosegi.governance.charter.registry import Registry
from yosegi.governance.charter.statement import Outbound
from yosegi.ledger import Draft, Ledger, Write
from yosegi.trust.signer import Signer

TURNED_AWAY = "mail.turned_away"
HEARD = "mail.refusals_heard"
CARE_EVERY = 600.0
"""Seconds between two looks at what is old, and at what was turned away."""
LIFETIME = timedelta(days=7)
HEARD_EVERY = 300.0
"""Seconds within which only the first report of one host is put on record."""
SHOWN = 86400.0
"""Seconds for which a report of refused mail is shown to people."""


@dataclass(frozen=True, slots=True)
class MailboxHost:
    """Keeps mail for others, if this site has a mailbox."""

    site: str
    ledger: Ledger
    signer: Signer
    clock: Clock
    directory: Registry
    channels: Channels
    mailbox: Mailbox | None

    def has_mail(self, receiver: str) -> bool:
        """Whether anything waits for a receiver."""
        return self.mailbox is not None and self.mailbox.has_mail(receiver)

    async def waiting(self, receiver: str) -> tuple[Mail, ...]:
        """What waits for a receiver, as much as fits into one parcel."""
        return () if self.mailbox is None else await self.mailbox.waiting(receiver)

    async def take(self, parcel: Parcel) -> None:
        """Keep what a parcel leaves for others, and drop what its sender has collected.

        Raises:
            Invalid: mail in another's name, or this site keeps no mailbox.
            Unavailable: a receiver has no mailbox here, or there is no room for more of this sender.
        """
        if self.mailbox is None:
            if parcel.mail:
                raise Invalid("a parcel", f"{self.site} keeps no mailbox")
            return
        await self.mailbox.drop(parcel.sender, parcel.collected)
        if not parcel.mail:
            return
        members = self.directory.sites(parcel.charter)
        for mail in parcel.mail:
            if mail.sender != parcel.sender or mail.to not in members:
                raise Invalid("mail", f"from {mail.sender} to {mail.to}", "only members leave mail, in their own name")
            reach = self.channels.router.to(self.channels.channel(parcel.charter, mail.to))
            if not isinstance(reach, Outbound) or reach.mailbox != self.site:
                raise Unavailable(f"the mailbox of {mail.to}", f"{mail.to} has none at {self.site}")
        try:
            senders = max(len(self.directory.sites(charter)) for charter in self.directory.charters())
            await self.mailbox.keep(parcel.mail, senders=senders, now=self.clock.now())
        finally:
            for mail in parcel.mail:
                self.channels.channel(parcel.charter, mail.to).wake()

    async def care(self) -> bool:
        """Forget what is too old, and tell receivers what was turned away; there is always another round."""
        await self.clock.sleep(CARE_EVERY)
        if self.mailbox is None or self.channels.clocks.seconds_off:
            return True
        await self.mailbox.expire(self.clock.now())
        for receiver in sorted({receiver for receiver, _ in self.mailbox.refused}):
            await self._tell(receiver, self.mailbox)
        return True

    async def _tell(self, receiver: str, mailbox: Mailbox) -> None:
        counted = {place: letters for place, letters in mailbox.refused.items() if place[0] == receiver}
        refused = tuple(RefusedMail(sender=sender, letters=letters) for (_, sender), letters in sorted(counted.items()))
        charter = next((c for c in self.directory.charters() if receiver in self.directory.sites(c)), None)
        if charter is not None and self.directory.version_for(charter, receiver, MailRefusals):
            stream, now = f"mail/{charter}/{receiver}", self.clock.now()
            document = MailRefusals(
                charter=charter, sender=self.site, to=receiver, key=f"mail-{self.ledger.position(stream) + 1}",
                issued=now, not_after=now + LIFETIME, refused=refused,
            )  # fmt: skip
            facts = {"letters": sum(counted.values())}
            draft = sending(TURNED_AWAY, receiver, "mail-refusals", document.sign(self.signer), facts, {})
            write = Write(stream, None, (draft,), charter=charter, actor=self.site)
            self.channels.posted(await self.ledger.append(write))
        for place, letters in counted.items():
            mailbox.refused[place] -= letters
            if mailbox.refused[place] <= 0:
                del mailbox.refused[place]


@dataclass(frozen=True, slots=True)
class RefusedMailRegister:
    """What hosts of this site's mailbox say that they turned away; shown to people for a day."""

    site: str
    ledger: Ledger
    clock: Clock
    _latest: dict[str, tuple[float, MailRefusals]] = field(default_factory=dict)

    async def on_report(self, received: Received[MailRefusals]) -> None:
        """Record what a host turned away; reports that follow each other quickly are recorded once."""
        now, host = self.clock.monotonic(), received.sender
        before = self._latest.get(host)
        if before is not None and now - before[0] < HEARD_EVERY:
            return
        self._latest[host] = now, received.document
        facts = {"senders": {one.sender: one.letters for one in received.document.refused[:20]}}
        body = {"document": received.envelope.plain, "receipt": received.receipt}
        write = Write(
            f"mail/{received.charter}/{host}", None, (Draft(HEARD, facts, body),), charter=received.charter, actor=host
        )
        await self.ledger.append(write)

    def now(self) -> dict[tuple[str, str], int]:
        """Letters turned away lately, by host and sender."""
        fresh = {h: doc for h, (at, doc) in self._latest.items() if self.clock.monotonic() - at < SHOWN}
        return {(host, one.sender): one.letters for host, doc in fresh.items() for one in doc.refused}
