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
from yosegi.core.states import Effect, Result

REASONS = {
    "infeasible": "the point has no answer",
    "failed": "the capability raised an exception; its last line is the message",
    "bad_inputs": "the inputs do not hold what the contract says; the capability was not called",
    "bad_output": "it ended without an answer, or with one that is not what the contract says",
    "output_too_large": "it answered or printed more than is taken",
    "time_limit": "it ran longer than the contract allows and was ended",
    "crashed": "its process ended by itself, by a signal or with an error",
    "cancelled": "taken back before it had an effect",
    "never_happened": "the device was asked by key, and says that it has not done it",
    "not_started": "it could not be started; nothing happened",
    "station_silent": "the station may have begun it and has not been heard of for too long",
    "station_restarted": "the station ended between the start and the end of it",
    "stopped": "it was told to stop, by a person or because a right lapsed",
}
"""Every reason an engine gives, and what it means."""


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
        return ended_badly(effect, "bad_output", str(error))


def _stated(said: dict[str, Any], effect: EffectClass) -> Outcome:
    how, message = str(said.get("how")), str(said.get("message", ""))[:2000]
    spent = Amounts(said["spent"]) if isinstance(said.get("spent"), dict) else None
    if how == "valid":
        if not isinstance(said.get("outputs"), dict):
            raise Invalid("an answer", "has no outputs")
        return Outcome(effect=Effect.DONE, result=Result.VALID, outputs=said["outputs"], spent=spent)
    if how == "infeasible":
        return Outcome(effect=Effect.DONE, result=Result.INVALID, spent=spent, reason=how, message=message)
    if how in ("bad_inputs", "never_happened"):
        return never_began(how, message)
    if how in ("bad_output", "output_too_large"):
        # The capability returned, so what it does to the world is done, whatever its answer is worth.
        done = Effect.NONE if effect.repeatable else Effect.DONE
        return Outcome(effect=done, result=Result.INVALID, spent=spent, reason=how, message=message)
    if how in ("failed", "stopped"):
        known = {"none": Effect.NONE, "done": Effect.DONE}.get(str(said.get("effect")))
        outcome = ended_badly(effect, how, message)
        return outcome.model_copy(update={"spent": spent} | ({"effect": known} if known else {}))
    raise Invalid("an answer", f"says it ended {how!r}, which is no way to end")
