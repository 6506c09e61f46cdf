"""Calls: what python-nomad must not take from its surroundings, and answers that are not Nomad's."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import ssl
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from nomad.api.exceptions import BaseNomadException

from bot.domain.catalog.environment import Cluster
from bot.domain.deploy.dispatch import Answer
from bot.domain.deploy.plan import job_text
from bot.errors import NomadForbidden, NomadRefused, NomadUnavailable
from bot.gateways.nomad import reply as replies
from bot.gateways.nomad.client import Client, Timeouts
from bot.gateways.nomad.cluster import PythonNomads
from bot.gateways.nomad.errors import Unanswered, no_answer, refusal
from bot.gateways.nomad.parse import _require_own_region, parse
from bot.gateways.nomad.reply import Reply
from bot.gateways.nomad.session import endpoints, open_session
from tests.gateways.nomad.worlds import a_service

TOKEN = "0c8a4f2e-aaaa-bbbb-cccc-444455556666"
JSON = "application/json"


class Server:
    """Answers every request with one fixed answer, and remembers the heads and bodies of those."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.heads: list[str] = []

    async def serve(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.heads.append(head)
        length = next((int(line.split(":")[1]) for line in head.splitlines() if "content-length" in line.lower()), 0)
        with contextlib.suppress(asyncio.IncompleteReadError):
            await reader.readexactly(length)
        writer.write(self.answer)
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


def http(status: str = "200 OK", body: bytes = b"", kind: str = JSON, *more: str) -> bytes:
    head = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", "Connection: close", *more]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


@asynccontextmanager
async def answering(answer: bytes, token: str | None = TOKEN, **of_cluster: str):
    """A server with one answer, and a gateway to it."""
    server = Server(answer)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/"
    nomads = PythonNomads(lambda _: token, timeouts=Timeouts(connect=1, answer=1, write=2))
    yield server, nomads.of(Cluster(name="main", address=address, **of_cluster))
    nomads.close()
    listener.close()
    await listener.wait_closed()


async def test_token_namespace_and_region_are_ours(monkeypatch):
    for name, value in {
        "NOMAD_ADDR": "http://127.0.0.1:1",
        "NOMAD_TOKEN": "theirs",
        "NOMAD_NAMESPACE": "theirs",
        "NOMAD_REGION": "theirs",
        "NOMAD_CLIENT_CERT": "/theirs",
        "NOMAD_CLIENT_KEY": "/theirs",
        "HTTP_PROXY": "http://127.0.0.1:1",
        "http_proxy": "http://127.0.0.1:1",
    }.items():
        monkeypatch.setenv(name, value)
    async with answering(http(body=b'{"ID": "web"}'), token=None) as (server, nomad):
        assert await nomad.job("apps", "web") == {"ID": "web"}
    (head,) = server.heads
    assert head.startswith("GET /v1/job/web?namespace=apps HTTP/1.1")
    assert "theirs" not in head
    assert "x-nomad-token" not in head.lower()


async def test_what_the_cluster_says_is_sent():
    async with answering(http(body=b"{}"), region="eu") as (server, nomad):
        await nomad.job("apps", "a/b c")
    (head,) = server.heads
    path, _, rest = head.partition(" HTTP")
    assert path.startswith("GET /v1/job/a%2Fb%20c?")
    assert "namespace=apps" in path
    assert "region=eu" in path
    assert f"X-Nomad-Token: {TOKEN}" in rest
    assert "User-Agent: nomatron/" in rest


@pytest.mark.parametrize(("ca_file", "verify"), [(None, True), ("/etc/ca.pem", "/etc/ca.pem")])
def test_certificates_are_verified(ca_file, verify, monkeypatch):
    monkeypatch.setenv("NOMAD_CLIENT_CERT", "/theirs")
    monkeypatch.setenv("NOMAD_CLIENT_KEY", "/theirs")
    cluster = Cluster(name="main", address="https://nomad.example:4646", ca_file=ca_file)
    with open_session() as session:
        for endpoint in endpoints(cluster, TOKEN, session).values():
            assert endpoint.verify == verify
            assert endpoint.cert == ()
            assert endpoint.session is session


async def test_a_relative_ca_file_lies_in_the_catalogs_folder(tmp_path):
    nomads = PythonNomads(lambda _: None, folder=tmp_path)
    try:
        with pytest.raises(NomadUnavailable, match=str(tmp_path / "own.pem")):
            await nomads.of(Cluster(name="main", address="https://127.0.0.1:1", ca_file="own.pem")).reach()
    finally:
        nomads.close()


async def test_a_missing_ca_file_is_reported(tmp_path):
    cluster = Cluster(name="main", address="https://127.0.0.1:1", ca_file=str(tmp_path / "none.pem"))
    nomads = PythonNomads(lambda _: None)
    nomad = nomads.of(cluster)
    with pytest.raises(NomadUnavailable, match=r"none\.pem"):
        await nomad.job("default", "web")
    said = await nomad.register("default", "{}", base_index=0, source="", variables="{}")
    assert said.answer is Answer.NOT_SENT
    nomads.close()


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (http("502 Bad Gateway", b"<html>", "text/html"), NomadUnavailable, "answered 502 with a web page"),
        (http(body=b"<!doctype html>", kind="text/html"), NomadUnavailable, "answered 200 with a web page"),
        (http("404 Not Found", b"<html>", "text/html"), NomadUnavailable, "answered 404 with a web page"),
        (
            http("301 Moved", b"", "text/plain", "Location: https://other.example/"),
            NomadUnavailable,
            "redirect to https://other.example/; use the final address",
        ),
        (http(body=b"fine", kind="text/plain"), NomadUnavailable, "something that is not JSON"),
        (http(body=b"[]"), NomadUnavailable, "JSON that is not an object"),
        (http("429 Too Many Requests"), NomadUnavailable, "too many connections from this host"),
        (http("500 Error", b"No cluster leader", "text/plain"), NomadUnavailable, "answered 500: No cluster leader"),
        (http("503 Error"), NomadUnavailable, "answered 503: no text"),
        (http("400 Bad", b"missing something", "text/plain"), NomadUnavailable, "refused a read: missing something"),
        (http("403 Forbidden", b"Permission denied", "text/plain"), NomadForbidden, "Permission denied"),
        (http("500 Error", b"ACL token expired", "text/plain"), NomadForbidden, "ACL token expired"),
        (http(body=b'{"ID": "w"}')[:-4], NomadUnavailable, "cannot be reached"),
        (b"HTTP/0.9 what\r\n\r\n", NomadUnavailable, "main"),
        (b"", NomadUnavailable, "cannot be reached"),
    ],
)
async def test_answers_that_are_no_answer(answer, error, words):
    async with answering(answer) as (_, nomad):
        with pytest.raises(error, match=words) as caught:
            await nomad.job("default", "web")
        assert TOKEN not in str(caught.value)
        assert TOKEN not in repr(caught.value)


