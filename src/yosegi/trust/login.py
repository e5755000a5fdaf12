"""How a person proves to a site, with a key, who they are."""

from __future__ import annotations

from typing import ClassVar

from yosegi.core.identifiers import Key, PersonId, SiteId
from yosegi.trust.document import Document, Moment


class Login(Document):
    """A person, or the agent that acts for one, proves to hold a key, to one site, once."""

    kind: ClassVar[str] = "login"

    person: PersonId
    agent: Key | None = None
    site: SiteId
    nonce: Key
    issued: Moment
    not_after: Moment
