"""Tuning an event generator to LEP: one question, asked of few events, of many, or of polynomials between runs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Final

import numpy as np

from yosegi.core.capability import Context, Fidelity, Infeasible, capability, quantity
from yosegi_packs.hep.averages import LEP, STABLE, values, variances
from yosegi_packs.hep.generator import Sample, generate
from yosegi_packs.hep.interpolation import PARAMETERS, shipped

__all__ = ["Tune", "score", "tune", "tune_full", "tune_interpolated", "tune_quick"]

FIELD = "particle physics"
NOISE = "finite sample; standard errors from the spread between events"
BIAS = "leading-order shower and string model; 5 % allowed per observable"
MODEL_ERROR: Final = 0.05

SETTINGS: Final = (
    "TimeShower:alphaSvalue",
    "StringZ:aLund",
    "StringZ:bLund",
    "StringPT:sigma",
    "StringFlav:probStoUD",
    "StringFlav:probQQtoQ",
)
"""PYTHIA's names of `PARAMETERS`, in their order."""

AlphaS = Annotated[float, quantity("1", ge=0.10, le=0.18, resolution=1e-4)]
ALund = Annotated[float, quantity("1", ge=0.0, le=2.0, resolution=0.01)]
BLund = Annotated[float, quantity("GeV-2", ge=0.2, le=2.0, resolution=0.01)]
SigmaPt = Annotated[float, quantity("GeV", ge=0.1, le=0.8, resolution=0.001)]
Strangeness = Annotated[float, quantity("1", ge=0.05, le=0.6, resolution=0.001)]
Diquarks = Annotated[float, quantity("1", ge=0.01, le=0.3, resolution=0.001)]
Events = Annotated[int, quantity("1", ge=50, le=500_000)]


@dataclass(frozen=True)
class Tune:
    """Means per hadronic Z decay, and how far they are from LEP's.

    Args:
        pull: root mean square of (generated - measured) / σ over the fourteen observables, freed of the sample's own
            noise; what a tuning minimises. Below 1, the tune is as good as the model is expected to be.
        pull_error: standard error of `pull`.
        charged: mean charged multiplicity.
        charged_error: its standard error.
        one_minus_thrust: mean of 1 - T.
        c_parameter: mean C-parameter.
        thrust_major: mean of T_major.
        sphericity: mean sphericity.
        pions: charged pions.
        neutral_pions: π⁰.
        charged_kaons: K⁺ and K⁻.
        neutral_kaons: K0S and K0L.
        protons: p and anti-p.
        lambdas: Λ and anti-Λ.
        excited_kaons: K*(892)⁰ and its antiparticle.
        phis: φ(1020).
        xis: Ξ⁻ and anti-Ξ⁺.
        events: that were kept; 0 where the answer is interpolated.
    """

    pull: Annotated[float, quantity("1", ge=0)]
    pull_error: Annotated[float, quantity("1", ge=0)]
    charged: Annotated[float, quantity("1", ge=0)]
    charged_error: Annotated[float, quantity("1", ge=0)]
    one_minus_thrust: Annotated[float, quantity("1", ge=0, le=1)]
    c_parameter: Annotated[float, quantity("1", ge=0, le=1)]
    thrust_major: Annotated[float, quantity("1", ge=0, le=1)]
    sphericity: Annotated[float, quantity("1", ge=0, le=1)]
    pions: Annotated[float, quantity("1", ge=0)]
    neutral_pions: Annotated[float, quantity("1", ge=0)]
    charged_kaons: Annotated[float, quantity("1", ge=0)]
    neutral_kaons: Annotated[float, quantity("1", ge=0)]
    protons: Annotated[float, quantity("1", ge=0)]
    lambdas: Annotated[float, quantity("1", ge=0)]
    excited_kaons: Annotated[float, quantity("1", ge=0)]
    phis: Annotated[float, quantity("1", ge=0)]
    xis: Annotated[float, quantity("1", ge=0)]
    events: Annotated[int, quantity("1", ge=0)]


