"""The sandbox as a child process, and its page in a headless Chromium, driven as a person would."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from selenium.webdriver.remote.webelement import WebElement

ROOT = Path(__file__).resolve().parents[2]
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-lcd-text",
)  # fmt: skip
PATIENCE = 60.0
"""Seconds until a state that does not come is an error."""
SETTLED = 0.4
"""Seconds in which a page that has what it shows has drawn it."""


@contextmanager
def sandbox(*options: str) -> Iterator[dict[str, Any]]:
    """The addresses that a new sandbox prints (`{page, slack, nomad, ...}`); it is ended afterwards."""
    command = [sys.executable, "-m", "bot", "sandbox", "--no-browser", "--json", "--port", "0", *options]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True)  # noqa: S603  # our own command
    try:
        yield json.loads((child.stdout.readline() if child.stdout else "") or "{}")
    finally:
        child.terminate()
        child.wait(30)
        if child.stdout:
            child.stdout.close()


@contextmanager
def screen(address: str) -> Iterator[Screen]:
    """The page at that address in a browser of its own."""
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    with tempfile.TemporaryDirectory(prefix="nomatron-chromium-", ignore_cleanup_errors=True) as profile:
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        try:
            driver.get(address)
            yield Screen(driver)
        finally:
            driver.quit()


def tell(address: str, body: dict[str, Any]) -> None:
    """A simulator's switch that the page has no control for: a POST of JSON."""
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(address, json.dumps(body).encode(), headers)  # noqa: S310  # our own simulator
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310  # as above
        answer.read()


class Screen:
    """What a person does on the page, and what they see."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self._driver = driver
        self.size(1366, 768)

    def size(self, width: int, height: int) -> None:
        """The part of the page that is shown, in CSS pixels."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def dark(self, *, on: bool) -> None:
        """The colours that the system asks for."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if on else "light"}
        self._driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})

    def until(self, condition: Callable[[], Any]) -> Any:
        """What the condition answers, once it is true; what was drawn anew meanwhile is looked for again."""
        waiting = WebDriverWait(self._driver, PATIENCE, 0.1, ignored_exceptions=[StaleElementReferenceException])
        return waiting.until(lambda _: condition())

    def settle(self) -> None:
        """Waits until nothing on the page has moved for a moment."""
        body = self._driver.find_element(By.TAG_NAME, "body")
        before = ""
        while (now := body.text) != before:
            before = now
            self._driver.execute_async_script("setTimeout(arguments[1], arguments[0] * 1000)", SETTLED)

    def one(self, css: str) -> WebElement:
        """The last element of that kind that is shown, once there is one."""
        find = self._driver.find_elements
        return self.until(lambda: next((e for e in reversed(find(By.CSS_SELECTOR, css)) if e.is_displayed()), None))  # type: ignore[no-any-return]  # until answers what it is told to look for

    def hook(self, testid: str) -> WebElement:
        """The element with that `data-testid`."""
        return self.one(f'[data-testid="{testid}"]')

    def ready(self) -> None:
        """Waits until the first deploys are there."""
        self.one("body[data-ready]")
        self.until(lambda: not self._driver.find_elements(By.CSS_SELECTOR, '[data-testid="seed"]'))

    def be(self, person: str, channel: str) -> None:
        """Looks at a channel as somebody."""
        Select(self.hook("person")).select_by_value(person)
        self.hook(f"channel-{channel}").click()
        self.settle()

    def choose(self, testid: str, value: str) -> None:
        """Chooses in a switch."""
        Select(self.hook(testid)).select_by_value(value)

    def type(self, command: str) -> None:
        """Sends a command."""
        self.hook("composer").send_keys(f"{command}\n")

    def message(self, headline: str, holds: str = "") -> WebElement:
        """The newest message in the channel whose text begins so, once it holds that."""
        return self._holding(f'#messages article[data-testid="message"][aria-label^="{headline}"]', holds)

    def whisper(self, holds: str) -> WebElement:
        """The newest message for one person's eyes, once it holds that."""
        return self._holding('#messages article[data-testid="ephemeral"]', holds)

    def press(self, headline: str, action: str = "", *, testid: str = "") -> None:
        """Clicks a button of a message, by its action id or its `data-testid`, and says yes where it asks."""
        self.settle()
        css = f'[data-action="{action}"]' if action else f'[data-testid="{testid}"]'
        self.message(headline).find_element(By.CSS_SELECTOR, css).click()
        self.settle()
        for yes in self._driver.find_elements(By.CSS_SELECTOR, '[data-testid="confirm-yes"]'):
            yes.click()

    def scroll_to_end(self) -> None:
        """Shows the newest message of the channel."""
        self._driver.execute_script(
            "const list = document.getElementById('messages'); list.scrollTop = list.scrollHeight"
        )

    def page(self) -> bytes:
        """The whole page as PNG."""
        self.settle()
        return self._driver.get_screenshot_as_png()

    def _holding(self, css: str, holds: str) -> WebElement:
        def found() -> WebElement | None:
            element = self.one(css)
            return element if holds in element.text else None

        return self.until(found)  # type: ignore[no-any-return]  # until answers what it is told to look for
