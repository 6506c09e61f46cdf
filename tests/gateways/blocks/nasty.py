"""Text as an enemy or a bad day would write it."""

from __future__ import annotations

from hypothesis import strategies as st

PIECES = (
    "<!channel>", "<!here>", "<!everyone>", "<@U0EVIL0001>", "<#C0EVIL0001>", "<!subteam^S0EVIL0001>",
    "<https://evil.example|nomad.eu>", "<http://evil.example>", "<!date^0^{date}|now>", "&lt;!channel&gt;", "&", "<",
    ">", "```", "`", "*", "_", "~", "> quote", "\n", "\r\n", "\t", "\x00", "\x1b[31m", "\u202e", "\u2066", "\u200b",
    "\ufeff", "\U000e0041", "|", ":rotating_light:", "😱", "e\u0301", "نص", "a" * 400, "<" * 900, "&" * 900, " ",
    "\ud800", "",
)  # fmt: skip

texts = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=12)), max_size=12).map("".join)
"""Nasty texts of any length up to some thousands."""

ids = st.one_of(st.sampled_from(["U0ALICE001", "S0SRE00001", "U0ALICE001>", "<!channel>", "", "u1", "U0 1"]), texts)
"""Ids, most of which are none."""
