"""Prints the contracts of entries; run in a process of its own by `derive_all`."""

from __future__ import annotations

import os
import sys
from typing import Any

from yosegi.core import canonical
from yosegi.core.errors import YosegiError
from yosegi.execution.engines.entry_points import load


def main() -> None:
    """Write a JSON array to what was standard output; whatever the module prints itself goes nowhere."""
    answer_to = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    said: list[dict[str, Any]] = []
    for entry in sys.argv[1:]:
        try:
            said.append({"contract": load(entry).contract.model_dump(mode="json", exclude_none=True)})
        except YosegiError as error:
            said.append({"error": str(error), "entry": entry})
    with os.fdopen(answer_to, "wb") as out:
        out.write(canonical.dumps(said))
    # A thread that the module started must not hold the answer back.
    os._exit(0)


if __name__ == "__main__":
    main()
