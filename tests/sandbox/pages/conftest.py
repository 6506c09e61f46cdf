"""The page in a headless Chromium, in front of the simulated Slack, a stand-in bot and a stand-in Nomad."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import threading
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

from sandbox import story
from sandbox.page import Page
from sandbox.slack.server import SimulatedSlack
from tests.sandbox.standins import TOKEN, StandInBot, StandInNomad

CHROMIUM, DRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--window-size=1366,768",
)  # fmt: skip
PATIENCE = 60


class Shop:
    """The servers behind the page, on a loop of their own so that a browser can be driven beside them."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.bot, self.nomad = StandInBot(), StandInNomad()
        self.slack: SimulatedSlack
        self.page: Page
        self.address = ""

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(PATIENCE)

    def open(self) -> None:
        self._thread.start()
        self.run(self._open())

    def close(self) -> None:
        self.run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def post(self, channel: str, **message) -> str:
        """The bot posts a message; returns its ts."""
        return self.run(self.bot.call("chat.postMessage", channel=channel, **message))["ts"]

    async def _open(self) -> None:
        self.slack = SimulatedSlack(story.workspace(), "secret", TOKEN)
        self.slack.request_url = await self.bot.start()
        self.bot.slack = await self.slack.start()
        self.page = Page(
            slack=self.bot.slack,
            nomad=await self.nomad.start(),
            bot=None,
            about={"cast": story.about_the_cast()},
            guide=story.guide().update,
            watchers=story.WATCHED,
        )
        self.address = await self.page.start(0)

    async def _close(self) -> None:
        await self.page.stop()
        await self.slack.stop()
        await self.nomad.stop()
        await self.bot.stop()


class Browser:
    """What a person does and sees; `patience` is in seconds."""

    patience = PATIENCE

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def all(self, css: str) -> list:
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def one(self, css: str):
        """The element, once it is there and shown."""
        return self.until(lambda: next((found for found in self.all(css) if found.is_displayed()), None))

    def hook(self, testid: str):
        return self.one(f'[data-testid="{testid}"]')

    def until(self, condition):
        # What was found may be drawn anew before it is looked at: then it is looked for again.
        waiting = WebDriverWait(self.driver, self.patience, 0.05, ignored_exceptions=[StaleElementReferenceException])
        return waiting.until(lambda _: condition())

    def become(self, person: str) -> None:
        Select(self.hook("person")).select_by_value(person)

    def says(self, text: str):
        """Waits until the text is on the page."""
        return self.until(lambda: text in self.one("body").text)

    def picture(self, path: Path) -> None:
        self.driver.save_screenshot(str(path))


@pytest.fixture
def shop():
    shop = Shop()
    shop.open()
    yield shop
    shop.close()


@pytest.fixture(scope="session")
def driver():
    if not (CHROMIUM.exists() and DRIVER.exists()):
        pytest.skip("Debian's chromium and chromium-driver are not there (make test-deps)")
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    profile = tempfile.mkdtemp(prefix="nomatron-chromium-")
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
    yield driver
    driver.quit()
    shutil.rmtree(profile, ignore_errors=True)


@pytest.fixture
def browser(driver, shop):
    browser = Browser(driver)
    driver.get(shop.address)
    browser.one("body[data-ready]")
    yield browser
    driver.get("about:blank")  # the page must not look for servers that the next test does not have
    driver.get_log("browser")
