"""`yosegi try`: the planner for a laboratory that has only a file, without a site, a server or an account."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

_HELP = """Propose what to measure next from TABLE, a CSV file and nothing else.

\b
The table has one recipe a line. The last column is what you measure;
leave it blank where you have not measured yet (the convention of NIMO's
candidates.csv), and write `failed` where the recipe gives nothing:
\b
    temperature,ratio,solvent,yield
    60,0.5,water,12.1
    80,0.5,water,
    60,0.7,ethanol,33.4
    80,0.7,ethanol,failed

Yosegi reads the measured lines, learns from them, and names the blank lines
that are worth measuring next, each with its reason. Measure them, fill in the
cells, and run the command again. It says first how it read each column.
Columns of words are kinds without an order; ids, notes and dates are left
out. A recipe may stand on several lines: those are repetitions.

Where no cell is blank, it answers another question: how many of these
measurements would have been enough?

\b
Example: yosegi try candidates.csv

\b
    yosegi try candidates.csv                       one; more is better
    yosegi try candidates.csv --minimise --count 4  four; less is better
    yosegi try candidates.csv --objective yield --objective cost:minimise
    yosegi try candidates.csv --objective pH:target=7.4
    yosegi try candidates.csv --missing n.d. --failed "no product"
    yosegi try candidates.csv --out proposals.csv   as NIMO's machines read it
    yosegi try candidates.csv --draw known.svg      a picture of what is known
    other-program | yosegi try - --json             of standard input
"""


@click.command("try", help=_HELP, short_help="Propose what to measure next, from a CSV file alone.")
@click.argument("table", type=click.Path(path_type=Path))
@click.option(
    "--objective",
    "objectives",
    multiple=True,
    metavar="COLUMN[:GOAL]",
    help="What is measured, up to three; GOAL is maximise, minimise or target=NUMBER. [the last column]",
)
@click.option("--minimise", is_flag=True, help="Less is better, for objectives without a GOAL of their own.")
@click.option("--ignore", "ignored", multiple=True, metavar="COLUMN", help="A column of neither, such as a name.")
@click.option("--categorical", multiple=True, metavar="COLUMN", help="A column of numbers that are names, not amounts.")
@click.option("--keep", "kept", multiple=True, metavar="COLUMN", help="A column to vary though it looks like an id.")
@click.option("--missing", multiple=True, metavar="WORD", help="A word that, like a blank, says: not measured yet.")
@click.option(
    "--failed", multiple=True, metavar="WORD", help="A word that, like `failed`, says: this recipe gives nothing."
)
@click.option("--decimal", type=click.Choice([".", ","]), help="The decimal mark, where the file leaves it open.")
@click.option("--encoding", metavar="NAME", help="Of the text, where it is not Unicode: cp1252, cp932, …")
@click.option("--count", type=click.IntRange(min=1), default=1, show_default=True, help="How many to propose.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Same seed, same answer.")
@click.option(
    "--repetitions",
    type=click.IntRange(1, 200),
    default=10,
    show_default=True,
    help="Of the look back at a complete table.",
)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the proposals as NIMO's proposals.csv."
)
@click.option("--draw", type=click.Path(path_type=Path, dir_okay=False), help="Draw what is known, as SVG.")
@click.option("--overwrite", is_flag=True, help="Let --out and --draw replace files that are there; never the table.")
@click.option("--yes", is_flag=True, help="Ask nothing: leave out what looks like ids or notes, look back to the end.")
@click.option("--json", "as_json", is_flag=True, help="TableReport in JSON, for programs.")
def try_(**options: Any) -> None:
    """Read, propose or look back, and say so."""
    from yosegi.cli._trying import propose_from_file

    propose_from_file(**options)
