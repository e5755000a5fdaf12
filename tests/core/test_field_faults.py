"""Errors of pydantic read as sentences of ours. The kinds are those of its own list of validation errors."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import pytest
from fastapi.exceptions import RequestValidationError
from pydantic import Field, ValidationError, model_validator

from yosegi.app.settings import Settings
from yosegi.campaign.spec import CampaignSpec
from yosegi.core.errors import Invalid
from yosegi.core.field_faults import FORMS, called_faults, field_faults
from yosegi.core.values import Value
from yosegi.execution.station.run import StationFile
from yosegi.governance.agreements.agreement import Agreement
from yosegi.governance.charter.charter import Charter


class Inner(Value):
    share: float = Field(gt=0, le=1)


class Sample(Value):
    name: Annotated[str, Field(min_length=1, max_length=4, pattern="^[a-z]*$")] = "a"
    count: int = Field(default=1, ge=1)
    kind: Literal["liquid", "solid"] = "solid"
    parts: tuple[Inner, ...] = Field(default=(), max_length=1)
    sizes: dict[str, float] = Field(default_factory=dict)
    dry: bool = True
    since: datetime | None = None

    @model_validator(mode="after")
    def _agrees(self) -> Sample:
        if self.name == "none":
            raise ValueError("no sample is called none")
        return self


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"colour": "red"}, "colour: is not known here. Known here: count, dry, kind, name, parts, since, sizes"),
        ({"sise": {}}, "sise: is not known here. Did you mean sizes?"),
        ({"parts": [{"shares": 1}]}, "parts.0.share: is missing"),
        ({"parts": [{"share": 1, "shares": 1}]}, "parts.0.shares: is not known here. Did you mean share?"),
        ({"name": ""}, "name: is empty"),
        ({"name": "abcdef"}, "name: has more than 4 characters"),
        ({"name": "A"}, "name: must be of the form ^[a-z]*$ (a regular expression)"),
        ({"name": 3}, "name: must be a text"),
        ({"count": 0}, "count: must be 1 or more"),
        ({"count": 1.5}, "count: must be a whole number"),
        ({"count": "x"}, "count: must be a whole number"),
        ({"kind": "gas"}, "kind: must be 'liquid' or 'solid'"),
        ({"parts": [{}]}, "parts.0.share: is missing"),
        ({"parts": [{"share": 0}]}, "parts.0.share: must be more than 0"),
        ({"parts": [{"share": 2}]}, "parts.0.share: must be 1 or less"),
        ({"parts": [{"share": 1}, {"share": 1}]}, "parts: has more than 1 entries"),
        ({"parts": 3}, "parts: must be a list"),
        ({"parts": [3]}, "parts.0: must be a table"),
        ({"sizes": []}, "sizes: must be a table"),
        ({"sizes": {"a": "x"}}, "sizes.a: must be a number"),
        ({"dry": "yes"}, "dry: must be true or false"),
        ({"since": "soon"}, "since: must be a date and time"),
        ({"name": "none"}, "the whole: no sample is called none"),
    ],
)
def test_a_fault_is_said_in_words(given: dict[str, Any], said: str) -> None:
    with pytest.raises(Invalid) as caught:
        Sample.read(given)
    assert str(caught.value) == f"sample: {said}"


def test_every_form_that_people_write_in_files_is_said_in_words() -> None:
    found: set[str] = set()

    def look(part: Any) -> None:
        if isinstance(part, dict):
            found.update([part["pattern"]] if isinstance(part.get("pattern"), str) else [])
        for one in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
            look(one)

    for model in (CampaignSpec, Settings, Agreement, Charter, StationFile):
        look(model.model_json_schema())
    assert len(found) > 15
    assert found <= FORMS.keys()


def test_all_faults_of_a_value_are_told() -> None:
    with pytest.raises(ValidationError) as caught:
        Sample.model_validate({"count": 0, "colour": "red"})
    assert [fault.where for fault in field_faults(caught.value)] == ["count", "colour"]


def test_a_call_says_after_a_name_where_it_was_looked_for() -> None:
    extra = {"type": "extra_forbidden", "loc": ("query", "other"), "msg": "Extra inputs are not permitted"}
    missing = {"type": "missing", "loc": ("body", "name"), "msg": "Field required"}
    assert [*called_faults(RequestValidationError([extra, missing]))] == [
        "other (in the query): is not known here: leave it out, or look how it is spelt",
        "name: is missing",
    ]
