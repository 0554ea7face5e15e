"""
The ETag of a location: a digest of what is stored there, so equal values have equal tags.

A branch keeps its digest until a write passes through it, so asking again after a small change
costs the branches on the way, not the tree.
"""

import base64
import hashlib
from typing import Final

from ingestor.sandbox.rtdb.nodes import Branch, Node, Scalar, priority_of, scalar_of

ABSENT: Final = "null_etag"
"""The tag of a location without a value; `if-match` with it means "create only"."""

DIGEST_BYTES: Final = 20


def etag_of(node: Node | None) -> str:
    if node is None:
        return ABSENT
    return base64.b64encode(digest_of(node)).decode()


def digest_of(node: Node) -> bytes:
    if not isinstance(node, Branch):
        text = f"{_written(priority_of(node))}:{_written(scalar_of(node))}"
        return hashlib.blake2b(text.encode(), digest_size=DIGEST_BYTES).digest()
    if node.digest is None:
        sums = hashlib.blake2b(_written(node.priority).encode(), digest_size=DIGEST_BYTES)
        for key in sorted(node.children):
            sums.update(f"{len(key)}:{key}".encode())
            sums.update(digest_of(node.children[key]))
        node.digest = sums.digest()
    return node.digest


def _written(value: Scalar | None) -> str:
    return f"{type(value).__name__}:{value}"
