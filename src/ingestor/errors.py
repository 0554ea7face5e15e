"""
Everything that can go wrong, in one tree.

    IngestorError
    ├── SettingsError          the operator must change something before a run can start
    ├── JournalError           the journal cannot be trusted or written: nothing may be bought
    ├── RunStopped             the run ends early on purpose, and can be resumed
    ├── BrokenInvariant        a bug of ours, seen before it cost anything: buying stops
    ├── TransportError         no usable answer came back
    │   ├── NotSent            ...and nothing had left this machine             (try again, free)
    │   ├── AnswerLost         ...after the request had left it                 (perhaps it took effect)
    │   └── AddressRefused     ...because we must not go there                  (never)
    └── VendorError            an upstream answered, and said no
        ├── Throttled          ...too fast: come back later                     (try again)
        ├── Unavailable        ...it is broken on their side                    (try again)
        ├── Unauthorized       ...the credential is stale                       (refresh, once)
        ├── Denied             ...not with this key, project or database        (ends the run)
        └── Rejected           ...this request is wrong                         (never as it is)

`retry_hint` below says which is tried again as a rule. Who calls an upstream may know better: a stale
credential once (`services.politely`, `purchases.buyer`), a paid call only where repeating it is free or
nearly (`purchases.buyer`), a broken picture not for long (`stages.blame`).
"""

from __future__ import annotations

EXCERPT_CHARACTERS = 256
"""How much of a foreign text a message may carry: enough to recognise it, too little to flood."""


class IngestorError(Exception):
    """The root; its text is one or two sentences that a person can act on."""


class SettingsError(IngestorError):
    """A setting, key, group or file is wrong; the text says which and what to do next."""


class JournalError(IngestorError):
    """Without a journal nothing is bought: disk full, corrupt file, newer version, in use."""

    reason = "journal"


class RunStopped(IngestorError):
    """
    A ceiling or the end of patience; `reason` is one word for reports ("max-units"). `then` is what a
    person does next: who goes on by itself, as a worker does, tells the `cause` alone.
    """

    def __init__(self, cause: str, *, reason: str, then: str = "") -> None:
        super().__init__(f"{cause} {then}".rstrip())
        self.cause = cause
        self.reason = reason


class BrokenInvariant(IngestorError):
    """What we promise about money is about to be broken; the text says what, and that it is a bug."""

    reason = "broken-invariant"

    def __init__(self, what: str) -> None:
        super().__init__(
            f"A bug of ingestor was about to cost money: {what}. Nothing more was bought, and "
            "everything bought is saved. Please report it."
        )


class TransportError(IngestorError):
    """No usable answer. `reason` is one word for accounting ("timeout", "dns", "too-large")."""

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(excerpt(message))
        self.reason = reason


class NotSent(TransportError):
    """DNS, connecting, TLS or waiting for a connection failed: the request never left."""


class AnswerLost(TransportError):
    """Timeout, reset or garbage after the request had begun to leave."""


class AddressRefused(TransportError):
    """The allow-list does not know this origin; no connection was made."""


class VendorError(IngestorError):
    """
    An upstream's refusal. Carries facts, never the request's credentials; `retry_after` is the upstream's
    wish in seconds, a floor, or None.
    """

    reason = "refused"

    def __init__(
        self,
        message: str,
        *,
        upstream: str,
        reason: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(excerpt(message))
        self.upstream = upstream
        self.reason = reason or self.reason
        self.retry_after = retry_after


class Throttled(VendorError):
    """Too fast."""

    reason = "throttled"


class Unavailable(VendorError):
    """Broken on their side; a paid call may have been carried out all the same."""

    reason = "unavailable"


class Unauthorized(VendorError):
    """401: the credential was not accepted; one refresh may help."""

    reason = "unauthorized"


class Denied(VendorError):
    """A wrong key, a disabled API, missing billing, rules: no request of ours will succeed."""


class Rejected(VendorError):
    """This request, as it is, will never be accepted; another one may."""


def denied_by_place(error: AddressRefused, *, upstream: str) -> Denied:
    """What an address we must not go to means for who has no other: that upstream is closed to us."""
    return Denied(str(error), upstream=upstream, reason=error.reason)


def retry_hint(error: BaseException) -> bool | float:
    """Tell whether to try again, or for how many seconds to wait first at the least."""
    match error:
        case Throttled(retry_after=float(seconds)) | Unavailable(retry_after=float(seconds)):
            return seconds
        case Throttled() | Unavailable() | NotSent() | AnswerLost():
            return True
        case _:
            return False


def wish_of(error: BaseException) -> float:
    """For how many seconds the upstream wants to be left alone, or 0."""
    hint = retry_hint(error)
    return 0.0 if isinstance(hint, bool) else hint


def reason_of(error: BaseException) -> str:
    """The one word under which an error is counted."""
    reason = getattr(error, "reason", None)
    return reason if isinstance(reason, str) else type(error).__name__


def cause_of(error: BaseException) -> str:
    """What happened, in a sentence, without what a person does next: for whoever goes on by itself."""
    return error.cause if isinstance(error, RunStopped) else str(error)


def first_error_in(error: BaseException) -> BaseException:
    """Open groups: the first error of our own inside wins, or else the first one."""
    leaves = _leaves(error)
    return next((leaf for leaf in leaves if isinstance(leaf, IngestorError)), leaves[0])


def _leaves(error: BaseException) -> list[BaseException]:
    if not isinstance(error, BaseExceptionGroup):
        return [error]
    return [leaf for inner in error.exceptions for leaf in _leaves(inner)]


def excerpt(text: str) -> str:
    """Cut a foreign text to what a message may carry."""
    return text if len(text) <= EXCERPT_CHARACTERS else text[: EXCERPT_CHARACTERS - 1] + "…"
