"""Bluetooth in the air of one process: bumble's virtual controllers, and bleak backends that speak through one.

What the code under test asks of bleak goes over HCI, L2CAP, ATT and GATT to a peripheral, as with a real adapter;
only the system's Bluetooth service and the radio are not there.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar, Self, TypeVar

from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakError
from bleak.uuids import normalize_uuid_str
from bumble import gatt
from bumble.controller import Controller
from bumble.core import UUID, AdvertisingData
from bumble.device import Advertisement, Connection, Device, Peer
from bumble.hci import Address
from bumble.host import Host
from bumble.link import LocalLink
from bumble.transport.common import AsyncPipeSink

T = TypeVar("T")


class Radio:
    """An adapter and the peripherals around it, in a thread of their own."""

    def __enter__(self) -> Self:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self.link = LocalLink()
        self.adapter = self.run(self.device("adapter", "C0:00:00:00:00:01"))
        self.run(self.adapter.power_on())
        return self

    def __exit__(self, *raised: object) -> None:
        self.run(self._settle())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    async def _settle(self) -> None:
        waiting = asyncio.all_tasks() - {asyncio.current_task()}
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do `work` in the radio's thread and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(10.0)

    async def do(self, work: Coroutine[Any, Any, T]) -> T:
        """The same from a coroutine of another thread."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self.loop))

    async def device(self, name: str, address: str) -> Device:
        """A device with a virtual controller on the link."""
        controller = Controller(name, link=self.link, public_address=address)
        return Device(name=name, address=Address(address), host=Host(controller, AsyncPipeSink(controller)))

    @property
    def backends(self) -> dict[str, Any]:
        """bleak's backends by the names that sources take them under."""
        return {
            "scanner": type("Scanner", (_Scanner,), {"radio": self}),
            "client": type("Client", (_Client,), {"radio": self}),
        }


class Strap:
    """A chest strap in the air of `radio`: Heart Rate and Battery Service, with `notify` for a measurement."""

    def __init__(
        self,
        radio: Radio,
        name: str = "Strap 12345",
        address: str = "F0:00:00:00:00:0A",
        battery: int = 87,
        measurement: UUID = gatt.GATT_HEART_RATE_MEASUREMENT_CHARACTERISTIC,
    ) -> None:
        self._radio = radio
        self.address = address
        self.measurement = gatt.Characteristic(
            measurement,
            gatt.Characteristic.Properties.NOTIFY,
            gatt.Characteristic.Permissions(0),
        )
        level = gatt.Characteristic(
            gatt.GATT_BATTERY_LEVEL_CHARACTERISTIC,
            gatt.Characteristic.Properties.READ,
            gatt.Characteristic.READABLE,
            bytes([battery]),
        )
        self._device = radio.run(radio.device(name, address))
        self._device.add_service(gatt.Service(gatt.GATT_HEART_RATE_SERVICE, [self.measurement]))
        if battery:
            self._device.add_service(gatt.Service(gatt.GATT_BATTERY_SERVICE, [level]))
        services = AdvertisingData.Type.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS
        self._advertised = bytes(
            AdvertisingData(
                [
                    (AdvertisingData.Type.COMPLETE_LOCAL_NAME, name.encode()),
                    (services, gatt.GATT_HEART_RATE_SERVICE.to_pdu_bytes()),
                ]
            )
        )
        radio.run(self._device.power_on())

    def wake(self) -> None:
        """Be heard by those who scan."""
        self._radio.run(
            self._device.start_advertising(advertising_data=self._advertised, advertising_interval_min=20.0)
        )

    def notify(self, packet: bytes) -> None:
        """Send a measurement to whoever subscribed to it."""
        self._radio.run(self._device.notify_subscribers(self.measurement, packet))

    @property
    def links(self) -> int:
        """How many are connected to it."""
        return len(self._device.connections)

    def drop(self) -> None:
        """Break all links, as a strap does that is taken off."""

        async def drop() -> None:
            for connection in list(self._device.connections.values()):
                await connection.disconnect()

        self._radio.run(drop())