async def test_a_missing_job_is_none():
    async with answering(http("404 Not Found", b"job not found", "text/plain")) as (_, nomad):
        assert await nomad.job("default", "web") is None


async def test_packed_answers_are_read():
    packed = gzip.compress(b'{"ID": "web"}')
    async with answering(http("200 OK", packed, JSON, "Content-Encoding: gzip")) as (_, nomad):
        assert await nomad.job("default", "web") == {"ID": "web"}


@pytest.mark.parametrize("packed", [True, False])
async def test_an_answer_has_a_largest_size_unpacked(packed, monkeypatch):
    monkeypatch.setattr(replies, "LARGEST", 2**20)
    body = b" " * (2**20 + 1)
    answer = http("200 OK", gzip.compress(body), JSON, "Content-Encoding: gzip") if packed else http(body=body)
    async with answering(answer) as (_, nomad):
        with pytest.raises(NomadUnavailable, match="more than 1 MiB"):
            await nomad.job("default", "web")


@asynccontextmanager
async def listening(serve, timeouts):
    """A server of its own making, and a client of it."""
    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    client = Client(Cluster(name="main", address=address), None, timeouts)
    yield client
    client.close()
    listener.close()
    await listener.wait_closed()
    await asyncio.sleep(0.1)


async def test_an_answer_has_to_end():
    async def trickle(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.02)

    async with listening(trickle, Timeouts(connect=5, answer=1.0)) as client:
        with pytest.raises(Unanswered, match="was still sending its answer") as caught:
            await client.get("job", "web", namespace="default")
    assert caught.value.sent


