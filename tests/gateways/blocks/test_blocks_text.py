from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.gateways.blocks import text
from tests.gateways.blocks.nasty import ids, texts


@given(texts, st.integers(1, 3000))
def test_escaped_text_is_text_within_its_limit(nasty: str, limit: int) -> None:
    for made in (text.escape(nasty, limit), text.words(nasty, limit)):
        assert len(made) <= limit
        assert "<" not in made
        assert ">" not in made
        rest = made.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")
        assert "&" not in rest
        assert "```" not in made


@given(texts)
def test_nothing_invisible_survives(nasty: str) -> None:
    cleaned = text.clean(nasty)

    assert not set(cleaned) & set("\x00\x1b\r\u202e\u2066\u200b\u200d\ufeff\U000e0041\ud800")
    assert text.clean(cleaned) == cleaned


def test_what_is_harmless_stays_as_it_is() -> None:
    assert text.escape("Ünïcode 漢字 😱 it's *fine*, 1 + 1 = 2") == "Ünïcode 漢字 😱 it's *fine*, 1 + 1 = 2"
    assert text.escape("a < b & c > d") == "a &lt; b &amp; c &gt; d"


def test_a_cut_text_ends_with_an_ellipsis_and_no_broken_entity() -> None:
    assert text.escape("<<<<", 9) == "&lt;&lt;…"
    assert text.escape("abcdef", 4) == "abc…"
    assert text.escape("abcd", 4) == "abcd"


@given(texts)
def test_nothing_gets_out_of_code(nasty: str) -> None:
    made = text.code(nasty)

    assert made[0] == made[-1] == "`"
    assert len(made) > 2
    assert "`" not in made[1:-1]
    assert "\n" not in made


@given(texts)
def test_every_line_of_a_quotation_is_quoted(nasty: str) -> None:
    assert all(line.startswith("> ") for line in text.block_quote(nasty).split("\n"))


@given(ids)
def test_only_ids_become_mentions(nasty: str) -> None:
    for made, known in ((text.person(nasty), "<@U0ALICE001>"), (text.group(nasty), "<!subteam^S0SRE00001>")):
        assert made == known or "<" not in made or made in {f"<@{nasty}>", f"<!subteam^{nasty}>"}
    if text.person(nasty).startswith("<@"):
        assert nasty.isascii()
        assert nasty.isalnum()


def test_mentions() -> None:
    assert text.person("U0ALICE001") == "<@U0ALICE001>"
    assert text.person("U0ALICE001> <!channel") == "`U0ALICE001&gt; &lt;!channel`"
    assert text.group("S0SRE00001") == "<!subteam^S0SRE00001>"
    assert text.channel("C0PROD0001") == "<#C0PROD0001>"
    assert text.who(["U0ALICE001"] * 20, ["S0SRE00001"], 3).endswith("and 18 more")
    assert not text.who([], [])


def test_a_moment_is_shown_in_the_readers_zone_with_utc_to_fall_back_on() -> None:
    noon = datetime(2026, 11, 22, 1, 0, tzinfo=timezone(timedelta(hours=1)))

    assert text.moment(noon) == "<!date^1795305600^{date_short_pretty} at {time}|2026-11-22 00:00 UTC>"
    assert text.moment(noon) == text.moment(noon.astimezone(UTC))


@pytest.mark.parametrize(
    ("url", "made"),
    [
        ("https://git.example/a...b?x=1&y=2", "<https://git.example/a...b?x=1&amp;y=2|see>"),
        ("https://git.example/a|b>c<d e", "<https://git.example/a%7Cb%3Ec%3Cd%20e|see>"),
        ("javascript:alert(1)", "see"),
        ("https://user:pw@git.example/", "see"),
        ("//git.example", "see"),
        ("https://[::1", "see"),
        ("https://git.example/" + "a" * 3000, "see"),
    ],
)
def test_links_lead_to_web_addresses_alone(url: str, made: str) -> None:
    assert text.link(url, "see") == made


@given(st.lists(st.text(alphabet="ab<@U0ALICE001>", min_size=1, max_size=40), max_size=30), st.integers(60, 400))
def test_lines_are_dropped_whole_and_a_pointer_says_so(lines: list[str], limit: int) -> None:
    made = text.fit(lines, limit)

    assert len(made) <= limit
    assert made == "\n".join(lines) or made.endswith("more in the thread_")
