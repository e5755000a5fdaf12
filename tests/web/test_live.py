"""A page that stays open for a whole campaign: it shows what one opened at the end shows, and holds no more."""

from __future__ import annotations

import asyncio
import logging
import random
import re
from pathlib import Path

from federation.toys import spec, three_sites
from yosegi.campaign import parse_spec
from yosegi.testing.loop import run_simulated
from yosegi.web.live import Sent
from yosegi.web.plot import WIDTH, Dot, _thinned
from yosegi.web.views import LATEST, CampaignPage, Looking
from yosegi.web.words import Words

TRIALS = LATEST + 8
_PARTIAL = re.compile(r'<hx-partial hx-target="#([^"]+)" hx-swap="(\w+)">(.*?)</hx-partial>', re.DOTALL)
_ROW = re.compile(r'<tr id="(trial-\d+)"')


class Rows:
    """The rows of a browser's table, after the messages that it got."""

    def __init__(self) -> None:
        self.ids: list[str] = []

    def take(self, message: str) -> None:
        for target, how, content in _PARTIAL.findall(message):
            if how == "delete":
                self.ids.remove(target)
            elif target == "rows":
                self.ids = _ROW.findall(content) + (self.ids if how == "afterbegin" else [])


def test_a_page_open_for_a_whole_campaign_ends_as_one_that_is_opened_then(tmp_path: Path) -> None:
    logging.getLogger("yosegi").setLevel(logging.CRITICAL)

    async def story() -> None:
        federation = three_sites(tmp_path)
        federation.places["nims"].grant["samples"] = str(2 * TRIALS)  # type: ignore[index]
        await federation.start()
        home = federation.places["argonne"].running
        text = spec(TRIALS).partition('[[source]]\nname = "simulation"')[0]
        await home.campaigns.start(parse_spec(text), federation.member())
        looking = Looking(home, federation.member(), Words("en"), "/")
        view, sent, browser, most = CampaignPage(looking, "toy"), Sent(), Rows(), 0
        while not home.campaigns.get("toy").state.final:
            browser.take(sent.news(view))
            most = max(most, len(browser.ids))
            await asyncio.sleep(1.0)
        browser.take(sent.news(view))
        fresh = CampaignPage(looking, "toy")
        assert browser.ids == list(fresh.rows()) == list(view.rows())
        assert view.parts() == fresh.parts()
        # The latest, the best, and nothing that was there before.
        assert len(browser.ids) <= most <= LATEST + 1 < TRIALS

    run_simulated(story())


def test_a_plot_of_many_values_keeps_the_extremes_of_each_column_of_pixels_and_no_more() -> None:
    chance = random.Random(7)
    dots = [Dot(n * WIDTH / 5000, chance.random(), n, 0.0) for n in range(5000)]
    kept = _thinned(dots)
    assert len(kept) <= 2 * (WIDTH + 1)
    for column in range(round(WIDTH) + 1):
        there = {dot.y for dot in dots if round(dot.x) == column}
        left = {dot.y for dot in kept if round(dot.x) == column}
        assert left == ({min(there), max(there)} if there else set())


def test_a_plot_of_few_values_has_them_all() -> None:
    dots = [Dot(float(n), 1.0, n, 0.0) for n in range(100)]
    assert _thinned(dots) == tuple(dots)