def score(sample: Sample, model_error: float = MODEL_ERROR) -> tuple[float, float]:
    """Root mean square pull against `LEP` and its standard error.

    With m the sample's means, C their covariance, r the measured values and W = diag(1/σ²), the mean square pull is
    [(m - r)ᵀ W (m - r) - tr WC] / n: the trace takes out what a finite sample adds by chance, so that few events are
    not worse on average, only less sure. Its variance is [4 (m - r)ᵀ WCW (m - r) + 2 tr WCWC] / n² for normal means.
    σ² is the measurement's plus (5 % of the value)², the flat allowance for the model of Skands, Carrazza and Rojo,
    Eur. Phys. J. C 74, 3024 (2014), without which a tune overfits the best-measured numbers.
    """
    off = sample.means - values()
    weight = 1.0 / variances(model_error)
    spread = weight[:, None] * sample.covariance
    square = (off @ (weight * off) - np.trace(spread)) / len(LEP)
    tilt = weight * off
    error = math.sqrt(4.0 * tilt @ sample.covariance @ tilt + 2.0 * np.trace(spread @ spread)) / len(LEP)
    # The square may fall below zero by chance; the root is taken at zero there, its error at the error's own size.
    return math.sqrt(max(0.0, square)), 0.5 * error / (math.sqrt(max(square, error)) or 1.0)


@capability(
    "hep.tune@2",
    kind="simulation",
    effect="pure",
    field=FIELD,
    cost={"node_h": "0.2"},
    time_limit=1200,
    simulated=True,
    fidelity=Fidelity(of="pull", level="the number of events asked for", noise=NOISE, bias=BIAS),
)
def tune(
    alpha_s: AlphaS = 0.1365,
    a_lund: ALund = 0.68,
    b_lund: BLund = 0.98,
    sigma_pt: SigmaPt = 0.335,
    strangeness: Strangeness = 0.217,
    diquarks: Diquarks = 0.081,
    events: Events = 4000,
    decay_length: Annotated[float, quantity("mm", ge=1.0, le=1000.0)] = STABLE,
    context: Context | None = None,
) -> Tune:
    """Distance of an event generator from LEP's hadronic Z decays (simulated).

    Generates e⁺e⁻ → Z → hadrons at 91.1876 GeV with PYTHIA 8.3 (Bierlich et al., SciPost Phys. Codebases 8 (2022))
    and compares charged multiplicity, event shapes (thrust, T_major, C-parameter, sphericity) and the rates of nine
    hadrons with what LEP measured; values, errors and sources are in `yosegi_packs.hep.averages`. The defaults are
    the Monash 2013 tune.

    Decay convention: particles with cτ above `decay_length` are stable. The default, 90 mm, is LEP's 3e-10 s, under
    which products of K0S and Λ count; at the LHC's 10 mm the charged multiplicity is about two lower and must not be
    compared with LEP's.

    Args:
        alpha_s: strong coupling of the final-state shower, α_s(M_Z) (TimeShower:alphaSvalue).
        a_lund: a of the Lund fragmentation function (StringZ:aLund).
        b_lund: b of the Lund fragmentation function (StringZ:bLund).
        sigma_pt: width of the transverse momentum in string breaks (StringPT:sigma).
        strangeness: strange over up or down in string breaks (StringFlav:probStoUD).
        diquarks: diquark over quark in string breaks (StringFlav:probQQtoQ).
        events: to generate: the fidelity.
        decay_length: proper decay length above which a particle is stable.
        context: of the task; its key seeds the generator.

    Raises:
        GeneratorRefused: PYTHIA does not take the settings or loses events.
    """
    point = (alpha_s, a_lund, b_lund, sigma_pt, strangeness, diquarks)
    settings = dict(zip(SETTINGS, point, strict=True))
    told = {"progress": context.progress} if context else {}
    sample = generate(settings, events, decay_length, context.seed if context else 0, **told)
    return _told(sample, sample.events)


def _told(sample: Sample, events: int) -> Tune:
    pull, pull_error = score(sample)
    means = {
        average.name: max(0.0, mean) for average, mean in zip(LEP, sample.means.tolist(), strict=True)
    }  # a polynomial may fall below zero for what is rare
    charged_error = math.sqrt(sample.covariance[0, 0])
    return Tune(pull=pull, pull_error=pull_error, charged_error=charged_error, events=events, **means)


