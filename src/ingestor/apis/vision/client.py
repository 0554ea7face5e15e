"""
Asking: sixteen images go in, one answer each comes out.

(https://cloud.google.com/vision/docs/reference/rest/v1/images/annotate)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ingestor.apis import Credentials
from ingestor.apis.vision.answers import ImageError, read_annotations
from ingestor.apis.vision.body import body_for
from ingestor.errors import Unauthorized
from ingestor.models import Annotation, FeatureSet, Image
from ingestor.transport import Request, Transport

PAID_DEADLINE = 600.0
"""Seconds, as in the vendor's own client: a shorter timeout buys images twice."""
MOST_ANSWER = 8_000_000
"""Bytes; sixteen images with fifty labels each answer in about 100,000."""

LABEL_FIELDS = "labelAnnotations(mid,description,score,topicality)"


def annotate_request(
    images: Sequence[Image],
    features: FeatureSet,
    *,
    url: str,
    headers: Mapping[str, str],
    leaving: Callable[[], None] | None = None,
) -> Request:
    """`url` is the service's base; `headers` carry the credentials."""
    wanted = LABEL_FIELDS + (",safeSearchAnnotation" if features.safe_search else "")
    return Request(
        upstream="vision",
        method="POST",
        url=f"{url.rstrip('/')}/v1/images:annotate"
        f"?prettyPrint=false&fields=responses({wanted},error)",
        headers={"content-type": "application/json", **headers},
        body=body_for(images, features),
        deadline=PAID_DEADLINE,
        cap=MOST_ANSWER,
        leaving=leaving,
    )


class Vision:
    """
    The thin half: everything it knows, it asks the functions above.

    After a 401 it has the credentials replaced, then raises Unauthorized: one more try, under its own
    permit, is the caller's to make.
    """

    def __init__(
        self, transport: Transport, *, url: str, access: Credentials, features: FeatureSet
    ) -> None:
        self._transport = transport
        self._url = url
        self._access = access
        self._features = features

    async def annotate(
        self, images: Sequence[Image], leaving: Callable[[], None] | None = None
    ) -> list[Annotation | ImageError]:
        """
        Buys: every call that leaves may be charged, whatever comes back. Until then a new token and a
        connection may take a minute or more: `leaving` is asked last, and may raise NotSent.
        """
        headers = await self._access.headers()
        response = await self._transport.send(
            annotate_request(
                images, self._features, url=self._url, headers=headers, leaving=leaving
            )
        )
        try:
            return read_annotations(response, images, self._features)
        except Unauthorized:
            await self._access.refresh_after(headers)
            raise
