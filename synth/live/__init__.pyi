from synth.live.devices.device import DeviceError as DeviceError
from synth.live.live_session import LiveError as LiveError
from synth.live.live_session import LiveSession as LiveSession
from synth.live.seek import first_device as first_device
from synth.live.setup import DEVICES as DEVICES
from synth.live.setup import Setup as Setup
