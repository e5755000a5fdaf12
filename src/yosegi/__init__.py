"""Yosegi: laboratories of different institutions do AI-driven science together.

Example:
    >>> import yosegi
    >>> site = yosegi.connect("http://127.0.0.1:8101", person="pi@argonne", key=path)  # doctest: +SKIP
    >>> site.campaign("colour").results()  # doctest: +SKIP
"""

from __future__ import annotations

from typing import Any


def connect(url: str, **how: Any) -> Any:
    """Connect to a running site; see `yosegi.client.client.connect`."""
    from yosegi.client.client import connect as connect_

    return connect_(url, **how)
