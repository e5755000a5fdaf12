"""Answers about signing in and out."""

from __future__ import annotations

from yosegi.services.answer import Answer


class SessionToken(Answer):
    """The token that opens a session; empty while a person has not confirmed it yet."""

    token: str


class SessionEnded(Answer):
    """Whether the session is over."""

    ended: bool


class BrowserSignIn(Answer):
    """A sign-in that a person confirms in a browser: the code to show, the page to open, and the secret to keep."""

    code: str
    page: str
    secret: str
