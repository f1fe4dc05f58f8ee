"""The mailbox between a source's thread and the session's."""

from __future__ import annotations

import threading

from synth.wearables.packet import MAILBOX_PACKETS, Mailbox, Packet
from synth.wearables.samples import Samples
from synth.wearables.tally import MAX_WORDS, OTHER


def packet(number: int) -> Packet:
    return Packet("strap", float(number), (Samples.of("hr", number, 70.0),))


def test_packets_are_taken_once_in_order() -> None:
    mailbox = Mailbox()
    for number in range(5):
        mailbox.put(packet(number))
    assert [one.received_s for one in mailbox.take()] == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert mailbox.take() == [] and mailbox.repairs == {}


def test_the_oldest_are_lost_when_nobody_reads_and_that_is_told() -> None:
    mailbox = Mailbox()
    for number in range(MAILBOX_PACKETS + 7):
        mailbox.put(packet(number))
    taken = mailbox.take()
    assert len(taken) == MAILBOX_PACKETS and taken[0].received_s == 7.0
    assert mailbox.repairs == {"packets lost as nobody took them": 7}


def test_words_for_troubles_are_counted_and_bounded() -> None:
    mailbox = Mailbox()
    for number in range(10_000):
        mailbox.repair(f"trouble {number % 1000}")
    assert len(mailbox.repairs) <= MAX_WORDS + 1
    assert sum(mailbox.repairs.values()) == 10_000 and mailbox.repairs[OTHER] > 0


def test_threads_lose_nothing() -> None:
    mailbox, taken = Mailbox(), []
    writers = [
        threading.Thread(target=lambda: [mailbox.put(packet(n)) for n in range(500)], daemon=True) for _ in range(4)
    ]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        taken += mailbox.take()
    taken += mailbox.take()
    assert len(taken) == 2000 and mailbox.repairs == {}
