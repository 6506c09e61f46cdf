"""The limits of modals and homes and of what stands in them."""

from __future__ import annotations

from tests.sandbox.slack.blockkit.limit import Limit
from tests.sandbox.slack.blockkit.samples import field, modal, plain, section, typed

LIMITS = [
    Limit("blocks of a modal", 100, lambda n: modal(*[section()] * n), "/view/blocks", "VIEW_BLOCKS_MAX_ITEMS"),
    Limit(
        "blocks of a home",
        100,
        lambda n: {"type": "home", "blocks": [section()] * n},
        "/view/blocks",
        "VIEW_BLOCKS_MAX_ITEMS",
    ),
    Limit("callback_id", 255, lambda n: modal(callback_id="x" * n), "/view/callback_id", "VIEW_CALLBACK_ID_MAX_LENGTH"),
    Limit("external_id", 255, lambda n: modal(external_id="x" * n), "/view/external_id", "VIEW_EXTERNAL_ID_MAX_LENGTH"),
    Limit(
        "input label",
        2000,
        lambda n: modal(field(label=plain("x" * n))),
        "/view/blocks/0/label/text",
        "INPUT_LABEL_MAX_LENGTH",
    ),
    Limit(
        "input hint",
        2000,
        lambda n: modal(field(hint=plain("x" * n))),
        "/view/blocks/0/hint/text",
        "INPUT_HINT_MAX_LENGTH",
    ),
    Limit(
        "plain_text_input min_length",
        3000,
        lambda n: typed(min_length=n),
        "/view/blocks/0/element/min_length",
        "PLAIN_TEXT_INPUT_MIN_LENGTH_MAX",
    ),
    Limit(
        "plain_text_input max_length",
        3000,
        lambda n: typed(max_length=n),
        "/view/blocks/0/element/max_length",
        "PLAIN_TEXT_INPUT_MAX_LENGTH_MAX",
    ),
    Limit(
        "rich_text_input max_lines",
        100,
        lambda n: modal(field({"type": "rich_text_input", "action_id": "go", "max_lines": n})),
        "/view/blocks/0/element/max_lines",
        "RICH_TEXT_INPUT_MAX_LINES_MAX",
    ),
    Limit(
        "file_input max_files",
        10,
        lambda n: modal(field({"type": "file_input", "action_id": "go", "max_files": n})),
        "/view/blocks/0/element/max_files",
        "FILE_INPUT_MAX_FILES_MAX",
    ),
    Limit("modal title", 24, lambda n: modal(title=plain("x" * n)), "/view/title/text", "VIEW_TITLE_MAX_LENGTH"),
    Limit("modal submit", 24, lambda n: modal(submit=plain("x" * n)), "/view/submit/text", "VIEW_SUBMIT_MAX_LENGTH"),
    Limit("modal close", 24, lambda n: modal(close=plain("x" * n)), "/view/close/text", "VIEW_CLOSE_MAX_LENGTH"),
    Limit(
        "private_metadata",
        3000,
        lambda n: modal(private_metadata="x" * n),
        "/view/private_metadata",
        "VIEW_PRIVATE_METADATA_MAX_LENGTH",
    ),
]
