"""The event stream as hints: on every Nomad, and what a refused, silent or broken one does to it."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from contextlib import aclosing, asynccontextmanager

import pytest

from bot.domain.catalog.environment import Cluster
from bot.gateways.nomad import stream as streams
from bot.gateways.nomad.client import Client, Timeouts
from bot.gateways.nomad.stream import NOW, Patience, Quiet, _read_line, job_events
from bot.ports.nomad import JobEvent
from tests.gateways.nomad.worlds import a_service, eventually

QUICK = Patience(first=1.0, silence=1.0, back_off=0.01, longest_back_off=0.05)


async def a_move_of(stream, wanted):
    """The first hint about that job."""
    async with asyncio.timeout(20):
        async for moved in stream:
            if moved == wanted:
                return
    raise AssertionError("the stream ended")


async def streaming():
    """How many threads read a stream."""
    return sum(1 for thread in threading.enumerate() if thread.name == "nomad-events")


@asynccontextmanager
async def listening(world, namespaces):
    """A stream that is up, and is closed at the end."""
    async with aclosing(world.nomad.job_events(namespaces)) as stream:
        first = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0.1)
        yield stream, first
        first.cancel()
        with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration):
            await first


@pytest.mark.parametrize("namespaces", [{"default"}, {"default", "staging"}])
async def test_a_register_moves_its_job(world, namespaces):
    async with listening(world, namespaces) as (_, first):
        await world.register(a_service(world.job_id))
        async with asyncio.timeout(20):
            moved = await first
        assert moved.namespace == "default"


async def test_every_change_of_a_job_is_reported(world):
    async with aclosing(world.nomad.job_events({"default"})) as stream:
        wanted = JobEvent("default", world.job_id)
        waiting = asyncio.ensure_future(a_move_of(stream, wanted))
        await asyncio.sleep(0.1)
        await world.register(a_service(world.job_id))
        await waiting


async def test_a_job_of_which_the_stream_tells_nothing_has_been_quiet_since_it_opened(world):
    nomad, other = world.nomad, f"{world.job_id}-other"
    assert not nomad.quiet("default", other)
    async with listening(world, {"default"}) as (_, first):
        await world.register(a_service(world.job_id))
        async with asyncio.timeout(20):
            await first
        assert nomad.quiet("default", other) > nomad.quiet("default", world.job_id)
        assert not nomad.quiet("staging", other)
    assert not nomad.quiet("default", other)


def test_quiet_begins_anew_after_a_break_and_when_there_are_too_many_jobs_to_remember():
    now = 100.0
    quiet, web, api = Quiet(lambda: now), JobEvent("default", "web"), JobEvent("default", "api")
    quiet.hear(frozenset({"default"}), ())
    now = 110.0
    quiet.hear(frozenset({"default"}), [web])
    now = 115.0
    assert [quiet.about(job).total_seconds() for job in (web, api)] == [5, 15]
    quiet.end()
    assert not quiet.about(api)
    quiet.hear(frozenset({"default"}), [JobEvent("default", f"job-{number}") for number in range(Quiet.MOST + 1)])
    now = 120.0
    assert quiet.about(api).total_seconds() == 5
    quiet.hear(frozenset({"default"}), ())
    assert not quiet.about(api)


async def test_other_namespaces_are_left_out(simulated):
    simulated.namespace = "staging"
    async with listening(simulated, {"default", "apps"}) as (_, first):
        await simulated.register(a_service(simulated.job_id))
        simulated.namespace = "apps"
        await simulated.register(a_service(simulated.job_id))
        async with asyncio.timeout(5):
            assert (await first).namespace == "apps"


async def test_it_comes_back_by_itself_and_goes_on(simulated):
    async with aclosing(simulated.nomad.job_events({"default"})) as stream:
        waiting = asyncio.ensure_future(a_move_of(stream, JobEvent("default", simulated.job_id)))
        await asyncio.sleep(0.1)
        await simulated.control("outage", {"mode": "refuse"})
        await asyncio.sleep(0.1)
        await simulated.control("outage", {"mode": "none"})
        await simulated.control("drop-streams")
        await simulated.register(a_service(simulated.job_id))
        await waiting


async def test_closing_ends_the_connection_at_once(simulated):
    before = await streaming()
    async with listening(simulated, {"default"}):
        assert await streaming() == before + 1
    assert await eventually(streaming, lambda number: number == before) == before


async def test_cancelling_the_reader_ends_it_too(simulated):
    before = await streaming()

    async def read():
        async with aclosing(simulated.nomad.job_events({"default"})) as stream:
            async for _ in stream:
                pass

    task = asyncio.create_task(read())
    await eventually(streaming, lambda number: number == before + 1)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert await eventually(streaming, lambda number: number == before) == before


async def test_a_reader_that_is_cancelled_as_news_come_in_ends():
    inbox = streams._Inbox()
    task = asyncio.create_task(inbox.wait(60))
    await asyncio.sleep(0)
    inbox._take(5, [])
    await asyncio.sleep(0)
    cancelled = task.cancel()
    await asyncio.wait([task])
    assert task.cancelled() is cancelled


# --- a server that does as it is told --------------------------------------------------------------------------------


class Refuser:
    """Accepts streams and answers each with the given bytes, then is silent; remembers what it was asked."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self.checks = 0
        self.open = 0
        self.slow = asyncio.Event()
        self.slow.set()

    async def serve(self, reader, writer):
        self.open += 1
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.asked.append(head.split(" ", 2)[1])
        await self.slow.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\n\r\n")
        writer.write(self.answers.pop(0) if self.answers else b"")
        with contextlib.suppress(ConnectionError):
            await writer.drain()
            await reader.read()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        self.open -= 1

    async def connections(self):
        return self.open

    async def check(self):
        self.checks += 1


