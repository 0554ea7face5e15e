"""
What each verb does: one request in, one answer out, without a wait in between.

See https://firebase.google.com/docs/reference/rest/database for verbs and conditional requests.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Final, TypeAlias

import orjson

from ingestor.sandbox.rtdb.callers import Caller
from ingestor.sandbox.rtdb.database import Change, Database, Namespace
from ingestor.sandbox.rtdb.etags import etag_of
from ingestor.sandbox.rtdb.keys import PRIORITY, Path, paths_of
from ingestor.sandbox.rtdb.nodes import JSON, Branch, Node, json_of, scalars_below
from ingestor.sandbox.rtdb.parameters import Options, write_bytes
from ingestor.sandbox.rtdb.queries import Query, answer
from ingestor.sandbox.rtdb.refusals import (
    INVALID_PATH,
    PARSE_ANY,
    PARSE_OBJECT,
    PERMISSION_DENIED,
    WRITE_TOO_BIG,
    BadData,
    Refused,
)
from ingestor.sandbox.rtdb.tree import Write

Veto: TypeAlias = Callable[[Path], bool] | None
"""Tells whether the database makes trouble about a path, as faults and tests want it; mostly there is none."""

NUMBER_BYTES: Final = 8
"""What a leaf that is no string counts for in the estimate of a write's size."""

CONDITION_ON_GET: Final = "if-match is not supported for GET requests"
CONDITION_ON_UPDATE: Final = "Conditional requests are not supported for this method"
CONDITION_AND_SILENT: Final = "print=silent is not supported for conditional requests"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request as the verbs need it; the body is what came, unread."""

    verb: str
    path: Path
    options: Options
    caller: Caller
    body: bytes
    if_match: str | None
    if_none_match: str | None
    wants_etag: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    value: JSON = None
    status: int = 200
    etag: str | None = None


def read(ask: Ask, namespace: Namespace, *, now: int) -> Answer:
    """Raises `Refused`."""
    if ask.if_match is not None:
        raise Refused(400, CONDITION_ON_GET)
    require_read(ask, namespace, now=now)
    node = namespace.tree.at(ask.path)
    etag = None
    if ask.wants_etag or ask.if_none_match is not None:
        etag = etag_of(node)
        if ask.if_none_match == etag:
            return Answer(status=304, etag=etag)
    return Answer(value=value_for(node, ask.options), etag=etag)


def require_read(ask: Ask, namespace: Namespace, *, now: int) -> None:
    """Raise `Refused` unless rules let the caller read, and an index lets him query."""
    tree, rules, query = namespace.tree, namespace.rules, ask.options.query
    may = ask.caller.admin or rules.may_read(ask.path, auth=ask.caller.auth, tree=tree, now=now)
    if not may:
        raise Refused(401, PERMISSION_DENIED)
    index = query.needed_index if query is not None else None
    if index is not None and not rules.has_index(ask.path, index):
        place = "/" + "/".join(ask.path)
        wanted = f'add ".indexOn": "{index}", for path "{place}", to the rules'
        raise Refused(400, f"Index not defined, {wanted}")


def value_for(node: Node | None, options: Options) -> JSON:
    query: Query | None = options.query
    if query is not None:
        return answer(node, query)
    if options.shallow and isinstance(node, Branch):
        return dict.fromkeys(node.ordered(), True)
    return json_of(node, export=options.export)


def write(ask: Ask, namespace: Namespace, *, database: Database, veto: Veto) -> Answer:
    """Change the namespace as asked, wholly or not at all. Raises `Refused`."""
    refuse_odd_conditions(ask)
    if ask.verb in ("PATCH", "POST") and PRIORITY in ask.path:
        raise Refused(400, INVALID_PATH)
    body = _body_of(ask)
    changed = path = ask.path
    if ask.verb == "POST":
        changed = (*path, database.push_ids.next(database.now))
    values = _updates_of(path, body) if ask.verb == "PATCH" else {changed: body}
    if veto is not None and any(map(veto, values)):
        raise Refused(400, parse_error(ask.verb))
    writes = _planned(ask, values, namespace=namespace, now=database.now)
    _authorize(ask, writes, namespace=namespace, database=database)
    _refuse_big(ask, writes, namespace)
    if ask.if_match is not None:
        before = namespace.tree.at(path)
        if etag_of(before) != ask.if_match:
            return Answer(status=412, value=json_of(before), etag=etag_of(before))
    namespace.commit(Change(base=changed, writes=writes, merged=ask.verb == "PATCH"))
    wants_etag = ask.verb != "PATCH" and (ask.wants_etag or ask.if_match is not None)
    etag = etag_of(namespace.tree.at(changed)) if wants_etag else None
    return Answer(value=_echo(ask, namespace, changed=changed, body=body), etag=etag)


def refuse_odd_conditions(ask: Ask) -> None:
    if ask.if_match is None:
        return
    if ask.verb in ("PATCH", "POST"):
        raise Refused(400, CONDITION_ON_UPDATE)
    # Seen once in production, see the facts; clients had better not combine them.
    if ask.options.silent:
        raise Refused(400, CONDITION_AND_SILENT)


def parse_error(verb: str) -> str:
    return PARSE_OBJECT if verb == "PATCH" else PARSE_ANY


def _body_of(ask: Ask) -> JSON:
    if ask.verb == "DELETE":
        return None
    try:
        body: JSON = orjson.loads(ask.body)
    except orjson.JSONDecodeError:
        raise Refused(400, parse_error(ask.verb)) from None
    return body


def _updates_of(base: Path, body: JSON) -> dict[Path, JSON]:
    """The paths of an update; a slash in a key goes a level down."""
    if not isinstance(body, dict):
        raise Refused(400, PARSE_OBJECT)
    try:
        paths = paths_of(body)
    except Refused:
        raise Refused(400, PARSE_OBJECT) from None
    if not all(paths) or len(set(paths)) < len(paths):
        raise Refused(400, PARSE_OBJECT)
    if base:
        paths = [base + path for path in paths]
    return dict(zip(paths, body.values(), strict=True))


def _planned(
    ask: Ask, values: Mapping[Path, JSON], *, namespace: Namespace, now: int
) -> list[Write]:
    try:
        return namespace.tree.planned(values, now=now)
    except BadData as error:
        raise Refused(400, error.text or parse_error(ask.verb)) from None


def _authorize(ask: Ask, writes: list[Write], *, namespace: Namespace, database: Database) -> None:
    if ask.caller.admin:
        return
    rules, tree = namespace.rules, namespace.tree
    if not rules.may_write(writes, auth=ask.caller.auth, tree=tree, now=database.now):
        raise Refused(401, PERMISSION_DENIED)


def _refuse_big(ask: Ask, writes: list[Write], namespace: Namespace) -> None:
    """Estimate what the write changes, what it removes included."""
    room = write_bytes(ask.options.write_size_limit or namespace.write_size_limit)
    room -= len(ask.body)
    for key, value in chain.from_iterable(scalars_below(write.old) for write in writes):
        if room < 0:
            break
        room -= len(key) + (len(value) if isinstance(value, str) else NUMBER_BYTES)
    if room < 0:
        raise Refused(400, WRITE_TOO_BIG)


def _echo(ask: Ask, namespace: Namespace, *, changed: Path, body: JSON) -> JSON:
    if ask.options.silent or ask.verb == "DELETE":
        return None
    if ask.verb == "POST":
        return {"name": changed[-1]}
    # An update is echoed as it was sent, a value as it was stored.
    return body if ask.verb == "PATCH" else namespace.tree.value(changed)
