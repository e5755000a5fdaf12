"""Objects: where their bytes lie, what entries say of them, and how they come in pieces from elsewhere."""

from yosegi.data.chunks import AT_ONCE, CHUNK, Chunk, ChunkRequest
from yosegi.data.entries import ERASED, PUT, RECEIVED, REFUSED, RELEASED, object_stream
from yosegi.data.pulling import Puller, TransferRefused
from yosegi.data.store import FileStore, ObjectStore
from yosegi.data.view import Known, ObjectsView, known, named

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
