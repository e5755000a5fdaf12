"""Alerts, stopping, and erasures in the Python client."""

from __future__ import annotations

from typing import Literal
from urllib.parse import quote

from yosegi.client.connection import Connection
from yosegi.services.alerts.schemas import AlertAcknowledged, AlertDetail
from yosegi.services.erasure.schemas import ErasureOrdered, ErasureStatus
from yosegi.services.operations.schemas import (
    BackgroundTaskStatus,
    BreakerStatus,
    RestorationSettled,
    RestorationStatus,
    StationStatus,
    StopStatus,
)
from yosegi.services.sessions.schemas import SessionDetail, SessionEnded


class OperationsClient:
    """What people do with one whole site. Made by `Client.operations`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __repr__(self) -> str:
        return f"<operations of {self._connection.url}>"

    def alerts(self) -> tuple[AlertDetail, ...]:
        """What a person must look at."""
        return self._connection.get_all(AlertDetail, "/notices")

    def acknowledge(self, alert: str) -> AlertAcknowledged:
        """Say that an alert was seen, so that it is not repeated."""
        return self._connection.post(AlertAcknowledged, "/notices/acknowledge", {"notice": alert})

    def set_stop_level(self, word: Literal["hold", "stop", "abort", "release"], why: str = "") -> StopStatus:
        """Hold, safely stop or abort everything the site runs for anybody, or release it."""
        return self._connection.post(StopStatus, f"/switch/{word}", {"why": why})

    def sessions(self) -> tuple[SessionDetail, ...]:
        """Who is signed in: one's own sessions, or everybody's for those who run the site."""
        return self._connection.get_all(SessionDetail, "/sessions")

    def end_session(self, name: str) -> SessionEnded:
        """End a session by the name that `sessions` gives it."""
        return self._connection.post(SessionEnded, f"/sessions/{quote(name)}/end", {})

    def background(self) -> tuple[BackgroundTaskStatus, ...]:
        """What runs in the background of the site, and what of it failed; for operators."""
        return self._connection.get_all(BackgroundTaskStatus, "/background")

    def close_breaker(self, capability: str, why: str) -> BreakerStatus:
        """Say that a capability, `name@version`, works again."""
        return self._connection.post(BreakerStatus, f"/breakers/{quote(capability)}/close", {"why": why})

    def restoration(self) -> RestorationStatus:
        """What a restoration from a backup may have lost, and whether a person has settled it."""
        return self._connection.get(RestorationStatus, "/gap")

    def settle_restoration(self, why: str) -> RestorationSettled:
        """Say that the instruments were looked at after a restoration."""
        return self._connection.post(RestorationSettled, "/gap/settle", {"why": why})

    def settle_station(self, station: str, why: str) -> StationStatus:
        """Say that the instrument of a station that had forgotten what it did was looked at."""
        return self._connection.post(StationStatus, f"/stations/{quote(station)}/settle", {"why": why})

    def erase_task(self, task: str, why: str) -> ErasureOrdered:
        """Erase what was asked by a task, `home/owner/key`, and what came of it, at its home and its owner."""
        return self._connection.post(ErasureOrdered, "/erasures", {"task": task, "why": why})

    def erasures(self) -> tuple[ErasureStatus, ...]:
        """Everything that was erased or is to be: where it is gone, and who has not answered yet."""
        return self._connection.get_all(ErasureStatus, "/erasures")