@asynccontextmanager
async def refuser(*answers):
    """The server, and a stream of one namespace from it."""
    server = Refuser(*answers)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    client = Client(Cluster(name="main", address=address, region="global"), "s3cret", Timeouts())
    async with aclosing(
        job_events(client.event_stream, server.check, frozenset({"default"}), QUICK, Quiet())
    ) as stream:
        yield server, stream
    assert await eventually(server.connections, lambda number: number == 0) == 0
    client.close()
    listener.close()
    await listener.wait_closed()


LINE = b'{"Index":%d,"Events":[{"Namespace":"default","Payload":{"Job":{"ID":"%s","Namespace":"default"}}}]}\n'


async def test_silence_from_the_first_is_a_refused_token():
    async with refuser(b"", b"{}\n" + LINE % (7, b"web")) as (server, stream):
        async with asyncio.timeout(10):
            assert await anext(stream) == JobEvent("default", "web")
        assert server.checks == 1
        assert len(server.asked) == 2


async def test_a_line_in_pieces_and_several_at_once():
    async with refuser(b"{}\n" + LINE % (7, b"web") + b"\n" + LINE % (8, b"api")) as (_, stream):
        async with asyncio.timeout(10):
            assert [await anext(stream), await anext(stream)] == [
                JobEvent("default", "web"),
                JobEvent("default", "api"),
            ]


async def test_silence_later_is_a_dead_stream_and_it_resumes_at_the_last_index():
    async with refuser(b"{}\n" + LINE % (7, b"web"), b"{}\n" + LINE % (7, b"web")) as (server, stream):
        async with asyncio.timeout(10):
            assert await anext(stream) == JobEvent("default", "web")
            assert await anext(stream) == JobEvent("default", "web")
        assert f"index={NOW}" in server.asked[0]
        assert "index=7" in server.asked[1]
        assert server.checks == 0


async def test_what_is_not_json_breaks_the_stream_and_it_comes_back():
    async with refuser(b"{}\n<html>\n", b"{}\n" + LINE % (7, b"web")) as (server, stream):
        async with asyncio.timeout(10):
            assert await anext(stream) == JobEvent("default", "web")
        assert len(server.asked) == 2


async def test_a_line_without_end_breaks_the_stream(monkeypatch):
    monkeypatch.setattr(streams, "_LONGEST_LINE", 100)
    async with refuser(b"{}\n" + b"x" * 101, b"{}\n" + LINE % (7, b"web")) as (server, stream):
        async with asyncio.timeout(10):
            assert await anext(stream) == JobEvent("default", "web")
        assert len(server.asked) == 2


async def test_a_connection_closed_while_it_opens_ends():
    async with refuser() as (server, stream):
        server.slow = asyncio.Event()
        waiting = asyncio.ensure_future(anext(stream))
        await eventually(server.connections, lambda number: number == 1)
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await waiting
        server.slow.set()


async def test_what_is_asked():
    async with refuser(b"{}\n" + LINE % (7, b"web")) as (server, stream):
        async with asyncio.timeout(10):
            await anext(stream)
        (asked,) = server.asked
        for part in ("topic=Job%3A%2A", "topic=Deployment%3A%2A", "topic=Allocation%3A%2A", "namespace=default"):
            assert part in asked
        assert "region=global" in asked


@pytest.mark.parametrize(
    ("line", "index", "jobs"),
    [
        (b"{}", None, []),
        (b'{"Index":3,"Events":null}', 3, []),
        (b'{"Index":3,"Events":[{"Namespace":"a","Payload":{"Job":{"ID":"web"},"Deleted":true}}]}', 3, [("a", "web")]),
        (
            b'{"Index":3,"Events":[{"Payload":{"Deployment":{"ID":"d","JobID":"web","Namespace":"b"}}}]}',
            3,
            [("b", "web")],
        ),
        (
            b'{"Index":3,"Events":[{"Payload":{"Allocation":{"ID":"x","JobID":"api"}},"Namespace":"c"}]}',
            3,
            [("c", "api")],
        ),
        (b'{"Index":3,"Events":[{"Payload":null},{"Payload":{"Node":{}}}]}', 3, []),
    ],
)
def test_lines(line, index, jobs):
    assert _read_line(line) == (index, [JobEvent(*each) for each in jobs])
