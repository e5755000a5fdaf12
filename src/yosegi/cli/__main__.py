"""`python -m yosegi.cli`, the same as `yosegi`."""

from yosegi.cli import main

main(prog_name="yosegi")
