"""What is under `/.settings`: the rules and the default limit of writes; for admins only."""

from typing import Final

import orjson

from ingestor.sandbox.rtdb.callers import Caller
from ingestor.sandbox.rtdb.database import Namespace
from ingestor.sandbox.rtdb.nodes import JSON
from ingestor.sandbox.rtdb.parameters import UNLIMITED, WRITE_SECONDS
from ingestor.sandbox.rtdb.refusals import (
    INVALID_PATH,
    PARSE_ANY,
    PERMISSION_DENIED,
    Refused,
)
from ingestor.sandbox.rtdb.rules import BadRules, Rules

PREFIX: Final = "/.settings/"
RULES: Final = "rules"
DEFAULT_WRITE_SIZE_LIMIT: Final = "defaultWriteSizeLimit"

# A database whose every write must take a second at most would be of little use.
DEFAULTS: Final = frozenset({*WRITE_SECONDS, UNLIMITED} - {"tiny"})


def get_setting(name: str, namespace: Namespace, *, caller: Caller) -> bytes:
    """A setting as JSON; rules come as the text they were set with. Raises `Refused`."""
    _require_admin(caller)
    if name == RULES:
        return namespace.rules.text.encode()
    if name == DEFAULT_WRITE_SIZE_LIMIT:
        return orjson.dumps(namespace.write_size_limit)
    raise Refused(400, INVALID_PATH)


def put_setting(name: str, namespace: Namespace, *, caller: Caller, body: bytes) -> JSON:
    """Raises `Refused`."""
    _require_admin(caller)
    if name == RULES:
        try:
            namespace.set_rules(Rules(body.decode()))
        except (BadRules, UnicodeDecodeError) as error:
            raise Refused(400, str(error)) from None
        return {"status": "ok"}
    if name != DEFAULT_WRITE_SIZE_LIMIT:
        raise Refused(400, INVALID_PATH)
    try:
        limit = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Refused(400, PARSE_ANY) from None
    if limit not in DEFAULTS:
        raise Refused(400, f"{name} must be one of: {', '.join(sorted(DEFAULTS))}")
    namespace.set_write_size_limit(str(limit))
    return namespace.write_size_limit


def _require_admin(caller: Caller) -> None:
    if not caller.admin:
        raise Refused(401, PERMISSION_DENIED)
