from __future__ import annotations

import hashlib

import pytest

from bot.domain.catalog.release import check_version
from bot.domain.decision import Allowed, Refused
from tests.builders import a_release


def test_its_fingerprint_is_that_of_service_version_and_template():
    release = a_release(service="a", version="v1", template='job "a" {}')
    document = b'{"service":"a","template":"job \\"a\\" {}","version":"v1"}'

    assert release.fingerprint == hashlib.sha256(document).hexdigest()


@pytest.mark.parametrize("changes", [{"service": "cart"}, {"version": "v2"}, {"template": "job {}"}])
def test_each_of_the_three_moves_it(changes: dict):
    assert a_release(**changes).fingerprint != a_release().fingerprint


def test_what_was_read_out_of_the_template_does_not():
    other = a_release(template_name="other", declared=frozenset(), required=frozenset())

    assert other.fingerprint == a_release().fingerprint


@pytest.mark.parametrize("version", ["v1.4.2", "1", "_x", "A.b-c_d", "a" * 128, "sha256:" + "0a" * 32, "2026-11-22.1"])
def test_an_image_tag_or_digest_is_a_version(version: str):
    assert check_version(version) == Allowed()


@pytest.mark.parametrize(
    "version",
    ["", " v1", "v1\n", "-v1", ".v1", "a b", "a/b", "v1;rm", "a" * 129, "sha256:" + "0a" * 31, "sha256:" + "0A" * 32,
     "sha512:" + "0a" * 32, "v1.4.2@sha256:" + "0a" * 32, "é"],
)  # fmt: skip
def test_anything_else_is_refused_in_short(version: str):
    refusal = check_version(version)

    assert isinstance(refusal, Refused)
    assert refusal.codes == ("version-form",)
    assert f"`{version[:80]}` isn't a version" in refusal.reasons[0].text
