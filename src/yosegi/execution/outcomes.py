"""How the end of an attempt becomes an outcome: one table, whatever the work ran on.

What a worker says of its capability is believed only as far as its form goes; what the outputs are worth is held
against the contract by the owner.
"""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from yosegi.core import canonical
from yosegi.core.amounts import Amounts
from yosegi.core.contract import EffectClass
from yosegi.core.engine import Outcome
from yosegi.core.errors import Invalid
from yosegi.core.outcomes import OutcomeCode, code_of
from yosegi.core.states import Effect, Result

MOST_ATTEMPTS = 5
"""How often work that may be repeated is begun, where the site or the station ended each time before it did."""


def given_up(attempts: int, where: str) -> Outcome:
    """The outcome of repeatable work that may be what ends the process that runs it: it is not begun again."""
    return Outcome.failed(Effect.NONE, OutcomeCode.GIVEN_UP, f"{where} ended each of the {attempts} times that it ran")


def ended_badly(effect: EffectClass, reason: str, message: str = "") -> Outcome:
    """The work began and no answer came: without effect if it may be repeated at will, else of unknown effect."""
    return Outcome.failed(Effect.NONE if effect.repeatable else Effect.UNKNOWN, reason, message)


def never_began(reason: str, message: str = "") -> Outcome:
    """The capability was not called, and that is certain."""
    return Outcome.failed(Effect.NONE, reason, message)


def from_answer(answer: bytes | str, effect: EffectClass, limit: int) -> Outcome:
    """The outcome that a worker's answer states; rubbish becomes `bad_output`."""
    try:
        said = canonical.loads(answer, what="an answer", max_bytes=limit)
        if not isinstance(said, dict):
            raise Invalid("an answer", f"a {type(said).__name__} and no object")
        return _stated(said, effect)
    except (Invalid, ValidationError, ValueError) as error:
        return ended_badly(effect, OutcomeCode.BAD_OUTPUT, str(error))


def _stated(said: dict[str, Any], effect: EffectClass) -> Outcome:
    said_how, message = str(said.get("how")), str(said.get("message", ""))[:2000]
    spent = Amounts(said["spent"]) if isinstance(said.get("spent"), dict) else None
    if said_how == "valid":
        if not isinstance(said.get("outputs"), dict):
            raise Invalid("an answer", "has no outputs")
        return Outcome(effect=Effect.DONE, result=Result.VALID, outputs=said["outputs"], spent=spent)
    how = code_of(said_how)
    if how is OutcomeCode.INFEASIBLE:
        return Outcome(effect=Effect.DONE, result=Result.INVALID, spent=spent, reason=str(how), message=message)
    if how in (OutcomeCode.BAD_INPUTS, OutcomeCode.NEVER_HAPPENED):
        return never_began(how, message)
    if how in (OutcomeCode.BAD_OUTPUT, OutcomeCode.OUTPUT_TOO_LARGE):
        # The capability returned, so what it does to the world is done, whatever its answer is worth.
        done = Effect.NONE if effect.repeatable else Effect.DONE
        return Outcome(effect=done, result=Result.INVALID, spent=spent, reason=str(how), message=message)
    if how in (OutcomeCode.FAILED, OutcomeCode.STOPPED):
        known = {"none": Effect.NONE, "done": Effect.DONE}.get(str(said.get("effect")))
        outcome = ended_badly(effect, how, message)
        return outcome.model_copy(update={"spent": spent} | ({"effect": known} if known else {}))
    raise Invalid("an answer", f"says it ended {said_how!r}, which is no way to end")