async def test_an_answer_that_stops_in_the_middle_takes_too_long():
    ended = asyncio.Event()

    async def stop(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(http(body=b'{"ID": "web"}')[:-4])
        await ended.wait()
        writer.close()

    async with listening(stop, Timeouts(connect=5, answer=1.0)) as client:
        with pytest.raises(Unanswered, match="took too long to answer"):
            await client.get("job", "web", namespace="default")
        ended.set()


async def test_connections_are_kept():
    opened = []

    async def keep(reader, writer):
        opened.append(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(http(body=b'{"ID": "web"}').replace(b"Connection: close\r\n", b""))
        writer.close()

    async with listening(keep, Timeouts()) as client:
        for _ in range(3):
            assert (await client.get("job", "web", namespace="default")).ok
    assert len(opened) == 1


@pytest.fixture
def certificate(tmp_path):
    """A certificate of 127.0.0.1 that nobody signed but itself; its file, with the key in it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = tmp_path / "ca.pem"
    path.write_bytes(built.public_bytes(Encoding.PEM) + secret)
    return path


async def test_a_certificate_is_trusted_by_its_ca_file_alone(certificate):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    server = Server(http(body=b'{"ID": "web"}'))
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=context)
    address = f"https://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    nomads = PythonNomads(lambda _: None)
    trusting = nomads.of(Cluster(name="main", address=address, ca_file=str(certificate)))
    assert await trusting.job("default", "web") == {"ID": "web"}
    strict = nomads.of(Cluster(name="main", address=address))
    with pytest.raises(NomadUnavailable, match="certificate that is not trusted; name its CA in the cluster's ca_file"):
        await strict.job("default", "web")
    said = await strict.register("default", "{}", base_index=0, source="", variables="{}")
    assert said.answer is Answer.NOT_SENT
    nomads.close()
    listener.close()
    await listener.wait_closed()


@pytest.mark.parametrize(
    ("error", "words", "sent"),
    [
        (requests.exceptions.ConnectTimeout("slow"), "took too long to accept a connection", False),
        (requests.exceptions.ReadTimeout("slow"), "took too long to answer", True),
        (BaseNomadException(requests.exceptions.ReadTimeout("slow")), "took too long to answer", True),
        (requests.exceptions.InvalidURL("no host"), "cannot be reached: no host", False),
        (requests.exceptions.ConnectionError(ConnectionRefusedError("no")), "refuses connections", True),
        (OSError(5, "no idea when"), "cannot be reached: [Errno 5] no idea when", True),
        (ConnectionResetError("reset"), "cannot be reached: reset", True),
    ],
)
def test_broken_exchanges(error, words, sent):
    broken = no_answer(error)
    assert (str(broken), broken.sent) == (words, sent)


async def test_json_that_is_not_nomads_is_unavailable():
    async with answering(http(body=b'{"Diff": {"Type": "Edited", "Fields": [{}]}}')) as (_, nomad):
        with pytest.raises(NomadUnavailable, match="JSON that does not look like Nomad's"):
            await nomad.plan("default", a_service("web"), None, frozenset())


async def test_a_queue_that_is_full_of_waiting_calls_sends_nothing_late():
    client = Client(Cluster(name="main", address="http://127.0.0.1:1"), None, Timeouts(connect=-1.0))
    with pytest.raises(Unanswered, match="connections are busy") as caught:
        await client.get("job", "web", namespace="default")
    assert caught.value.sent is False
    client.close()


def test_one_gateway_for_one_definition():
    nomads = PythonNomads(lambda _: None)
    one = nomads.of(Cluster(name="main", address="http://127.0.0.1:1"))
    assert nomads.of(Cluster(name="main", address="http://127.0.0.1:1")) is one
    assert nomads.of(Cluster(name="main", address="http://127.0.0.1:2")) is not one
    nomads.close()


def test_each_cluster_has_its_own_token():
    asked = []
    nomads = PythonNomads(lambda cluster: asked.append(cluster.token_env))
    for name in ("NOMAD_TOKEN_EU", "NOMAD_TOKEN_US", "NOMAD_TOKEN_EU"):
        nomads.of(Cluster(name=name, address="http://127.0.0.1:1", token_env=name))
    assert asked == ["NOMAD_TOKEN_EU", "NOMAD_TOKEN_US"]
    nomads.close()


def test_an_empty_list_may_be_null():
    assert Reply(200, JSON, b"null").records() == []
    for text in (b"{}", b"[1]"):
        with pytest.raises(NomadUnavailable, match="not a list of objects"):
            Reply(200, JSON, text).records()


@pytest.mark.parametrize(
    ("reply", "error", "words"),
    [
        (Reply(400, "text/plain", b"Job ID does not match"), NomadRefused, "Job ID does not match"),
        (Reply(400, "text/plain", b""), NomadRefused, "Nomad gave no reason"),
        (
            Reply(500, "text/plain", b"1 error occurred:\n\t* Missing task driver\n"),
            NomadRefused,
            "^Missing task driver$",
        ),
        (Reply(500, "text/plain", b"rpc error: EOF"), NomadUnavailable, "answered 500: rpc error: EOF"),
        (
            Reply(500, "text/plain", b'1 error occurred:\n\t* Vault "default" not enabled but used in the job\n\n'),
            NomadRefused,
            '^Vault "default" not enabled but used in the job$',
        ),
        (
            Reply(500, "text/plain", b'rpc error: 1 error occurred:\n\t* job "w" is in nonexistent namespace "n"\n\n'),
            NomadRefused,
            'job "w" is in nonexistent namespace "n"$',
        ),
        (Reply(500, "text/plain", b"No path to region"), NomadUnavailable, "answered 500: No path to region"),
        (Reply(500, "text/plain", b"nobody has seen this"), NomadUnavailable, "answered 500: nobody has seen this"),
        (Reply(403, "text/plain", b""), NomadForbidden, "Permission denied"),
        (Reply(403, "text/plain", b"1 error occurred:\n\t* Missing job ID"), NomadRefused, "Missing job ID"),
    ],
)
def test_refusals(reply, error, words):
    with pytest.raises(error, match=words):
        raise refusal(reply)


@pytest.mark.parametrize(
    ("text", "region", "named", "error"),
    [
        (b"No path to region", None, "elsewhere", NomadRefused),
        (b"No path to region", None, "global", NomadUnavailable),
        (b"No path to region", "eu", "eu", NomadUnavailable),
        (b"a policy forbids this", None, None, NomadRefused),
        (b"leadership lost while committing log", None, "elsewhere", NomadUnavailable),
        (b"ACL token expired", None, None, NomadForbidden),
    ],
)
async def test_a_plan_that_the_job_itself_makes_fail_is_refused(text, region, named, error):
    of_cluster = {"region": region} if region else {}
    async with answering(http("500 Error", text, "text/plain"), **of_cluster) as (_, nomad):
        with pytest.raises(error, match=text.decode()):
            await nomad.plan("default", {**a_service("web"), "Region": named}, None, frozenset())


@pytest.mark.parametrize("own", ["us", "eu"])
async def test_a_region_is_the_clusters_own_if_it_has_the_same_leader(own):
    leaders = {"eu": b'"10.0.0.1:4647"', "us": b'"10.0.0.2:4647"'}

    async def serve(reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        region = "us" if "region=us" in head else own
        writer.write(http(body=leaders[region] if "status/leader" in head else b'{"ID": "web", "Region": "us"}'))
        await writer.drain()
        writer.close()

    async with listening(serve, Timeouts()) as client:
        if own == "us":
            assert (await parse(client, "job", {}, "default"))["Region"] == "us"
        else:
            with pytest.raises(NomadRefused, match="region `us`, which is not the one of cluster main"):
                await parse(client, "job", {}, "default")


async def test_while_nomad_is_away_no_region_is_judged():
    async with answering(http("500 Error", b"No cluster leader", "text/plain")) as (_, nomad):
        with pytest.raises(NomadUnavailable, match="No cluster leader"):
            await _require_own_region(nomad._client, "us")


async def test_a_secret_in_nomads_words_about_a_job_is_masked():
    job = a_service("web", env={"DB_PASSWORD": "hunter2hunter2"})
    text = b"1 error occurred:\n\t* Task app validation failed: env hunter2hunter2 is odd\n\n"
    async with answering(http("500 Error", text, "text/plain")) as (_, nomad):
        with pytest.raises(NomadRefused, match="Task app validation failed") as caught:
            await nomad.plan("default", job, None, frozenset())
        said = await nomad.register("default", job_text(job), base_index=0, source="x", variables="{}")
    assert said.answer is Answer.DENIED
    assert "hunter2" not in f"{caught.value} {said.text}"
