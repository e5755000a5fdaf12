"""Objects: where their bytes lie, what entries say of them, and how they come in pieces from elsewhere."""

from yosegi.data.chunks import AT_ONCE, CHUNK, Chunk, Want
from yosegi.data.entries import ERASED, PUT, RECEIVED, REFUSED, RELEASED, object_stream
from yosegi.data.pulling import Gave, Puller
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
    "Gave",
    "Known",
    "ObjectStore",
    "ObjectsView",
    "Puller",
    "Want",
    "known",
    "named",
    "object_stream",
]
