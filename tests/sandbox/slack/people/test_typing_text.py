from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.slack.people.typing_text import escape
from tests.sandbox.slack.stand import ALICE, STAGING

if TYPE_CHECKING:
    from sandbox.slack.workspace import Workspace


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("web v1.4.2 to staging", "web v1.4.2 to staging"),
        ("who @alice", f"who <@{ALICE}|alice>"),
        (f"who <@{ALICE}>", f"who <@{ALICE}|alice>"),
        ("ask @developers", "ask <!subteam^S0DEV00001|@developers>"),
        ("in #staging", f"in <#{STAGING}|staging>"),
        (f"in <#{STAGING}>", f"in <#{STAGING}|staging>"),
        ("see https://example.com/?a=1&b=2", "see <https://example.com/?a=1&amp;b=2>"),
        ("a < b && c > d", "a &lt; b &amp;&amp; c &gt; d"),
        ("<!channel>", "&lt;!channel&gt;"),
        ("who @nobody in #nowhere", "who @nobody in #nowhere"),
        ("nora@example.com issue#4", "nora@example.com issue#4"),
    ],
)
def test_is_escaped_as_slack_does(workspace: Workspace, typed: str, sent: str) -> None:
    assert escape(workspace, typed) == sent
