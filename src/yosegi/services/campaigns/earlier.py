"""Earlier campaigns of this home site, as a new one learns from them: a copy on its own record, under their label."""

from __future__ import annotations

from collections.abc import Callable

from yosegi.campaign import Campaign
from yosegi.campaign.spec import CampaignSpec, EarlierRow, EarlierSpec, ParameterSpec
from yosegi.core.errors import Invalid
from yosegi.core.states import TrialState
from yosegi.governance.agreements.label import Label
from yosegi.planner.transfer import MOST

_STATUS = {TrialState.COMPLETED: "done", TrialState.INFEASIBLE: "infeasible"}
MOST_ROWS = 20 * MOST


def with_earlier(spec: CampaignSpec, get: Callable[[str], Campaign]) -> tuple[CampaignSpec, Label]:
    """The campaign with the measurements of each campaign that its `[[earlier]]` names, and their label.

    Args:
        spec: what is asked.
        get: a campaign that whoever starts this one may see.

    Raises:
        NotFound: no such campaign, or none that may be seen.
        Invalid: an outcome of the same name in another unit, or nothing measured there.
    """
    label, filled = Label(), []
    for earlier in spec.earlier:
        if earlier.campaign is None:
            filled.append(earlier)
            continue
        # Whatever rows came with the name are not believed: those of the campaign itself take their place.
        found = get(earlier.campaign)
        label = label | found.learned
        filled.append(_filled(spec, earlier, found))
    return spec.model_copy(update={"earlier": tuple(filled)}), label


def _filled(spec: CampaignSpec, earlier: EarlierSpec, found: Campaign) -> EarlierSpec:
    units = spec.outcome_units
    for name, unit in found.spec.outcome_units.items():
        if units.get(name, unit) != unit:
            why = f"{name} is in {unit!r} there, here in {units[name]!r}"
            raise Invalid(f"earlier campaign {earlier.campaign}", why, "state it in that unit")
    first = found.spec.source[0].name
    rows = tuple(
        EarlierRow.model_validate(
            {
                "values": dict(trial.values),
                "outcomes": dict(trial.outcomes),
                "errors": dict(trial.errors),
                "status": _STATUS[trial.state],
            }
        )
        for trial in found.trials
        if trial.source == first and trial.state in _STATUS and not trial.erased
    )
    if not rows:
        raise Invalid(f"earlier campaign {earlier.campaign}", "has measured nothing yet", "leave it out, or wait")
    parameters = tuple(_bounded(parameter, rows) for parameter in found.spec.parameter)
    return earlier.model_copy(update={"rows": rows[-MOST_ROWS:], "parameter": parameters})


def _bounded(parameter: ParameterSpec, rows: tuple[EarlierRow, ...]) -> ParameterSpec:
    """A parameter of a campaign over candidates has no bounds of its own: those of what was measured."""
    cells = [row.values[parameter.name] for row in rows]
    if parameter.kind in ("ordinal", "categorical"):
        levels = parameter.levels or tuple(sorted(set(cells), key=str))
        return parameter.model_copy(update={"levels": levels})
    if parameter.low is not None and parameter.high is not None:
        return parameter
    numbers = [float(cell) for cell in cells]
    return parameter.model_copy(update={"low": min(numbers), "high": max(numbers)})
