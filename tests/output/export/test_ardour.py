"""Real Ardour opens the session: every stem on its track at its place, the tempo map, the markers, and it sounds right.

`ardour7-lua` is Ardour without a window, `ardour7-export` plays a session through its mixer into a file.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import soundfile

from synth.output.export.ardour import SUPERCLOCKS_PER_S, write_ardour
from synth.output.export.export import export_session
from synth.output.export.project import read_project

BEAT = 960
TOLD = """
function tell(...)
  local words = {{...}}
  for i, word in ipairs(words) do words[i] = tostring(word) end
  print(table.concat(words, "|"))
end
s = load_session("{folder}", "{name}")
for r in s:get_routes():iter() do
  tell("route", r:name(), r:muted() and "muted" or "heard", r:gain_control():get_value(), r:n_outputs():n_audio())
  local track = r:to_track()
  if not track:isnil() then
    for region in track:playlist():region_list():iter() do
      tell("region", r:name(), region:position():samples(), region:length():samples(), region:start():samples())
      local midi = region:to_midiregion()
      if not midi:isnil() then
        for note in ARDOUR.LuaAPI.note_list(midi:model()):iter() do
          tell("note", r:name(), note:time():str(), note:length():str(), note:note(), note:velocity())
        end
      end
    end
  end
end
for l in s:locations():list():iter() do
  tell("place", l:name(), l:start():samples(), l:_end():samples(), l:is_mark() and "mark" or "range")
end
tell("saved", s:save_state(""))
close_session()
"""


def ardour(home: Path, *command: str) -> str:
    """What a program of Ardour prints, with settings of its own."""
    home.mkdir(exist_ok=True)
    environment = {**os.environ, "HOME": str(home), "XDG_CONFIG_HOME": str(home / "config")}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, cwd=home)
    return done.stdout + done.stderr


def opened(folder: Path, name: str, home: Path) -> list[list[str]]:
    """What Ardour has of the session, a list of words for each thing; it is saved again."""
    home.mkdir(exist_ok=True)
    script = home / "told.lua"
    script.write_text(TOLD.format(folder=folder, name=name))
    printed = ardour(home, "ardour7-lua", str(script))
    assert "[ERROR]" not in printed and "saved|0" in printed, printed
    return [line.split("|") for line in printed.splitlines() if "|" in line]


@pytest.fixture(scope="module")
def told(session: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[list[str]], Path]:
    """What Ardour has of the session made by hand, and the state that it saved."""
    folder = tmp_path_factory.mktemp("ardour")
    (state, *_) = write_ardour(read_project(session), folder / "out", lambda done_s, total_s: None)
    return opened(folder / "out", "my-preset-7", folder / "home"), state


def of(told: tuple[list[list[str]], Path], kind: str) -> list[list[str]]:
    return [words[1:] for words in told[0] if words[0] == kind]


def test_every_stem_is_on_its_track_at_its_place(told):
    regions = {name: [int(n) for n in numbers] for name, *numbers in of(told, "region")}
    for name in ("pad", "bass", "reverb", "premaster", "mix"):
        assert regions[name] == [0, 288_007, 0]
    assert {*regions} - {"pad", "bass", "reverb", "premaster", "mix"} == {
        "pad notes",
        "bass notes",
        "percussion notes",
        "controls",
    }
    assert regions["controls"][:2] == [0, pytest.approx(6.4 * 48_000, abs=1)]


def test_stems_are_heard_at_0_db_and_the_rest_is_muted(told):
    routes = {name: (heard, float(gain), outputs) for name, heard, gain, outputs in of(told, "route")}
    heard = {name for name, route in routes.items() if route[0] == "heard"}
    assert heard == {"Master", "pad", "bass", "reverb"}
    assert all(route[1] == 1.0 for route in routes.values())
    assert all(routes[name][2] == "2" for name in heard)


def test_markers_and_phases_are_there(told):
    places = [(name, int(start), int(end), kind) for name, start, end, kind in of(told, "place")]
    marks = [place[:2] for place in places if place[3] == "mark"]
    assert ("phase: baseline", 0) in marks and ("phrase 2 B'", 192_000) in marks and len(marks) == 8
    assert [at for name, at in marks if name == "she hums"] == [pytest.approx(4.4 * 48_000, abs=1)]
    ranges = [place[:3] for place in places if place[3] == "range"]
    assert ("phase: baseline", 0, 192_000) in ranges and ("session", 0, pytest.approx(307_200, abs=1)) in ranges


def test_the_notes_are_at_their_beats(told):
    notes = sorted((name, at, length, int(key), int(velocity)) for name, at, length, key, velocity in of(told, "note"))
    assert notes == [
        ("bass notes", "0:0", "4:0", 38, 64),
        ("pad notes", "0:0", "2:0", 60, 64),
        ("pad notes", "0:0", "2:0", 64, 51),
        ("pad notes", "4:0", "3:0", 57, 38),
        ("percussion notes", "3:0", "0:960", 60, 114),
    ]


def test_ardour_keeps_the_tempo_map(told):
    """As it saves it: what it could not use it would have changed."""
    tempo_map = ET.parse(told[1]).getroot().find("TempoMap")
    tempos = [(float(t.get("npm")), int(t.get("sclock")), t.get("quarters"), t.get("bbt")) for t in tempo_map[0]]
    assert tempos == [
        (pytest.approx(60.0), 0, "0:0", "1|1|0"),
        (pytest.approx(150.0), 4 * SUPERCLOCKS_PER_S, "4:0", "2|1|0"),
    ]
    metres = [(m.get("divisions-per-bar"), m.get("note-value"), m.get("bbt")) for m in tempo_map[1]]
    assert metres == [("4", "4", "1|1|0"), ("3", "4", "2|1|0")]


def mixed(folder: Path, name: str, home: Path) -> np.ndarray:
    """What Ardour's master plays of the session, from its start to its end."""
    # The exit code is left aside: ardour7-export 7.3 can crash as it closes, with its file long written; and on a busy
    # machine before that, in which case it is asked again.
    for _ in range(4):
        printed = ardour(home, "ardour7-export", "-b", "float", "-o", "mixed.wav", str(folder), name)
        if "Done" in printed:
            break
    assert "Done" in printed, printed
    audio, rate = soundfile.read(home / "mixed.wav")
    assert rate == 48_000
    return audio


