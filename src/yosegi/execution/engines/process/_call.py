"""One call of a capability inside a worker, and its answer as bytes. Nothing here is trusted by who reads them."""

from __future__ import annotations

import hashlib
import random
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from yosegi.core import canonical
from yosegi.core.capability import Capability, Context, Infeasible, NeverHappened, Stopped
from yosegi.core.contract import TooLarge
from yosegi.core.errors import Invalid
from yosegi.execution.engines.entry_points import how_to_get

LAST_WORDS = 2000
"""Characters of an explanation that are kept."""


def seed_of(key: str) -> int:
    """A seed that follows from a task's key alone: the first 63 bits of its SHA-256."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") >> 1


class StopSign:
    """Whether a task was asked to stop, by SIGTERM to the process it runs in."""

    def __init__(self) -> None:
        self.raised = False

    def listen(self) -> None:
        """From now on SIGTERM ends nothing by itself."""
        self.raised = False
        signal.signal(signal.SIGTERM, self._raise)

    def _raise(self, number: int, frame: object) -> None:
        self.raised = True


def context_of(
    key: str,
    folder: Path,
    report: Callable[[float, str], None],
    state: Path | None = None,
    stopping: Callable[[], bool] = lambda: False,
    files: Mapping[str, str] | None = None,
    seed: int | None = None,
) -> Context:
    """The context of a task; the global generators of `random` and NumPy start from its seed."""
    seed = seed_of(key) if seed is None else seed
    random.seed(seed)
    # Children forked from one process would otherwise all draw the same "random" numbers from NumPy.
    if (numpy_random := sys.modules.get("numpy.random")) is not None:
        numpy_random.seed(seed % 2**32)
    paths = {name: Path(path) for name, path in (files or {}).items()}
    return Context(key=key, seed=seed, folder=folder, state=state, report=report, stopping=stopping, files=paths)


def answer(
    capability: Capability[Any, Any], inputs: dict[str, Any], context: Context, limit: int, *, query: bool = False
) -> bytes:
    """Call the function and say how it went, as one line of canonical JSON of at most `limit` bytes.

    The answer holds `how`: `valid` with `outputs`; `infeasible`, `stopped`, `bad_inputs`, `bad_output`,
    `output_too_large` or `failed` with a `message`. A failure that knows its own effect says so in an attribute
    `effect` of its exception. With `query` nothing is done: the device is asked about the key of the context, and
    `how` may be `never_happened`.
    """
    said = _said(capability.ask if query else capability.call, capability, inputs, context)
    if context.spent:
        said["spent"] = dict(context.spent)
    try:
        line = canonical.dumps(said)
    except (Invalid, ValueError, TypeError, RecursionError) as error:
        line = canonical.dumps({"how": "bad_output", "message": str(error)[:LAST_WORDS]})
    if len(line) > limit:
        line = canonical.dumps({"how": "output_too_large", "message": f"{len(line)} bytes, and {limit} are taken"})
    return line


def _said(
    call: Callable[[dict[str, Any], Context], dict[str, Any]],
    capability: Capability[Any, Any],
    inputs: dict[str, Any],
    context: Context,
) -> dict[str, Any]:
    contract = capability.contract
    try:
        contract.check_inputs(inputs)
    except Invalid as error:
        return {"how": "bad_inputs", "message": str(error)}
    try:
        return {"how": "valid", "outputs": call(inputs, context)}
    except Infeasible as error:
        return {"how": "infeasible", "message": error.why[:LAST_WORDS]}
    except NeverHappened as error:
        return {"how": "never_happened", "message": error.why[:LAST_WORDS]}
    except Stopped as error:
        return {"how": "stopped", "message": error.why[:LAST_WORDS], "effect": error.effect}
    except BaseException as error:  # noqa: BLE001 - the capability is foreign code; whatever it raises is its answer
        if isinstance(error, TooLarge):
            return {"how": "output_too_large", "message": str(error)}
        if isinstance(error, Invalid) and error.what == f"outputs of {contract.name}":
            return {"how": "bad_output", "message": str(error)[:LAST_WORDS]}
        if _is_about_outputs(error):
            return {"how": "bad_output", "message": _last_line(error)}
        return _failure(capability, error)


def _failure(capability: Capability[Any, Any], error: BaseException) -> dict[str, Any]:
    said: dict[str, Any] = {"how": "failed", "message": _last_line(error)}
    if isinstance(error, ModuleNotFoundError):
        said["message"] += f". {how_to_get(error, capability.function.__module__)}"
    effect = getattr(error, "effect", None)
    return said | {"effect": effect} if effect in ("none", "done") else said


def _is_about_outputs(error: BaseException) -> bool:
    """Whether the function had returned, and only the check of its outputs broke (NaN, an object of no JSON type)."""
    return any(frame.f_code.co_name == "check_outputs" for frame, _ in traceback.walk_tb(error.__traceback__))


def _last_line(error: BaseException) -> str:
    text = "".join(traceback.format_exception_only(error)).strip()
    return text[-LAST_WORDS:] or type(error).__name__
