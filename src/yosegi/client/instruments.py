"""Instruments in the Python client: when they may be used, who has them, taken back and given back."""

from __future__ import annotations

from urllib.parse import quote

from yosegi.client.connection import Connection
from yosegi.services.instruments.schemas import InstrumentDetail


class InstrumentsClient:
    """The instruments of one site. Made by `Client.instruments`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __repr__(self) -> str:
        return f"<instruments at {self._connection.url}>"

    def list(self) -> tuple[InstrumentDetail, ...]:
        """Every instrument that has a name."""
        return self._connection.get_all(InstrumentDetail, "/instruments")

    def show(self, name: str) -> InstrumentDetail:
        """One instrument: when it may be used, who has it, until when and why."""
        return self._connection.get(InstrumentDetail, f"/instruments/{quote(name)}")

    def add_window(self, name: str, window: str, *, note: str = "") -> InstrumentDetail:
        """Say when it may be used besides: `mon-fri 09:00-17:00`, or a span as an ISO 8601 interval."""
        body = {"window": window, "note": note}
        return self._connection.post(InstrumentDetail, f"/instruments/{quote(name)}/windows", body)

    def withdraw_window(self, name: str, window: str, *, note: str = "") -> InstrumentDetail:
        """Take back a window that was added."""
        body = {"window": window, "note": note}
        return self._connection.post(InstrumentDetail, f"/instruments/{quote(name)}/windows/withdraw", body)

    def take_back(self, name: str, why: str) -> InstrumentDetail:
        """Bring what runs on it to its safe state, and let nothing use it until it is given back."""
        return self._connection.post(InstrumentDetail, f"/instruments/{quote(name)}/take-back", {"why": why})

    def give_back(self, name: str, why: str = "") -> InstrumentDetail:
        """Let it be used again."""
        return self._connection.post(InstrumentDetail, f"/instruments/{quote(name)}/give-back", {"why": why})