class _Scanner(BaseBleakScanner):
    radio: ClassVar[Radio]

    def __init__(self, callback: Any, service_uuids: list[str] | None, scanning_mode: str, **_: Any) -> None:
        super().__init__(callback, service_uuids)

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._listener: Callable[[Advertisement], Any] = lambda told: loop.call_soon_threadsafe(self._heard, told)
        self.radio.adapter.on(Device.EVENT_ADVERTISEMENT, self._listener)
        await self.radio.do(self.radio.adapter.start_scanning())

    async def stop(self) -> None:
        self.radio.adapter.remove_listener(Device.EVENT_ADVERTISEMENT, self._listener)
        await self.radio.do(self.radio.adapter.stop_scanning())

    def _heard(self, told: Advertisement) -> None:
        name = told.data.get(AdvertisingData.Type.COMPLETE_LOCAL_NAME)
        listed = told.data.get(AdvertisingData.Type.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS) or []
        uuids = [_uuid(uuid) for uuid in listed]
        address = str(told.address).removesuffix("/P")
        data = AdvertisementData(name, {}, {}, uuids, None, told.rssi, ())
        device = self.create_or_update_device(address, address, name, told.address, data)
        if self.is_allowed_uuid(uuids):
            self.call_detection_callbacks(device, data)


class _Client(BaseBleakClient):
    radio: ClassVar[Radio]

    def __init__(self, device: Any, **settings: Any) -> None:
        super().__init__(device, **settings)
        self._peer_address = device.details
        self._connection: Connection | None = None

    @property
    def mtu_size(self) -> int:
        return self._connection.att_mtu if self._connection else 23

    @property
    def is_connected(self) -> bool:
        return self._connection is not None

    async def connect(self, pair: bool, **_: Any) -> None:
        loop = asyncio.get_running_loop()

        def gone(reason: int) -> None:
            self._connection = None
            if self._disconnected_callback is not None:
                loop.call_soon_threadsafe(self._disconnected_callback)

        async def connected() -> BleakGATTServiceCollection:
            self._connection = await self.radio.adapter.connect(self._peer_address)
            self._connection.on(Connection.EVENT_DISCONNECTION, gone)
            peer = Peer(self._connection)
            await peer.discover_all()
            return _services_of(peer)

        self.services = await self.radio.do(connected())

    async def disconnect(self) -> None:
        if self._connection is not None:
            await self.radio.do(self._connection.disconnect())

    async def read_gatt_char(self, characteristic: BleakGATTCharacteristic, **_: Any) -> bytearray:
        return bytearray(await self.radio.do(characteristic.obj.read_value()))

    async def start_notify(self, characteristic: BleakGATTCharacteristic, callback: Any, **_: Any) -> None:
        loop = asyncio.get_running_loop()
        await self.radio.do(
            characteristic.obj.subscribe(lambda value: loop.call_soon_threadsafe(callback, bytearray(value)))
        )

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        await self.radio.do(characteristic.obj.unsubscribe())

    async def pair(self, *_: Any, **__: Any) -> None:
        raise BleakError("no pairing here")

    async def unpair(self) -> None:
        raise BleakError("no pairing here")

    async def read_gatt_descriptor(self, *_: Any, **__: Any) -> bytearray:
        raise BleakError("no descriptors here")

    async def write_gatt_char(self, *_: Any, **__: Any) -> None:
        raise BleakError("no writing here")

    async def write_gatt_descriptor(self, *_: Any, **__: Any) -> None:
        raise BleakError("no writing here")


def _services_of(peer: Peer) -> BleakGATTServiceCollection:
    """What was discovered at `peer`, in bleak's words."""
    services = BleakGATTServiceCollection()
    for found in peer.services:
        service = BleakGATTService(found, found.handle, _uuid(found.uuid))
        services.add_service(service)
        for inside in found.characteristics:
            told = [
                flag.name.lower().replace("_", "-")
                for flag in gatt.Characteristic.Properties
                if flag in inside.properties
            ]
            services.add_characteristic(
                BleakGATTCharacteristic(inside, inside.handle, _uuid(inside.uuid), told, lambda: 20, service)
            )
    return services


def _uuid(uuid: UUID) -> str:
    return normalize_uuid_str(uuid.to_hex_str("-"))
