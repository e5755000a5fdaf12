"""Pages that are kept up to date are bounded for each person, so that one keeps nobody else from work."""

from __future__ import annotations

import contextlib

import pytest

from web.house import House
from yosegi.core.errors import Refused
from yosegi.web.open_streams import MOST_OF_PERSON, OpenStreams


def test_one_person_keeps_so_many_pages_open_and_others_open_theirs(house: House) -> None:
    with house.visitor(who="pi") as pi, house.visitor(who="operator") as operator, contextlib.ExitStack() as open_:
        for _ in range(MOST_OF_PERSON):
            assert open_.enter_context(pi.stream("GET", "/live")).status_code == 200
        refused = pi.get("/live")
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
        assert pi.get("/tasks").status_code == 200
        assert open_.enter_context(operator.stream("GET", "/live")).status_code == 200


def test_what_has_ended_counts_no_more() -> None:
    streams = OpenStreams(most_of_person=1, most=2)
    streams.take("a")
    with pytest.raises(Refused):
        streams.take("a")
    streams.give_back("a")
    streams.take("a")
    streams.take("b")
    with pytest.raises(Refused):
        streams.take("c")
