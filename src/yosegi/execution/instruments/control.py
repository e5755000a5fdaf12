"""Control samples: whether an instrument still measures what it should, by a Shewhart chart. Pure.

The rules are those of the NIST/SEMATECH e-Handbook of Statistical Methods, section 6.3.2, "What are Variables Control
Charts?" (https://www.itl.nist.gov/div898/handbook/pmc/section3/pmc32.htm): a value beyond three standard deviations of
the centre line; and, where asked for, the Western Electric rules beside it. Centre line and standard deviation are what
the owner states, not estimated from the values: a drift must not widen its own limits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

ControlRule = Literal["limits", "western_electric"]
_ZONES = ((3.0, 1, 1), (2.0, 2, 3), (1.0, 4, 5), (0.0, 8, 8))
"""Beyond so many standard deviations on one side: so many of the last so many values."""


def out_of_control(values: Sequence[float], target: float, sigma: float, rule: ControlRule = "limits") -> str:
    """Which rule the last of some values breaks, in words; empty if it is in control.

    Args:
        values: of the control, the latest last; at most the last eight are looked at.
        target: the centre line, in the output's unit.
        sigma: the standard deviation of one value, in the same unit; above 0.
        rule: `limits` alone, or the `western_electric` rules with them.

    Example:
        >>> out_of_control([10.1, 10.4], target=10.0, sigma=0.1)
        '10.4 is beyond 3 standard deviations from 10'
        >>> out_of_control([10.25, 10.0, 10.25], target=10.0, sigma=0.1, rule="western_electric")
        '2 of the last 3 are beyond 2 standard deviations from 10, on one side'
    """
    scores = [(value - target) / sigma for value in values]
    if not scores:
        return ""
    side = 1.0 if scores[-1] > 0 else -1.0
    for limit, least, last in _ZONES if rule == "western_electric" else _ZONES[:1]:
        beyond = [score * side > limit for score in scores[-last:]]
        if beyond[-1] and sum(beyond) >= least:
            if limit == _ZONES[0][0]:
                return f"{values[-1]:g} is beyond 3 standard deviations from {target:g}"
            what = f"beyond {limit:g} standard deviations from {target:g}" if limit else f"off {target:g}"
            return f"{least} of the last {last} are {what}, on one side"
    return ""
