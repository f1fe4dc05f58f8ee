"""Through a real JACK server: every port carries what the record says was played; a server that dies is got over."""

from __future__ import annotations

from contextlib import closing

import jack
import numpy as np
import pytest

from bench.jack_here import aligned
from synth.controls import STEMS
from synth.live.devices.jack import PAIRS
from synth.live.player import FADE_IN_S
from synth.session import Session


def played(session, lines, seconds):
    """What the session's record gives when it is rendered again: mix, pre-master and stems."""
    moves = [line for line in lines if line["type"] in ("commit", "release", "phase", "verb", "stop", "panic")]
    moves = [line for line in moves if not line.get("at_once")]
    asked = dict(session.setup.session)
    again = Session(session.setup.preset, stems=True, moves=moves, steer=False, **asked)
    return again.render_audio(round(seconds * again.sample_rate))


def test_every_port_carries_what_the_record_says_bit_for_bit(jack_server, recorder, live, until):
    session = live(device="jack", client="isotone", session={"minutes": 3.0})
    session.start()
    until(lambda: session.seen.frames > 0)
    stems = [stem for stem in (*session.setup.preset.stems, "reverb") if stem in STEMS]
    stems = list(dict.fromkeys(stems))
    names = ["mix", "premaster", *stems]
    tape = recorder([f"isotone:{name}_{side}" for name in names for side in (1, 2)])
    tape.start()
    until(lambda: tape.seconds > 4.0)
    session.request("level_pad_db", -6.0)
    session.request("pan_bells", 0.5)
    until(lambda: tape.seconds > 9.0)
    heard = tape.stop().astype(np.float32)
    session.kill()
    wanted = played(session, session.lines, 25.0)
    rendered = {"mix": wanted.mix, "premaster": wanted.premaster, **wanted.stems}
    late = aligned(heard[0], wanted.mix[:, 0])
    frames = heard.shape[1] - 24_000
    for i, name in enumerate(names):
        for side in range(2):
            ours, theirs = heard[2 * i + side, 24_000:][:frames], rendered[name][late + 24_000 :][:frames, side]
            np.testing.assert_array_equal(ours, theirs, err_msg=f"{name}_{side + 1}")
    for side in range(2):
        total = heard[4 + side :: 2, 24_000:].astype(np.float64).sum(axis=0)
        assert np.abs(total - heard[2 + side, 24_000:]).max() < 1e-6, "stems sum to the pre-master"
    assert np.abs(heard[0]).max() > 1e-3


def test_ports_have_stable_names_and_the_mix_finds_the_loudspeakers(jack_server, live, until):
    session = live(device="jack", client="isotone")
    session.start()
    client = jack.Client("looker", no_start_server=True)
    try:
        names = {port.shortname for port in client.get_ports("isotone:", is_audio=True)}
        assert names == {f"{name}_{side}" for name in PAIRS for side in (1, 2)}
        assert {port.shortname for port in client.get_ports("isotone:", is_midi=True)} == {"midi_in", "midi_out"}
        connected = client.get_all_connections("isotone:mix_1")
        assert [port.name for port in connected] == ["system:playback_1"]
        assert not client.get_all_connections("isotone:pad_1")
    finally:
        client.close()
    assert session.seen.sample_rate == 48_000 and session.seen.block == 256


def test_a_server_that_dies_is_got_over(jack_named, recorder, live, until):
    """The music goes on unheard, and fades in when the server is back; nothing of the session is lost."""
    with jack_named() as server:
        session = live(device="jack", client="isotone")
        session.start()
        until(lambda: session.seen.frames > 4 * 48_000)
    until(lambda: not session.seen.connected, 60.0)
    before = session.seen.frames
    until(lambda: session.seen.frames > before + 48_000, 60.0, "it composes on without a device")
    with jack_named(server):
        with closing(recorder(["isotone:mix_1"])) as tape:
            until(lambda: bool(session.seen.connected), 60.0)
            tape.start()
            until(lambda: tape.seconds > FADE_IN_S + 2.0)
            heard = tape.stop()[0]
        early, late = (np.sqrt(np.mean(x**2)) for x in (heard[:2400], heard[-48_000:]))
        assert late > 1e-3 and early < 0.3 * late, "it fades in"
        session.kill()
    assert [w for w in session.words if "went away" in w] and [w for w in session.words if "is back" in w]


@pytest.mark.parametrize("device", ["pyo", "portaudio"])
def test_other_sound_servers_play_the_same_samples(device, jack_server, recorder, live, until):
    """pyo and PortAudio, each over the same JACK server: block after block without a seam."""
    name = "jack" if device == "pyo" else None
    session = live(device=device, device_name=name, client="other", connect=True)
    session.start()
    until(lambda: session.seen.frames > 0)
    client = jack.Client("looker", no_start_server=True)
    try:
        port = next(p.name for p in client.get_ports(is_audio=True, is_output=True) if not p.is_physical)
    finally:
        client.close()
    tape = recorder([port])
    tape.start()
    until(lambda: tape.seconds > 6.0)
    heard = tape.stop()[0]
    session.kill()
    wanted = played(session, session.lines, 20.0)
    gain = 1e-6 if device == "pyo" else 0.0  # pyo's own gain comes near to 1
    assert aligned(heard, wanted.mix[:, 0], gain) > 0
