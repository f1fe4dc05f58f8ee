"""The desk: guests in processes of their own, whatever they do, and what is told of it."""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from synth.composer.guests import Desk, Replayed, Written

BUILT_IN = "; the built-in composer plays"


def phrase(desk, invitation, number):
    desk.invite(invitation(phrase=number))
    return desk.take("melody", number)


def test_a_function_plays(desks, invitation):
    desk, told = desks("visiting:climbs")
    notes = phrase(desk, invitation, 2)
    pitches = invitation().pitches[2:9]
    assert notes == tuple(Written(2.0 * i, 1.5, pitch) for i, pitch in enumerate(pitches))
    assert [(t.stem, t.phrase, t.name, t.notes, t.text) for t in told] == [
        ("melody", 2, "visiting:climbs", notes, "plays 7 notes")
    ]
    assert desk.told("melody", 2) == "visiting:climbs: plays 7 notes"
    assert desk.told("melody", 3) == desk.told("bells", 2) == ""


def test_an_object_keeps_what_it_likes_from_phrase_to_phrase(desks, invitation):
    desk, _ = desks("visiting:Climber")
    assert [phrase(desk, invitation, n)[0].velocity for n in (2, 3, 4)] == [0.1, 0.2, 0.3]


def test_a_guest_may_be_handed_over_itself(desks, invitation):
    import visiting

    for guest in (visiting.climbs, visiting.Climber, visiting.Climber()):
        desk, told = desks(guest)
        assert len(phrase(desk, invitation, 2)) == 7
        assert told[0].name in ("climbs", "Climber")


@pytest.mark.parametrize(
    ("guest", "words"),
    [
        ("raises", "failed (KeyError: 'no such\\nchord')"),
        ("sleeps", "gave no answer within 1 s"),
        ("spins", "gave no answer within 1 s"),
        ("spins_deaf", "gave no answer within 1 s"),
        ("endless", "refused: it wrote more than 512 notes"),
        ("dies", "died (exit code 3)"),
        ("leaves", "died (exit code 1)"),
        ("unspeakable", "died (exit code 1)"),
        ("none", "refused: it answered None"),
        ("words", "refused: its note 1 is a str, not a note"),
        ("text", "refused: it answered a str, not notes"),
        ("nan", "refused: its note 1 is not of finite numbers"),
        ("infinite", "refused: its note 1 is not of finite numbers"),
        ("huge", "refused: its note 1 is out of all bounds"),
        ("thousands", "refused: it wrote more than 512 notes"),
        ("elsewhere", "refused: 2 of 7 notes are outside dorian"),
        ("lambdas", "refused: its note 1 is a function, not a note"),
        ("nothing", "refused: it wrote nothing"),
        ("Unmakeable", "could not be started (OSError: no weights here)"),
        ("number", "could not be started (TypeError: int is no guest: it has no write(invitation))"),
        ("missing", "could not be started (AttributeError: module 'visiting' has no attribute 'missing')"),
    ],
)
def test_a_bad_guest_leaves_the_phrase_to_the_built_in_composer(desks, invitation, guest, words):
    desk, told = desks(f"visiting:{guest}")
    assert phrase(desk, invitation, 2) is None
    assert [(t.name, t.notes, t.text) for t in told] == [(f"visiting:{guest}", None, words + BUILT_IN)]


@pytest.mark.parametrize(
    ("guest", "words"),
    [
        ("no_such_module:guest", "could not be started (ModuleNotFoundError: No module named 'no_such_module')"),
        ("nonsense", "could not be started (TypeError: 'nonsense' is no guest: give \"module:name\")"),
    ],
)
def test_a_guest_that_is_not_there(desks, invitation, guest, words):
    desk, told = desks(guest)
    assert phrase(desk, invitation, 2) is None
    assert told[0].text == words + BUILT_IN


def test_a_guest_that_cannot_be_sent_to_a_process(desks, invitation):
    desk, told = desks(lambda invitation: [])
    assert phrase(desk, invitation, 2) is None
    assert told[0].text.startswith('cannot be taken into a process of its own, give "module:name" (')


