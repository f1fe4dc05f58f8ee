"""The process in which one render, one export or the pages of one session are made: `python -m` this module.

    worker render RENDER_FOLDER
    worker export RENDER_FOLDER SESSION_FOLDER
    worker pages SESSION_FOLDER

It runs at low priority, tells how far it is on its standard output (`synth.daemon.renders.told`), and ends when its
standard input does: with the daemon that started it, which is also the one to heed Ctrl-C and SIGTERM.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from synth.daemon.renders.told import Done, Failed, Told, line_of

NICE = 10

Tell = Callable[[Told], None]


def main(arguments: Sequence[str]) -> int:
    """Do what `arguments` say; 0 when it was done."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    tell = _teller()
    _end_with_the_daemon()
    if hasattr(os, "nice"):
        os.nice(NICE)
    kind, *paths = arguments
    told = outcome(kind, [Path(path) for path in paths], tell)
    tell(told)
    return 0 if isinstance(told, Done) else 1


def outcome(kind: str, paths: list[Path], tell: Tell) -> Done | Failed:
    """Do `kind` of work with `paths`; what came of it. What was wrong is told in words, what nobody foresaw only by its
    place in the code: its words may hold what a person said."""
    try:
        return _work(kind, paths, tell)
    except MemoryError:
        return Failed("broken", "there is too little memory for this: ask for less, or for no stems")
    except OSError as error:
        return Failed("disk", f"a file could not be written: is the disk full? {_free(paths[0])}", _place(error))
    except Exception as error:
        if _is_refusal(error):
            return Failed("refused", _without_paths(str(error), paths), _place(error))
        return Failed("broken", f"an error of the service ({type(error).__name__})", _place(error))


def _work(kind: str, paths: list[Path], tell: Tell) -> Done:
    from synth.daemon.renders import making

    match kind, paths:
        case "render", [folder]:
            asked = json.loads((folder / "asked.json").read_bytes())
            return Done(making.render(asked, folder / "work", tell))
        case "export", [folder, session]:
            asked = json.loads((folder / "asked.json").read_bytes())
            return Done(making.export(asked, session, folder / "work", tell))
        case "pages", [session]:
            making.pages(session)
            return Done(())
    raise ValueError(f"no work called {kind!r} with {len(paths)} paths")


def _is_refusal(error: Exception) -> bool:
    """Whether it was raised for people: the engine's own kinds of error are all ValueErrors."""
    return isinstance(error, ValueError) and type(error).__module__.startswith("synth.")


def _without_paths(text: str, paths: Sequence[Path]) -> str:
    """`text` without where things lie on this machine."""
    for path in paths:
        for folder in (path, path.parent):
            text = text.replace(f"{folder}{os.sep}", "").replace(str(folder), "the session")
    return text


def _free(folder: Path) -> str:
    import shutil

    return f"{shutil.disk_usage(folder.parent).free / 1e6:.0f} MB are free"


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__} at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""


def _teller() -> Tell:
    """Writes to what was standard output; whatever else prints goes to standard error."""
    out: BinaryIO = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)

    def tell(told: Told) -> None:
        try:
            out.write(line_of(told))
        except BrokenPipeError:
            os._exit(1)

    return tell


def _end_with_the_daemon() -> None:
    """Standard input is a pipe that nobody writes to; it ends when the daemon does, however that ends."""

    def wait() -> None:
        while os.read(0, 1):
            pass
        os._exit(1)

    threading.Thread(target=wait, name="daemon gone", daemon=True).start()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
