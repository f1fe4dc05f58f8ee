"""Every instrument alone: a short file each, and a page with their spectrograms, levels and decays.

python examples/palette.py [FOLDER] [INSTRUMENT ...]
"""

from __future__ import annotations

import base64
import html
import math
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from synth.instruments import CATALOGUE, InstrumentEntry, make
from synth.instruments.audition import Row, audition

RATE, SEED = 48000, 7
WIDTH, HEIGHT = 460, 150
LOW_HZ, HIGH_HZ = 40.0, 16000.0
FLOOR_DB = -75.0

# What a role is asked to play: notes (start s, length s, pitch, velocity) and seconds in all.
CHORDS = [(4.0 * i, 3.9, pitch, 0.5) for i, chord in enumerate(((50, 57, 62, 66), (50, 55, 59, 67))) for pitch in chord]
TUNE = [(0.2, 0.9, 62, 0.35), (1.2, 0.9, 66, 0.5), (2.2, 0.9, 69, 0.65), (3.2, 0.4, 67, 0.8), (3.7, 3.0, 74, 0.5)]
BELLS = [(0.2, 1.0, 74, 0.5), (2.2, 1.0, 69, 0.35), (4.2, 3.0, 62, 0.8)]
DRUMS = [(0.5 * i, 0.3, (36, 72, 50, 72)[i % 4], 0.4 + 0.1 * (i % 3)) for i in range(12)]
ROLES = {
    "pad": (CHORDS, 12.0),
    "bass": ([(0.2, 1.8, 38, 0.5), (2.2, 1.8, 45, 0.6), (4.2, 2.5, 31, 0.5)], 8.0),
    "drone": ([(0.2, 11.0, 38, 0.5)], 14.0),
    "melody": (TUNE, 9.0),
    "bells": (BELLS, 10.0),
    "percussion": (DRUMS, 7.0),
}
ALONE_S = 20.0  # of what plays without notes


def played(entry: InstrumentEntry) -> NDArray[np.float32]:
    """The instrument in the first role that suits it, (2, frames); a texture makes its grains of strings."""
    role = entry.stems[0]
    notes, seconds = ROLES.get(role, ([], ALONE_S))
    rows: list[Row] = [(*note, 0.37 * i % 1.0) for i, note in enumerate(notes)]
    heard = played(CATALOGUE["strings"]) if role == "texture" else None
    if heard is not None:
        seconds = heard.shape[1] / RATE
    return audition(make(entry.name, RATE, SEED), rows, seconds, RATE, heard=heard)


def spectrogram(x: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Level over time (columns) and log frequency (rows, high first) as grey, (HEIGHT, WIDTH)."""
    size = 4096
    window = np.hanning(size)
    starts = np.linspace(0, len(x) - size, WIDTH).astype(int)
    spectra = np.abs(np.fft.rfft(np.stack([x[i : i + size] * window for i in starts]), axis=1)) * 2.0 / window.sum()
    hz = LOW_HZ * (HIGH_HZ / LOW_HZ) ** np.linspace(1.0, 0.0, HEIGHT + 1)
    bins = np.clip((hz * size / RATE).astype(int), 1, size // 2)
    rows = [spectra[:, low : max(high, low + 1)].max(axis=1) for high, low in zip(bins[:-1], bins[1:], strict=True)]
    level = 20.0 * np.log10(np.maximum(np.array(rows), 1e-9))
    level -= level.max()
    return np.clip(255.0 * (level / FLOOR_DB), 0.0, 255.0).astype(np.uint8)


def png(grey: NDArray[np.uint8]) -> bytes:
    """An image of 8-bit grey, (rows, columns), as PNG."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows, columns = grey.shape
    lines = b"".join(b"\0" + row.tobytes() for row in grey)
    head = struct.pack(">IIBBBBB", columns, rows, 8, 0, 0, 0, 0)
    parts = (chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(lines, 9)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def levels(x: NDArray[np.float32]) -> NDArray[np.float64]:
    """Level in dBFS of WIDTH stretches of `x`, (WIDTH,)."""
    edges = np.linspace(0, x.shape[1], WIDTH + 1).astype(int)
    power = [float(np.mean(x[:, a:b].astype(np.float64) ** 2)) for a, b in zip(edges[:-1], edges[1:], strict=True)]
    return 10.0 * np.log10(np.maximum(power, 1e-12))


def figures(x: NDArray[np.float32]) -> str:
    """Level, peak, brightness, how it dies away and what a mono sum loses, in words."""
    power = float(np.mean(x.astype(np.float64) ** 2))
    mono = float(np.mean(x.mean(axis=0, dtype=np.float64) ** 2))
    spectrum = np.abs(np.fft.rfft(x.mean(axis=0))) ** 2
    hz = np.fft.rfftfreq(x.shape[1], 1.0 / RATE)
    level = levels(x)
    seconds = x.shape[1] / RATE
    tail = level[int(np.argmax(level)) :]
    fallen = np.flatnonzero(tail < level.max() - 40.0)
    words = [
        f"{10 * math.log10(power):.1f} dBFS",
        f"peak {20 * math.log10(np.abs(x).max()):.1f} dBFS",
        f"centroid {float((hz * spectrum).sum() / spectrum.sum()):.0f} Hz",
        f"mono {10 * math.log10(max(mono, 1e-12) / power):+.1f} dB",
    ]
    if fallen.size:
        words.append(f"-40 dB in {fallen[0] * seconds / WIDTH:.1f} s")
    return " · ".join(words)


def shown(entry: InstrumentEntry, x: NDArray[np.float32]) -> str:
    """One instrument's place on the page."""
    image = base64.b64encode(png(spectrogram(x.mean(axis=0)))).decode()
    level = np.clip(levels(x), FLOOR_DB, 0.0)
    points = " ".join(f"{i},{40.0 * dB / FLOOR_DB:.1f}" for i, dB in enumerate(level))
    caption = f"<b>{entry.name}</b> ({', '.join(entry.stems)}): {html.escape(entry.help)}"
    return f"""<figure><figcaption>{caption}</figcaption>
<img width="{WIDTH}" height="{HEIGHT}" alt="spectrogram of {entry.name}" src="data:image/png;base64,{image}">
<svg width="{WIDTH}" height="40"><polyline points="{points}" fill="none" stroke="#b4432f"/></svg>
<p>{figures(x)}</p><audio controls preload="none" src="{entry.name}.flac"></audio></figure>"""


def main(folder: str = "example-palette", *names: str) -> None:
    out = Path(folder)
    out.mkdir(exist_ok=True)
    page = []
    for entry in [CATALOGUE[name] for name in names] or CATALOGUE.values():
        x = played(entry)
        soundfile.write(out / f"{entry.name}.flac", x.T, RATE)
        page.append(shown(entry, x))
        print(f"{entry.name:18} {figures(x)}")
    style = (
        "body{font:13px sans-serif;margin:24px}main{display:flex;flex-wrap:wrap;gap:18px}figure{margin:0;width:460px}"
    )
    style += "p{margin:4px 0;color:#555}img,svg{display:block;background:#f6f7f9}audio{height:28px;width:100%}"
    note = f"Spectrograms from {LOW_HZ:.0f} Hz to {HIGH_HZ / 1000:.0f} kHz, {-FLOOR_DB:.0f} dB deep; below, the level."
    (out / "index.html").write_text(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Palette</title><style>{style}</style>'
        f"<h1>Palette</h1><p>{note}</p><main>{''.join(page)}</main></html>",
        encoding="utf-8",
    )
    print(f"open {out / 'index.html'}")


if __name__ == "__main__":
    main(*sys.argv[1:])
