"""The example notebook runs as it stands, from the question to its answer."""

from __future__ import annotations

import json

import pytest

from examples.notebook import FILE, run

pytest.importorskip("matplotlib")


def test_the_notebook_runs_to_its_answer() -> None:
    notebook, names = run()
    state, frame = names["state"], names["frame"]
    assert state.state == "ended"
    # As many as its rule says, and what was under way when it was met.
    assert state.why in {"10 trials done", "11 trials done"}
    assert state.best.value == frame.query("keeps_limits")["strength"].max()
    assert "@misc{notebook," in names["answer"].bibtex
    kept = json.loads(FILE.read_text(encoding="utf-8"))
    assert all(cell["outputs"] for cell in kept["cells"] if cell.get("metadata", {}).get("tags") == ["shown"])
    assert [cell["source"] for cell in kept["cells"]] == [cell["source"] for cell in notebook["cells"]]
