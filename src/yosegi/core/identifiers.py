"""Identifiers: how sites, people, capabilities, tasks and samples are named.

All are plain strings with a checked form, so that they read the same in a URL, a log line, a policy and a page.
"""

from __future__ import annotations

import re
import uuid
from typing import Annotated

from pydantic import StringConstraints

from yosegi.core.errors import Invalid

# ASCII only: two names that look alike must be the same name.
_NAME = r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*"

SiteId = Annotated[str, StringConstraints(pattern=rf"^{_NAME}$", max_length=40)]
"""A site's short name in its charter, e.g. `riken`."""

PersonId = Annotated[str, StringConstraints(pattern=rf"^{_NAME}@{_NAME}$", max_length=80)]
"""A member or a role at its home site, e.g. `pi@argonne`."""

TeamId = Annotated[str, StringConstraints(pattern=rf"^{_NAME}$", max_length=60)]
CharterId = Annotated[str, StringConstraints(pattern=rf"^{_NAME}$", max_length=60)]

CapabilityName = Annotated[str, StringConstraints(pattern=rf"^{_NAME}(?:\.{_NAME})*@[1-9][0-9]{{0,5}}$", max_length=80)]
"""A capability's name and version within its site, e.g. `colour.mix@1`."""

CapabilityRef = Annotated[
    str, StringConstraints(pattern=rf"^{_NAME}/{_NAME}(?:\.{_NAME})*@[1-9][0-9]{{0,5}}$", max_length=121)
]
"""A capability in the federation: `site/name@version`, e.g. `nims/colour.mix@1`."""

_SAMPLE = r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}"

SampleName = Annotated[str, StringConstraints(pattern=rf"^{_SAMPLE}$")]
"""A physical sample's name within the site that made it, e.g. `film-17`."""

SAMPLE_ID = rf"{_NAME}/{_SAMPLE}"
SampleId = Annotated[str, StringConstraints(pattern=rf"^{SAMPLE_ID}$", max_length=121)]
"""A physical sample in the federation: `site/name`, after the site that made it, e.g. `nims/film-17`."""

Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$")]
"""The key that makes a task, message or campaign happen once."""

Clearance = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$", max_length=60)]
"""What a home site has checked of a person, e.g. `export-a`; why it holds is nobody else's business."""

Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
"""SHA-256 of some bytes, with its algorithm named."""

# Campaign identifiers and task keys derive from names by UUID version 5 (RFC 9562), never from chance, so that the
# same request made twice carries the same key.
_NAMESPACE = uuid.UUID("6f8d6a1e-3f0b-5f5e-9a53-0d3a5a1d7e10")


def derived_key(*parts: str | int) -> str:
    """A key that depends on its parts alone (UUID version 5 of them)."""
    return str(uuid.uuid5(_NAMESPACE, "\x1f".join(str(part) for part in parts)))


def split_capability(ref: str) -> tuple[str, str]:
    """`('nims', 'colour.mix@1')` of `nims/colour.mix@1`.

    Raises:
        Invalid: not of that form.
    """
    site, slash, name = ref.partition("/")
    if not slash or not re.fullmatch(rf"{_NAME}(?:\.{_NAME})*@[1-9][0-9]{{0,5}}", name):
        raise Invalid(f"capability {ref!r}", "not of the form site/name@version", "e.g. nims/colour.mix@1")
    return site, name


def home_of(person: str) -> str:
    """The site that vouches for a person: `argonne` of `pi@argonne`."""
    return person.rpartition("@")[2]
