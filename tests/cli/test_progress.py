from __future__ import annotations

import click
import pytest

from yosegi.cli._progress import RepetitionProgress, counted, duration


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_rest_is_estimated_from_what_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    pace = RepetitionProgress("Looking back", 3, 100.0, False, clock)
    for _ in pace.seeds():
        clock.now += 160.0
    told = capsys.readouterr().err.splitlines()
    assert told == [
        "Looking back: repetition 2 of 3; about 5 min left",
        "Looking back: repetition 3 of 3; about 3 min left",
    ]


def test_time_within_a_repetition_counts(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    progress = RepetitionProgress("Looking back", 2, 50.0, False, clock)
    left = []
    for _ in progress.seeds():
        clock.now += 60.0
        left.append(progress.left(5))
        clock.now += 40.0
    assert left == [60.0 / 5 * 95, 40.0]


def test_within_the_first_repetition_the_rest_is_estimated_from_its_steps(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    pace = RepetitionProgress("Looking back", 2, 50.0, False, clock)
    clock.now = 20.0
    pace.step(10)
    assert capsys.readouterr().err == "Looking back: repetition 1 of 2, 10 measurements; about 3 min left\n"


@pytest.mark.parametrize(("wanted", "made"), [(True, [0, 1, 2]), (False, [0])])
def test_a_long_rest_is_asked_about_once(monkeypatch: pytest.MonkeyPatch, wanted: bool, made: list[int]) -> None:
    clock, questions = Clock(), []

    def answer(question: str, **_: object) -> bool:
        questions.append(question)
        return wanted

    monkeypatch.setattr(click, "confirm", answer)
    done = []
    for seed in RepetitionProgress("Looking back", 3, 50.0, True, clock).seeds():
        clock.now += 100.0
        done.append(seed)
    assert done == made
    assert questions == ["Looking back: 2 more repetitions take about 3 min. Go on?"]


def test_a_short_rest_is_not_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(click, "confirm", lambda *_, **__: False)
    assert list(RepetitionProgress("Looking back", 3, 50.0, True, Clock()).seeds()) == [0, 1, 2]


def test_times_are_told_in_words() -> None:
    assert [duration(s) for s in (0.1, 8, 170, 7200)] == ["about 1 s", "about 8 s", "about 3 min", "about 2.0 h"]


def test_a_count_is_told_on_standard_error_every_few_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    told = counted("entries", lambda: now[0])
    for done in range(1, 13):
        now[0] += 1.0
        told(done, 12)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines() == ["5 of 12 entries", "10 of 12 entries"]
