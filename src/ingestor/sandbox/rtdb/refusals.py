"""Everything the database says no to, with the vendor's own words where they are known."""

from typing import Final

PARSE_ANY: Final = "Invalid data; couldn't parse JSON object, array, or value."
PARSE_OBJECT: Final = (
    "Invalid data; couldn't parse JSON object. Are you sending a JSON object with valid key names?"
)
INVALID_PATH: Final = "Invalid path: Invalid token in path"
PERMISSION_DENIED: Final = "Permission denied"
UNAUTHORIZED: Final = "Unauthorized request."
UNPARSABLE_TOKEN: Final = "Could not parse auth token."  # noqa: S105 - a message
EXPIRED_TOKEN: Final = "Auth token is expired"  # noqa: S105 - a message
CREDENTIAL_GONE: Final = "credential is no longer valid"
TOO_MUCH_TO_READ: Final = (
    "Data requested exceeds the maximum size that can be accessed with a single request."
)
WRITE_TOO_BIG: Final = (
    "WRITE_TOO_BIG: Data to write exceeds the maximum size that can be modified "
    "with a single request."
)
TOO_LARGE: Final = "Payload is too large"

# The vendor's words for these are not known; the status is.
PATH_TOO_LONG: Final = "Invalid path: The path is too long or too deep"
TOO_DEEP: Final = "Invalid data; the data is nested deeper than 32 levels."
STRING_TOO_LONG: Final = "Invalid data; a string exceeds 10485760 bytes."
UNKNOWN_SERVER_VALUE: Final = "Invalid data; the request contains an unrecognized server value."
OVERLAPPING_PATHS: Final = "Invalid data; one path of the update is an ancestor of another."


class Refused(Exception):
    """A request that gets an error: the HTTP status, and what stands under `error`."""

    def __init__(self, status: int, text: str, **members: str) -> None:
        super().__init__(text)
        self.status: Final = status
        self.text: Final = text
        self.members: Final = members
        """Further members of the body, such as `correctUrl`."""


class BadData(Exception):
    """A value that cannot be stored; without words of its own it gets those of the verb."""

    def __init__(self, text: str | None = None) -> None:
        super().__init__(text or "bad data")
        self.text: Final = text
