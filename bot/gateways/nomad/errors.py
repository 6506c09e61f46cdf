"""Maps failed calls (HTTP statuses and broken connections) to our errors; nothing else does."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Final

import requests
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError, ReadTimeoutError

from bot.domain.masking import scrub
from bot.domain.multierror import flatten, one_line
from bot.domain.refusals import refuses_job
from bot.errors import NomadForbidden, NomadRefused, NomadUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bot.domain.jobdiff.hidden import Clean
    from bot.errors import NomadError
    from bot.gateways.nomad.reply import Reply

TOKEN_TEXTS: Final = ("acl token", "failed to parse signed token", "permission denied")
"""Texts that show that Nomad rejected the token, although the status is 500 (docs/nomad.md, "Refused tokens")."""

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

_NO_CA: Final = "Could not find a suitable TLS CA certificate bundle"


class Unanswered(NomadUnavailable):
    """The request got no answer; ``sent`` is whether Nomad may have received it."""

    def __init__(self, text: str, *, sent: bool) -> None:
        super().__init__(text)
        self.sent = sent


def no_answer(error: BaseException) -> Unanswered:
    """The error for a broken connection. Only a request that failed before it connected was certainly never sent."""
    chain = list(_chain(error))
    # requests raises a bare OSError if the CA file is missing, before it connects; any other may come from later
    never = (type(error) is OSError and _NO_CA in str(error)) or any(
        isinstance(each, _NEVER_SENT + _BAD_REQUEST) for each in chain
    )
    return Unanswered(_words(chain), sent=not never)


def _words(chain: list[BaseException]) -> str:
    if any(isinstance(each, ssl.SSLCertVerificationError) for each in chain):
        return "has a TLS certificate that is not trusted; name its CA in the cluster's ca_file"
    if any(isinstance(each, (requests.exceptions.ConnectTimeout, ConnectTimeoutError)) for each in chain):
        return "took too long to accept a connection"
    if any(isinstance(each, (requests.exceptions.Timeout, ReadTimeoutError)) for each in chain):
        return "took too long to answer"
    if any(isinstance(each, ConnectionRefusedError) for each in chain):
        return "refuses connections"
    return f"cannot be reached: {one_line(scrub(str(chain[-1])), 160)}"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and every error that it wraps, however python-nomad, requests, urllib3 or ``raise`` did that."""
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


def refusal(reply: Reply, clean: Clean = scrub, is_final: Callable[[str], bool] = refuses_job) -> NomadError:
    """The error for an answer other than 200 to a call that changes nothing; ``clean`` masks what nobody may see.

    ``is_final``: whether the words of a 500 mean that Nomad refuses the job.
    """
    if reply.foreign:
        return NomadUnavailable(foreign(reply))
    said = clean(reply.text)
    refused = NomadRefused(*(flatten(said) or ("Nomad gave no reason",)))
    if reply.status == 400 or (reply.status in {403, 500} and refuses_job(reply.text)):
        return refused
    is_denied = any(text in said.casefold() for text in TOKEN_TEXTS)
    if reply.status == 403 or (reply.status == 500 and is_denied):
        return NomadForbidden(f"Nomad does not allow our token to do this: {one_line(said) or 'Permission denied'}")
    if reply.status == 429:
        return NomadUnavailable("has too many connections from this host (429); raise its http_max_conns_per_client")
    if reply.status == 500 and is_final(reply.text):
        return refused
    return NomadUnavailable(f"answered {reply.status}: {one_line(said, 160) or 'no text'}")


def foreign(reply: Reply) -> str:
    """The problem, in words, if something other than Nomad answered."""
    if 300 <= reply.status < 400:
        target = scrub(reply.location) or "nowhere"
        return f"answered with a redirect to {target}; use the final address in the catalog"
    return f"answered {reply.status} with a web page, so this is a proxy or not Nomad; check its address in the catalog"