def test_ardour_adds_nothing_to_noise(told, project, tmp_path):
    """From the first sample to the last: no fade, no place, no gain."""
    audio = mixed(told[1].parent, project.name, tmp_path / "home")
    premaster, _ = soundfile.read(project.references[0].path)
    assert np.abs(audio[: len(premaster)] - premaster).max() < 10 ** (-130 / 20)
    assert not audio[len(premaster) :].any()


def test_ardour_mixes_the_stems_of_a_session_to_its_premaster(rendered, tmp_path):
    """Through its tracks and its master, down to the stems' own rounding to 24 bits."""
    done = export_session(rendered, "ardour", tmp_path / "out")
    audio = mixed(done.out, done.project.name, tmp_path / "home")
    premaster, _ = soundfile.read(rendered / "stems" / "premaster.flac")
    stems = sum(soundfile.read(take.path)[0] for take in done.project.stems)
    assert len(audio) >= len(premaster) and np.abs(premaster).max() > 0.01
    assert np.abs(audio[: len(premaster)] - premaster).max() < 10 ** (-118 / 20)
    assert np.abs(audio[: len(premaster)] - stems).max() < 10 ** (-140 / 20)


def test_ardour_opens_a_session_of_another_rate_with_mastered_stems(made, tmp_path):
    project = read_project(made(sample_rate=44_100, format="flac", mastered=True))
    write_ardour(project, tmp_path / "out", lambda done_s, total_s: None)
    told = opened(tmp_path / "out", project.name, tmp_path / "home"), None
    regions = {name: [int(n) for n in numbers] for name, *numbers in of(told, "region")}
    assert regions["pad"] == [0, 288_007, 0] and "premaster" not in regions
    assert {name for name, muted, *_ in of(told, "route") if muted == "heard"} == {"Master", "pad", "bass", "reverb"}
