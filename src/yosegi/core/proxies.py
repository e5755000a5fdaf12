"""The proxy through which an address is reached, as the environment says; for calls of sites and of programs alike."""

from __future__ import annotations

import ipaddress
import urllib.request
from urllib.parse import urlsplit


def proxy_for(address: str) -> str | None:
    """The proxy that the environment names for an address; None if it is called directly.

    `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, in capitals or not, as `urllib.request` reads them.
    """
    parts = urlsplit(address)
    host = parts.hostname or ""
    if host == "localhost" or (is_ip_number(host) and ipaddress.ip_address(host).is_loopback):
        return None
    proxies = urllib.request.getproxies_environment()
    if urllib.request.proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    return proxies.get(parts.scheme) or None


def is_ip_number(host: str) -> bool:
    """Whether a host is stated by its number and not by a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
