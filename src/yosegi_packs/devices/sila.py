"""Commands of a SiLA 2 server inside a task: each is called once, and what became of it is asked for by its execution.

SiLA has no key of the caller's: a call that is made again is another execution. So a call is on the station's disk
before it is made, and the UUID that the server gives its execution as soon as it is known. A task that was cut off asks
the server for that execution; where its UUID is not known, or the server knows it no more, a person has to look.
A server that has SiLA's LockController is locked for the station as long as its task commands it.
"""

from __future__ import annotations

import time
import tomllib
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from uuid import UUID

from sila2.client import ClientObservableCommand, ClientObservableCommandInstance, SilaClient
from sila2.framework import (
    CommandExecutionNotAccepted,
    CommandExecutionNotFinished,
    InvalidCommandExecutionUUID,
    SilaConnectionError,
    SilaError,
    ValidationError,
)

from yosegi.core.capability import Context, NeverHappened, Stopped
from yosegi.core.errors import Invalid
from yosegi_packs.devices.call_journal import CALLS, CallJournal, held_by_one
from yosegi_packs.devices.errors import DeviceError, NotATwin
from yosegi_packs.devices.fence import holder_name
from yosegi_packs.devices.sila_connection import ServerLock, SilaLocked, SilaRefused, connect, was_lost

FILE: Final = "sila.toml"
LOOK: Final = 0.05
"""Seconds between two looks whether an execution is over."""


class SilaFailed(DeviceError):
    """The server began the command, and says that it went wrong."""

    code = "sila_failed"


class SilaUnsettled(DeviceError):
    """Nobody knows whether a command was carried out: contact was lost before its execution was known, or over."""

    code = "sila_unsettled"


