"""A real Chromium without a window, driven over its DevTools protocol."""

from __future__ import annotations

import base64
import contextlib
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--autoplay-policy=no-user-gesture-required", "--disable-component-update", "--disable-sync"]
FLAGS += ["--remote-debugging-port=0", "--disable-quic", "--disable-extensions", "--mute-audio"]
PATIENCE_S = 60.0
READY = "!document.getElementById('start').disabled && !document.getElementById('choice').hidden"  # the listening page


class Page:
    """One page. `complaints` are what its console says that is no plain log, and errors that nothing caught."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket, self._last = socket, 0
        self.complaints: list[str] = []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **given: Any) -> dict[str, Any]:
        self._last += 1
        self._socket.send(json.dumps({"id": self._last, "method": method, "params": given}))
        while True:
            said = json.loads(self._socket.recv(PATIENCE_S))
            self._hear(said)
            if said.get("id") == self._last:
                assert "error" not in said, said["error"]
                return said["result"]  # type: ignore[no-any-return]

    def _hear(self, said: dict[str, Any]) -> None:
        told = said.get("params", {})
        match said.get("method"):
            case "Log.entryAdded" if told["entry"]["level"] in ("warning", "error"):
                self.complaints.append(f"{told['entry']['text']} {told['entry'].get('url', '')}")
            case "Runtime.consoleAPICalled" if told["type"] in ("warning", "error", "assert"):
                self.complaints.append(str(told["args"]))
            case "Runtime.exceptionThrown":
                self.complaints.append(str(told["exceptionDetails"]))

    def open(self, url: str) -> None:
        self.ask("Page.navigate", url=url)
        self.wait("document.readyState == 'complete'")

    def run(self, script: str) -> Any:
        """What `script`, an expression, gives; as if a hand had asked for it."""
        given = {"expression": script, "awaitPromise": True, "returnByValue": True, "userGesture": True}
        answer = self.ask("Runtime.evaluate", **given)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, script: str, within_s: float = PATIENCE_S) -> Any:
        """Wait until `script` gives something true, and give it."""
        until_s = time.monotonic() + within_s
        while not (found := self.run(script)):
            assert time.monotonic() < until_s, f"this never came true: {script}; complaints: {self.complaints}"
            time.sleep(0.02)
        return found

    def press(self, name: str) -> None:
        """Press the element `name` with a mouse, where it stands."""
        place = self.run(
            f"(() => {{ const e = document.getElementById({name!r}); e.scrollIntoView({{block: 'center'}});"
            "const b = e.getBoundingClientRect(); return b.width && [b.x + b.width / 2, b.y + b.height / 2]; })()"
        )
        assert place, f"{name} is not shown"
        for kind in ("mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", clickCount=1)

    def key(self, key: str) -> None:
        for kind in ("keyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, code=key)

    def resize(self, width: int, height: int, dark: bool = False) -> None:
        self.ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", features=[scheme])

    def picture(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.ask("Page.captureScreenshot", format="png")["data"]))


class Browser:
    """A running browser, and its pages."""

    def __init__(self, socket: ClientConnection, port: int) -> None:
        self._socket, self._port, self._last = socket, port, 0

    @contextlib.contextmanager
    def page(self, url: str = "about:blank") -> Iterator[Page]:
        """A new page in a context of its own (no cookies, nothing stored)."""
        context = self._ask("Target.createBrowserContext")["browserContextId"]
        target = self._ask("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        address = f"ws://127.0.0.1:{self._port}/devtools/page/{target}"
        with connect(address, max_size=None, compression=None) as socket:
            page = Page(socket)
            if url != "about:blank":
                page.open(url)
            yield page
        self._ask("Target.disposeBrowserContext", browserContextId=context)

    def _ask(self, method: str, **given: Any) -> dict[str, Any]:
        self._last += 1
        self._socket.send(json.dumps({"id": self._last, "method": method, "params": given}))
        while (said := json.loads(self._socket.recv(PATIENCE_S))).get("id") != self._last:
            pass
        assert "error" not in said, said["error"]
        return said["result"]  # type: ignore[no-any-return]


@contextlib.contextmanager
def chromium(folder: Path) -> Iterator[Browser]:
    """Start Chromium with its profile in `folder`, and end it."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    assert found, "the tests need Chromium (apt install chromium)"
    profile = folder / "profile"
    process = subprocess.Popen(
        [found, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        port, path = _address(profile / "DevToolsActivePort", process)
        with connect(f"ws://127.0.0.1:{port}{path}", max_size=None, compression=None) as socket:
            yield Browser(socket, port)
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def _address(path: Path, process: subprocess.Popen[bytes]) -> tuple[int, str]:
    until_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < until_s and process.poll() is None:
        if path.exists() and len(told := path.read_text().split("\n")) >= 2:
            return int(told[0]), told[1]
        time.sleep(0.05)
    raise AssertionError("Chromium did not start")
