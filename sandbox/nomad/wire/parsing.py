"""POST /v1/jobs/parse."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from jobspec import JobspecError, NotSimulated, parse
from jobspec.job.canonical import canonicalize
from sandbox.nomad.refusals import Refused
from sandbox.nomad.wire.call import Answer, answer_response

if TYPE_CHECKING:
    from aiohttp import web

    from sandbox.nomad.wire.call import Call


async def parse_job(call: Call) -> web.StreamResponse:
    """Parses a jobspec. Raises Refused: 400 with Nomad's text, 501 if the simulation cannot compute Nomad's answer."""
    body = call.fields
    try:
        # in a thread, because the first parse builds its grammar for seconds, and streams must not wait for it
        job = await asyncio.to_thread(parse, body.get("JobHCL") or "", body.get("Variables") or "")
    except JobspecError as error:
        raise Refused(400, str(error)) from error
    except NotSimulated as error:
        raise Refused(501, f"the sandbox's Nomad does not simulate this: {error}") from error
    return answer_response(call, Answer(canonicalize(job) if body.get("Canonicalize") else job))
