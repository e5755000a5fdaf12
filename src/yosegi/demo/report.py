"""One page about what the demonstration showed: HTML without scripts, in English and Japanese."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from yosegi.services.campaigns.schemas import CampaignDetail

WIDTH, HEIGHT, MARGIN = 720, 260, 40


def write_report(path: Path, state: CampaignDetail, found: dict[str, Any], seconds: float) -> Path:
    """Write the report.

    Args:
        path: the file to write.
        state: the campaign as the API shows it.
        found: what each act of the story found.
        seconds: how long the demonstration took.
    """
    environment = Environment(
        loader=PackageLoader("yosegi.demo", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    experiments = [t for t in state.trial if t.source == "experiment"]
    text = environment.get_template("report.html").render(
        state=state,
        found=found,
        seconds=seconds,
        experiments=len(experiments),
        simulations=sum(t.source == "simulation" for t in state.trial),
        svg=convergence(state),
        wells=state.spent.get("samples", "0"),
    )
    path.write_text(text, encoding="utf-8")
    return path


def convergence(state: CampaignDetail) -> dict[str, Any]:
    """Points of the plot: experiments in order, the best so far, and the target, in pixels of the drawing."""
    values = [t.value for t in state.trial if t.source == "experiment" and t.value is not None]
    target = state.stop.target
    top = max([*values, target or 0.0, 1.0]) * 1.05

    def x(n: float) -> float:
        return round(MARGIN + (n + 0.5) * (WIDTH - 2 * MARGIN) / max(1, len(values)), 1)

    def y(value: float) -> float:
        return float(round(HEIGHT - MARGIN - value / top * (HEIGHT - 2 * MARGIN), 1))

    best = [min(values[: n + 1]) for n in range(len(values))]
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "margin": MARGIN,
        "points": [(x(n), y(v), n + 1, v) for n, v in enumerate(values)],
        "best": " ".join(f"{x(n)},{y(v)}" for n, v in enumerate(best)),
        "target": None if target is None else (y(target), target),
        "ticks": [(y(top * share), round(top * share, 1)) for share in (0.0, 0.25, 0.5, 0.75, 1.0)],
    }
