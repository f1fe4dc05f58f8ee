"""`synth serve`: many sessions and batch renders as a service, over HTTP."""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synth.cli.arguments import add_command

if TYPE_CHECKING:
    from synth.cli.arguments import Commands
    from synth.daemon.config import Config

_EXAMPLES = """\
  synth serve                                        for programs of this machine, at http://127.0.0.1:8080/
  synth serve --check --config isotone.toml          what would be done, and what stands in the way
  synth serve --example-config > isotone.toml        every setting, explained
  synth serve --new-key therapist console            a key that lets somebody in
  synth serve --unit > isotone.service               to run it under systemd
  synth serve --containerfile > Containerfile        to build an image at the top of a checkout

What is given here counts before the environment (ISOTONE_PORT, ISOTONE_TLS__CERT), that before the file. Off loopback
it insists on TLS and keys. Ctrl-C or SIGTERM fades every session out and ends, a second one ends at once; SIGHUP reads
the settings again. After a crash sessions go on from their records when it is started again.
"""
NEEDED = ("starlette", "uvicorn", "httptools", "websockets", "pydantic", "jwt", "prometheus_client", "psutil")


class ServeUsageError(ValueError):
    """What was asked for cannot be done; the message says what to do."""


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(commands, "serve", "play many sessions as a service, over HTTP", _EXAMPLES)
    command.add_argument("--host", metavar="H", help="address to listen on (default 127.0.0.1, this machine)")
    command.add_argument("--port", type=_port, metavar="N", help="TCP port (default 8080; 0 takes a free one)")
    command.add_argument("--config", type=Path, metavar="FILE", help="settings, TOML")
    command.add_argument("--state", type=Path, metavar="DIR", help="folder of records and keys (default isotone-state)")
    command.add_argument("--workers", type=_workers, metavar="N", help="render processes (default one a core)")
    instead = command.add_mutually_exclusive_group()
    instead.add_argument("--check", action="store_true", help="say what would be done, and do nothing")
    instead.add_argument("--ping", action="store_true", help="ask the service of these settings if it lives")
    instead.add_argument(
        "--new-key", nargs=2, metavar=("ROLE", "NAME"), help="a key for a listener, therapist or operator"
    )
    instead.add_argument("--unit", action="store_true", help="print the systemd unit")
    instead.add_argument("--containerfile", action="store_true", help="print what an image is built from")
    instead.add_argument("--example-config", action="store_true", help="print every setting, explained")
    command.set_defaults(run=serve)


def serve(arguments: argparse.Namespace) -> int:
    """Serve until SIGTERM or Ctrl-C, or print what was asked for."""
    if arguments.unit:
        return _print_unit()
    if arguments.containerfile or arguments.example_config:
        from synth.daemon import deploy

        print(deploy.containerfile() if arguments.containerfile else deploy.example_config(), end="")
        return 0
    _check_extra()
    if arguments.new_key:
        return _print_key(*arguments.new_key)
    asked = _asked(arguments)
    if arguments.ping:
        return _ping(_read(arguments.config, asked))
    if arguments.check:
        from synth.daemon.rehearsal import rehearse

        print("\n".join(rehearse(_read(arguments.config, asked), arguments.config)))
        return 0
    from synth.daemon.nursery import nursery

    nursery()  # loads beside what follows
    from synth.daemon.start import serve as start

    return start(lambda: _read(arguments.config, asked))


def _asked(arguments: argparse.Namespace) -> dict[str, Any]:
    """The settings of the command line, by name."""
    given = {
        "host": arguments.host,
        "port": arguments.port,
        "state_dir": arguments.state,
        "workers": arguments.workers,
    }
    return {name: value for name, value in given.items() if value is not None}


def _read(file: Path | None, asked: dict[str, Any]) -> Config:
    from synth.daemon.config_file import read_config

    return read_config(file, os.environ, asked)


def _check_extra() -> None:
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise ServeUsageError(f"serving needs {', '.join(missing)}: pip install 'isotone[server]'")


def _print_key(word: str, name: str) -> int:
    """A new key: its lines for the settings on standard output, the key itself beside them, once."""
    from synth.daemon.security import Role, new_key

    try:
        text, key = new_key(Role.of(word), name)
    except ValueError as error:
        raise ServeUsageError(str(error)) from None
    print(key.toml, end="")
    told = f"the key of {name}, which is shown this once and kept nowhere: {text}"
    print(f"{told}\nput the lines above into the settings file (`synth serve --config FILE`)", file=sys.stderr)
    return 0


def _print_unit() -> int:
    from synth.daemon import deploy

    command = _command()
    try:
        text = deploy.unit(command)
    except ValueError as error:
        raise ServeUsageError(str(error)) from None
    print(text, end="")
    hidden = ("home", "root", "run/user", "tmp")
    if any(command.is_relative_to(Path("/") / folder) for folder in hidden):
        told = f"{command} is where the service cannot look (ProtectHome, PrivateTmp): install isotone under /opt"
        print(f"synth: {told}", file=sys.stderr)
    return 0


def _command() -> Path:
    """The installed `synth` of this Python."""
    beside = Path(sys.executable).parent / "synth"
    found = str(beside) if beside.is_file() else shutil.which("synth")
    if found is None:
        raise ServeUsageError("there is no `synth` command beside this Python: install isotone with pip")
    return Path(found).absolute()


def _ping(config: Config) -> int:
    from synth.daemon.ping import ping

    trouble = ping(config)
    print(trouble or "it lives")
    return 1 if trouble else 0


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{text!r}: give a port from 0 to 65535")
    return int(text)


def _workers(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 1024:
        raise argparse.ArgumentTypeError(f"{text!r}: give 0 (one a core) to 1024 processes")
    return int(text)