@capability(
    "hep.tune-interpolated@1",
    kind="simulation",
    effect="pure",
    field=FIELD,
    cost={"node_h": "0.001"},
    time_limit=120,
    simulated=True,
    fidelity=Fidelity(
        of="pull",
        level="polynomials through the shipped runs",
        noise="none: the same question has the same answer; pull_error is that of the interpolation",
        bias="of the polynomials, within pull_error; " + BIAS,
    ),
)
def tune_interpolated(
    alpha_s: AlphaS,
    a_lund: ALund,
    b_lund: BLund,
    sigma_pt: SigmaPt,
    strangeness: Strangeness,
    diquarks: Diquarks,
) -> Tune:
    """Distance of an event generator from LEP, read off polynomials: the cheapest source (simulated).

    Professor's method (Buckley et al., Eur. Phys. J. C 65, 331 (2010)): each observable is a polynomial of the six
    parameters, fitted to generator runs that ship with the pack. It says nothing outside them.

    Args:
        alpha_s: strong coupling of the final-state shower, α_s(M_Z).
        a_lund: a of the Lund fragmentation function.
        b_lund: b of the Lund fragmentation function.
        sigma_pt: width of the transverse momentum in string breaks.
        strangeness: strange over up or down in string breaks.
        diquarks: diquark over quark in string breaks.

    Raises:
        Infeasible: a parameter lies outside the runs.
    """
    point, through = (alpha_s, a_lund, b_lund, sigma_pt, strangeness, diquarks), shipped()
    beyond = [
        f"{PARAMETERS[n]} = {point[n]:g} is outside {low:g} to {high:g}" for n, low, high in through.outside(point)
    ]
    if beyond:
        raise Infeasible(f"no run is near enough: {'; '.join(beyond)}; ask hep.tune-quick instead")
    return _told(through.sample(point), 0)


@capability(
    "hep.tune-quick@2",
    kind="simulation",
    effect="pure",
    field=FIELD,
    cost={"node_h": "0.001"},
    time_limit=120,
    simulated=True,
    fidelity=Fidelity(of="pull", level="500 events", noise=NOISE, bias=BIAS),
)
def tune_quick(
    alpha_s: AlphaS,
    a_lund: ALund,
    b_lund: BLund,
    sigma_pt: SigmaPt,
    strangeness: Strangeness,
    diquarks: Diquarks,
    context: Context | None = None,
) -> Tune:
    """Distance of an event generator from LEP with 500 events: the cheap source (simulated).

    `hep.tune@2` in LEP's decay convention.

    Args:
        alpha_s: strong coupling of the final-state shower, α_s(M_Z).
        a_lund: a of the Lund fragmentation function.
        b_lund: b of the Lund fragmentation function.
        sigma_pt: width of the transverse momentum in string breaks.
        strangeness: strange over up or down in string breaks.
        diquarks: diquark over quark in string breaks.
        context: of the task; its key seeds the generator.

    Raises:
        GeneratorRefused: PYTHIA does not take the settings or loses events.
    """
    return tune(alpha_s, a_lund, b_lund, sigma_pt, strangeness, diquarks, 500, context=context)


@capability(
    "hep.tune-full@2",
    kind="simulation",
    effect="pure",
    field=FIELD,
    cost={"node_h": "0.02"},
    time_limit=600,
    simulated=True,
    fidelity=Fidelity(of="pull", level="4,000 events", noise=NOISE, bias=BIAS),
)
def tune_full(
    alpha_s: AlphaS,
    a_lund: ALund,
    b_lund: BLund,
    sigma_pt: SigmaPt,
    strangeness: Strangeness,
    diquarks: Diquarks,
    context: Context | None = None,
) -> Tune:
    """Distance of an event generator from LEP with 4,000 events: the costly source (simulated).

    `hep.tune@2` in LEP's decay convention.

    Args:
        alpha_s: strong coupling of the final-state shower, α_s(M_Z).
        a_lund: a of the Lund fragmentation function.
        b_lund: b of the Lund fragmentation function.
        sigma_pt: width of the transverse momentum in string breaks.
        strangeness: strange over up or down in string breaks.
        diquarks: diquark over quark in string breaks.
        context: of the task; its key seeds the generator.

    Raises:
        GeneratorRefused: PYTHIA does not take the settings or loses events.
    """
    return tune(alpha_s, a_lund, b_lund, sigma_pt, strangeness, diquarks, 4000, context=context)
