"""A headless Chromium, spoken to over a pipe in the DevTools protocol: messages of JSON, each ended by a NUL."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

SECONDS = 30.0
"""How long an answer may take."""


class Chromium:
    """A browser with one page."""

    def __init__(self) -> None:
        self.folder = TemporaryDirectory(ignore_cleanup_errors=True)
        ours, theirs = os.pipe(), os.pipe()
        arguments = [
            str(PROGRAM),
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-extensions",
            "--disable-background-networking",
            "--hide-scrollbars",
            f"--user-data-dir={self.folder.name}",
            "--remote-debugging-pipe",
            "about:blank",
        ]
        script = f'exec "$@" 3<&{ours[0]} 4>&{theirs[1]}'
        self.process = subprocess.Popen(
            ["bash", "-c", script, "chromium", *arguments],
            pass_fds=(ours[0], theirs[1]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(ours[0])
        os.close(theirs[1])
        self.write, self.read = ours[1], theirs[0]
        self.rest, self.number, self.session = b"", 0, ""
        self.events: list[dict[str, Any]] = []
        (target,) = [each for each in self.send("Target.getTargets")["targetInfos"] if each["type"] == "page"][:1]
        found = self.send("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self.session = found["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def __enter__(self) -> Chromium:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.write)
        os.close(self.read)
        self.folder.cleanup()

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """A command's result."""
        self.number += 1
        message: dict[str, Any] = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + SECONDS
        while True:
            answer = self.received(until)
            if answer.get("id") == self.number:
                assert "error" not in answer, answer["error"]
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)

    def received(self, until: float) -> dict[str, Any]:
        """The next message."""
        while b"\0" not in self.rest:
            ready, _, _ = select.select([self.read], [], [], max(0.0, until - time.monotonic()))
            assert ready, "the browser does not answer"
            self.rest += os.read(self.read, 1 << 20)
        message, _, self.rest = self.rest.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found

    def open(self, path: Path, fragment: str = "") -> None:
        """Load a file, and wait until it is there."""
        self.send("Page.navigate", url="about:blank")
        self.events.clear()
        self.send("Page.navigate", url=path.as_uri() + fragment)
        for _ in range(500):
            if self.run("location.protocol === 'file:' && document.readyState === 'complete'"):
                return
            time.sleep(0.01)
        raise AssertionError("the page does not load")

    def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        found = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def key(self, key: str) -> None:
        """Press a key."""
        code = {" ": 32, "Tab": 9, "End": 35, "Home": 36, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39}[key]
        more = {"text": key} if key == " " else {}
        for kind in ("keyDown" if more else "rawKeyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **more)
            more = {}

    def view(self, width: int, height: int, *, dark: bool = False, media: str = "") -> None:
        """The size of the window, and what its user prefers."""
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.send("Emulation.setEmulatedMedia", media=media, features=features)

    def troubles(self) -> list[str]:
        """Errors and warnings of the page, and whatever it asked the network for."""
        found = []
        for event in self.events:
            what, how = event.get("method"), event.get("params", {})
            if what == "Runtime.exceptionThrown":
                found.append(str(how["exceptionDetails"]))
            elif what == "Log.entryAdded" and how["entry"]["level"] in ("error", "warning"):
                found.append(how["entry"]["text"])
            elif what == "Network.requestWillBeSent" and not how["request"]["url"].startswith(("file:", "about:")):
                found.append(how["request"]["url"])
        return found

    def shot(self, path: Path) -> None:
        """The whole page as a PNG."""
        from base64 import b64decode

        size = self.send("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        path.write_bytes(b64decode(self.send("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)["data"]))
