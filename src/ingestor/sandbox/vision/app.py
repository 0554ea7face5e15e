"""
The site: one method, the order in which it says no, and what becomes of the answer.

Upload, credentials, JSON, quota, work, bill, answer. What is refused before the work is free;
what is processed is charged, whether or not the answer arrives.
"""

import asyncio
import re
from collections.abc import Collection
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web

from ingestor.sandbox.bill import Bill
from ingestor.sandbox.calls import Calls
from ingestor.sandbox.faults import Faults, share_of
from ingestor.sandbox.google_errors import Answer, Refused, not_found, refusal
from ingestor.sandbox.latency import Latency
from ingestor.sandbox.marks import photo_id_in
from ingestor.sandbox.quotas import Quotas
from ingestor.sandbox.tokens import Grant, Tokens
from ingestor.sandbox.vision import faults as days
from ingestor.sandbox.vision.annotations import annotate
from ingestor.sandbox.vision.answers import (
    COMMON_HEADERS,
    broken,
    compressed,
    good_answer,
    quota_exhausted,
    refused,
)
from ingestor.sandbox.vision.bodies import read_batch
from ingestor.sandbox.vision.credentials import Lookup, bearer_token, check_credentials, key_invalid
from ingestor.sandbox.vision.parameters import read_parameters
from ingestor.sandbox.vision.questions import Question, name_of
from ingestor.sandbox.vision.spoiling import spoil
from ingestor.sandbox.wire import STALL_SECONDS, Raw, hang_up, head, is_there
from ingestor.sandbox.world import Sight, World

UPSTREAM: Final = "vision"
METHOD: Final = "images:annotate"

PATH: Final = re.compile(r"/v1/(projects/[^/]+/(locations/(us|eu|asia)/)?)?images:annotate")

MOST_DRAINED: Final = 128 * 2**20
"""An upload over the limit is read so far before it is refused, so that the refusal arrives."""

GLANCE_SECONDS: Final = 0.05
"""How often a sleeper looks whether its client is still there; taste."""

