"""Values of these rooms are frozen: what was decided, signed or recorded is not changed by who holds it."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
from collections.abc import Iterator

import pytest

from yosegi.core.values import Value

AT_WORK = {"Delegation", "_Walk", "_Batch", "_Staged"}
"""What has a state because it does something, and is no value."""


def classes() -> Iterator[type]:
    for room in ("trust", "governance", "ledger"):
        package = importlib.import_module(f"yosegi.{room}")
        for found in pkgutil.iter_modules(package.__path__):
            if found.name != "postgres":
                module = importlib.import_module(f"yosegi.{room}.{found.name}")
                yield from (
                    one for _, one in inspect.getmembers(module, inspect.isclass) if one.__module__ == module.__name__
                )


DATA = [one for one in classes() if dataclasses.is_dataclass(one)]
VALUES = [one for one in classes() if issubclass(one, Value)]


@pytest.mark.parametrize("kind", DATA, ids=lambda one: one.__name__)
def test_a_data_class_is_frozen_unless_it_is_at_work(kind):
    frozen = kind.__dataclass_params__.frozen
    assert frozen == (kind.__name__ not in AT_WORK)


@pytest.mark.parametrize("kind", VALUES, ids=lambda one: one.__name__)
def test_a_value_is_frozen_and_takes_no_field_it_does_not_know(kind):
    assert kind.model_config["frozen"]
    assert kind.model_config["extra"] == "forbid"
