"""Answers about signing in and out."""

from __future__ import annotations

from yosegi.services.answer import Answer, Timestamp


class SessionToken(Answer):
    """The token that opens a session; empty while a person has not confirmed it yet."""

    token: str


class SessionEnded(Answer):
    """Whether the session is over."""

    ended: bool


class SessionDetail(Answer):
    """One session that is open.

    Args:
        name: by which it is ended; nobody signs in with it.
        agent: the program that acts for the person; empty if none does.
        program: whether a program holds it, and not a browser.
        issuer: the institution's provider that vouched; empty where an account did.
    """

    name: str
    person: str
    agent: str
    program: bool
    issuer: str
    opened: Timestamp
    until: Timestamp


class BrowserSignIn(Answer):
    """A sign-in that a person confirms in a browser: the code to show, the page to open, and the secret to keep."""

    code: str
    page: str
    secret: str
