"""The daily digests of a catalog: what each says, and what is wrong with one."""

from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator

from bot.domain.catalog.catalog import Catalog
from bot.domain.catalog.digest import Digest
from bot.domain.documents import document_of, record_from
from bot.gateways.catalog import json_schema

TWO = """\
digests:
  - {channel: C0AUDIT001, at: "09:00", environments: [staging, production], timezone: Asia/Tokyo}
  - {channel: C0TEAM0001, at: "00:00"}
"""


def test_each_digest_becomes_a_record(folder):
    folder.add(TWO)
    catalog = folder.read().catalog

    assert catalog.digests == (
        Digest(channel="C0AUDIT001", at="09:00", environments=("staging", "production"), timezone="Asia/Tokyo"),
        Digest(channel="C0TEAM0001", at="00:00", environments=None, timezone=""),
    )
    assert record_from(Catalog, document_of(catalog)) == catalog


def test_without_any_there_are_none(folder):
    assert folder.read().catalog.digests == ()


def test_another_time_is_another_catalog(folder):
    folder.add(TWO)
    before = folder.read().catalog.fingerprint
    folder.change("00:00", "00:30")

    assert folder.read().catalog.fingerprint != before


@pytest.mark.parametrize(
    ("digest", "error"),
    [
        ('{at: "09:00"}', "`channel` is missing in `digests`; add it"),
        ("{channel: C0AUDIT001}", "`at` is missing in `digests`; add it"),
        ('{channel: "#audit", at: "09:00"}', "`channel`: '#audit' is not a Slack channel id; write one such as"),
        ('{channel: C0AUDIT001, at: "9"}', "`at`: '9' is not a time of day; write it in quotes, such as \"09:00\""),
        ('{channel: C0AUDIT001, at: "24:00"}', "`at`: '24:00' is not a time of day; write it in quotes, such as"),
        ('{channel: C0AUDIT001, at: "09:00", environments: []}', "`environments`: must not be empty; add an entry, or"),
        (
            '{channel: C0AUDIT001, at: "09:00", environments: [stagin]}',
            "unknown environment `stagin`; did you mean `staging`?",
        ),
        (
            '{channel: C0AUDIT001, at: "09:00", timezone: Europe/Amsterdan}',
            "`timezone`: 'Europe/Amsterdan' is not a time zone; did you mean `Europe/Amsterdam`?",
        ),
        (
            '{channel: C0AUDIT001, at: "09:00", zone: UTC}',
            "unknown key `zone` in `digests`; did you mean `timezone`?",
        ),
    ],
)
def test_an_error_in_a_digest_has_its_line_and_its_fix(folder, digest, error):
    folder.add(f"digests:\n  - {digest}  # here\n")
    (place,) = folder.here()
    (found,) = folder.errors()

    assert found.startswith(f"{place}: {error}")


def test_a_channel_has_one_digest(folder):
    folder.add("""\
        digests:
          - {channel: C0AUDIT001, at: "09:00", environments: [staging]}
          - {channel: C0TEAM0001, at: "09:00"}
          - {channel: C0AUDIT001, at: "18:00"}  # here
        """)
    (place,) = folder.here()
    first = int(place.rpartition(":")[2]) - 2

    (found,) = folder.errors()
    assert found == (
        f"{place}: `C0AUDIT001` already has a digest (line {first}), and a channel can have only one; "
        "put all environments into that one, or name another channel"
    )


def test_a_digest_without_a_channel_is_one_error(folder):
    folder.add('digests: [{at: "09:00"}, {channel: [], at: "09:00"}]\n')

    assert not [each for each in folder.errors() if "has one digest" in each]


def test_editors_are_told_what_each_key_is():
    schema = json_schema()
    digest = schema["$defs"]["DigestPart"]["properties"]

    assert set(digest) == {"channel", "at", "environments", "timezone"}
    assert all(each["description"] for each in digest.values())
    document = {"channel": "C0AUDIT001", "at": "09:00", "timezone": "Asia/Tokyo"}
    one = {"$defs": schema["$defs"], "$ref": "#/$defs/DigestPart"}
    assert list(Draft202012Validator(one).iter_errors(document)) == []
    assert list(Draft202012Validator(one).iter_errors({**document, "at": "9:00"}))
