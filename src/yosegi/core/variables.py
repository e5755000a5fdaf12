"""Variables of a process's environment, as settings give them."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _named(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} names no variable: letters, digits and _ alone, and no digit first")
    return name


def _passed(text: str) -> str:
    if "\0" in text:
        raise ValueError("has a NUL in it, which no variable can hold")
    return text


VariableName = Annotated[str, AfterValidator(_named)]
"""A name that shells and schedulers take too (POSIX.1-2017, 3.235), not only the kernel."""
VariableText = Annotated[str, AfterValidator(_passed)]
Variables = dict[VariableName, VariableText]
