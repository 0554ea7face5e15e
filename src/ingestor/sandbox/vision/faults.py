"""
Vision on a bad day: which faults there are, in the order a request would meet them.

"Billed" faults come after the images were processed: the bill counts them, and counts their answers
as lost.
"""

from typing import Final

UPLOAD: Final = {
    "vision.hang-up": "RST while the request is still coming in; nothing is billed",
    "vision.slow-read": "reads the request at `vision.read-bytes-per-second`",
    "vision.too-large": "413 as an HTML page of the front end",
}

REFUSALS: Final = {
    "vision.throttled": "429 without a hint",
    "vision.throttled-hint": "429 with RetryInfo and Retry-After of `vision.retry-after`",
    "vision.daily-quota": "429 whose text names a quota per day",
    "vision.unavailable": "503 in Google's JSON, nothing processed",
    "vision.token-expired": "401 and the bearer token is worth nothing any more",
    "vision.key-disabled": "400: the API key is not valid any more",
    "vision.key-restricted": "403: the key may not call this API",
    "vision.service-disabled": "403: the API is switched off",
    "vision.billing-disabled": "403: the project's billing is switched off",
    "vision.bad-request": "400 that names no culprit",
}

LOST: Final = {
    "vision.unavailable-billed": "503 in Google's JSON after the work was done, billed",
    "vision.internal": "500 in Google's JSON, billed",
    "vision.deadline": "504 in Google's JSON, billed",
    "vision.bad-gateway": "502 as an HTML page, billed",
    "vision.stall": "no answer ever, billed",
    "vision.reset": "RST instead of the answer, billed",
    "vision.disconnect": "the connection closes without an answer, billed",
    "vision.cut-short": "half an answer, then the end, billed",
    "vision.truncated": "half an answer with a matching length, billed",
    "vision.garbage": "200 with bytes that are not JSON, billed",
    "vision.html": "200 with an HTML page, billed",
    "vision.no-body": "200 with nothing in it, billed",
    "vision.synthetic-400": "400 with the body of a success, billed",
    "vision.wrong-types": "200 with `responses` as an object, billed",
    "vision.no-responses": "200 with `{}`, billed",
    "vision.empty-responses": "200 with `responses: []`, billed",
    "vision.short": "one response too few, billed",
    "vision.long": "one response too many, billed",
}

LATE: Final = {
    "vision.late": "the right answer, `vision.late-seconds` later",
}

IMAGES: Final = {
    "vision.image-bad": "code 3 for a good image",
    "vision.image-internal": "code 13 for this image",
    "vision.image-unavailable": "code 14 for this image",
    "vision.image-deadline": "code 4 for this image",
    "vision.image-exhausted": "code 8 for this image",
    "vision.image-null": "null instead of this image's answer",
    "vision.image-blank": "`{}` although there is something to see",
    "vision.image-partial": "annotations and an error at once",
    "vision.score-nan": "NaN as the first score",
    "vision.score-huge": "1 followed by 300 noughts as the first score",
    "vision.score-negative": "a negative first score",
    "vision.score-bool": "true as the first score",
    "vision.score-text": "the first score as a string",
    "vision.labels-scalar": "`labelAnnotations` is a number",
    "vision.odd-labels": "an empty, a huge, a forbidden-character, a foreign label",
    "vision.many-labels": "500 labels, whatever was asked for",
    "vision.double-label": "the best label twice, with two scores",
}

FAULTS: Final = {**UPLOAD, **REFUSALS, **LOST, **LATE, **IMAGES}

PAYLOAD_STRICT: Final = 10_485_760
"""The documented limit of a JSON request; 41,943,040 has been seen enforced."""

KNOBS: Final = {
    "vision.payload-limit": float(PAYLOAD_STRICT),
    "vision.read-bytes-per-second": 1_000_000.0,
    "vision.late-seconds": 130.0,
    "vision.retry-after": 7.0,
    "vision.hint": 0.0,
    "vision.stranger": 0.0,
    "vision.quota-by-feature": 1.0,
    "vision.poison-images": 0.0,
}
"""
Bytes and seconds. `hint` 1 adds the true waiting time to real refusals. `stranger` is the share
of both quotas that somebody else on the project uses. `quota-by-feature` 1 counts every
feature against a quota of its own, as the quotas page lists them; 0 counts images x features
against one. `poison-images` is the share of images that make every request they are in a 400:
always the same ones.
"""
