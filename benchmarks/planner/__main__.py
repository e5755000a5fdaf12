"""The command line of the comparison: `run` measures, `report` writes tables and figures from what was measured."""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):  # one core each; read when NumPy loads
    os.environ.setdefault(_name, "1")

import argparse  # noqa: E402
import importlib  # noqa: E402
from collections.abc import Sequence  # noqa: E402

from benchmarks.planner import cost, datasets, limits, tasks, trust  # noqa: E402
from benchmarks.planner.planners import COMPETITORS  # noqa: E402


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse and do."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.planner", description=__doc__)
    commands = parser.add_subparsers(required=True)
    _add_run(commands.add_parser("run", help="measure; what is already measured is not measured again"))
    _add_trust(commands.add_parser("trust", help="ours, the plain recipe and chance on every table of a folder"))
    _add_limits(commands.add_parser("limits", help="what is announced of limits and comes true, on every table"))
    timing = commands.add_parser("time", help="seconds of one core for a suggestion at n = 20, 50, 100, 200, 500")
    timing.add_argument("--planners", default="yosegi", help=f"of {', '.join(COMPETITORS)}")
    timing.add_argument("--repeats", type=int, default=5)
    timing.set_defaults(do=lambda a: cost.seconds(a.planners.split(","), a.repeats))
    large = commands.add_parser("million", help="time and memory of one suggestion among very many candidates")
    large.add_argument("--rows", type=int, default=1_000_000)
    large.set_defaults(do=lambda a: cost.million(a.rows))
    writing = commands.add_parser("report", help="write tables (Markdown, CSV) and figures (SVG) of what was measured")
    writing.set_defaults(do=lambda _: importlib.import_module("benchmarks.planner.report").write())
    options = parser.parse_args(arguments)
    options.do(options)


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--study", default="single", choices=tasks.STUDIES)
    parser.add_argument("--planners", default="yosegi,random", help=f"of {', '.join(COMPETITORS)}")
    parser.add_argument("--data", default=",".join(datasets.MAIN), help=f"of {', '.join(datasets.NAMES)}")
    parser.add_argument("--seeds", default="20", help="how many (20), or which (20-39)")
    parser.add_argument("--horizon", type=int, default=100, help="the most measurements of one run")
    ends = "until all is found, or the first of the top 1 %% (shorter, for slow peers)"
    parser.add_argument("--until", default="all", choices=["all", "first"], help=ends)
    parser.add_argument("--jobs", type=int, default=1, help="processes, one core each")
    parser.add_argument("--again", action="store_true", help="measure again what was measured")
    parser.set_defaults(do=tasks.execute)


def _add_trust(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tables", default="../shared/data", help="the folder, with `pvlab` and `olympus` in it")
    parser.add_argument("--only", default="", help="these tables alone, separated by commas")
    parser.add_argument("--planners", default=",".join(trust.PLANNERS), help=f"of {', '.join(COMPETITORS)}")
    parser.add_argument("--seeds", default="20", help="how many (20), or which (20-39)")
    parser.set_defaults(do=trust.execute)


def _add_limits(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tables", default="../shared/data", help="the folder, with `pvlab` and `olympus` in it")
    parser.add_argument("--only", default="", help="these tables alone, separated by commas")
    parser.add_argument("--seeds", default="2", help="how many (2), or which (2-3)")
    parser.set_defaults(do=limits.execute)


if __name__ == "__main__":
    main()
