"""Prints the contract of one entry; run in a process of its own by `derive`."""

from __future__ import annotations

import os
import sys
from typing import Any

from yosegi.core import canonical
from yosegi.core.errors import YosegiError
from yosegi.runner.entries import load


def main() -> None:
    """Write one JSON object to what was standard output; whatever the module prints itself goes nowhere."""
    answer_to = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    said: dict[str, Any]
    try:
        said = {"contract": load(sys.argv[1]).contract.model_dump(mode="json", exclude_none=True)}
    except YosegiError as error:
        said = {"error": str(error)}
    with os.fdopen(answer_to, "wb") as out:
        out.write(canonical.dumps(said))
    # A thread that the module started must not hold the answer back.
    os._exit(0)


if __name__ == "__main__":
    main()
