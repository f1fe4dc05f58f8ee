"""The pages in a real browser: laid out on a telephone and a desk, asking nothing of the network, without an error."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from synth.record.pages import write_pages

PROBE = """<script>
const plots = [...document.querySelectorAll("svg")].map(s => s.getBoundingClientRect());
const over = [...document.querySelectorAll("svg text")].filter(t => {
  const box = t.getBoundingClientRect(), room = t.closest("svg").getBoundingClientRect();
  return box.width > 0 && (box.left < room.left - 1 || box.right > room.right + 1);
}).length;
document.title = JSON.stringify({
  wide: document.documentElement.scrollWidth, window: innerWidth, plots: plots.length, over: over,
  empty: plots.filter(b => b.width < 100 || b.height < 10).length,
  lanes: [...document.querySelectorAll(".lane span")].filter(s => {
    const box = s.getBoundingClientRect(), plot = s.closest(".panel").querySelector("svg").getBoundingClientRect();
    const fill = getComputedStyle(s);
    return box.width >= 2 && box.height >= 6 && box.top >= plot.bottom && box.left >= plot.left - 1
      && box.right <= plot.right + 2 && (fill.backgroundImage != "none" || fill.backgroundColor != "rgba(0, 0, 0, 0)");
  }).length,
  fetched: performance.getEntriesByType("resource").length,
});
</script>"""
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--enable-logging=stderr"]


def browse(page: Path, width: int) -> tuple[dict[str, int], str]:
    """What the probe saw in a window of `width`, and what the browser's console said."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    assert browser, "the tests need Chromium (apt install chromium)"
    command = [
        browser,
        *FLAGS,
        f"--user-data-dir={page.parent / 'profile'}",
        f"--window-size={width},900",
        "--dump-dom",
    ]
    done = subprocess.run([*command, page.as_uri()], capture_output=True, text=True, timeout=120, check=True)
    title = re.search(r"<title>(\{.*?\})</title>", done.stdout)
    assert title, done.stdout[:400]
    return json.loads(title[1]), "\n".join(line for line in done.stderr.splitlines() if "CONSOLE" in line)


@pytest.mark.parametrize(("name", "width", "lanes"), [("report", 500, 6), ("report", 1200, 6), ("person", 500, 0)])
def test_it_is_laid_out_and_asks_for_nothing(
    make_session: Callable[..., Path], name: str, width: int, lanes: int
) -> None:
    folder = make_session(full=True)
    write_pages(folder)
    page = folder / "probed.html"
    page.write_text((folder / f"{name}.html").read_text().replace("</body>", PROBE + "</body>"))
    seen, console = browse(page, width)
    assert seen["window"] == width and seen["wide"] <= width
    assert seen["plots"] >= 1 and seen["empty"] == 0 and seen["over"] == 0
    assert seen["lanes"] == lanes  # each seen, and under the plot it speaks of
    assert seen["fetched"] == 0 and console == ""
