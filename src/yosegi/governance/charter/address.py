"""Which network addresses a peer may tell others to connect to.

A statement makes other sites dial out, so a hostile member could aim them at themselves or at what stands behind
their firewall (server-side request forgery, CWE-918). An address is checked when a statement is accepted, and the
numbers behind its name again when a connection is made.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from yosegi.trust.errors import Untrusted

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*")
_METADATA = frozenset({"metadata", "metadata.google.internal", "instance-data", "instance-data.ec2.internal"})
_DEPRECATED = (ipaddress.ip_network("fec0::/10"), ipaddress.ip_network("192.88.99.0/24"))
"""Site-local addresses (RFC 3879) and relays of 6to4 (RFC 7526): Python's `ipaddress` takes both for global ones."""
# Metadata services that no range check below would catch: Alibaba's, and EC2's over IPv6.
_METADATA_NUMBERS = frozenset({ipaddress.ip_address("100.100.100.200"), ipaddress.ip_address("fd00:ec2::254")})


def check_address(url: str, *, loopback: bool = False, networks: Iterable[str] = ()) -> str:
    """The address, if other sites may be sent to it.

    Args:
        url: as stated by a peer, e.g. `https://yosegi.example.org`.
        loopback: whether the charter is a demonstration on one machine.
        networks: private ranges that the charter allows, as CIDR.

    Raises:
        Untrusted: not http or https, with credentials, query or fragment, or to a host that is not allowed.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Untrusted("an address", "address_refused", address=repr(url), why=str(error)) from None
    host = (parts.hostname or "").rstrip(".")
    if why := _wrong_form(url, parts.scheme, parts.netloc, host, port):
        raise Untrusted("an address", "address_refused", address=repr(url), why=why)
    if why := _wrong_host(host, loopback, networks):
        raise Untrusted("an address", "address_refused", address=repr(url), why=why)
    return url


def wrong_form(url: str) -> str:
    """Why a text is no address that a site could have, wherever it lies; or the empty text.

    Which networks may be told to peers, the charter says: that is `check_address`.

    Example:
        >>> wrong_form("https://yosegi.example.org:70000")
        'its port is no number between 1 and 65535'
    """
    try:
        parts = urlsplit(url)
    except ValueError as error:
        return f"it is no address ({error})"
    try:
        port = parts.port
    except ValueError:
        return "its port is no number between 1 and 65535"
    if port == 0:
        return "its port is no number between 1 and 65535"
    host = (parts.hostname or "").rstrip(".")
    if why := _wrong_form(url, parts.scheme, parts.netloc, host, port):
        return why
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "" if _HOST.fullmatch(host) else "its host is no host name"
    return ""


def refused_number(number: IPAddress, *, loopback: bool = False, networks: Iterable[str] = ()) -> str:
    """Why no connection may be made to an IP address that a name resolved to, or the empty text."""
    mapped = getattr(number, "ipv4_mapped", None) or getattr(number, "sixtofour", None)
    number = mapped or number
    if number in _METADATA_NUMBERS or number.is_link_local:
        return "it is a link-local or metadata address"
    if number.is_loopback:
        return "" if loopback else "it is this machine itself, and the charter is no demonstration"
    deprecated = any(number.version == old.version and number in old for old in _DEPRECATED)
    if number.is_multicast or number.is_unspecified or number.is_reserved or deprecated:
        return "it is no address of a host"
    if not number.is_global and not any(_within(number, network) for network in networks):
        return "it is a private address, and the charter allows no such network"
    return ""


def _wrong_form(url: str, scheme: str, netloc: str, host: str, port: int | None) -> str:
    # Parsers disagree about what these characters mean, so none of them may be there.
    if not url.isascii() or re.search(r"[\s\\\x00-\x1f]", url):
        return "it has characters that do not belong in an address"
    if scheme not in ("http", "https"):
        return "only http and https are spoken"
    if "@" in netloc:
        return "it carries credentials"
    if "?" in url or "#" in url:
        return "it has a query or fragment"
    if not host or port == 0:
        return "it names no host"
    return ""


def _wrong_host(host: str, loopback: bool, networks: Iterable[str]) -> str:
    try:
        return refused_number(ipaddress.ip_address(host), loopback=loopback, networks=networks)
    except ValueError:
        pass
    if not _HOST.fullmatch(host):
        return "its host is no host name"
    if re.fullmatch(r"\d+|0x[0-9a-f]*", host.rpartition(".")[2]):
        # 2130706433, 0x7f.1 and 127.1 are all 127.0.0.1 to some resolvers (WHATWG URL, "ends in a number").
        return "it writes an IP address in an unusual way"
    if host == "localhost" or host.endswith(".localhost"):
        return "" if loopback else "it is this machine itself, and the charter is no demonstration"
    if host in _METADATA:
        return "it is a metadata service"
    return ""


def _within(number: IPAddress, network: str) -> bool:
    range_ = ipaddress.ip_network(network)
    return number.version == range_.version and number in range_
