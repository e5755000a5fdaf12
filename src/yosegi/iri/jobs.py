"""Jobs as the facility API sends them: PSI/J's specification, and states."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue

from yosegi.iri.schemas import IriAnswer, JobState

Text = Annotated[str, Field(min_length=1, max_length=4096)]


def _whole(value: Any) -> Any:
    """JSON knows one kind of number: 2.0 is an integer there (JSON Schema 2020-12, section 4.2.3)."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = Annotated[int, BeforeValidator(_whole)]
Positive = Annotated[int, BeforeValidator(_whole), Field(ge=1, le=2**53)]


def _strict_bool(value: Any) -> Any:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


Flag = Annotated[bool, BeforeValidator(_strict_bool)]


class _Open(BaseModel):
    """The description allows further fields here; what this site does not know it does not heed."""

    model_config = ConfigDict(extra="allow", strict=True)
    attributes: dict[str, Any] | None = None


class IriVolumeMount(_Open):
    """A folder in a container."""

    source: Text
    target: Text
    read_only: Flag = True


class IriContainer(_Open):
    """A container image."""

    image: Text
    volume_mounts: list[IriVolumeMount] = []


class IriResourceSpec(_Open):
    """Nodes and processes; a capability's contract says what it needs, so they are not heeded."""

    node_count: Positive | None = None
    process_count: Positive | None = None
    processes_per_node: Positive | None = None
    cpu_cores_per_process: Positive | None = None
    gpu_cores_per_process: Positive | None = None
    exclusive_node_use: Flag = True
    memory: Positive | None = None


class IriJobAttributes(BaseModel):
    """The account that pays, and what only this site understands (`custom_attributes`)."""

    model_config = ConfigDict(extra="allow", strict=True)
    attributes: dict[str, Any] | None = None
    duration: Positive | None = None
    queue_name: Text | None = None
    account: Text | None = None
    reservation_id: Text | None = None
    custom_attributes: dict[str, str] = {}


class IriJobSpec(BaseModel):
    """A job as a caller wants it; closed to unknown fields."""

    model_config = ConfigDict(extra="forbid", strict=True)
    attributes: IriJobAttributes | None = None
    executable: Text | None = None
    container: IriContainer | None = None
    arguments: list[str] = []
    directory: Text | None = None
    name: Text | None = None
    inherit_environment: Flag = True
    environment: dict[str, str] = {}
    stdin_path: Text | None = None
    stdout_path: Text | None = None
    stderr_path: Text | None = None
    resources: IriResourceSpec | None = None
    pre_launch: Text | None = None
    post_launch: Text | None = None
    launcher: Text | None = None


class IriJobStatus(IriAnswer):
    """Where a job stands. `meta_data` holds this site's own account of it."""

    state: JobState
    time: float | None = None
    message: str | None = None
    exit_code: int | None = None
    meta_data: dict[str, JsonValue] | None = None


class IriJob(IriAnswer):
    """A job."""

    id: str
    status: IriJobStatus | None = None
    job_spec: dict[str, JsonValue] | None = None
