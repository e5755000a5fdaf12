"""How tests ask sites on loopback, which speak HTTP without TLS.

A client of httpx reads all certificates of the machine when it is made, 10 ms of a core for something never used here.
"""

from __future__ import annotations

import ssl

PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For `verify` of a client: it knows no certificate, so nothing that speaks TLS is believed."""
