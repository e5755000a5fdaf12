"""The settings of another facility."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints, field_validator

from yosegi.core.identifiers import CapabilityName
from yosegi.core.values import Value
from yosegi.execution.engines.entry_points import Publication
from yosegi.execution.engines.iri.transport import is_safe_address
from yosegi.execution.engines.plugin import EngineSettings

Text = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
FileThere = Annotated[str, StringConstraints(pattern=r"^/[^\x00-\x1f]{1,999}$")]


class JobTemplate(Value):
    """How one capability is a job there. A request can set none of this."""

    resource: Text
    """The resource there that takes the job."""
    executable: str = Field(default="", max_length=1000)
    """What runs; by default the capability's name, as another Yosegi site has it."""
    queue_name: str = Field(default="", max_length=200)
    duration_seconds: int = Field(default=0, ge=0, le=30 * 86400)
    """What the scheduler there is told; 0 to say nothing."""
    directory: str = Field(default="", max_length=1000)
    custom_attributes: dict[str, str] = Field(default_factory=dict, max_length=64)
    """What that facility understands besides, e.g. `constraint`. `inputs` is added by this engine."""
    resources: dict[str, int | bool] = Field(default_factory=dict, max_length=16)
    """Nodes, processes, memory, by PSI/J's names, e.g. `node_count = 2`."""
    output_files: dict[str, FileThere] = Field(default_factory=dict, max_length=16)
    """Outputs that the job leaves as files there, each with its path; `{job}` is the job's id, `{name}` its name. Not
    needed for another Yosegi site, which tells the digests of its objects."""
    files_resource: str = Field(default="", max_length=1000)
    """The resource there that holds them; by default the one that takes the job."""


class FacilitySettings(EngineSettings):
    """Another facility that is asked through its facility API (IRI)."""

    publish: tuple[Publication, ...] = Field(min_length=1)
    """Capabilities that are done there."""
    url: str
    """The address before `/api/v2`, e.g. `https://api.iri.nersc.gov`."""
    credentials_file: Text
    """A file of mode 0600 that says how to sign in there: a path, or a name in the engine's own folder."""
    account: Text
    """The project there that pays."""
    job: dict[CapabilityName, JobTemplate] = Field(default_factory=dict)
    """How each capability is a job there; by default the resource of the same name, as another Yosegi site has it."""
    send_keys: bool = True
    """Whether submissions carry an Idempotency-Key. Without, only what may be repeated is ever submitted twice."""
    poll_seconds: float = Field(default=5.0, gt=0, le=3600)
    """Seconds between two looks at a job; the first ones come sooner."""
    call_seconds: float = Field(default=30.0, gt=0, le=600)
    """Seconds that one call may take."""
    search_seconds: float = Field(default=15.0, ge=0, le=600)
    """Seconds that a job is looked for by its name after a submission without an answer."""
    silence_seconds: float = Field(default=3600.0, gt=0)
    """Seconds without word of a submitted job after which its effect is called unknown."""

    @field_validator("url")
    @classmethod
    def _is_safe(cls, value: str) -> str:
        if not is_safe_address(value):
            raise ValueError("url must begin with https:// (http:// on this machine) and hold no name or password")
        return value.rstrip("/")
