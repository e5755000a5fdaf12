"""The planners that are compared, each behind the same call."""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
from dataclasses import dataclass
from pathlib import Path

import yosegi.planner
from benchmarks.planner.plain import Plain
from yosegi.planner import PLANNERS as OURS
from yosegi.planner import Planner


@dataclass(frozen=True, slots=True)
class Competitor:
    """One planner of the comparison.

    Attributes:
        name: what the command line calls it.
        title: what reports call it.
        distribution: whose version is recorded; empty for Yosegi's own, whose source is digested.
        setting: how it was used, in a few words for the report.
    """

    name: str
    title: str
    distribution: str
    setting: str

    def load(self) -> Planner:
        """The planner.

        Raises:
            ImportError: its library is not installed.
        """
        if self.name in ("yosegi", "random"):
            return OURS["gp" if self.name == "yosegi" else "random"]
        if self.name == "plain":
            return Plain()
        if self.name in ("ax", "baybe"):
            found: Planner = importlib.import_module(f"benchmarks.planner.peer_{self.name}").PLANNER
            return found
        return importlib.import_module("benchmarks.planner.adapters").ADAPTERS[self.name]

    def version(self) -> str:
        """What was measured: the library's version, or a digest of the planner's source."""
        if self.distribution:
            return f"{self.distribution} {importlib.metadata.version(self.distribution)}"
        return {"yosegi": _DIGEST, "plain": "plain 1"}.get(self.name, "seeded permutation")


def _digest() -> str:
    """The first 12 hexadecimal digits of the SHA-256 over the planner's own source (without its adapters)."""
    root = Path(yosegi.planner.__file__).parent
    sums = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        if "adapters" not in path.relative_to(root).parts:
            sums.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return f"yosegi source {sums.hexdigest()[:12]}"


_DIGEST = _digest()  # when the code is loaded: what is edited meanwhile is not what is measured

COMPETITORS = {
    c.name: c
    for c in (
        Competitor("yosegi", "Yosegi", "", "defaults"),
        Competitor("random", "random", "", "without replacement"),
        Competitor("plain", "plain recipe", "", "Matérn 5/2, a length scale a column, log EI"),
        Competitor("botorch", "BoTorch", "botorch", "SingleTaskGP, LogEI at every free candidate"),
        Competitor("ax", "Ax", "ax-platform", "its default model (BOTORCH_MODULAR), LogNEI at every free candidate"),
        Competitor("baybe", "BayBE", "baybe", "BotorchRecommender over its discrete search space"),
        Competitor("optuna-tpe", "Optuna TPE", "optuna", "TPESampler; the nearest free candidate"),
        Competitor("optuna-gp", "Optuna GP", "optuna", "GPSampler; the nearest free candidate"),
        Competitor("physbo", "PHYSBO", "physbo", "exact Gaussian process, EI at every free candidate"),
    )
}
