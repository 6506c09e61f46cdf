"""A bare machine has no emoji font: each emoji that the bot uses has to be drawn by the page itself."""

import re
from pathlib import Path

from sandbox.page import PAGES

ROOT = Path(__file__).parents[3]
CODE = re.compile(r"(?<![\w:]):([a-z][a-z0-9_+-]{2,}):(?![\w:])")
SHAPES = re.compile(r"(large_)?(red|orange|yellow|green|blue|purple|brown|white|black)_(circle|square)")


def test_every_emoji_in_the_bots_words_is_drawn():
    drawn = set(re.findall(r"^  ([a-z_0-9]+): \[", (PAGES / "slack" / "emoji.js").read_text(), re.MULTILINE))
    sources = [path for folder in ("bot/gateways", "handlers") for path in (ROOT / folder).rglob("*.py")]
    used = {code for path in sources for code in CODE.findall(path.read_text())}
    assert len(used) > 10
    assert {code for code in used - drawn if not SHAPES.fullmatch(code)} == set()
