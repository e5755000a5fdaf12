"""What the fuzzers call is there, and meets bytes from outside with a value or an error of ours."""

from __future__ import annotations

import pytest

from assure import fuzz
from yosegi.core.errors import YosegiError


@pytest.mark.parametrize("data", [b"", b"{}", b"[[[[", b'{"format": null}', b"\xff\xfe"], ids=repr)
@pytest.mark.parametrize("target", fuzz.PARSERS)
def test_each_parser_that_is_fuzzed_is_there_and_raises_errors_of_ours_alone(target: str, data: bytes) -> None:
    parse = fuzz.parser(target)
    if target in fuzz.TEXT:
        data = data.decode("ascii", "ignore").encode()
    try:
        parse(data)
    except YosegiError:
        return
