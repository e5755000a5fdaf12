"""What a forked child does: give up what is its parent's, take its limits, call the capability, and end."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys
import time
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

from yosegi.core import canonical
from yosegi.core.capability import Capability
from yosegi.runner import _call
from yosegi.runner._system import die_with
from yosegi.runner.limits import Limits

_PROGRESS_EVERY = 0.1
_TEXT = 200


def be_a_child(
    capability: Capability[Any, Any],
    request: dict[str, Any],
    limits: Limits,
    *,
    parent: int,
    answer_to: int,
    print_to: int,
    close: Iterable[int],
) -> None:
    """Do the task of `request` and write to `answer_to`, a line each: P progress, M modules imported, R the answer."""
    _settle_in(limits, parent, print_to, close)
    sign = _call.StopSign()
    if capability.takes_context:
        sign.listen()
    # Blocked since before the fork, so that a stop that comes early is heard and not lost.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    folder = Path(request["folder"])
    folder.mkdir(mode=0o700)
    os.chdir(folder)
    os.environ["TMPDIR"] = os.environ["HOME"] = str(folder)
    before = len(sys.modules)
    context = _call.context_of(
        request["key"],
        folder,
        _reporter(answer_to),
        stopping=lambda: sign.raised,
        files=request.get("files"),
    )
    line = _call.answer(capability, request["inputs"], context, limits.output)
    # From the end, where the new ones are: to touch every name would copy the pages they share with the parent.
    if new := list(islice(reversed(sys.modules), max(0, len(sys.modules) - before)))[::-1]:
        _write(answer_to, b"M" + canonical.dumps(new) + b"\n")
    _write(answer_to, b"R" + line + b"\n")
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()


def _settle_in(limits: Limits, parent: int, print_to: int, close: Iterable[int]) -> None:
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    os.setsid()
    die_with(parent)
    os.dup2(print_to, 1)
    os.dup2(print_to, 2)
    for handle in {print_to, *close}:
        os.close(handle)
    os.umask(0o077)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_AS, limits.memory)
    _limit(resource.RLIMIT_FSIZE, limits.file_size)


def _limit(kind: int, amount: int) -> None:
    _, hard = resource.getrlimit(kind)
    amount = amount if hard == resource.RLIM_INFINITY else min(amount, hard)
    resource.setrlimit(kind, (amount, amount))


def _reporter(answer_to: int) -> Any:
    last = [-_PROGRESS_EVERY]

    def report(fraction: float, text: str) -> None:
        now = time.monotonic()
        if now - last[0] >= _PROGRESS_EVERY or fraction >= 1.0:
            last[0] = now
            _write(answer_to, b"P" + canonical.dumps([float(fraction), str(text)[:_TEXT]]) + b"\n")

    return report


def _write(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]
