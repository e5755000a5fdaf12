"""Prints the contracts of entries; run in a process of its own by `derive_all`."""

from __future__ import annotations

import os
import sys
from typing import Any

from yosegi.core import canonical
from yosegi.core.errors import YosegiError
from yosegi.execution.engines.entry_points import load_all


def main() -> None:
    """Write what each argument has to what was standard output, in JSON; what the modules print goes nowhere."""
    answer_to = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    said: list[list[dict[str, Any]]] = []
    for place in sys.argv[1:]:
        try:
            said.append(
                [
                    {"entry": entry, "contract": found.contract.model_dump(mode="json", exclude_none=True)}
                    for entry, found in load_all(place).items()
                ]
            )
        except YosegiError as error:
            said.append([{"error": str(error), "entry": place}])
    with os.fdopen(answer_to, "wb") as out:
        out.write(canonical.dumps(said))
    # A thread that the module started must not hold the answer back.
    os._exit(0)


if __name__ == "__main__":
    main()
