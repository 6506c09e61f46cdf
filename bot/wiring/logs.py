"""Logs: one line per event on standard error, with its fields and without secrets.

Code logs with the standard library's ``logging`` and names fields in ``extra``; structlog only formats the lines.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
from typing import TYPE_CHECKING, Final

import structlog

from bot.domain.masking import HIDDEN, scrub

if TYPE_CHECKING:
    from types import TracebackType

    from structlog.typing import EventDict

# what only the log meets: answer addresses of Slack, Nomad's header, UUIDs as Nomad's tokens are
_SECRETS: Final = re.compile(
    r"https?://[^\s\"']*/(?:hooks|commands|actions)/[^\s\"']+"
    r"|(?i:(?<=x-nomad-token[\"':= ])\s*[^\s\"',]+)"
    r"|\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"
)
_QUIET: Final = ("slack_bolt", "slack_sdk", "aiohttp.access", "apscheduler", "urllib3", "alembic", "aiosqlite")


def set_up(level: int = logging.INFO) -> None:
    """Send every line of ``logging`` to standard error, its ``extra`` as fields, without secrets.

    Libraries are logged only from WARNING on.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.stdlib.ExtraAdder(),
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.format_exc_info,
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _without_secrets,
                structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "logger", "event"]),
            ]
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    # Python prints what nobody catches as it is: a traceback of a library may have an address with its password
    sys.excepthook = _crashed
    threading.excepthook = lambda args: _crashed(args.exc_type, args.exc_value, args.exc_traceback)


def _crashed(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    logging.getLogger(__name__).critical("crashed", exc_info=(kind, error or kind(), trace))


def _without_secrets(_: object, __: str, event: EventDict) -> EventDict:
    return {_key(key): _clean(value) for key, value in event.items()}


def _key(key: str) -> str:
    # logfmt has no keys with spaces
    return key.replace(" ", "_")


def _clean(value: object) -> object:
    """The same without secrets, however deep they lie: what is neither text nor a number is told by its text."""
    match value:
        case str():
            return _mask(value)
        case bool() | int() | float() | None:
            return value
        case dict():
            return {str(_clean(key)): _clean(each) for key, each in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_clean(each) for each in value]
        case _:
            return _mask(str(value))


def _mask(text: str) -> str:
    return scrub(_SECRETS.sub(HIDDEN, text))
