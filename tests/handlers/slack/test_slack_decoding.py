from __future__ import annotations

import json
from urllib.parse import unquote_to_bytes, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.slack.decoding import FORM, JSON, MOST_DEPTH, Malformed, TooLarge, decode, percent_decoded
from handlers.slack.signature import WINDOW, is_signed, replay_key, sign

encoded = st.lists(
    st.sampled_from([b"a", b"=", b"%", b"%41", b"%e2%82%ac", b"%0A", b"%zz", b"+", b"%2", b"_", b"\r\n", b" "])
)


@given(encoded.map(b"".join))
def test_percent_decoding_is_urllibs(value: bytes) -> None:
    expected = unquote_to_bytes(value.replace(b"+", b" "))
    try:
        decoded = expected.decode()
    except UnicodeDecodeError:
        with pytest.raises(Malformed, match="UTF-8"):
            percent_decoded(value)
    else:
        assert percent_decoded(value) == decoded


@given(st.text())
def test_what_was_encoded_comes_back(value: str) -> None:
    value = value.encode("utf-8", "ignore").decode()
    pair = urlencode({"text": value}).encode()

    assert percent_decoded(pair.removeprefix(b"text=")) == value


@given(st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=50), max_size=20))
def test_a_payload_comes_back(fields: dict[str, str]) -> None:
    payload = {"type": "block_actions", "fields": fields}

    assert decode(FORM, urlencode({"payload": json.dumps(payload)}).encode()) == payload
    assert decode(JSON, json.dumps(payload).encode()) == payload


def nested(depth: int) -> bytes:
    return b'{"type": "x", "deep": ' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


def test_depth_is_counted_not_recursed() -> None:
    assert decode(JSON, nested(MOST_DEPTH))["type"] == "x"
    for depth in (MOST_DEPTH + 1, 100_000):
        with pytest.raises(Malformed):
            decode(JSON, nested(depth))


def test_sizes() -> None:
    with pytest.raises(TooLarge):
        decode(JSON, b'{"type": "' + b"x" * 512 * 1024 + b'"}')
    with pytest.raises(Malformed, match="too many"):
        decode(FORM, b"&".join(b"a%d=1" % number for number in range(65)))


NOW = 1_795_305_600.0
SECRETS = [b"one", b"two"]


def signed(secret: bytes, stamp: str, body: bytes = b"body") -> str:
    return sign(secret, f"v0:{stamp}:".encode() + body).decode()


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("off", [0, -WINDOW, WINDOW])
def test_either_secret_signs_within_the_window(secret: bytes, off: int) -> None:
    stamp = str(int(NOW) + off)

    assert is_signed(SECRETS, stamp, signed(secret, stamp), b"body", NOW)
    assert not is_signed(SECRETS, stamp, signed(secret, stamp), b"bodY", NOW)


@pytest.mark.parametrize("off", [-WINDOW - 1, WINDOW + 1])
def test_outside_of_the_window_nothing_is(off: int) -> None:
    stamp = str(int(NOW) + off)

    assert not is_signed(SECRETS, stamp, signed(b"one", stamp), b"body", NOW)


@given(st.text(), st.text())
def test_any_headers_are_judged_without_a_raise(stamp: str, signature: str) -> None:
    assert not is_signed(SECRETS, stamp, signature, b"body", NOW)


def test_slacks_own_example() -> None:
    """From Slack's page on verifying requests."""
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar"
        b"&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack"
        b".com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.8"
        b"03a0bc887a14d10d2c447fce8b6703c"
    )
    signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"

    assert is_signed([b"8f742231b10e8888abcd99yyyzzz85a5"], "1531420618", signature, body, 1531420618)
    assert len(replay_key(signature)) == 64
