"""The guide, played to its end by a person with a browser, in front of the whole sandbox and the real bot."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from selenium.webdriver.common.keys import Keys

from sandbox.page import PAGES
from tests.sandbox.pages.conftest import Browser

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.browser

ROOT = PAGES.parents[1]  # where the `bot` package is, so that `python -m bot` finds it
LONG = 60


@pytest.fixture
def sandbox(tmp_path: Path):
    """The address of the page of a whole sandbox."""
    options = ["--json", "--no-browser", "--port", "0", "--speed", "200", "--data", str(tmp_path)]
    words = [sys.executable, "-m", "bot", "sandbox", *options]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout
        yield json.loads(process.stdout.readline())["page"]
        process.terminate()
        assert process.wait(30) == 0


class Newcomer(Browser):
    """Somebody who does what the guide says, with the button beside it."""

    patience = LONG
    pictures: Path

    def follows(self, step: int, *, acts: Callable[[], None] | None = None) -> None:
        self.until(lambda: self.hook(f"step-{step}").find_element("css selector", "[aria-current=step]"))
        setups = self.all("[data-testid=setup]")
        if setups:
            setups[0].click()
        if acts:
            acts()
        elif self.hook("composer").get_attribute("value"):
            self.hook("composer").send_keys(Keys.ENTER)
        self.until(lambda: self.hook(f"step-{step}").get_attribute("data-done") == "true")

    def promotes(self) -> None:
        self.presses("Promote…")
        self.one(".modal textarea").send_keys("SHOP-981")
        self.picture(self.pictures / "modal.png")
        self.hook("modal-submit").click()

    def presses(self, label: str) -> None:
        buttons = self.until(lambda: [found for found in self.all("[data-action]") if found.text == label])
        buttons[-1].click()

    def approves(self) -> None:
        self.presses("Approve")
        self.hook("confirm-yes").click()
        self.until(lambda: not self.all("[data-testid=confirm]"))


def test_the_guided_first_deploy(driver, sandbox, tmp_path):
    newcomer = Newcomer(driver)
    newcomer.pictures = tmp_path
    driver.get(sandbox)
    newcomer.one("body[data-ready]")
    newcomer.until(lambda: not newcomer.all("[data-testid=seed]"))
    for step in (1, 2, 3):
        newcomer.follows(step)
        newcomer.picture(tmp_path / f"step-{step}.png")
    newcomer.follows(4, acts=newcomer.promotes)
    for step in (5, 6, 7, 8, 9):
        newcomer.follows(step, acts=newcomer.approves)
        newcomer.picture(tmp_path / f"step-{step}.png")
    newcomer.until(lambda: newcomer.hook("step-11").get_attribute("data-done") == "true")
    newcomer.says("That was a governed deploy.")
    newest = newcomer.one('[data-testid="job-apps-checkout"] [data-testid="submission"]')
    assert "D-4" in newest.text
    driver.get("about:blank")
