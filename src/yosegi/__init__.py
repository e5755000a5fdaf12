"""Yosegi: laboratories of different institutions do AI-driven science together.

Scientists connect to their site; authors of packs describe what their functions do. Each name is imported when it is
first used, so that `import yosegi` stays quick.

Example:
    >>> import yosegi
    >>> site = yosegi.connect("http://127.0.0.1:8101", person="pi@argonne", key="pi.key")  # doctest: +SKIP
    >>> site.campaign("colour").results()  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from yosegi.client.client import Client as Client
    from yosegi.client.client import connect as connect
    from yosegi.core.capability import Context as Context
    from yosegi.core.capability import Infeasible as Infeasible
    from yosegi.core.capability import NeverHappened as NeverHappened
    from yosegi.core.capability import Stopped as Stopped
    from yosegi.core.capability import capability as capability
    from yosegi.core.capability import quantity as quantity
    from yosegi.core.capability import sample as sample
    from yosegi.core.contract import Fidelity as Fidelity
    from yosegi.core.contract import LinearConstraint as LinearConstraint
    from yosegi.core.object import Object as Object
    from yosegi.core.object import ObjectRef as ObjectRef

_HOMES = {
    "Client": "yosegi.client.client",
    "Context": "yosegi.core.capability",
    "Fidelity": "yosegi.core.contract",
    "Infeasible": "yosegi.core.capability",
    "LinearConstraint": "yosegi.core.contract",
    "NeverHappened": "yosegi.core.capability",
    "Object": "yosegi.core.object",
    "ObjectRef": "yosegi.core.object",
    "Stopped": "yosegi.core.capability",
    "capability": "yosegi.core.capability",
    "connect": "yosegi.client.client",
    "quantity": "yosegi.core.capability",
    "sample": "yosegi.core.capability",
}

__all__ = [
    "connect",
    "Client",
    "capability",
    "quantity",
    "sample",
    "Object",
    "ObjectRef",
    "Context",
    "Infeasible",
    "Stopped",
    "NeverHappened",
    "LinearConstraint",
    "Fidelity",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
