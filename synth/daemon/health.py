"""How the daemon stands: alive, ready for sessions or what it waits for, and whether it is ending."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from synth.daemon.house import House


@dataclass(slots=True)
class Health:
    """`ending`: it was asked to end, and takes nothing new."""

    ending: bool = False


def missing(house: House) -> list[str]:
    """What it is not ready without, in words; nothing when it takes sessions."""
    if house.metrics.health.ending:
        return ["the service is ending: sessions fade out, and no new ones are taken"]
    lacks = []
    workers = list(house.stage.workers)
    gone = [str(worker.number) for worker in workers if not worker.alive]
    if gone:
        lacks.append(f"render workers not alive: {', '.join(gone)} of {len(workers)}")
    if not house.stage.ready:
        lacks.append("render workers are warming up")
    elif not house.sessions.ready:
        lacks.append("sessions of before are being resumed")
    return lacks


def sound(house: House) -> bool:
    """Whether the render workers are alive, so that the watchdog may be fed; to be asked in the event loop."""
    return all(worker.alive for worker in house.stage.workers)


def standing(house: House) -> str:
    """One line for `systemctl status`."""
    playing = sum(hosted.status == "playing" for hosted in house.sessions.all.values())
    loads = [worker.load for worker in house.stage.workers]
    busiest = f", busiest worker {100.0 * max(loads):.0f} %" if loads else ""
    return f"{counted(playing, 'session')} playing on {counted(len(loads), 'worker')}{busiest}"


def counted(count: int, what: str) -> str:
    """Such as "1 session", "2 sessions"."""
    return f"{count} {what}{'' if count == 1 else 's'}"
