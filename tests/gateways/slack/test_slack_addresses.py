from __future__ import annotations

import pytest

from bot.gateways.slack.addresses import api_base, is_response_url, is_upload_url

SLACK, LOOPBACK, OTHER = "https://slack.com/api/", "http://127.0.0.1:8421/api/", "https://slack.corp.example:8443/api/"


@pytest.mark.parametrize("given", ["https://slack.com/api", "https://slack.com/api/", "https://slack.com/api//"])
def test_the_last_slash_does_not_matter(given: str) -> None:
    assert api_base(given) == SLACK


@pytest.mark.parametrize(
    "given", ["http://slack.com/api", "ftp://slack.com", "slack.com/api", "https://u:p@slack.com", ""]
)
def test_anything_but_https_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match="not an https address"):
        api_base(given)


def test_plain_http_is_for_loopback() -> None:
    for host in ("127.0.0.1:1", "localhost:1", "[::1]:1"):
        assert api_base(f"http://{host}/api") == f"http://{host}/api/"


GOOD = [
    (SLACK, "https://hooks.slack.com/commands/T1/2/x"),
    (SLACK, "https://hooks.slack.com:443/actions/T1/2/x"),
    (LOOPBACK, "http://127.0.0.1:9999/hooks/1"),
    (LOOPBACK, "http://localhost:9999/hooks/1"),
    (OTHER, "https://slack.corp.example:8443/hooks/1"),
]
BAD = [
    (SLACK, ""),
    (SLACK, "http://hooks.slack.com/commands/T1/2/x"),
    (SLACK, "https://hooks.slack.com.evil.example/x"),
    (SLACK, "https://evil.example/hooks.slack.com"),
    (SLACK, "https://hooks.slack.com:8443/x"),
    (SLACK, "https://hooks.slack.com@evil.example/x"),
    (SLACK, "https://user:pw@hooks.slack.com/x"),
    (SLACK, "https://slack.com/x"),
    (SLACK, "http://127.0.0.1/x"),
    (SLACK, "http://169.254.169.254/latest"),
    (SLACK, "https://hooks.slack.com\\@evil.example/"),
    (SLACK, "https://hooks.slack.com /x"),
    (SLACK, "https://[::1"),
    (LOOPBACK, "https://hooks.slack.com/x"),
    (LOOPBACK, "http://10.0.0.1/x"),
    (OTHER, "http://slack.corp.example:8443/x"),
    (OTHER, "https://slack.corp.example/x"),
    (OTHER, "https://hooks.slack.com/x"),
]


@pytest.mark.parametrize(("api", "url"), GOOD)
def test_answers_go_to_slack(api: str, url: str) -> None:
    assert is_response_url(url, api)


@pytest.mark.parametrize(("api", "url"), BAD)
def test_answers_go_nowhere_else(api: str, url: str) -> None:
    assert not is_response_url(url, api)


@pytest.mark.parametrize(
    ("api", "url", "good"),
    [
        (SLACK, "https://files.slack.com/upload/v1/CwABAAAAXAoAAVnX", True),
        (SLACK, "https://files.slack-edge.com:443/upload/x?a=b", True),
        (SLACK, "http://files.slack.com/upload/v1/x", False),
        (SLACK, "https://127.0.0.1/upload", False),
        (SLACK, "https://user@files.slack.com/upload", False),
        (SLACK, "file:///etc/passwd", False),
        (SLACK, "", False),
        (LOOPBACK, "http://127.0.0.1:9999/upload/F1", True),
        (LOOPBACK, "https://files.slack.com/upload/v1/x", False),
        (LOOPBACK, "ftp://127.0.0.1/upload", False),
        ("nonsense", "https://files.slack.com/upload", False),
    ],
)
def test_where_the_bytes_of_a_file_may_go(api: str, url: str, good: bool) -> None:  # noqa: FBT001 -- a column of the table
    assert is_upload_url(url, api) is good
