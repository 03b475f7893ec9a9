"""A headless Chromium, driven by chromedriver (W3C WebDriver over HTTP)."""

import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar

import requests

T = TypeVar("T")

WITHIN = 30.0
"""Seconds that a condition may take."""
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
"""The key of a reference to an element (WebDriver, section 12.1)."""


def is_installed() -> bool:
    """Whether this machine has the browser and its driver."""
    return bool(shutil.which("chromium") and shutil.which("chromedriver"))


class Browser:
    """One window. Use as a context manager.

    Args:
        width, height: of the page, pixels.
        dark: whether the system prefers dark colours.
    """

    def __init__(self, width: int = 1440, height: int = 900, *, dark: bool = False) -> None:
        self._size = (width, height)
        self._dark = dark
        self._http = requests.Session()
        self._http.trust_env = False

    def __enter__(self) -> Self:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self._driver = subprocess.Popen(["chromedriver", f"--port={port}", "--log-level=SEVERE"])
        self._url = f"http://127.0.0.1:{port}"
        try:
            self.until(self._is_ready)
            arguments = ["--headless", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
            wanted = {
                "goog:chromeOptions": {"args": arguments},
                "goog:loggingPrefs": {"browser": "ALL"},
            }
            made = self._ask("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
            self._url += f"/session/{made['sessionId']}"
            self.resize(*self._size)
            scheme = {"name": "prefers-color-scheme", "value": "dark" if self._dark else "light"}
            self.devtools("Emulation.setEmulatedMedia", {"features": [scheme]})
        except BaseException:
            self._driver.kill()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._ask("DELETE", "", None)
        finally:
            self._http.close()
            self._driver.terminate()
            self._driver.wait()

    def resize(self, width: int, height: int) -> None:
        """Changes the size of the page, pixels."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.devtools("Emulation.setDeviceMetricsOverride", metrics)

    def open(self, url: str) -> None:
        """Opens an address."""
        self._ask("POST", "/url", {"url": url})

    def run(self, script: str, *arguments: Any) -> Any:
        """Runs the body of a function in the page; returns its value, awaited if a promise."""
        return self._ask("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def devtools(self, command: str, parameters: dict[str, Any]) -> Any:
        """Sends a command of the DevTools protocol."""
        body = {"cmd": command, "params": parameters}
        return self._ask("POST", "/goog/cdp/execute", body)

    def find(self, xpath: str) -> str:
        """The first visible element, as a reference, as soon as there is one."""
        return self.until(lambda: next(iter(self._visible(xpath)), None), xpath)

    def text(self, xpath: str) -> str:
        """The visible text of an element, as soon as there is one."""
        found: str = self._ask("GET", f"/element/{self.find(xpath)}/text", None)
        return found

    def click(self, xpath: str) -> None:
        """Clicks on an element, as soon as there is one; again if it was just replaced."""

        def clicked() -> bool:
            try:
                self._ask("POST", f"/element/{self.find(xpath)}/click", {})
            except DriverError:
                return False
            return True

        self.until(clicked, f"a click on {xpath}")

    def press(self, *keys: str) -> None:
        """Presses keys, one after the other."""
        pressed = [{"type": way, "value": key} for key in keys for way in ("keyDown", "keyUp")]
        self._ask("POST", "/actions", {"actions": [{"type": "key", "id": "k", "actions": pressed}]})

    def complaints(self) -> list[str]:
        """What the console has said since the last time: errors and refusals of the policy."""
        logged = self._ask("POST", "/se/log", {"type": "browser"})
        return [one["message"] for one in logged if one["level"] in {"SEVERE", "WARNING"}]

    def picture(self) -> str:
        """A PNG of the page, base64."""
        found: str = self.devtools("Page.captureScreenshot", {"captureBeyondViewport": True})[
            "data"
        ]
        return found

    @staticmethod
    def until(condition: Callable[[], T | None], what: str = "the browser is ready") -> T:
        """The first true result of a condition.

        Raises:
            AssertionError: there was none in time.
        """
        deadline = time.monotonic() + WITHIN
        while not (result := condition()):
            assert time.monotonic() < deadline, f"not after {WITHIN:g} s: {what}"
            time.sleep(0.05)
        return result

    def _visible(self, xpath: str) -> list[str]:
        found = self._ask("POST", "/elements", {"using": "xpath", "value": xpath})
        elements = [one[ELEMENT] for one in found]
        return [one for one in elements if self._is_displayed(one)]

    def _is_displayed(self, element: str) -> bool:
        try:
            return bool(self._ask("GET", f"/element/{element}/displayed", None))
        except DriverError:  # it was replaced meanwhile
            return False

    def _is_ready(self) -> bool:
        try:
            return bool(self._ask("GET", "/status", None)["ready"])
        except requests.ConnectionError:
            return False

    def _ask(self, method: str, path: str, body: Any) -> Any:
        answer = self._http.request(method, self._url + path, json=body, timeout=60)
        value = answer.json()["value"]
        if not answer.ok:
            raise DriverError(f"{value['error']}: {value['message']}")
        return value


class DriverError(Exception):
    """The driver refused a command."""
