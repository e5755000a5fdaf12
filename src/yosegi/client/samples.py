"""Samples in the Python client: registered, changed, split, pooled, handed over and received."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from yosegi.client.connection import Connection
from yosegi.services.samples.schemas import SampleDetail, SampleLabel, SampleParts, SampleSummary
from yosegi.services.samples.states import SampleChange
from yosegi.trust.samples import ConditionGiven, ConditionReceived

if TYPE_CHECKING:
    from yosegi.services.samples.arrivals import ArrivedSample


class SamplesClient:
    """The samples of one site, each named `site/name`. Made by `Client.samples`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __repr__(self) -> str:
        return f"<samples at {self._connection.url}>"

    def list(self, *, team: str = "", state: str = "", holder: str = "") -> tuple[SampleSummary, ...]:
        """The 200 samples that changed last of those the site knows; of a team, in a state or at a site alone."""
        given = {"team": team, "state": state, "holder": holder}
        query = urlencode({name: text for name, text in given.items() if text})
        return self._connection.get_all(SampleSummary, f"/samples?{query}" if query else "/samples")

    def show(self, sample: str) -> SampleDetail:
        """A sample's whole life over the site's ledger, with the other sites' signed words."""
        return self._connection.get(SampleDetail, f"/samples/{quote(sample)}")

    def label(self, sample: str) -> SampleLabel:
        """A label to print, with a QR code that says which sample it is."""
        return self._connection.get(SampleLabel, f"/samples/{quote(sample)}/label")

    def register(self, name: str, *, charter: str, team: str, label: str = "", place: str = "") -> SampleSummary:
        """Say that a sample was made at the site."""
        body = {"name": name, "charter": charter, "team": team, "label": label, "place": place}
        return self._connection.post(SampleSummary, "/samples", body)

    def change(self, sample: str, change: SampleChange, *, why: str = "", place: str | None = None) -> SampleSummary:
        """Say that a sample was moved, reserved, released, used up, lost or set aside."""
        body = {"why": why, "place": place}
        return self._connection.post(SampleSummary, f"/samples/{quote(sample)}/change/{change}", body)

    def split(self, sample: str, names: Sequence[str]) -> SampleParts:
        """Say that a sample was split into others."""
        return self._connection.post(SampleParts, f"/samples/{quote(sample)}/split", {"names": [*names]})

    def pool(self, samples: Sequence[str], name: str, *, label: str = "", place: str = "") -> SampleSummary:
        """Say that samples were put together into one."""
        body = {"samples": [*samples], "name": name, "label": label, "place": place}
        return self._connection.post(SampleSummary, "/samples/pool", body)

    def hand_over(self, sample: str, to: str, *, condition: ConditionGiven = "good", note: str = "") -> SampleSummary:
        """Have the site sign that a sample is given to another site."""
        body = {"to": to, "condition": condition, "note": note}
        return self._connection.post(SampleSummary, f"/samples/{quote(sample)}/hand-over", body)

    def ship(self, to: str, *, campaign: str = "", note: str = "") -> tuple[SampleSummary, ...]:
        """Have the site hand over whatever campaigns ask to be shipped to another and is available."""
        body = {"to": to, "campaign": campaign, "note": note}
        return self._connection.post_all(SampleSummary, "/samples/ship", body)

    def receive(
        self, sample: str, *, condition: ConditionReceived = "good", note: str = "", place: str = ""
    ) -> SampleSummary:
        """Have the site sign that a sample that was given to it is there, or never came."""
        body = {"condition": condition, "note": note, "place": place}
        return self._connection.post(SampleSummary, f"/samples/{quote(sample)}/receive", body)

    def receive_all(self, arrived: Sequence[ArrivedSample]) -> tuple[SampleSummary, ...]:
        """The same of several samples that came together, each with its condition: all of it is signed, or nothing."""
        body = {"samples": [one.model_dump(mode="json") for one in arrived]}
        return self._connection.post_all(SampleSummary, "/samples/receive", body)
