"""A heart rate sensor over Bluetooth Low Energy, live: chest straps, armbands and watches that broadcast.

The Heart Rate Service (0x180D) as in the Heart Rate Profile 1.0, through bleak: BlueZ, Windows or Core Bluetooth.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from synth.wearables.channels import quality_of
from synth.wearables.packet import Clock, Mailbox, Packet, Posted, SourceError
from synth.wearables.samples import Samples
from synth.wire.heart_rate import HeartRate, decode

if TYPE_CHECKING:
    from bleak import BleakClient
    from bleak.backends.characteristic import BleakGATTCharacteristic
    from bleak.backends.client import BaseBleakClient
    from bleak.backends.device import BLEDevice
    from bleak.backends.scanner import AdvertisementData, BaseBleakScanner

ADRIFT_S = 1.5  # a beat this far from its packet's arrival: packets come each second, with up to a beat of delay

SCAN_S = 10.0
CONNECT_S = 15.0
BATTERY_S = 3.0
LEAVE_S = 0.7
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 10.0

_UUID = "0000{:04x}-0000-1000-8000-00805f9b34fb".format
HEART_RATE_SERVICE = _UUID(0x180D)
HEART_RATE_MEASUREMENT = _UUID(0x2A37)
BATTERY_LEVEL = _UUID(0x2A19)


class BeatClock:
    """When the beats were that heart rate packets tell of: the packets say how long intervals were, not when.

    The last beat of a first packet was when it arrived. Each later one follows the one before by exactly its
    interval, so that the jitter of packets does not reach the beats, while a packet's last beat stays within
    `ADRIFT_S` of its arrival; else it too is taken to have been at the arrival. Times only ever rise: `left_out`
    counts beats that would have come at or before one already told.
    """

    def __init__(self) -> None:
        self.left_out = 0
        self._arrival_s = 0.0
        self._beat_s = -math.inf  # the beat that the next one follows
        self._told_s = -math.inf

    def restart(self) -> None:
        """The next beat follows none: packets may have been missed."""
        self._beat_s = -math.inf

    def samples(self, beat: HeartRate, received_s: float) -> tuple[Samples, ...]:
        """Heart rate and, if told, intervals of the packet that came at `received_s`, in session seconds.

        Quality is 0 without contact, which a rate of 0 means too, and for what no body gives.
        """
        if math.isfinite(received_s):
            self._arrival_s = max(self._arrival_s, received_s)
        touches = float(beat.bpm > 0 and beat.contact is not False)
        bpm = np.array([float(beat.bpm)])
        runs = [Samples.of("hr", self._arrival_s, bpm, quality_of("hr", bpm) * touches)]
        rr_s = np.array(beat.rr_s)
        t_s = self._times(rr_s)
        fresh = np.diff(np.maximum.accumulate(np.concatenate(([self._told_s], t_s)))) > 0.0
        self.left_out += int(np.count_nonzero(~fresh))
        if fresh.any():
            rr_ms = rr_s[fresh] * 1000.0
            runs.append(Samples.of("rr_ms", t_s[fresh], rr_ms, quality_of("rr_ms", rr_ms) * touches))
            self._told_s = float(t_s[fresh][-1])
        return tuple(runs)

    def _times(self, rr_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Times of the beats that end `rr_s` (n,) in the packet that just arrived."""
        if not rr_s.size:
            return rr_s
        since_s = np.cumsum(rr_s)
        t_s = self._beat_s + since_s
        if not abs(t_s[-1] - self._arrival_s) <= ADRIFT_S:
            t_s = self._arrival_s - (since_s[-1] - since_s)
        self._beat_s = float(t_s[-1])
        return t_s


