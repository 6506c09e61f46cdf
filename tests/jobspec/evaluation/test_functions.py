"""The functions a jobspec may call."""

from __future__ import annotations

from decimal import Decimal

import pytest

from jobspec import NotSimulated
from jobspec.evaluation.functions import FUNCTIONS, FunctionError
from jobspec.evaluation.functions.times import DurationError, nanoseconds
from jobspec.values import ConversionError


def call(name, *arguments):
    return FUNCTIONS[name](*arguments)


@pytest.mark.parametrize(
    ("name", "arguments", "result"),
    [
        ("upper", ("aé",), "AÉ"),
        ("lower", ("AB",), "ab"),
        ("title", ("hello world",), "Hello World"),
        ("trimspace", (" a\n",), "a"),
        ("trim", ("?!a!?", "!?"), "a"),
        ("trimprefix", ("v1.2", "v"), "1.2"),
        ("trimsuffix", ("a.txt", ".txt"), "a"),
        ("chomp", ("a\r\n\n",), "a"),
        ("strlen", ("abc",), 3),
        ("strrev", ("abc",), "cba"),
        ("reverse", ("abc",), "cba"),
        ("replace", ("a.b", ".", "-"), "a-b"),
        ("regex_replace", ("a1b22", "[0-9]+", "<$0>"), "a<1>b<22>"),
        ("substr", ("hello", 1, 3), "ell"),
        ("substr", ("hello", -2, -1), "lo"),
        ("indent", (2, "a\nb"), "a\n  b"),
        ("join", (",", ["a", 1]), "a,1"),
        ("split", (",", "a,b"), ["a", "b"]),
        ("format", ("%s has %d, %q %v %%", "a", 2, "b", True), 'a has 2, "b" true %'),
        ("format", ("%05.1f|%-4s|%+d|%x", Decimal("2.25"), "a", 3, 255), "002.2|a   |+3|ff"),
        ("formatlist", ("%s-%d", ["a", "b"], 1), ["a-1", "b-1"]),
        ("length", ([1, 2],), 2),
        ("concat", ([1], [2, "a"]), [1, 2, "a"]),
        ("contains", (["a", "b"], "b"), True),
        ("contains", ([1], "1"), False),
        ("distinct", (["a", "b", "a"],), ["a", "b"]),
        ("element", (["a", "b"], 3), "b"),
        ("flatten", ([[1], [[2]], 3],), [1, 2, 3]),
        ("index", (["a", "b"], 1), "b"),
        ("keys", ({"b": 1, "a": 2},), ["a", "b"]),
        ("values", ({"b": 1, "a": 2},), [2, 1]),
        ("lookup", ({"a": 1}, "b", 7), 7),
        ("merge", ({"a": 1, "b": 1}, {"b": 2}), {"a": 1, "b": 2}),
        ("range", (1, 4), [1, 2, 3]),
        ("range", (3,), [0, 1, 2]),
        ("range", (4, 0, -2), [4, 2]),
        ("slice", (["a", "b", "c"], 1, 2), ["b"]),
        ("sort", (["b", "a"],), ["a", "b"]),
        ("compact", (["a", "", "b"],), ["a", "b"]),
        ("zipmap", (["a", "b"], [1, 2]), {"a": 1, "b": 2}),
        ("chunklist", (["a", "b", "c"], 2), [["a", "b"], ["c"]]),
        ("coalesce", (None, "a"), "a"),
        ("coalescelist", ([], ["a"]), ["a"]),
        ("setunion", (["b"], ["a", "b"]), ["a", "b"]),
        ("setintersection", (["a", "b"], ["b"]), ["b"]),
        ("setproduct", (["a"], [1, 2]), [["a", 1], ["a", 2]]),
        ("abs", (-3,), 3),
        ("ceil", (Decimal("1.2"),), 2),
        ("floor", (Decimal("-1.2"),), -2),
        ("max", (1, 3, 2), 3),
        ("min", (1, 3, 2), 1),
        ("pow", (2, 10), 1024),
        ("signum", (-9,), -1),
        ("parseint", ("ff", 16), 255),
        ("base64encode", ("a",), "YQ=="),
        ("base64decode", ("YQ==",), "a"),
        ("jsonencode", ({"b": [1, None, True], "a": "<x>"},), '{"a":"\\u003cx\\u003e","b":[1,null,true]}'),
        ("jsondecode", ('{"a": [1.0, "x"]}',), {"a": [1, "x"]}),
        ("csvdecode", ("a,b\n1,2\n",), [{"a": "1", "b": "2"}]),
        ("urlencode", ("a b&c",), "a+b%26c"),
        ("md5", ("a",), "0cc175b9c0f1b6a831c399e269772661"),
        ("sha256", ("",), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("uuidv5", ("dns", "www.example.com"), "2ed6657d-e927-568b-95e1-2665a8aea6a2"),
        ("cidrhost", ("10.0.0.0/24", 5), "10.0.0.5"),
        ("cidrhost", ("10.0.0.0/24", -1), "10.0.0.255"),
        ("cidrnetmask", ("10.0.0.0/20",), "255.255.240.0"),
        ("cidrsubnet", ("10.0.0.0/8", 8, 2), "10.2.0.0/16"),
        ("cidrsubnets", ("10.0.0.0/16", 4, 8), ["10.0.0.0/20", "10.0.16.0/24"]),
        ("timeadd", ("2024-01-01T00:00:00Z", "1h30m"), "2024-01-01T01:30:00Z"),
    ],
)
def test_results(name, arguments, result):
    assert call(name, *arguments) == result


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("join", (",", ["a", None])),
        ("element", ([], 0)),
        ("lookup", ({}, "a")),
        ("coalesce", (None,)),
        ("parseint", ("x", 10)),
        ("base64decode", ("?",)),
        ("jsondecode", ("{",)),
        ("cidrsubnet", ("10.0.0.0/30", 4, 0)),
        ("format", ("%s", "a", "b")),
        ("format", ("%d", "a")),
        ("file", ("/etc/hosts",)),
        ("upper", (None,)),
        ("upper", ("a", "b")),
        ("range", (2000,)),
    ],
)
def test_refused_arguments(name, arguments):
    with pytest.raises((FunctionError, ConversionError)):
        call(name, *arguments)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("bcrypt", ("a",)), ("yamlencode", ({},)), ("formatdate", ("", "")), ("regex_replace", ("a", "(?i)a", "b"))],
)
def test_what_go_alone_knows_is_not_simulated(name, arguments):
    with pytest.raises(NotSimulated):
        call(name, *arguments)


def test_a_uuid_is_another_one_each_time():
    assert call("uuidv4") != call("uuidv4")


@pytest.mark.parametrize(
    ("text", "value"), [("0", 0), ("1.5s", 1_500_000_000), ("-2m", -120_000_000_000), ("1h1ms", 3_600_001_000_000)]
)
def test_durations(text, value):
    assert nanoseconds(text) == value


@pytest.mark.parametrize("text", ["", "s", "1 s", "1d", "1h1", ".s"])
def test_no_durations(text):
    with pytest.raises(DurationError):
        nanoseconds(text)
