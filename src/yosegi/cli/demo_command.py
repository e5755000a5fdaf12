"""`yosegi demo`: the command; what it runs is imported when it is called."""

from __future__ import annotations

from pathlib import Path

import click

from yosegi.cli.output import explained


@click.command()
@click.option("--folder", type=click.Path(path_type=Path), default=Path("demo-federation"), show_default=True)
@click.option("--port", default=8101, show_default=True, help="The first of three ports on this machine.")
@click.option("--quick", is_flag=True, help="Only the campaign: no kill, no refusal, no stop.")
@click.option("--agent", is_flag=True, help="Also an act with an agent that speaks MCP (needs the extra mcp).")
@click.option("--fresh", is_flag=True, help="Remove FOLDER first and begin anew.")
@click.option("--stay", is_flag=True, help="Keep the sites running at the end, until Ctrl-C.")
@click.option("--hpc", is_flag=True, help="Two computing centres: a real Slurm, and a stand-in for Fugaku's PJM.")
@click.option("--beam", is_flag=True, help="A simulated ring behind a real soft IOC, tuned within its loss limit.")
@explained
def demo(folder: Path, port: int, quick: bool, agent: bool, fresh: bool, stay: bool, hpc: bool, beam: bool) -> None:
    """Run a federation of three sites and a robot on this machine, and a campaign to its answer.

    Everything in it is real but the robot and the institutions: three sites with their own keys, policies and
    ledgers, each a process, and a simulated robot behind a station, another. Ctrl-C ends everything cleanly; the same
    command goes on where it was.

    \b
    Example: yosegi demo --quick
    """
    from yosegi.cli.demo import run

    run(folder, port, quick, agent, fresh, stay, hpc, beam)