class SilaDevice:
    """One SiLA server that a task commands, as a context manager.

    Where it is stands in `sila.toml` of the station's folder, a table a device: `address` and `uuid` of the server, and
    `certificate`, the file of the authority that signs its certificate; without one, only a server on the station's own
    computer is talked to.

    Args:
        name: of the table.
        context: of the task; it must run in a station.
        simulated: whether the contract says that it is simulated; then the server's type must begin with `Simulated`,
            and else it must not.

    Example:
        with SilaDevice("dispenser", context, simulated=True) as dispenser:
            return Dispensed(dispenser.call("Dispenser", "Dispense", Volume=volume).Dispensed)
    """

    def __init__(self, name: str, context: Context, *, simulated: bool) -> None:
        if context.state is None:
            raise Invalid("a SiLA device", "there is no durable folder", "run the capability in a station")
        self._name, self._context, self._simulated = name, context, simulated
        self._folder, self._count = Path(context.state), 0
        self._journal = CallJournal(self._folder / CALLS)
        self._client: SilaClient | None = None
        self._lock: ServerLock | None = None
        self._held = ExitStack()
        self._is_open = False
        """Whether something was called that may still be carried out."""

    def __enter__(self) -> Self:
        """Connect, and see that the server is the one that is meant.

        Raises:
            Invalid: it is not described in the station's folder.
            Conflict: another task of this station commands it.
            SilaRefused: it does not answer, or is another one.
            SilaLocked: another client has locked it.
            NotATwin: it is simulated and should not be, or the other way round.
        """
        said = described(self._folder, self._name)
        self._held.enter_context(held_by_one(self._folder / f"sila-{self._name}.lock", self._name))
        try:
            self._open(said)
        except BaseException:
            self._close()
            raise
        return self

    def _open(self, said: Mapping[str, Any]) -> None:
        host, _, port = str(said["address"]).rpartition(":")
        try:
            self._client = connect(self._folder, host, int(port), str(said.get("certificate", "")))
            found = self._client.SiLAService.ServerUUID.get()
            kind = str(self._client.SiLAService.ServerType.get())
            if str(found).lower() != str(said["uuid"]).lower():
                raise SilaRefused(self._name, f"the server at {host}:{port} is {found}, and {said['uuid']} is meant")
            if kind.startswith("Simulated") != self._simulated:
                raise NotATwin(self._name, kind, "simulated" if self._simulated else "real")
            self._lock = ServerLock(self._client, self._name, holder_name(self._folder))
            self._lock.take()
        except (SilaConnectionError, SilaError, TimeoutError) as error:
            raise SilaRefused(self._name, f"{host}:{port} does not answer as a SiLA server ({error})") from None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection; what was called goes on, and the server stays locked while it may."""
        if self._lock is not None and not self._is_open:
            self._lock.release()
        self._close()

    def _close(self) -> None:
        with self._held:
            if self._client is not None:
                self._client.close()

    def get(self, feature: str, prop: str) -> Any:
        """A property, read now.

        Raises:
            SilaFailed: it cannot be read.
        """
        try:
            return getattr(getattr(self._client, feature), prop).get(metadata=self._metadata)
        except (SilaConnectionError, SilaError) as error:
            raise SilaFailed(self._name, f"{feature}.{prop} cannot be read: {error}") from None

    def call(self, feature: str, command: str, **parameters: Any) -> Any:
        """Have an observable command carried out, once; in a later attempt of the task its outcome is asked for.

        Returns:
            Its responses, by name.

        Raises:
            SilaRefused: the server did not begin it.
            SilaFailed: it went wrong.
            SilaUnsettled: nobody knows.
            Stopped: the task was told to stop; the command was asked to be cancelled where the server can do that.
        """
        self._count += 1
        call = {"key": self._context.key, "number": self._count, "feature": feature, "command": command}
        with self._journal.held() as calls:
            known = [one for one in calls if self._is_of(one, call)]
            if not known:
                self._journal.append(call | {"device": self._name, "state": "calling", "parameters": parameters})
        if known:
            return self._outcome(call, known)
        instance = self._begun(call, parameters)
        self._note(call, state="begun", execution=str(instance.execution_uuid))
        return self._finished(call, instance)

    def _is_of(self, step: Mapping[str, Any], call: Mapping[str, Any]) -> bool:
        """Whether a step on record is of a call; those of before do not name their device."""
        return step.get("device", self._name) == self._name and all(step.get(name) == call[name] for name in call)

    def _note(self, call: Mapping[str, Any], **what: Any) -> None:
        with self._journal.held():
            self._journal.append({**call, "device": self._name, **what})

    @property
    def _metadata(self) -> list[Any]:
        return [] if self._lock is None else self._lock.metadata

    def _begun(self, call: Mapping[str, Any], parameters: Mapping[str, Any]) -> ClientObservableCommandInstance[Any]:
        feature, command = str(call["feature"]), str(call["command"])
        try:
            self._is_open = True
            instance = getattr(getattr(self._client, feature), command)(**parameters, metadata=self._metadata)
        except (SilaConnectionError, SilaError) as error:
            if not (isinstance(error, ValidationError | CommandExecutionNotAccepted) or was_lost(error)):
                raise self._unsettled(feature, command, str(error)) from None
            self._is_open = False
            self._note(call, state="refused", why=str(error))
            if was_lost(error):
                raise SilaLocked(self._name) from None
            raise SilaRefused(self._name, f"{feature}.{command} was not accepted: {error}") from None
        if not isinstance(instance, ClientObservableCommandInstance):
            why = "it has no execution that could be asked for"
            raise self._unsettled(feature, command, why)
        instance.cancel_execution_info_subscription()
        return instance

    def _finished(self, call: Mapping[str, Any], instance: ClientObservableCommandInstance[Any]) -> Any:
        """Wait for the responses of an execution; until it is over, the server says that it is not finished."""
        feature, command = str(call["feature"]), str(call["command"])
        execution, self._is_open = instance.execution_uuid, True
        while True:
            try:
                responses = instance.get_responses()
                self._is_open = False
                self._note(call, state="done")
                return responses
            except CommandExecutionNotFinished:
                if self._context.stop_requested:
                    self._cancel(execution)
                    raise Stopped(f"{feature}.{command} was under way as execution {execution}") from None
                time.sleep(LOOK)
            except SilaConnectionError as error:
                raise self._unsettled(feature, command, f"contact was lost during {execution} ({error})") from None
            except InvalidCommandExecutionUUID:
                self._is_open = False  # it was started anew, and carries nothing out from before
                raise self._unsettled(feature, command, f"the server knows execution {execution} no more") from None
            except SilaError as error:
                self._is_open = False
                self._note(call, state="failed", why=str(error))
                raise SilaFailed(self._name, f"{feature}.{command}: {error}") from None

    def _outcome(self, call: Mapping[str, Any], known: list[dict[str, Any]]) -> Any:
        """What became of a call of an earlier attempt."""
        feature, command = str(call["feature"]), str(call["command"])
        if any(one["state"] == "refused" for one in known):
            raise SilaRefused(self._name, f"{feature}.{command} was not accepted: {known[-1]['why']}")
        execution = next((one["execution"] for one in known if "execution" in one), None)
        if execution is None:
            raise self._unsettled(feature, command, "the task was cut off before its execution was known")
        wrapped = getattr(getattr(self._client, feature), command)
        return self._finished(call, _EarlierExecution(wrapped, UUID(execution)))

    def _cancel(self, execution: UUID) -> None:
        """Ask the server to cancel an execution, where it has SiLA's core feature for that."""
        controller = getattr(self._client, "CancelController", None)
        if controller is not None:
            try:
                controller.CancelCommand(CommandExecutionUUID=str(execution), metadata=self._metadata)
            except (SilaConnectionError, SilaError):
                return  # what it did is looked at by a person, whatever came of this

    def _unsettled(self, feature: str, command: str, why: str) -> SilaUnsettled:
        return SilaUnsettled(
            self._name, f"nobody knows whether {feature}.{command} was carried out: {why}", "Look at the device"
        )


class _EarlierExecution(ClientObservableCommandInstance[Any]):
    """An execution that another process began: asked for its responses alone, where the library's own listens, too."""

    def __init__(self, command: ClientObservableCommand[Any, Any], execution: UUID) -> None:
        self._client_command, self._earlier = command, execution

    @property
    def execution_uuid(self) -> UUID:  # type: ignore[override]  # the library's own is a property, too
        """As the server named it."""
        return self._earlier


def never_called(context: Context) -> None:
    """For a query function: see that a task called something at all.

    Raises:
        NeverHappened: it called nothing.
    """
    with CallJournal(Path(str(context.state)) / CALLS).held() as calls:
        if not any(one["key"] == context.key for one in calls):
            raise NeverHappened("no command was called for this key")


def described(folder: Path, name: str, needs: Iterable[str] = ("address", "uuid")) -> Mapping[str, Any]:
    """The table of a server in `sila.toml` of a station's folder.

    Raises:
        Invalid: the file or the table is not there, or lacks what it needs.
    """
    path = folder / FILE
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))[name]
        missing = set(needs) - set(found)
    except FileNotFoundError:
        raise Invalid(str(path), "is not there", f"write [{name}] with address and uuid") from None
    except (KeyError, tomllib.TOMLDecodeError) as error:
        raise Invalid(str(path), f"does not describe {name} ({error})", "a table with address and uuid") from None
    if missing:
        raise Invalid(str(path), f"[{name}] lacks {', '.join(sorted(missing))}")
    return dict(found)
