"""Objects: where their bytes lie, what entries say of them, and how they come in pieces from elsewhere.

Each name is imported when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from yosegi.core.lazy_names import lazy_names

if TYPE_CHECKING:
    from yosegi.data.chunks import AT_ONCE as AT_ONCE
    from yosegi.data.chunks import CHUNK as CHUNK
    from yosegi.data.chunks import Chunk as Chunk
    from yosegi.data.chunks import ChunkRequest as ChunkRequest
    from yosegi.data.entries import ERASED as ERASED
    from yosegi.data.entries import PUT as PUT
    from yosegi.data.entries import RECEIVED as RECEIVED
    from yosegi.data.entries import REFUSED as REFUSED
    from yosegi.data.entries import RELEASED as RELEASED
    from yosegi.data.entries import object_stream as object_stream
    from yosegi.data.pulling import Puller as Puller
    from yosegi.data.pulling import TransferRefused as TransferRefused
    from yosegi.data.store import FileStore as FileStore
    from yosegi.data.store import ObjectStore as ObjectStore
    from yosegi.data.view import Known as Known
    from yosegi.data.view import ObjectsView as ObjectsView
    from yosegi.data.view import known as known
    from yosegi.data.view import named as named

__all__ = [
    "AT_ONCE",
    "CHUNK",
    "ERASED",
    "PUT",
    "RECEIVED",
    "REFUSED",
    "RELEASED",
    "Chunk",
    "FileStore",
    "TransferRefused",
    "Known",
    "ObjectStore",
    "ObjectsView",
    "Puller",
    "ChunkRequest",
    "known",
    "named",
    "object_stream",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "chunks": ("AT_ONCE", "CHUNK", "Chunk", "ChunkRequest"),
        "entries": ("ERASED", "PUT", "RECEIVED", "REFUSED", "RELEASED", "object_stream"),
        "pulling": ("Puller", "TransferRefused"),
        "store": ("FileStore", "ObjectStore"),
        "view": ("Known", "ObjectsView", "known", "named"),
    },
)
