"""Audio files of a session: 24-bit FLAC or WAV, written as it is rendered, valid whenever they are closed."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType

import numpy as np
import soundfile
from numpy.typing import NDArray

from synth.output.folder import OutputError

FORMATS = ("flac", "wav")
_RF64_BYTES = 4_000_000_000  # beyond this a plain WAV header overflows


class AudioFiles:
    """Opens files by name in a folder and writes float32 (frames, channels) to them as 24-bit; a context manager.

    Names may hold a folder ("stems/pad"). Files have 2 channels, those in `channels` as many as it says; in those in
    `told` it stands as a comment. Files that stayed silent are removed at the end, unless in `keep`.
    """

    def __init__(
        self,
        folder: Path,
        names: tuple[str, ...],
        sample_rate: int,
        format: str,
        frames: int,
        channels: Mapping[str, int] = MappingProxyType({}),
        told: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.encode_s = 0.0
        self._peaks = dict.fromkeys(names, 0.0)
        self._frames = dict.fromkeys(names, 0)
        self._broken: set[str] = set()
        self._files: dict[str, soundfile.SoundFile] = {}
        self.paths = {name: folder / f"{name}.{format}" for name in names}
        for name, path in self.paths.items():
            count = channels.get(name, 2)
            container = "RF64" if format == "wav" and frames * 3 * count > _RF64_BYTES else format.upper()
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                file = self._files[name] = soundfile.SoundFile(
                    path, "w", sample_rate, count, "PCM_24", format=container
                )
                if name in told:
                    file.comment = told[name]
            except (OSError, soundfile.SoundFileError) as error:
                self.close()
                raise OutputError(f"{path} cannot be written: {error}") from None

    def write(self, name: str, audio: NDArray[np.float32]) -> None:
        """Append to the file `name`. OutputError when the disk is full; what was written before stays valid."""
        start = time.perf_counter()
        try:
            self._files[name].write(audio)
        except (OSError, soundfile.SoundFileError) as error:
            self._broken.add(name)
            raise OutputError(
                f"{self.paths[name]} could not be written on ({error}): is the disk full? What was written is kept"
            ) from None
        self._frames[name] += len(audio)
        self._peaks[name] = max(self._peaks[name], float(np.abs(audio).max(initial=0.0)))
        self.encode_s += time.perf_counter() - start

    def close(self) -> None:
        """Close all files, so that they are valid up to here."""
        start = time.perf_counter()
        for file in self._files.values():
            file.close()
        self._files = {}
        for name in self._broken:
            if self.paths[name].suffix == ".flac":
                _state_length(self.paths[name], self._frames[name])
        self._broken = set()
        self.encode_s += time.perf_counter() - start

    def remove_silent(self, keep: tuple[str, ...]) -> list[str]:
        """Remove the files in which nothing sounded; their names."""
        silent = [name for name, peak in self._peaks.items() if peak < 2.0**-24 and name not in keep]
        for name in silent:
            self.paths[name].unlink(missing_ok=True)
        return silent

    def __enter__(self) -> AudioFiles:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _state_length(path: Path, most: int) -> None:
    """Write how many samples a FLAC file holds into its header, which the encoder of a failed write leaves open.

    `most` samples were handed to the encoder; fewer reached the file, the last of them in half a frame.
    """
    _write_length(path, most)
    whole = 0
    with contextlib.suppress(soundfile.SoundFileError):  # at the broken frame: what lies before it is whole
        for block in soundfile.blocks(path, 1024, dtype="float32"):
            whole += len(block)
    _write_length(path, whole)


def _write_length(path: Path, samples: int) -> None:
    """Total samples: the 36 bits before the MD5 sum of STREAMINFO (RFC 9639, 8.2), the file's first block."""
    with path.open("r+b") as file:
        file.seek(21)
        high = file.read(1)[0] & 0xF0
        file.seek(21)
        file.write(bytes([high | samples >> 32]) + (samples & 0xFFFFFFFF).to_bytes(4, "big"))
