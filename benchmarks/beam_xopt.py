"""Xopt's constrained expected improvement behind two pipes, for `benchmarks.beam --xopt PYTHON`.

Xopt (Roussel et al., IPAC 2023, THPL164) needs torch, so it runs in an environment of its own and imports nothing of
Yosegi: one line of JSON says the question, then each line a measurement, and each answer is a line with the next point.
Its settings are its own defaults but for what a question says.
"""

from __future__ import annotations

import json
import logging
import sys
import warnings

import pandas as pd
import torch
from xopt import VOCS
from xopt.generators.bayesian import ExpectedImprovementGenerator


def main() -> None:
    """Read a question and measurements until the input ends.

    The question: `knobs` (names), `limit` (of each, both ways), `at_most` (of `log_loss`), `seed`, `safety` (whether
    within Xopt's trust region for safety). A measurement: a value of each knob, `orbit` and `log_loss`, and `ask`,
    whether a next point is wanted.
    """
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    asked = json.loads(sys.stdin.readline())
    torch.manual_seed(asked["seed"])
    vocs = VOCS(
        variables={name: [-asked["limit"], asked["limit"]] for name in asked["knobs"]},
        objectives={"orbit": "MINIMIZE"},
        constraints={"log_loss": ["LESS_THAN", asked["at_most"]]},
    )
    region = {"turbo_controller": "safety"} if asked["safety"] else {}
    generator = ExpectedImprovementGenerator(vocs=vocs, **region)
    for line in sys.stdin:
        measured = json.loads(line)
        wanted = measured.pop("ask")
        generator.add_data(pd.DataFrame([measured]))
        if wanted:
            [point] = generator.generate(1)
            print(json.dumps({name: float(point[name]) for name in asked["knobs"]}), flush=True)


if __name__ == "__main__":
    main()
