"""Objects: data too large for a document, known by what it is and carried apart from what speaks of it.

In a contract an input or output that is an object has the schema of a reference to it, so that whoever holds the
contract can hold the reference against it: its media type and its greatest size.

Example:
    >>> from typing import Annotated
    >>> Object("text/csv", most="2 MB").holding(Path).schema()["properties"]["size"]["maximum"]
    2000000
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

from pydantic import Field, GetCoreSchemaHandler, StringConstraints, WithJsonSchema
from pydantic_core import CoreSchema

from yosegi.core.contract_terms import SENSITIVITIES, Sensitivity, strictest
from yosegi.core.errors import Invalid
from yosegi.core.identifiers import CapabilityRef, Digest, SiteId
from yosegi.core.values import Value

_TYPE = r"[a-z0-9][a-z0-9.+_-]{0,60}/[a-z0-9][a-z0-9.+_-]{0,60}"
MediaType = Annotated[str, StringConstraints(pattern=rf"^{_TYPE}$")]
"""What kind of data, e.g. `text/csv` (RFC 6838), without parameters."""

OBJECT = "yosegi-object"
"""The `format` of a reference in a contract's schema."""
LARGEST = 2**40
"""Bytes; no object is larger."""
_SIZES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}


class ObjectRef(Value):
    """A piece of data: which bytes, of what kind, whose, and how it may be handed on.

    Args:
        sha256: SHA-256 of its bytes.
        size: how many bytes.
        media_type: what kind of data.
        site: where it was made or first put.
        sensitivity: the strictest label of everything it came from.
        export_classes: the export classes of everything it came from, sorted.
        sources: the capabilities it came from, sorted; each of their owners has a say in where it goes.
    """

    sha256: Digest
    size: int = Field(ge=0, le=LARGEST)
    media_type: MediaType
    site: SiteId
    sensitivity: Sensitivity
    export_classes: tuple[Annotated[str, StringConstraints(max_length=60)], ...] = Field(default=(), max_length=50)
    sources: tuple[CapabilityRef, ...] = Field(default=(), max_length=50)

    def json(self) -> dict[str, Any]:  # type: ignore[override]
        """The reference as it stands in inputs, outputs and facts."""
        return self.model_dump(mode="json", exclude_defaults=True)

    def with_label_of(self, *others: ObjectRef) -> ObjectRef:
        """The same data, labelled at least as strictly as each of the others."""
        every = (self, *others)
        return self.model_copy(
            update={
                "sensitivity": strictest(*(ref.sensitivity for ref in every)),
                "export_classes": tuple(sorted({name for ref in every for name in ref.export_classes})),
                "sources": tuple(sorted({name for ref in every for name in ref.sources})),
            }
        )


def refs(schema: Mapping[str, Any], values: Mapping[str, Any] | None) -> dict[str, ObjectRef]:
    """The objects among inputs or outputs, by name, as their schema in a contract says; others may look like one.

    Raises:
        Invalid: what should be a reference is none.
    """
    found = {}
    for name, part in schema.get("properties", {}).items():
        value = (values or {}).get(name)
        if value is not None and is_object(part):
            found[name] = ObjectRef.read(value, what=f"object {name}")
    return found


def is_object(part: Mapping[str, Any]) -> bool:
    """Whether a property of a contract's schema is an object, perhaps an optional one."""
    choices = [choice for choice in part.get("anyOf", ()) if isinstance(choice, dict)]
    return any(choice.get("format") == OBJECT for choice in (part, *choices))


