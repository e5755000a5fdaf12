"""Strains: up to three reactions taken out of a stated list of candidates."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Literal, get_args

Knockout = Literal[
    "none",
    "ACKr",
    "AKGDH",
    "ALCD2x",
    "ATPS4r",
    "FRD7",
    "FUM",
    "G6PDH2r",
    "GLCpts",
    "GLUDy",
    "ICL",
    "LDH_D",
    "MDH",
    "ME2",
    "NADH16",
    "NADTRHD",
    "PDH",
    "PFL",
    "PGI",
    "PPC",
    "PPCK",
    "PTAr",
    "PYK",
    "RPE",
    "SUCDi",
    "TALA",
    "THD2",
    "TKT2",
]
"""`none`, or the BiGG identifier in the core model of a reaction to take out, with all its isoenzymes.

The 27 are the enzymes of central carbon and electron metabolism whose loss leaves the genome-scale model able to grow
without oxygen, one or two a pathway: fermentation (ACKr, ALCD2x, FRD7, LDH_D, PDH, PFL, PTAr), the phosphoenolpyruvate
node (GLCpts, PPC, PPCK, PYK, ME2), glycolysis and pentose phosphates (G6PDH2r, PGI, RPE, TALA, TKT2), the citric acid
cycle and glyoxylate (AKGDH, FUM, ICL, MDH, SUCDi), electrons and nitrogen (ATPS4r, GLUDy, NADH16, NADTRHD, THD2)."""

CANDIDATES: tuple[Knockout, ...] = tuple(k for k in get_args(Knockout) if k != "none")

Strain = tuple[Knockout, ...]
"""Knock-outs in the order of `CANDIDATES`, each once."""


def strain(*knockouts: Knockout) -> Strain:
    """The strain with these knock-outs; neither order nor repetition nor `none` makes a difference.

    Example:
        >>> strain("PFL", "none", "LDH_D"), strain("LDH_D", "PFL", "PFL")
        (('LDH_D', 'PFL'), ('LDH_D', 'PFL'))
    """
    return tuple(k for k in CANDIDATES if k in knockouts)


def strains(largest: int = 3) -> Iterator[Strain]:
    """Every strain with up to `largest` knock-outs, the wild type first.

    Example:
        >>> sum(1 for _ in strains())
        3304
    """
    for size in range(largest + 1):
        yield from itertools.combinations(CANDIDATES, size)


def triple(of: Strain) -> tuple[Knockout, Knockout, Knockout]:
    """The strain as three inputs, filled up with `none`.

    Example:
        >>> triple(("LDH_D",))
        ('LDH_D', 'none', 'none')
    """
    first, second, third = (*of, "none", "none", "none")[:3]
    return first, second, third