def test_a_stalled_guest_is_started_again_and_plays_the_next_phrase(desks, invitation):
    desk, told = desks("visiting:sleeps_once_in_two", budget_s=0.5)
    played = [phrase(desk, invitation, number) is not None for number in range(1, 9)]
    assert played == [False, True] * 4  # for a guest that plays in between is not given up


def test_a_guest_that_only_stalls_is_not_asked_for_ever(desks, invitation):
    desk, told = desks("visiting:sleeps", budget_s=0.3)
    for number in range(1, 6):
        phrase(desk, invitation, number)
    assert told[1].text == "gave no answer within 0.3 s" + BUILT_IN
    for late in told[2:]:
        assert late.text == "gave no answer within 0.3 s, 3 times in a row: it is not asked again" + BUILT_IN


def test_live_nothing_waits(desks, invitation):
    """A guest that stalls has half a minute for each phrase, and three phrases pass meanwhile."""
    desk, told = desks("visiting:sleeps", wait=False, budget_s=30.0)
    began = time.monotonic()
    for number in (2, 3, 4):
        assert phrase(desk, invitation, number) is None
    assert time.monotonic() - began < 10.0
    assert told[0].text == "had not answered when the phrase began" + BUILT_IN
    assert told[1].text == told[2].text == "was busy with an earlier phrase" + BUILT_IN


def test_live_what_came_meanwhile_is_taken(desks, invitation):
    desk, told = desks("visiting:climbs", wait=False, budget_s=30.0)
    desk.invite(invitation(phrase=4))
    assert desk._hosts["melody"].answer(4, 30.0) is not None  # the phrase before it plays
    assert len(desk.take("melody", 4)) == 7


def test_live_an_answer_that_comes_late_is_not_played_in_another_phrase(desks, invitation):
    desk, told = desks("visiting:slow", wait=False, budget_s=30.0)
    assert phrase(desk, invitation, 2) is None
    assert desk._hosts["melody"].answer(2, 30.0) is not None
    assert desk.take("melody", 2) is None and desk.take("melody", 3) is None
    assert len(told) == 1


def test_rendered_ahead_no_invitation_is_left_out(desks, invitation):
    """A phrase that is never taken, as where a stem rests, keeps nobody from the next; a guest sees every phrase."""
    desk, told = desks("visiting:Climber")
    for number in (2, 3, 4):
        desk.invite(invitation(phrase=number))
    assert desk.take("melody", 4)[0].velocity == 0.3
    assert len(told) == 1


def test_only_the_invited_stem_and_phrase_are_answered(desks, invitation):
    desk, told = desks("visiting:climbs")
    assert desk.stems == {"melody"}
    desk.invite(invitation(stem="bells"))
    assert desk.take("bells", 2) is None
    desk.invite(invitation(phrase=2))
    assert desk.take("melody", 3) is None
    assert told == [] and desk.told("melody", 3) == ""


def test_what_was_written_follows_a_new_scale(desks, invitation):
    desk, told = desks("visiting:climbs")
    desk.invite(invitation())
    now = invitation(key=3, scale="phrygian", semitones=(0, 1, 3, 5, 7, 8, 10))
    notes = desk.take("melody", 2, now)
    assert told[0].text == "plays 7 notes"
    assert [now.step(n.pitch) for n in notes] == [invitation().step(p) for p in invitation().pitches[2:9]]
    assert all(n.pitch in now.pitches for n in notes)


def test_controls_of_any_mapping_reach_the_guest(desks, invitation):
    from types import MappingProxyType

    desk, _ = desks("visiting:climbs")
    desk.invite(invitation(controls=MappingProxyType({"arousal": 0.3})))
    assert len(desk.take("melody", 2)) == 7


def guest_processes():
    return [process for process in multiprocessing.active_children() if process.name == "guest"]


def test_nothing_is_left_behind(desks, invitation):
    desk, _ = desks("visiting:spins", wait=False)
    desk.invite(invitation())
    desk._hosts["melody"].answer(2, 0.4)
    assert guest_processes()
    desk.close()
    assert not guest_processes()
    assert not [t for t in threading.enumerate() if t.name.startswith("guest ")]
    desk.close()


