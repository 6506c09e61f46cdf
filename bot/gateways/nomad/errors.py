"""What becomes of a call that did not do as asked: the one table from HTTP and transport to our errors."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Final

import requests
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError, ReadTimeoutError

from bot.domain.deploy.dispatch import Answer, classify
from bot.domain.multierror import flatten, one_line
from bot.errors import NomadForbidden, NomadRefused, NomadUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.errors import NomadError
    from bot.gateways.nomad.reply import Reply

TOKEN_TEXTS: Final = ("acl token", "failed to parse signed token", "permission denied")
"""How Nomad refuses a token with a 500 (docs/nomad.md, "Refused tokens")."""

_NEVER_SENT: Final = (
    NewConnectionError,
    ConnectTimeoutError,
    requests.exceptions.ConnectTimeout,
    ssl.SSLCertVerificationError,
)
_BAD_REQUEST: Final = (
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidHeader,
)


class Unanswered(NomadUnavailable):
    """The request got no answer; ``sent`` is whether Nomad may have it all the same."""

    def __init__(self, text: str, *, sent: bool) -> None:
        super().__init__(text)
        self.sent = sent


def unanswered(error: BaseException) -> Unanswered:
    """What a broken exchange means: only what failed before a connection stood was certainly never sent."""
    chain = list(_chain(error))
    # requests says by a bare OSError that a CA file is not there, before it connects
    never = type(error) is OSError or any(isinstance(each, _NEVER_SENT + _BAD_REQUEST) for each in chain)
    return Unanswered(_words(chain), sent=not never)


def _words(chain: list[BaseException]) -> str:
    if any(isinstance(each, ssl.SSLCertVerificationError) for each in chain):
        return "its TLS certificate is not trusted: name its CA by the cluster's ca_file"
    if any(isinstance(each, (requests.exceptions.ConnectTimeout, ConnectTimeoutError)) for each in chain):
        return "took too long to accept a connection"
    if any(isinstance(each, (requests.exceptions.Timeout, ReadTimeoutError)) for each in chain):
        return "took too long to answer"
    if any(isinstance(each, ConnectionRefusedError) for each in chain):
        return "refuses connections"
    return f"cannot be reached: {one_line(str(chain[-1]), 160)}"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and all that it wraps: by python-nomad, requests, urllib3 and the ``raise`` statement alike."""
    waiting: list[object] = [error]
    seen: set[int] = set()
    while waiting:
        each = waiting.pop(0)
        if not isinstance(each, BaseException) or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        waiting += [getattr(each, "nomad_resp", None), getattr(each, "reason", None), *each.args]
        waiting += [each.__cause__, each.__context__]


def refusal(reply: Reply) -> NomadError:
    """What an answer other than 200 means to a call that changes nothing."""
    said = reply.text.casefold()
    if reply.foreign:
        return NomadUnavailable(foreign(reply))
    if reply.status == 403 or (reply.status == 500 and any(text in said for text in TOKEN_TEXTS)):
        return NomadForbidden(f"Nomad does not allow this to our token: {one_line(reply.text) or 'Permission denied'}")
    if reply.status == 429:
        return NomadUnavailable("has too many connections from here (429)")
    if reply.status == 400 or classify(reply.status, reply.text) in {Answer.DENIED, Answer.CONFLICT}:
        return NomadRefused(*(flatten(reply.text) or ("Nomad refuses without a word",)))
    return NomadUnavailable(f"answers {reply.status}: {one_line(reply.text, 160) or 'nothing'}")


def foreign(reply: Reply) -> str:
    """Words for an answer that is not Nomad's."""
    if 300 <= reply.status < 400:
        return f"answers with a redirect to {reply.location or 'nowhere'}: give the cluster's final address"
    return f"answers {reply.status} with a web page: something between us and Nomad, or another server"