@dataclass(frozen=True)
class Object:
    """Marks an input or output as an object: `Annotated[Path, Object("text/csv")]`.

    What the function takes or returns is a file (`Path`), `bytes`, or a NumPy array; what travels is a reference.

    Args:
        media_type: e.g. `text/csv`; by default `application/x-npy` for an array, else `application/octet-stream`.
        most: its greatest size, e.g. `20 MB`.
    """

    media_type: str = ""
    most: str | int = 2**30
    kind: str = "path"

    def __post_init__(self) -> None:
        if self.media_type and not re.fullmatch(_TYPE, self.media_type):
            raise Invalid("an object", f"{self.media_type!r} is no media type", "e.g. text/csv")
        size_of(self.most)

    def holding(self, kind: Any) -> Object:
        """The same for a Python type.

        Raises:
            Invalid: a type that no object is given as.
        """
        kind = get_origin(kind) or kind
        name = getattr(kind, "__name__", str(kind))
        if kind in (Path, bytes):
            return replace(self, kind="path" if kind is Path else "bytes")
        if name == "ndarray":
            return replace(self, kind="array", media_type=self.media_type or "application/x-npy")
        raise Invalid("an object", f"cannot be given as {name}", "annotate a Path, bytes or a NumPy array")

    def schema(self) -> dict[str, Any]:
        """The schema of a reference to it, as it stands in a contract."""
        text = {"type": "string", "maxLength": 200}
        return {
            "type": "object",
            "format": OBJECT,
            "properties": {
                "sha256": {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"},
                "size": {"type": "integer", "minimum": 0, "maximum": size_of(self.most)},
                "media_type": {"const": self.media_type or "application/octet-stream"},
                "site": text,
                "sensitivity": {"enum": list(SENSITIVITIES)},
                "export_classes": {"type": "array", "items": text, "maxItems": 50},
                "sources": {"type": "array", "items": text, "maxItems": 50},
            },
            "required": ["media_type", "sensitivity", "sha256", "site", "size"],
            "additionalProperties": False,
        }

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return handler.generate_schema(Annotated[Any, WithJsonSchema(self.holding(source).schema())])

    def read(self, path: Path) -> Any:
        """What a function is given for the file of an input."""
        if self.kind == "bytes":
            return path.read_bytes()
        if self.kind == "array":
            import numpy

            return numpy.load(path, allow_pickle=False)
        return path

    def write(self, value: Any, path: Path) -> dict[str, Any]:
        """Keep what a function returned as the file of an output; a reference to it that is not complete yet.

        Raises:
            ValueError: the value is not of its type, or no file is there.
        """
        path.parent.mkdir(mode=0o700, exist_ok=True)
        if self.kind == "bytes" and isinstance(value, (bytes, bytearray, memoryview)):
            path.write_bytes(value)
        elif self.kind == "array" and type(value).__name__ == "ndarray":
            import numpy

            with path.open("wb") as file:
                numpy.save(file, value, allow_pickle=False)
        elif self.kind == "path" and isinstance(value, Path) and value.is_file():
            _take_file(value, path)
        else:
            said = f"{value} is no file" if isinstance(value, Path) else f"a {type(value).__name__}"
            raise ValueError(f"{said}, where an object ({self.kind}) is promised")
        media_type = self.media_type or "application/octet-stream"
        return provisional(path.stat().st_size, media_type)


NOT_YET = "sha256:" + "0" * 64
"""Stands for the digest in a reference that a worker wrote, until its engine has hashed the file."""


def provisional(size: int, media_type: str) -> dict[str, Any]:
    """A reference that can be held against a contract before its bytes are in a store."""
    ref = ObjectRef(sha256=NOT_YET, size=size, media_type=media_type, site="here", sensitivity="team")
    return ref.json()


def object_of(hint: Any) -> Object | None:
    """The `Object` in a type, where it is `Annotated[T, Object(…)]`, perhaps with None allowed; else None."""
    for part in (hint, *get_args(hint)):
        for note in getattr(part, "__metadata__", ()):
            if isinstance(note, Object):
                return note.holding(get_args(part)[0])
    return None


def size_of(text: str | int) -> int:
    """Bytes of a size in words.

    Example:
        >>> size_of("20 MB"), size_of("1 KiB")
        (20000000, 1024)

    Raises:
        Invalid: not a size, or more than `LARGEST`.
    """
    match = re.fullmatch(r"(\d{1,13}) ?([A-Za-z]*)", str(text))
    unit = _SIZES.get(match[2].upper() or "B") if match else None
    if match is None or unit is None or int(match[1]) * unit > LARGEST:
        raise Invalid("a size", f"{text!r} is none, or more than {LARGEST} bytes", "e.g. 20 MB")
    return int(match[1]) * unit


def _take_file(source: Path, target: Path) -> None:
    """Move a file of the task's own folder; copy any other."""
    if not source.is_symlink() and source.resolve().parent == target.parent.parent.resolve():
        source.replace(target)
    else:
        shutil.copyfile(source, target)
