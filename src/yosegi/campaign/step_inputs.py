"""What goes into a step at a point, and what a trial's outputs say of its objectives and limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yosegi.campaign.spec import CampaignSpec, SourceSpec, StepSpec
from yosegi.core.contract import Contract

ERROR = "standard_error"


def inputs_of(
    spec: CampaignSpec,
    step: StepSpec,
    contract: Contract,
    values: Mapping[str, Any],
    outputs: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """The inputs of a step at a point: constants, parameters, columns of the candidate, outputs of earlier steps."""
    inputs: dict[str, Any] = {}
    for name in contract.inputs.get("properties", {}):
        if name in step.set:
            inputs[name] = step.set[name]
        elif name in step.bind:
            first, _, second = step.bind[name].partition(".")
            inputs[name] = outputs[first][second] if second else values[first]
        elif name in values:
            inputs[name] = values[name]
        elif name in spec.constants:
            inputs[name] = spec.constants[name]
    return inputs


def place_of(source: SourceSpec, contracts: Mapping[str, Contract], name: str) -> tuple[str, str] | None:
    """The step and output where a source yields an outcome; None where it does not."""
    if name in source.value:
        step, _, output = source.value[name].partition(".")
        return step, output
    for one in reversed(source.step):
        if name in contracts[one.capability].outputs.get("properties", {}):
            return one.name, name
    return None


def outcomes_of(
    spec: CampaignSpec, source: SourceSpec, contracts: Mapping[str, Contract], outputs: Mapping[str, Mapping[str, Any]]
) -> tuple[dict[str, Any], dict[str, float]]:
    """What a trial's outputs say: the value of each objective and limit, and its standard error where one is known.

    Raises:
        KeyError, TypeError, ValueError: an output that should be there is not, or is no number.
    """
    values: dict[str, Any] = {}
    errors: dict[str, float] = {}
    for name in spec.outcomes:
        place = place_of(source, contracts, name)
        if place is None:
            continue
        value = outputs[place[0]][place[1]]
        values[name] = value if name == spec.main.name and spec.main.goal == "boundary" else float(value)
        error = _error(spec, source, name, outputs)
        if error is not None:
            errors[name] = float(error)
    return values, errors


def _error(spec: CampaignSpec, source: SourceSpec, name: str, outputs: Mapping[str, Mapping[str, Any]]) -> Any:
    if name in source.error:
        step, _, output = source.error[name].partition(".")
        return outputs.get(step, {}).get(output)
    return outputs.get(source.step[-1].name, {}).get(ERROR) if len(spec.outcomes) == 1 else None
