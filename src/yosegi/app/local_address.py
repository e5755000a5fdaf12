"""Where a site listens on its own machine, as programs on this machine write it."""

from __future__ import annotations

LAST_PORT = 65535


def host_and_port(listen: str) -> tuple[str, int]:
    """The two parts of `listen`, e.g. `[::1]:8100`; the number of an IPv6 address without its brackets.

    Raises:
        ValueError: it has no port.
    """
    host, _, port = listen.rpartition(":")
    return host.strip("[]"), int(port)


def url_of(host: str, port: int) -> str:
    """An address for a browser; an IPv6 number stands in brackets (RFC 3986, section 3.2.2)."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def local_url_of(host: str, port: int) -> str:
    """The address at which programs on this machine reach a site that listens there."""
    return url_of({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port)
