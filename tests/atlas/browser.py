"""A headless Chromium with a page open, and what a person would do and see there."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class Page:
    """A page in the browser ``driver``."""

    def __init__(self, driver: Any, path: Path) -> None:
        self.driver, self.url = driver, path.as_uri()

    def open(self, address: str = "", width: int = 1366, height: int = 768) -> None:
        """Open the page anew; it is ready when this returns."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.driver.get("about:blank")
        self.driver.get(self.url + address)
        self.until("document.documentElement.dataset.ready")

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def until(self, condition: str, seconds: float = 30) -> Any:
        """What ``condition`` is once it is true; the test fails if it is not in time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if found := self.run(f"return {condition}"):
                return found
            time.sleep(0.03)
        raise AssertionError(f"{condition} is not true after {seconds} s")

    def settle(self) -> None:
        """Wait until what was last chosen is painted, and in the address."""
        self.until("Number(document.documentElement.dataset.shown) === turn")
        self.until("toHash(state) === location.hash")

    def choose(self, name: str, value: str) -> None:
        """Choose an option of a select, as a person does."""
        from selenium.webdriver.support.ui import Select

        Select(self.driver.find_element("id", name)).select_by_value(value)
        self.settle()

    def press(self, *keys: str, shift: bool = False, focused: bool = False) -> None:
        """Press keys one after the other, with no control in focus unless it is to stay there."""
        from selenium.webdriver.common.action_chains import ActionChains
        from selenium.webdriver.common.keys import Keys

        if not focused:
            self.run("document.activeElement.blur()")
        for key in keys:
            if shift:
                ActionChains(self.driver).key_down(Keys.SHIFT).perform()
            ActionChains(self.driver).send_keys(key).perform()
            if shift:
                ActionChains(self.driver).key_up(Keys.SHIFT).perform()
        self.settle()

    def click(self, selector: str) -> None:
        self.driver.find_element("css selector", selector).click()
        self.settle()

    @property
    def chosen(self) -> dict[str, str]:
        """What the address says."""
        return dict(parse_qsl(self.run("return location.hash.slice(1)")))

    def seen(self) -> dict[str, str]:
        """What every panel shows."""
        figures = "#side-a figure, .courses figure"
        return dict(
            self.run(
                f"return [...document.querySelectorAll('{figures}')]"
                ".map((one) => [one.dataset.panel ?? one.id, one.innerHTML])"
            )
        )

    def text(self) -> str:
        return str(self.run("return document.body.innerText"))

    def complaints(self) -> list[str]:
        """What the console has said since this was last asked."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """The addresses that were asked for since this was last asked."""
        import json

        messages = [
            json.loads(one["message"])["message"] for one in self.driver.get_log("performance")
        ]
        return [
            one["params"]["request"]["url"]
            for one in messages
            if one["method"] == "Network.requestWillBeSent"
        ]


@contextmanager
def chromium(folder: Path) -> Iterator[Any]:
    """A Chromium of its own that keeps its files in ``folder``."""
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    options = Options()
    options.binary_location = str(CHROMIUM)
    for argument in (*ARGUMENTS, f"--user-data-dir={folder}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
    try:
        yield driver
    finally:
        driver.quit()
