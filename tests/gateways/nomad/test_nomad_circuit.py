"""A cluster that hangs holds nobody but the one who tries it again."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from bot.domain.catalog.environment import Cluster
from bot.domain.deploy.dispatch import Answer
from bot.errors import NomadUnavailable
from bot.gateways.nomad.circuit import HANGS, Circuit
from bot.gateways.nomad.client import Timeouts
from bot.gateways.nomad.cluster import PythonNomads
from bot.gateways.nomad.errors import Unanswered

WORDS = "cluster main took too long to answer"


class Seconds:
    """A monotonic clock that is moved by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds():
    return Seconds()


@pytest.fixture
def circuit(seconds):
    return Circuit(5.0, 20.0, seconds)


def test_after_an_exchange_that_hung_the_next_fail_in_its_words_until_one_may_try(circuit, seconds):
    circuit.check()
    circuit.record_failure(WORDS, HANGS)
    for wait in (0.0, 4.9):
        seconds.now += wait
        with pytest.raises(Unanswered, match=WORDS) as caught:
            circuit.check()
        assert not caught.value.sent
    seconds.now += 0.1
    circuit.check()
    with pytest.raises(Unanswered):
        circuit.check()


def test_who_tries_and_never_comes_back_keeps_nobody_out_for_ever(circuit, seconds):
    circuit.record_failure(WORDS, HANGS)
    seconds.now += 5
    circuit.check()
    seconds.now += 20
    circuit.check()


@pytest.mark.parametrize(
    "end", [Circuit.record_answer, lambda circuit: circuit.record_failure("refuses connections", 0.1)]
)
def test_an_answer_or_a_quick_refusal_closes_it(circuit, end):
    circuit.record_failure(WORDS, HANGS)
    end(circuit)
    circuit.check()


async def test_reads_of_a_hanging_cluster_fail_at_once_and_a_change_is_still_tried():
    asked = []

    async def hang(reader, writer):
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            asked.append(await reader.readuntil(b"\r\n\r\n"))
            await reader.read()
        writer.close()

    listener = await asyncio.start_server(hang, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    nomads = PythonNomads(lambda _: None, timeouts=Timeouts(connect=1.0, answer=1.1, write=2.0, rest=60.0))
    nomad = nomads.of(Cluster(name="main", address=address))
    for _ in range(5):
        with pytest.raises(NomadUnavailable, match="cluster main took too long to answer"):
            await nomad.reach()
    assert len(asked) == 1
    said = await nomad.register("default", "{}", base_index=0, source="", variables="{}")
    assert (said.answer, len(asked)) == (Answer.UNKNOWN, 2)
    nomads.close()
    listener.close()
    await listener.wait_closed()
