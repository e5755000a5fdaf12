"""The pages in a real browser: live, stoppable, readable in both languages, in the light and in the dark."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, TimeoutException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from web.house import PASSPHRASE, House, opened, spec

CHROMIUM = shutil.which("chromium")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --window-size=1280,900 --disable-dev-shm-usage"
)
AXE = Path(__file__).parent / "vendor" / "axe.min.js"
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here"),
]


class Browser:
    """Chromium, and what is asked of it again and again."""

    def __init__(self) -> None:
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM or ""
        for flag in FLAGS.split():
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver") or ""))
        self.driver.set_page_load_timeout(60)
        self.driver.set_script_timeout(60)

    def wait(self, done: Callable[[], Any], seconds: float = 60) -> Any:
        waiting = WebDriverWait(self.driver, seconds, 0.1, [StaleElementReferenceException])
        try:
            return waiting.until(lambda driver: done())
        except TimeoutException as error:
            said = [self.text("#link") if self.count("#link") else "", *self.errors()]
            raise AssertionError(f"waited in vain at {self.driver.current_url}; the page says {said}") from error

    def sign_in(self, house: House, who: str = "pi", site: str = "argonne") -> None:
        self.driver.get(house.url(site) + "/sign-in?lang=en")
        self.driver.find_element(By.NAME, "person").send_keys(f"{who}@{site}")
        self.driver.find_element(By.NAME, "passphrase").send_keys(PASSPHRASE)
        self.press("button.primary")
        self.wait(lambda: "sign-in" not in self.driver.current_url)

    def go(self, house: House, page: str, site: str = "argonne") -> None:
        self.driver.get(house.url(site) + page)
        self.live()

    def live(self) -> None:
        self.wait(lambda: "live" in self.text("#link") or "更新中" in self.text("#link"))

    def text(self, where: str) -> str:
        return str(self.driver.find_element(By.CSS_SELECTOR, where).text)

    def count(self, where: str) -> int:
        return len(self.driver.find_elements(By.CSS_SELECTOR, where))

    def press(self, where: str) -> None:
        self.driver.find_element(By.CSS_SELECTOR, where).click()

    def run(self, script: str) -> Any:
        return self.driver.execute_script(script)

    def errors(self) -> list[str]:
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def prefer(self, scheme: str) -> None:
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})

    def wide(self, width: int) -> None:
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with opened() as house:
        house.begin(spec(trials=4))
        house.until_over()
        yield house


@pytest.fixture(scope="module")
def browser(house: House) -> Iterator[Browser]:
    browser = Browser()
    browser.sign_in(house)
    browser.errors()
    yield browser
    with contextlib.suppress(Exception):
        browser.driver.quit()


def test_points_arrive_without_a_reload(house: House, browser: Browser) -> None:
    house.do(house.federation.places["nims"].running.dispatcher.hold("operator@nims", "a look"))
    house.begin(spec("growing", trials=6))
    browser.go(house, "/campaigns/growing")
    browser.run("window.marker = 'the same page'; document.querySelector('#plot').open = true")
    assert browser.count("#plot .chart circle") == 0
    house.do(house.federation.places["nims"].running.dispatcher.release("operator@nims", "go on"))
    browser.wait(lambda: browser.count("#plot .chart circle") >= 6)
    browser.wait(lambda: "ended" in browser.text("#head h1"))
    done = house.campaign("growing")
    browser.wait(lambda: browser.count("#rows > tr") == len(done.trials))
    numbers = browser.run("return [...document.querySelectorAll('#rows > tr')].map(row => row.id)")
    assert numbers == [f"trial-{n}" for n in range(len(done.trials), 0, -1)]
    assert browser.run("return window.marker") == "the same page"
    assert browser.errors() == []


def test_what_a_reader_opened_and_typed_stays_while_the_page_changes(house: House, browser: Browser) -> None:
    house.begin(spec("read", trials=400))
    browser.go(house, "/campaigns/read")
    browser.wait(lambda: browser.count("#trial-1 details"))
    browser.run("document.querySelector('#plot').open = false; document.querySelector('#trial-1 details').open = true")
    browser.driver.find_element(By.NAME, "why").send_keys("half a sen")
    before = browser.text("#rows > tr:first-child th")
    browser.wait(lambda: browser.text("#rows > tr:first-child th") != before)
    assert browser.run("return document.querySelector('#plot').open") is False
    assert browser.run("return document.querySelector('#trial-1 details').open") is True
    assert browser.run("return document.querySelector('[name=why]').value") == "half a sen"
    assert browser.run("return document.activeElement.name") == "why"

    browser.press("main form.steer button.stop")
    browser.wait(lambda: "stopped" in browser.text("#head h1"))
    browser.press("main form.steer button.abort")
    browser.wait(lambda: "aborted" in browser.text("#head h1"))
    assert str(house.campaign("read").state) == "aborted"


def test_the_page_catches_up_by_itself_after_its_site_was_killed_and_restarted(house: House, browser: Browser) -> None:
    house.begin(spec("broken", trials=25))
    browser.go(house, "/campaigns/broken?all=1")
    browser.run("window.marker = 'the same page'")
    browser.wait(lambda: browser.count("#plot .chart circle") >= 2)
    house.do(house.down("argonne"))
    browser.wait(lambda: "connection lost" in browser.text("#link"))
    house.do(house.up("argonne"))
    browser.live()
    house.until_over("broken")
    done = house.campaign("broken")
    valued = [t for t in done.trials if t.value is not None and t.source == "experiment"]
    browser.wait(lambda: browser.count("#plot .chart circle.dot") == len(valued))
    browser.wait(lambda: browser.count("#rows > tr") == len(done.trials))
    browser.wait(lambda: "ended" in browser.text("#head h1"))
    assert browser.run("return window.marker") == "the same page"
    browser.errors()


def test_a_page_whose_stream_could_not_be_opened_at_first_goes_live_when_it_can(house: House, browser: Browser) -> None:
    browser.driver.execute_cdp_cmd("Network.enable", {})
    browser.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*/toy/live*"]})
    browser.driver.get(house.url() + "/campaigns/toy")
    try:
        browser.wait(lambda: "connection lost" in browser.text("#link"))
        browser.run("window.marker = 'the same page'")
    finally:
        browser.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
    browser.live()
    assert browser.run("return window.marker") == "the same page"
    browser.errors()


def test_an_outcome_with_markup_does_nothing(house: House, browser: Browser) -> None:
    browser.go(house, "/campaigns/toy?all=1")
    browser.run("for (const d of document.querySelectorAll('#rows details')) d.open = true")
    assert "<img src=x onerror=" in browser.text("#rows")
    assert browser.count("#rows img, #rows script, main b b") == 0
    assert "owned" not in browser.driver.title
    assert browser.errors() == []


def test_a_page_elsewhere_cannot_press_a_button(house: House, browser: Browser) -> None:
    browser.go(house, "/tasks")
    token = browser.run("return document.querySelector('[name=form_token]').value")
    form = (
        f'<form method="post" action="{house.url()}/switch/hold"><input name="form_token" value="{token}">'
        "<button>win</button></form>"
    )
    browser.driver.get("data:text/html," + form.replace("#", "%23"))
    browser.press("button")
    browser.wait(lambda: browser.driver.current_url.startswith(house.url()))
    assert not house.federation.places["argonne"].running.dispatcher.is_stopped
    browser.errors()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize(
    "page",
    [
        "/",
        "/campaigns/toy",
        "/tasks",
        "/mandates",
        "/asked",
        "/search?q=toy",
        "/capabilities/nims/toy.make@1",
        "/catalogue",
        "/programme",
        "/campaigns/none-such",
    ],
)
def test_every_page_is_accessible_fits_and_logs_no_error(
    house: House, browser: Browser, page: str, width: int, scheme: str
) -> None:
    browser.prefer(scheme)
    browser.wide(width)
    browser.driver.get(f"{house.url()}{page}{'&' if '?' in page else '?'}lang={'ja' if width == 400 else 'en'}")
    if page in ("/", "/campaigns/toy", "/tasks", "/mandates"):
        browser.live()
        assert browser.errors() == []
    browser.errors()
    ground = browser.run("return getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(251, 249, 246)" if scheme == "light" else "rgb(21, 23, 26)")
    assert browser.run("return document.documentElement.scrollWidth <= innerWidth")
    assert browser.run("return document.documentElement.lang") == ("ja" if width == 400 else "en")
    browser.run("for (const d of document.querySelectorAll('details')) d.open = true")
    browser.driver.execute_script(AXE.read_text(encoding="utf-8"))
    found = browser.driver.execute_async_script(
        "const done = arguments[arguments.length - 1]; axe.run().then(r => done(JSON.stringify("
        "r.violations.map(v => [v.id, v.help, v.nodes.slice(0, 3).map(n => n.html.slice(0, 200))]))))"
    )
    assert json.loads(found) == []


@pytest.mark.parametrize("page", ["/catalogue", "/programme"])
def test_a_label_of_two_lines_on_a_narrow_page_makes_its_cell_taller(house: House, browser: Browser, page: str) -> None:
    browser.wide(400)
    browser.driver.get(house.url() + page)
    grown = browser.run(
        "const c = document.querySelector('table.cards tbody [data-label]'), h = c.offsetHeight;"
        "c.dataset.label = 'a label that is told in more than two or three lines of a card'; return c.offsetHeight - h"
    )
    assert grown > 15


def test_japanese_pages_are_japanese(house: House, browser: Browser) -> None:
    browser.go(house, "/campaigns/toy?lang=ja")
    assert "収束" in browser.text("#plot")
    assert "模擬" in browser.text("#head h1")
    browser.go(house, "/?lang=en")
    assert "Capabilities" in browser.text("main")
