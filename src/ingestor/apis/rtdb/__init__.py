"""
The Realtime Database over REST: multi-path updates, reads, and writes on a condition.

Which URL a path has stands in `addresses`, what a refusal means in `errors`; `client` asks and waits.
"""

from ingestor.apis.rtdb.addresses import Query, address_of
from ingestor.apis.rtdb.client import NOTHING, Conflict, Database, read_request, update_request
from ingestor.apis.rtdb.errors import error_for

__all__ = [
    "NOTHING",
    "Conflict",
    "Database",
    "Query",
    "address_of",
    "error_for",
    "read_request",
    "update_request",
]
