"""Health and figures of a running site, read by the field's own parser."""

from __future__ import annotations

import json
import logging

import pytest
from prometheus_client.parser import text_string_to_metric_families

from web.house import PASSPHRASE, House
from yosegi.app.logs import JsonLine, logging_to_stderr

TOKEN = "a long random text of the settings"


def figures(text: str) -> dict[tuple[str, ...], float]:
    """Samples by name and labels but the site's."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            assert sample.labels.pop("site") == "argonne"
            found[(sample.name, *sample.labels.values())] = sample.value
    return found


def test_health_is_told_to_everybody_and_tells_nothing_else(house: House) -> None:
    with house.visitor() as stranger:
        answer = stranger.get("/health")
    assert (answer.status_code, answer.json()) == (200, {"well": True})


def test_figures_are_for_the_token_and_for_operators(house: House) -> None:
    site = house.federation.places["argonne"].running
    with house.visitor() as client:
        # The settings name no token, so no text is the right one.
        assert client.get("/metrics").status_code == 404
        assert client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 404
        site.metrics.token = TOKEN
        assert client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 404
        assert client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
        for who, status in (("pi", 403), ("operator", 200)):
            given = client.post("/api/v1/session", json={"person": f"{who}@argonne", "passphrase": PASSPHRASE}).json()
            got = client.get("/metrics", headers={"Authorization": f"Bearer {given['token']}"})
            assert got.status_code == status


def test_figures_tell_ledger_queue_peers_and_background_work(house: House) -> None:
    site = house.federation.places["argonne"].running
    site.metrics.token = TOKEN
    with house.visitor() as client:
        text = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).text
    found = figures(text)
    assert 0 < found["yosegi_ledger_entries",] <= site.ledger.size
    assert found["yosegi_ledger_stopped",] == 0
    assert found["yosegi_tasks", "uncertain"] == 0
    assert {("yosegi_peer_silent_seconds", "demo", "riken"), ("yosegi_peer_waiting_messages", "demo", "nims")} <= set(
        found
    )
    assert found["yosegi_background_tasks", "running"] > 3
    assert found["yosegi_event_loop_lag_seconds",] >= 0


def test_a_log_line_is_one_json_object_whatever_it_repeats() -> None:
    record = logging.LogRecord("yosegi.x", logging.WARNING, "", 1, "said %s", ("a\n\x1b[2J\u202e",), None)
    line = JsonLine().format(record)
    assert "\n" not in line
    assert "\x1b" not in line
    told = json.loads(line)
    assert told["message"] == "said a\n\x1b[2J\u202e"
    assert (told["level"], told["logger"]) == ("warning", "yosegi.x")


def test_an_operator_chooses_from_which_level_on_lines_are_written(capsys: pytest.CaptureFixture[str]) -> None:
    with logging_to_stderr("info", "text"):
        logging.getLogger("yosegi.x").info("told")
        logging.getLogger("yosegi.x").debug("not told")
        logging.getLogger("other").info("not told either")
    logging.getLogger("yosegi.x").warning("told no more")
    assert capsys.readouterr().err == "INFO yosegi.x: told\n"
