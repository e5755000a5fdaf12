"""The reference pages say what the models read: every field, with what it is and an example."""

from __future__ import annotations

import tomllib

import pytest

from docs.reference import CAMPAIGN, FOLDER, PAGES, SITE, examples, fields, meanings, page
from yosegi.execution.engines.registry import read_table


@pytest.mark.parametrize("file", PAGES)
def test_the_page_is_up_to_date(file: str) -> None:
    head, models = PAGES[file]
    written = (FOLDER / file).read_text(encoding="utf-8")
    assert written == page(head, models), "run: cd tests && python -m docs.reference"


def test_every_field_says_what_it_is_and_has_an_example_that_is_toml() -> None:
    told = {f"{model.__name__}.{name}" for _, model in (*CAMPAIGN, *SITE) for name in meanings(model)}
    shown = examples()
    for full, _ in (*fields(CAMPAIGN), *fields(SITE)):
        assert full in told, f"{full} says nothing"
        assert list(tomllib.loads(shown[full])) == [full.partition(".")[2]], full


def test_the_example_of_an_engine_is_one_of_a_kind_that_there_is() -> None:
    for name, table in tomllib.loads(examples()["Settings.engine"])["engine"].items():
        assert read_table(name, table).settings.publish
