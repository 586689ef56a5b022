"""A real browser for tests: Chromium, told what to do by its DevTools protocol over a pipe.

Clicks and keys are events of the browser's own, as a hand's are: what is covered or out of sight
cannot be clicked. Nothing is installed beside the browser, and no port is opened.

As a command: `python tests/browser.py PAGE FOLDER` writes pictures of a page.
"""

import base64
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from PIL import Image

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-extensions",
    "--disable-background-networking", "--disable-component-update", "--hide-scrollbars",
    "--remote-debugging-pipe", "--host-resolver-rules=MAP * ~NOTFOUND",
)  # fmt: skip
KEYS = {
    "Tab": 9, "Enter": 13, "Escape": 27, "Space": 32, "ArrowLeft": 37, "ArrowUp": 38,
    "ArrowRight": 39, "ArrowDown": 40,
}  # fmt: skip


class Browser:
    """One page in a headless Chromium: `with Browser(folder) as browser: browser.open(file)`."""

    def __init__(self, folder: Path) -> None:
        """`folder` takes the browser's profile."""
        self.folder = folder
        self.requests: list[str] = []
        """Addresses that the page has asked for."""
        self.errors: list[str] = []
        """What its scripts have complained about."""
        self._numbers = itertools.count(1)
        self._rest = b""

    @staticmethod
    def is_missing() -> bool:
        """Whether no Chromium is on the PATH."""
        return shutil.which("chromium") is None

    def __enter__(self) -> "Browser":
        told, self._tell = os.pipe()
        self._hear, telling = os.pipe()
        # the browser reads what it is told from descriptor 3 and answers on 4
        command = f'exec "$@" 3<&{told} 4>&{telling}'
        profile = f"--user-data-dir={self.folder / 'profile'}"
        self._process = subprocess.Popen(
            ["bash", "-c", command, "-", "chromium", *FLAGS, profile, "about:blank"],
            pass_fds=(told, telling),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": str(self.folder)},
        )
        os.close(told)
        os.close(telling)
        self._session = ""
        pages = self._call("Target.getTargets")["targetInfos"]
        target = next(page["targetId"] for page in pages if page["type"] == "page")
        attached = self._call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network"):
            self._call(f"{domain}.enable")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self._session = ""
        try:
            self._call("Browser.close")
            self._process.wait(timeout=20)
        finally:
            self._process.kill()
            self._process.wait()
            os.close(self._tell)
            os.close(self._hear)

    def open(self, file: Path, fragment: str = "") -> None:
        """Load a file's page anew, with nothing remembered of earlier ones."""
        self.requests.clear()
        self.errors.clear()
        self._call("Page.navigate", url="about:blank")
        self._loaded(file.absolute().as_uri() + fragment)
        if self.run("sessionStorage.length + localStorage.length"):
            self.run("sessionStorage.clear(), localStorage.clear(), 0")
            self._call("Page.navigate", url="about:blank")
            self._loaded(file.absolute().as_uri() + fragment)

    def reload(self) -> None:
        """Load the page again, as its reader would."""
        self._call("Page.reload")
        self._wait_for_load()

    def resize(self, width: int, height: int = 844, dark: bool = False, media: str = "") -> None:
        """The window's size in CSS pixels, the colours its user prefers, `media`: `print`."""
        self._call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
            mobile=width < 600,
        )  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", media=media, features=[scheme])

    def run(self, expression: str) -> Any:
        """The value of a JavaScript expression, promises awaited. Raises AssertionError."""
        answer = self._call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def until(self, condition: str, seconds: float = 20) -> None:
        """Wait for what the page does in its own time. Raises AssertionError where it does not."""
        last = time.monotonic() + seconds
        while not self.run(condition):
            assert time.monotonic() < last, f"{condition} has not come true in {seconds:g} s"
            self._settle()

    def place(self, element: str) -> tuple[float, float]:
        """Middle of an element, which is scrolled into view and must not be covered.

        `element` is a JavaScript expression, as of `document.querySelector('h1')`.
        """
        found = self.run(
            f"""(async () => {{
              const element = {element};
              element.scrollIntoView({{block: "center", inline: "center", behavior: "instant"}});
              await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
              const box = element.getBoundingClientRect();
              const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
              const top = document.elementFromPoint(x, y);
              return [x, y, element.contains(top) || top?.contains(element), top?.outerHTML];
            }})()"""
        )
        x, y, free, over = found
        assert free, f"{element} at {x}, {y} is covered by {str(over)[:200]}"
        return x, y

    def click(self, element: str) -> None:
        """Click the middle of an element."""
        x, y = self.place(element)
        self.point(x, y)
        for kind in ("mousePressed", "mouseReleased"):
            self._call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def point(self, x: float, y: float) -> None:
        """Move the pointer."""
        self._call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def press(self, *keys: str) -> None:
        """Press keys one after the other, by their names in KEYS."""
        for key in keys:
            said = {"key": " " if key == "Space" else key, "code": key}
            text = {"Enter": "\r", "Space": " "}.get(key)
            down = {**said, "windowsVirtualKeyCode": KEYS[key]} | ({"text": text} if text else {})
            self._call("Input.dispatchKeyEvent", type="keyDown", **down)
            self._call("Input.dispatchKeyEvent", type="keyUp", **said)
        self._settle()

    def type(self, text: str) -> None:
        """Type a text into what has the focus."""
        self._call("Input.insertText", text=text)

    def picture(self, file: Path, whole: bool = False) -> None:
        """Write what is in the window, or the whole page, as a PNG."""
        shot = self._call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        file.write_bytes(base64.b64decode(shot["data"]))

    def _settle(self) -> None:
        """Wait for what the browser does after an event: toggles, scrolling, layout."""
        self.run("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")

    def _loaded(self, address: str) -> None:
        self._call("Page.navigate", url=address)
        self._wait_for_load()

    def _wait_for_load(self) -> None:
        while self._next().get("method") != "Page.loadEventFired":
            pass

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        asked: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if self._session:
            asked["sessionId"] = self._session
        os.write(self._tell, json.dumps(asked).encode() + b"\0")
        while True:
            told = self._next()
            if told.get("id") == number:
                assert "error" not in told, (method, told["error"])
                return dict(told["result"])

    def _next(self) -> dict[str, Any]:
        """The next message; requests and errors are noted in passing."""
        while b"\0" not in self._rest:
            read = os.read(self._hear, 1 << 20)
            assert read, "the browser has ended"
            self._rest += read
        message, _, self._rest = self._rest.partition(b"\0")
        told: dict[str, Any] = json.loads(message)
        if told.get("method") == "Network.requestWillBeSent":
            self.requests.append(told["params"]["request"]["url"])
        if told.get("method") == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(told["params"]["exceptionDetails"])[:500])
        return told


def photograph(file: Path, folder: Path) -> None:
    """Pictures of a page in `folder`, on a desktop and a phone, light and dark, of 256 colours."""
    with tempfile.TemporaryDirectory() as profile, Browser(Path(profile)) as browser:
        for width, height in ((1440, 900), (390, 844)):
            for dark in (False, True):
                browser.resize(width, height, dark)
                browser.open(file)
                picture = folder / f"page-{width}-{'dark' if dark else 'light'}.png"
                browser.picture(picture)
                with Image.open(picture) as image:
                    few = image.convert("RGB").quantize(256, Image.Quantize.FASTOCTREE)
                few.save(picture, optimize=True)


if __name__ == "__main__":
    photograph(Path(sys.argv[1]), Path(sys.argv[2]))