class BleHeartRate(Posted):
    """The sensor with this address, or a name that begins so; with None the first that is heard, and then only that.

    It is looked for in a thread of its own, and again when the link is lost, after a pause that grows to 10 s.
    Packets are not `timed`: a sensor has no clock to tell, so its samples come in session seconds, made from `clock`
    by a `BeatClock`. `scanner` and `client` are bleak's backends, None for those of the machine. SourceError when
    bleak is not installed.
    """

    def __init__(
        self,
        wanted: str | None,
        clock: Clock,
        *,
        scanner: type[BaseBleakScanner] | None = None,
        client: type[BaseBleakClient] | None = None,
    ) -> None:
        try:
            import bleak  # noqa: F401
        except ImportError as error:
            raise SourceError(
                f"a heart rate sensor over Bluetooth needs bleak ({error}): pip install 'isotone[ble]'"
            ) from error
        self._wanted = (wanted or "").strip()
        self._clock = clock
        self._scanner, self._client = scanner, client
        self._mailbox = Mailbox()
        self._beats = BeatClock()
        self._address = ""
        self._name = ""
        self._status = "not begun"
        self._pause_s = FIRST_PAUSE_S
        self._leaving = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._leaving.clear()
        begun = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._live(begun)), name="ble", daemon=True)
        self._thread.start()
        begun.wait()
        return self

    def __exit__(self, *raised: object) -> None:
        if self._thread is not None:
            self._leaving.set()
            self._loop.call_soon_threadsafe(self._task.cancel)
            self._thread.join(1.0)
            self._thread = None
            self._status = "left"

    @property
    def repairs(self) -> dict[str, int]:
        """What was left out or lost, in words, with how often."""
        repeated = {"beats told again or out of order left out": self._beats.left_out} if self._beats.left_out else {}
        return self._mailbox.repairs | repeated

    async def _live(self, begun: threading.Event) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._loop, self._task = asyncio.get_running_loop(), task
        begun.set()
        while not self._leaving.is_set():
            trouble = await self._attempt()
            if self._leaving.is_set():
                break
            self._status = f"{trouble}; next try in {self._pause_s:.1f} s"
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(self._pause_s)
            self._pause_s = min(2.0 * self._pause_s, LONGEST_PAUSE_S)

    async def _attempt(self) -> str:
        """A visit of the sensor, whatever a machine's Bluetooth may raise; returns in words how it ended."""
        try:
            return await self._visit()
        except asyncio.CancelledError:  # by leaving, but some machines cancel what waits on a link that breaks
            return f"{self._name or 'Bluetooth'} broke off"
        except FileNotFoundError:  # the socket of the system's message bus
            return "Bluetooth is not running here (on Linux: bluetoothd and D-Bus)"
        except Exception as error:
            return f"{self._name or 'Bluetooth'}: {_words(error)}"

    async def _visit(self) -> str:
        """Find the sensor and read it until it is gone; returns in words what became of it."""
        from bleak import BleakClient

        wanted = self._name or self._wanted or "a heart rate sensor"
        self._status = f"looking for {wanted}"
        device = await self._find()
        if device is None:
            return f"{wanted} not found (is it worn, awake and not connected elsewhere?)"
        self._address, self._name = device.address, device.name or device.address
        self._status = f"connecting to {self._name}"
        gone = asyncio.Event()
        client = BleakClient(device, lambda _: gone.set(), timeout=CONNECT_S, backend=self._client)
        await client.connect()
        try:
            self._beats.restart()
            await client.start_notify(HEART_RATE_MEASUREMENT, self._take)
            self._pause_s = FIRST_PAUSE_S
            self._status = f"{self._name} connected"
            self._status += await self._battery(client)
            await gone.wait()
        finally:
            with contextlib.suppress(Exception):  # it may be gone already, in as many ways as there are machines
                async with asyncio.timeout(LEAVE_S):
                    await client.disconnect()
            if not self._leaving.is_set():
                self._mailbox.repair("connection to the heart rate sensor lost")
        return f"{self._name} lost"

    async def _find(self) -> BLEDevice | None:
        """The sensor that is wanted, if it is heard within `SCAN_S`."""
        from bleak import BleakScanner

        found: asyncio.Future[BLEDevice] = asyncio.get_running_loop().create_future()

        def heard(device: BLEDevice, told: AdvertisementData) -> None:
            if not found.done() and self._is_wanted(device.address, told.local_name or device.name or ""):
                found.set_result(device)

        async with BleakScanner(heard, [HEART_RATE_SERVICE], backend=self._scanner):
            await asyncio.wait({found}, timeout=SCAN_S)
        return found.result() if found.done() else None

    def _is_wanted(self, address: str, name: str) -> bool:
        wanted = self._wanted.casefold()
        if not self._address:
            return address.casefold() == wanted or name.casefold().startswith(wanted)
        # Watches change their address now and then, so a name says as much, unless an address was asked for.
        return address == self._address or (name == self._name and wanted != self._address.casefold())

    async def _battery(self, client: BleakClient) -> str:
        """Words for the level of the battery; none when it cannot be read."""
        with contextlib.suppress(Exception):
            async with asyncio.timeout(BATTERY_S):
                (level,) = await client.read_gatt_char(BATTERY_LEVEL)
            return f", battery {level} %" if level <= 100 else ""
        return ""

    def _take(self, _: BleakGATTCharacteristic, packet: bytearray) -> None:
        received_s = self._clock()
        beat = decode(bytes(packet))
        if beat is None:
            self._mailbox.repair("heart rate packets too short to be read left out")
            return
        if beat.left_over:
            self._mailbox.repair("heart rate packets read without bytes that fill no field")
        self._mailbox.put(Packet(self._name, received_s, self._beats.samples(beat, received_s), timed=False))


def _words(error: Exception) -> str:
    """What `error` says, or is when it says nothing."""
    from bleak.exc import BleakBluetoothNotAvailableError

    return str(error.args[0] if isinstance(error, BleakBluetoothNotAvailableError) else error) or type(error).__name__
