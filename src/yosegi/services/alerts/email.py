"""Notices by e-mail, through the institution's own mail server."""

from __future__ import annotations

import asyncio
import os
import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, replace
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from pathlib import Path
from typing import Literal

from yosegi.core.clock import Clock
from yosegi.core.errors import Invalid, Unavailable
from yosegi.core.sanitize import one_line, plain
from yosegi.services.alerts.service import Alert, Send

PATIENCE = 20.0
"""Seconds for each answer of the mail server."""


@dataclass(frozen=True)
class Mailer:
    """Sends each notice as one message, in English and Japanese.

    Args:
        security: `starttls` (the server must offer it), `tls` from the first byte, or `none`, on this machine only.
        password_file, password_env: where the password is read at each sending, if `user` is given.
        ca_file: certificates to trust besides the system's, for a mail server with one of its own.
    """

    host: str
    port: int
    sender: str
    to: tuple[str, ...]
    clock: Clock
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    password_file: str = ""
    password_env: str = ""
    ca_file: str = ""

    async def __call__(self, notice: Alert) -> None:
        """Send a notice.

        Raises:
            Unavailable: the server cannot be reached, does not take it, or is not whom it should be.
            Invalid: the password cannot be read.
        """
        await asyncio.to_thread(self._send, self.message(notice))

    def to_people(self, addresses: Mapping[str, str]) -> Send:
        """Sends what concerns a member to that member, where they have an address here; everything else not at all."""

        async def send(notice: Alert) -> None:
            if address := addresses.get(notice.person):
                await replace(self, to=(address,))(notice)

        return send

    def message(self, notice: Alert) -> EmailMessage:
        """The message: a subject of the program's own words, and nothing from outside but in the body."""
        message = EmailMessage()
        message["Subject"] = one_line(f"Yosegi at {notice.site}: {notice.kind} {notice.name}")[:200]
        message["From"], message["To"] = self.sender, ", ".join(self.to)
        message["Date"] = format_datetime(self.clock.now())
        message["Message-ID"] = make_msgid(domain=self.sender.rpartition("@")[2] or None)
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday answers
        # It may repeat what a peer said, and is read in terminals too.
        message.set_content(plain(f"{notice.text}\n\n{notice.ja or notice.text}\n"))
        return message

    def _send(self, message: EmailMessage) -> None:
        try:
            with self._connection() as server:
                if self.user:
                    server.login(self.user, self._password())
                server.send_message(message)
        except (OSError, smtplib.SMTPException) as error:
            raise Unavailable(f"mail server {self.host}:{self.port}", str(error)) from None

    def _connection(self) -> smtplib.SMTP:
        trust = ssl.create_default_context()
        if self.ca_file:
            trust.load_verify_locations(self.ca_file)
        if self.security == "tls":
            return smtplib.SMTP_SSL(self.host, self.port, timeout=PATIENCE, context=trust)
        server = smtplib.SMTP(self.host, self.port, timeout=PATIENCE)
        if self.security == "starttls":
            try:
                server.starttls(context=trust)
            except BaseException:
                server.close()
                raise
        return server

    def _password(self) -> str:
        if self.password_file:
            try:
                return Path(self.password_file).read_text(encoding="utf-8").strip()
            except OSError as error:
                raise Invalid(f"password file {self.password_file}", str(error)) from None
        if self.password_env not in os.environ:
            raise Invalid(f"environment variable {self.password_env}", "is not set", "it holds the mail password")
        return os.environ[self.password_env]
