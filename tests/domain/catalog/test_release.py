from __future__ import annotations

import hashlib

import pytest

from bot.domain.catalog.environment import Versions
from bot.domain.catalog.release import check_version, check_version_rules
from bot.domain.decision import Allowed, Refused
from tests.builders import a_release, an_environment


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


DENY = Versions(deny=(r"latest|main", r".*-rc\d*"))
BOTH = Versions(allow=(r"v?\d+\.\d+\.\d+(?:-\w+)?", "sha256:[a-f0-9]{64}"), deny=(r".*-rc\d*",))


@pytest.mark.parametrize(
    ("rules", "version"),
    [
        (Versions(), "latest"),
        (DENY, "v1.4.2"),
        # the whole version must match
        (DENY, "latest-2"),
        (DENY, "Latest"),
        (DENY, "main.1"),
        (BOTH, "1.4.2"),
        (BOTH, "v1.4.2-beta"),
        (BOTH, "sha256:" + "0a" * 32),
    ],
)
def test_an_environment_takes_a_version_that_its_patterns_let_through(rules: Versions, version: str):
    assert check_version_rules(version, an_environment(versions=rules)) == Allowed()


@pytest.mark.parametrize(
    ("rules", "version", "text"),
    [
        (DENY, "main", "staging refuses the version `main`, because it matches `latest|main`. Use another version."),
        # what is denied is refused, whatever is allowed
        (BOTH, "v1.4.2-rc1", r"staging refuses the version `v1.4.2-rc1`, because it matches `.*-rc\d*`. Use another"),
        (Versions(allow=("a",)), "aa", "staging refuses the version `aa`. Use a version that matches `a`."),
        (Versions(allow=tuple("abc")), "x", "Use a version that matches `a` or `b` or `c`."),
        (Versions(allow=tuple("abcd")), "x", "Use a version that matches `a` or `b` or `c` or one more pattern."),
        (
            Versions(allow=tuple("abcde")),
            "x",
            "Use a version that matches `a` or `b` or `c` or one of 2 more patterns.",
        ),
    ],
)
def test_any_other_version_is_refused_with_the_pattern(rules: Versions, version: str, text: str):
    found = check_version_rules(version, an_environment(versions=rules))

    assert isinstance(found, Refused)
    assert found.codes == ("version-refused",)
    assert text in found.reasons[0].text
