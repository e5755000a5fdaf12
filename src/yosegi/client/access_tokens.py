"""Access tokens for agents' tools, in exchange for a sign-in (RFC 8693)."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request

from yosegi.client.client import Client
from yosegi.client.connection import ORDINARY, SiteRefused
from yosegi.core.errors import Unavailable

_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
_KIND = "urn:ietf:params:oauth:token-type:access_token"


def access_token(client: Client) -> str:
    """A token of minutes for the tools of the site that a client is signed in at.

    Raises:
        SiteRefused: the site gives none; it may have no tools for agents.
        Unavailable: nobody answers there.
    """
    form = {"grant_type": _EXCHANGE, "subject_token": client.token, "subject_token_type": _KIND}
    request = urllib.request.Request(f"{client.url}/mcp/token", data=urllib.parse.urlencode(form).encode())
    try:
        with urllib.request.urlopen(request, timeout=ORDINARY) as answer:
            return str(json.loads(answer.read())["access_token"])
    except urllib.error.HTTPError as error:
        raise SiteRefused("refused", f"no token for agents' tools is given (status {error.code})", error.code) from None
    except (OSError, ValueError, KeyError) as error:
        raise Unavailable(client.url, str(error), "is the site running, and has it the extra mcp?") from None
