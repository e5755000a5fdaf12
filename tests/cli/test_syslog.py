"""Lines for a log system, held against the examples of RFC 5424."""

from __future__ import annotations

from yosegi.cli._syslog import message


def test_a_message_with_structured_data_is_that_of_the_standard() -> None:
    # RFC 5424, section 6.5, example 4.
    data = {"iut": "3", "eventSource": "Application", "eventID": "1011"}
    expected = (
        "<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 "
        '[exampleSDID@32473 iut="3" eventSource="Application" eventID="1011"]'
    )
    host = "mymachine.example.com"
    made = message(20, 5, "2003-10-11T22:14:15.003Z", host, "evntslog", "ID47", data, sd_id="exampleSDID@32473")
    assert made == expected


def test_what_somebody_typed_ends_no_line_and_no_field() -> None:
    made = message(13, 4, "2026-11-30T00:00:00Z", "ri ken", "yosegi", "x y", {"actor": 'a"]\n<13>1 forged'})
    assert "\n" not in made
    assert made.split(" ")[2:6] == ["ri_ken", "yosegi", "-", "x_y"]
    assert made.endswith('[yosegi@32473 actor="a\\"\\] <13>1 forged"]')
