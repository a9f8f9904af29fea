"""A headless Chromium, spoken to over a pipe in the DevTools protocol: messages of JSON, each ended by a NUL."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

START, SECONDS = 90.0, 60.0
"""How long a browser may take to come up, 300 MB of it from a cold disk, and an answer of one that is up."""

ATTEMPTS = 2
"""How often one is started before it is said not to come up."""

FLAGS = """--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --hide-scrollbars --no-first-run
    --no-default-browser-check --disable-background-networking --disable-breakpad --disable-component-update
    --disable-default-apps --disable-domain-reliability --disable-extensions --disable-quic --disable-sync
    --metrics-recording-only --no-pings --password-store=basic --remote-debugging-pipe""".split()
"""A browser that asks the network for nothing and keeps nothing."""


class NoAnswerError(AssertionError):
    """The browser said nothing for too long, or has ended."""


class NoBrowserError(Exception):
    """The browser does not come up on this machine."""


def started() -> Chromium:
    """A browser, at the second attempt where the first fails.

    Errors: NoBrowserError.
    """
    for _ in range(ATTEMPTS - 1):
        with suppress(NoBrowserError):
            return Chromium()
    return Chromium()


class Chromium:
    """A browser with one page, and a profile that goes with it.

    Errors: NoBrowserError with what it said last, if it does not come up; nothing of it is left then.
    """

    def __init__(self) -> None:
        self.folder = TemporaryDirectory(ignore_cleanup_errors=True)
        said = Path(self.folder.name) / "said"
        ours, theirs = os.pipe(), os.pipe()
        arguments = [str(PROGRAM), *FLAGS, f"--user-data-dir={self.folder.name}", "about:blank"]
        script = f'exec "$@" 3<&{ours[0]} 4>&{theirs[1]}'
        with said.open("wb") as log:
            self.process = subprocess.Popen(
                ["bash", "-c", script, "chromium", *arguments],
                pass_fds=(ours[0], theirs[1]),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
            )
        os.close(ours[0])
        os.close(theirs[1])
        self.write, self.read = ours[1], theirs[0]
        self.rest, self.number, self.session = b"", 0, ""
        self.events: list[dict[str, Any]] = []
        self.until = time.monotonic() + START
        try:
            self.attach()
        except NoAnswerError as error:
            last = " | ".join(said.read_text(errors="replace").splitlines()[-3:])
            self.close()
            raise NoBrowserError(f"{PROGRAM} does not come up: {error} ({last[-500:]})") from error
        except BaseException:
            self.close()
            raise
        self.until = 0.0

    def attach(self) -> None:
        """Find the page, and wait until it runs scripts."""
        while not (pages := [each for each in self.send("Target.getTargets")["targetInfos"] if each["type"] == "page"]):
            time.sleep(0.05)
        self.session = self.send("Target.attachToTarget", targetId=pages[0]["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")
        assert self.run("1+1") == 2

    def __enter__(self) -> Chromium:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the browser and all that it started, and remove its profile."""
        os.close(self.write)
        os.close(self.read)
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(5)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.folder.cleanup()

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """A command's result.

        Errors: NoAnswerError.
        """
        self.number += 1
        message: dict[str, Any] = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        try:
            os.write(self.write, json.dumps(message).encode() + b"\0")
        except BrokenPipeError:
            raise NoAnswerError("the browser has ended") from None
        until = self.until or time.monotonic() + SECONDS
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
            if not ready:
                raise NoAnswerError("the browser does not answer")
            more = os.read(self.read, 1 << 20)
            if not more:
                raise NoAnswerError("the browser has ended")
            self.rest += more
        message, _, self.rest = self.rest.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found

    def open(self, path: Path, fragment: str = "") -> None:
        """Load a file, and wait until it is there."""
        self.send("Page.navigate", url="about:blank")
        self.events.clear()
        self.send("Page.navigate", url=path.as_uri() + fragment)
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
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
