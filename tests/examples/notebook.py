"""Runs `examples/questions/notebook.ipynb` cell by cell against a federation in one process, as Jupyter would.

    cd tests && python -m examples.notebook

writes the outputs into the file. No Jupyter is needed: a cell is executed, and its last expression shown as HTML where
it shows itself so, else as text.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import os
from pathlib import Path
from typing import Any

from examples.test_questions import lab
from web.house import PASSPHRASE, opened
from yosegi.governance.charter.statement import Listens
from yosegi.testing.federation import Place, address

FILE = Path(__file__).parents[2] / "examples" / "questions" / "notebook.ipynb"


def executed(notebook: dict[str, Any]) -> dict[str, Any]:
    """The notebook with what its cells say now; the names they left are in `names`."""
    names: dict[str, Any] = {}
    count = 0
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        count += 1
        cell["execution_count"], cell["outputs"] = count, outputs("".join(cell["source"]), names, count)
    return names


def outputs(source: str, names: dict[str, Any], count: int) -> list[dict[str, Any]]:
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    said = io.StringIO()
    value = None
    with contextlib.redirect_stdout(said):
        exec(compile(tree, "<cell>", "exec"), names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), "<cell>", "eval"), names)
    found: list[dict[str, Any]] = []
    if text := said.getvalue():
        found.append({"name": "stdout", "output_type": "stream", "text": text.splitlines(keepends=True)})
    if value is not None:
        data = {"text/plain": repr(value).splitlines(keepends=True)}
        if callable(show := getattr(value, "_repr_html_", None)):
            data["text/html"] = str(show()).splitlines(keepends=True)
        found.append({"data": data, "execution_count": count, "metadata": {}, "output_type": "execute_result"})
    return found


def run() -> tuple[dict[str, Any], dict[str, Any]]:
    """The notebook after it was run, and the names its cells left."""
    places = {
        "argonne": Place("argonne", Listens(url=address("argonne")), "US"),
        "riken": Place(
            "riken", Listens(url=address("riken")), capabilities=[lab().press], grant={"samples": "100"}, duration=0.02
        ),
    }
    notebook = json.loads(FILE.read_text(encoding="utf-8"))
    with opened(places) as house:
        os.environ["YOSEGI_URL"], os.environ["YOSEGI_PASSPHRASE"] = house.url(), PASSPHRASE
        try:
            names = executed(notebook)
            names["state"] = names["campaign"].state()
        finally:
            del os.environ["YOSEGI_URL"], os.environ["YOSEGI_PASSPHRASE"]
    return notebook, names


if __name__ == "__main__":
    done, _ = run()
    FILE.write_text(json.dumps(done, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