def test_a_desk_that_was_closed_opens_for_the_next_session(desks, invitation):
    desk, told = desks("visiting:climbs")
    desk.invite(invitation())
    desk.close()
    assert desk.take("melody", 2) is None
    assert len(phrase(desk, invitation, 3)) == 7 and len(told) == 2


def test_a_desk_that_is_forgotten_lets_its_guests_go(plugins, monkeypatch, invitation):
    monkeypatch.syspath_prepend(str(plugins))
    desk = Desk({"melody": "visiting:climbs"}, wait=True)
    assert len(phrase(desk, invitation, 2)) == 7
    del desk
    gc.collect()
    assert not guest_processes()


PROGRAM = """
import multiprocessing, os, signal, time
from synth.composer.guests import Desk, Invitation
if __name__ == "__main__":
    desk = Desk({"melody": "visiting:spins"}, budget_s=600.0)
    desk.invite(Invitation("melody", 2, 4, 4, 60.0, 0, "ionian", (0, 4, 7), 60, 75, 8.0, 14.0, {}, 5))
    while not multiprocessing.active_children():
        time.sleep(0.01)
    time.sleep(1.0)
    print(multiprocessing.active_children()[0].pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_busy_guest_does_not_outlive_a_program_that_was_killed(plugins, tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    folders = os.pathsep.join([str(plugins), str(Path(__file__).resolve().parents[3])])
    environment = {**os.environ, "PYTHONPATH": folders}
    command = [sys.executable, str(tmp_path / "program.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as program:
        guest = int(program.stdout.readline())
    until = time.monotonic() + 10.0
    while (still := is_running(guest)) and time.monotonic() < until:
        time.sleep(0.05)
    if still:
        os.kill(guest, signal.SIGKILL)
    assert not still, "the guest is still there"


def is_running(process: int) -> bool:
    """False also of one that ended, and that nobody has asked after yet."""
    try:
        os.kill(process, 0)
        return ") Z " not in Path(f"/proc/{process}/stat").read_text()
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_a_program_that_its_guest_would_run_again_is_told_what_to_do(tmp_path):
    program = PROGRAM.replace('if __name__ == "__main__":', "if True:").replace("visiting:spins", "json:loads")
    program = program.partition("    while not")[0] + "    print(desk.take('melody', 2))\n    time.sleep(2.0)\n"
    (tmp_path / "program.py").write_text(program)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3])}
    command = [sys.executable, str(tmp_path / "program.py")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=True)
    assert done.stdout == "None\n"  # once: the guest's process stopped before it could sing along
    assert 'put what it does under if __name__ == "__main__"' in done.stderr


def test_a_budget_has_bounds():
    for budget_s in (0.0, -1.0, 1e9, float("nan")):
        with pytest.raises(ValueError, match="budget_s"):
            Desk({}, budget_s=budget_s)


def test_a_record_answers_without_the_guest(desks, invitation):
    desk, told = desks("visiting:sleeps_once_in_two", budget_s=0.5)
    taken = [phrase(desk, invitation, number) for number in range(1, 5)]
    lines = [json.loads(json.dumps(t.as_line())) for t in told]
    assert all(line["type"] == "guest" for line in lines)

    replayed = Replayed(lines)
    again = []
    replayed.on_told = again.append
    assert replayed.stems == {"melody"}
    assert [phrase(replayed, invitation, number) for number in range(1, 5)] == taken
    assert again == told
    assert phrase(replayed, invitation, 9) is None
    assert again[-1].text == "the record holds no answer to this phrase" + BUILT_IN
    assert replayed.take("bells", 2) is None


def test_a_record_that_was_tampered_with_is_checked_like_a_guest(invitation):
    line = {"type": "guest", "stem": "melody", "phrase": 2, "name": "x", "text": "plays 8 notes"}
    replayed = Replayed([{**line, "notes": [[2.0 * i, 1.0, 61, 0.5] for i in range(8)]}])
    assert phrase(replayed, invitation, 2) is None
