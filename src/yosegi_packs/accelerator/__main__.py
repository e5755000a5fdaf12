"""What a demonstration or an operator does at the simulated ring: run its twin, and look at the truth afterwards."""

from __future__ import annotations

import json

import click
import numpy as np

from yosegi_packs.accelerator.machine import KNOBS, LIMIT, Machine, loss_of, rms
from yosegi_packs.accelerator.twin import ring_plan
from yosegi_packs.devices.twin import serve


@click.group()
def main() -> None:
    """The simulated storage ring."""


@main.command()
@click.option("--machine", default=1, show_default=True, help="Which errors the ring has.")
@click.option("--scale", default=1.0, show_default=True, help="Seconds of drift in one second.")
@click.option("--ca", default=0, help="Port of Channel Access; a free one if 0.")
@click.option("--pva", default=0, help="Port of PV Access searches; a free one if 0.")
def twin(machine: int, scale: float, ca: int, pva: int) -> None:
    """Serve the ring as a soft IOC until the standard input closes."""
    serve(ring_plan(machine, scale=scale), ca=ca, pva=pva)


@main.command()
@click.argument("machine", type=int)
@click.argument("kicks", nargs=len(KNOBS), type=float)
def truth(machine: int, kicks: tuple[float, ...]) -> None:
    """Say the true orbit and loss at KICKS, at rest, and at the best there is: only after the end."""
    ring = Machine(machine)
    best = np.clip(-1e6 * np.linalg.lstsq(ring.optics.response, ring.optics.rest, rcond=None)[0], -LIMIT, LIMIT)
    asked = {"rest": np.zeros(len(KNOBS)), "asked": np.array(kicks), "best": best}
    click.echo(json.dumps({
        name: {"kicks": one.tolist(), "orbit": rms(ring.orbit(one)), "loss": loss_of(ring.orbit(one))}
        for name, one in asked.items()
    }))  # fmt: skip


if __name__ == "__main__":
    main(prog_name="python -m yosegi_packs.accelerator")