FOR_KEYS: Final = ("vision.key-disabled", "vision.key-restricted")
FOR_TOKENS: Final = ("vision.token-expired",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vision:
    """What a view may use."""

    world: World
    faults: Faults
    latency: Latency
    calls: Calls
    bill: Bill
    quotas: Quotas
    tokens: Tokens
    key: str
    disabled_keys: Collection[str] = ()
    self_signed: Lookup = lambda _token: None
    """Judges bearer tokens that nobody issued: a service account's own JWTs."""

    def see(self, image: bytes) -> Sight:
        photo_id = photo_id_in(image)
        return self.world.sight_of(photo_id) if photo_id else self.world.sight_of_stranger(image)

    def grant(self, token: str) -> Grant | None:
        return self.tokens.grant(token) or self.self_signed(token)

    def is_poison(self, name: str) -> bool:
        """Poison images are the same ones in every request: their names alone decide."""
        share = share_of(f"{self.world.seed}\0poison\0{name}")
        return share < self.faults.knob("vision.poison-images")


VISION: Final = web.AppKey("vision", Vision)


def application(vision: Vision) -> web.Application:
    app = web.Application()
    app[VISION] = vision
    app.router.add_route("*", "/{path:.*}", serve)
    return app


async def serve(request: web.Request) -> web.StreamResponse:
    """Any path: the front end knows one, and answers HTML for all others."""
    vision = request.app[VISION]
    known = request.method == "POST" and PATH.fullmatch(request.path)
    answer = _annotate if known else _nothing_here
    return await vision.calls.answering(UPSTREAM, METHOD, answer(request, vision))


async def _nothing_here(request: web.Request, vision: Vision) -> web.StreamResponse:
    vision.calls.arrived(UPSTREAM)
    return _response(request, not_found(request.path))


async def _annotate(request: web.Request, vision: Vision) -> web.StreamResponse:
    try:
        body = await _upload(request, vision)
        if body is None:
            vision.calls.arrived(UPSTREAM)
            return hang_up(request)
        question = _question(request, vision, body=body)
        del body
    except Refused as no:
        vision.calls.arrived(UPSTREAM)
        return _response(request, no.answer)
    vision.calls.arrived(UPSTREAM, images=len(question.images))
    answer = _refusal(request, vision, question=question)
    if answer is not None:
        return _response(request, answer)
    return await _processed(request, vision, question=question)


async def _upload(request: web.Request, vision: Vision) -> bytearray | None:
    """Read the request; None when either side hangs up in the middle of it."""
    fault = vision.faults.first(days.UPLOAD)
    limit = int(vision.faults.knob("vision.payload-limit"))
    body = bytearray()
    read = 0
    try:
        async for piece in request.content.iter_any():
            read += len(piece)
            if fault == "vision.hang-up":
                return None
            if fault == "vision.slow-read":
                await asyncio.sleep(len(piece) / vision.faults.knob("vision.read-bytes-per-second"))
            if read <= limit:
                body += piece
            elif read > MOST_DRAINED:
                break
    except ConnectionError:
        return None
    if fault == "vision.too-large":
        raise Refused(refused(fault, retry_after=0))
    if read > limit:
        text = f"Request payload size exceeds the limit: {limit} bytes."
        raise Refused(refusal(400, text))
    return body


def _question(request: web.Request, vision: Vision, *, body: bytearray) -> Question:
    holder = check_credentials(request.headers, request.query, key=vision.key, lookup=vision.grant)
    if holder is None and vision.key in vision.disabled_keys:
        raise Refused(key_invalid())
    parameters = read_parameters(request.query)
    images = read_batch(body)
    return Question(
        images=images,
        names=[name_of(asked) for asked in images],
        parameters=parameters,
        holder=holder,
    )


def _refusal(request: web.Request, vision: Vision, *, question: Question) -> Answer | None:
    """Say no before any work is done, for a fault's sake or for the quota's."""
    others = FOR_TOKENS if question.holder is None else FOR_KEYS
    possible = [name for name in days.REFUSALS if name not in others]
    fault = vision.faults.first(possible, question.key)
    if fault is None and any(vision.is_poison(name) for name in question.names):
        fault = "vision.bad-request"
    if fault == "vision.token-expired":
        vision.tokens.revoke(bearer_token(request.headers, request.query) or "")
    if fault is not None:
        return refused(fault, retry_after=vision.faults.knob("vision.retry-after"))
    by_feature = bool(vision.faults.knob("vision.quota-by-feature"))
    lacking = vision.quotas.admit(
        question.units(by_feature=by_feature), stranger=vision.faults.knob("vision.stranger")
    )
    if lacking is None:
        return None
    return quota_exhausted(lacking, hint=bool(vision.faults.knob("vision.hint")))


async def _processed(
    request: web.Request, vision: Vision, *, question: Question
) -> web.StreamResponse:
    """Do the work and charge it at once; a client that leaves meanwhile loses a paid answer."""
    entries, odd = _entries(vision, question)
    vision.bill.charge(question.charges(), failed=sum(map(_is_failure, entries)))
    fault = vision.faults.first(days.LOST, question.key)
    if fault is not None:
        vision.bill.lose(len(entries))
    answer = good_answer(entries, parameters=question.parameters, reshape=fault or "", odd=odd)
    arrived = False
    try:
        await vision.latency.pause(UPSTREAM, images=len(entries))
        if vision.faults.strikes("vision.late", question.key):
            await _rest(request, seconds=vision.faults.knob("vision.late-seconds"))
        arrived = is_there(request)
    finally:
        if fault is None and not arrived:
            vision.bill.lose(len(entries))
    return await _lost(request, fault, answer=answer) if fault else _response(request, answer)


def _entries(vision: Vision, question: Question) -> tuple[list[Any], bool]:
    """The answers per image, and whether any was spoilt."""
    entries: list[Any] = []
    odd = False
    for name, asked in zip(question.names, question.images, strict=True):
        entry = annotate(asked, see=vision.see)
        fault = vision.faults.first(days.IMAGES, name)
        entries.append(spoil(fault, entry) if fault else entry)
        odd |= fault is not None
    return entries, odd


def _is_failure(entry: object) -> bool:
    return not isinstance(entry, dict) or "error" in entry


async def _lost(request: web.Request, fault: str, *, answer: Answer) -> web.StreamResponse:
    match fault:
        case "vision.stall":
            await _rest(request, seconds=STALL_SECONDS)
            return Raw(status=0, close=True)
        case "vision.reset":
            return hang_up(request)
        case "vision.disconnect":
            return Raw(status=0, close=True)
        case "vision.cut-short":
            whole = _headers(answer)
            return Raw(whole, answer.body[: len(answer.body) // 2], close=True)
        case _:
            return _response(request, broken(fault, answer))


async def _rest(request: web.Request, *, seconds: float) -> None:
    """Sleep, but not much longer than somebody listens."""
    clock = asyncio.get_running_loop().time
    end = clock() + seconds
    while is_there(request) and (left := end - clock()) > 0:  # noqa: ASYNC110 - no event tells
        await asyncio.sleep(min(left, GLANCE_SECONDS))


def _response(request: web.Request, answer: Answer) -> Raw:
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        answer = compressed(answer)
    return Raw(_headers(answer), answer.body, status=answer.status)


def _headers(answer: Answer) -> bytes:
    return head(
        f"{answer.status} {HTTPStatus(answer.status).phrase}",
        {
            "Content-Type": answer.content_type,
            "Content-Length": str(len(answer.body)),
            **COMMON_HEADERS,
            **answer.headers,
        },
    )
