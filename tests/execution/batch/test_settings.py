"""What a centre's settings refuse before any job is submitted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from execution.batch.clusters import batch_engine, slurm
from yosegi.core.clock import SystemClock
from yosegi.core.errors import Invalid
from yosegi.execution.engines.batch.dialects import accounts_of, dialect_of
from yosegi.execution.engines.batch.job_spec import BatchJobTemplate
from yosegi.execution.engines.batch.settings import BatchSettings


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"job": {"node_count": 3}, "caps": {"nodes": 2}}, "asks for 3 nodes, and caps.nodes is 2"),
        ({"caps": {"seconds": 60.0}}, "takes up to .* seconds, and caps.seconds is 60"),
        (
            {"job": {"queue_name": "large"}, "caps": {"queues": ["small"]}},
            "names queue large, and caps.queues has small",
        ),
        ({"caps": {"queues": ["small"]}}, r"names queue \(none\), and caps.queues has small"),
        ({"pilot": {"nodes": 5}}, "a pilot of .* asks for 5 nodes, and caps.nodes is 4"),
        ({"pilot": {"seconds": 7200.0}, "caps": {"seconds": 3600.0}}, "takes up to 7200 seconds, and caps.seconds"),
    ],
)
def test_an_engine_whose_jobs_would_pass_a_cap_is_not_opened(tmp_path: Path, asked: dict[str, Any], why: str) -> None:
    with pytest.raises(Invalid, match=why):
        batch_engine(tmp_path, slurm({}), **asked)


@pytest.mark.parametrize(
    "template",
    [
        {"queue_name": "small\n#SBATCH --uid=0"},
        {"account": "a b"},
        {"queue_name": "-Q"},
        {"custom_attributes": {"slurm.constraint": "$(id)"}},
        {"custom_attributes": {"--uid": "0"}},
        {"wrap": "id"},
    ],
)
def test_no_value_of_a_template_can_be_more_than_a_value_of_its_option(template: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        BatchJobTemplate.model_validate(template)


def settings(**given: Any) -> BatchSettings:
    return BatchSettings.read({"dialect": "slurm", "folder": "/nowhere"} | given)


def test_a_pilot_does_no_tasks_under_peoples_own_accounts() -> None:
    both = settings(pilot={"seconds": 600.0}, accounts="/etc/accounts.toml", helper=["/bin/false"])
    with pytest.raises(Invalid, match="does tasks of several people in one job"):
        dialect_of(both, SystemClock())


def test_an_account_map_without_a_helper_opens_no_engine() -> None:
    with pytest.raises(Invalid, match="no helper that submits as another user"):
        accounts_of(settings(accounts="/etc/accounts.toml"))
