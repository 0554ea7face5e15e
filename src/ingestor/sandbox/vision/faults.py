"""
Vision on a bad day: which faults there are, in the order a request would meet them.

Each names its row of the failure model. "Billed" faults come after the images were processed:
the bill counts them, and counts their answers as lost.
"""

from typing import Final

UPLOAD: Final = {
    "vision.hang-up": "RST while the request is still coming in; nothing is billed (V7)",
    "vision.slow-read": "reads the request at `vision.read-bytes-per-second` (V6)",
    "vision.too-large": "413 as an HTML page of the front end (V15)",
}

REFUSALS: Final = {
    "vision.throttled": "429 without a hint (V3)",
    "vision.throttled-hint": "429 with RetryInfo and Retry-After of `vision.retry-after` (V2)",
    "vision.daily-quota": "429 whose text names a quota per day (V3)",
    "vision.unavailable": "503 in Google's JSON, nothing processed (V4)",
    "vision.token-expired": "401 and the bearer token is worth nothing any more (V16)",
    "vision.key-disabled": "400: the API key is not valid any more (V17)",
    "vision.key-restricted": "403: the key may not call this API (V17)",
    "vision.service-disabled": "403: the API is switched off (V17)",
    "vision.billing-disabled": "403: the project's billing is switched off (V17)",
    "vision.bad-request": "400 that names no culprit (V14)",
}

LOST: Final = {
    "vision.unavailable-billed": "503 in Google's JSON after the work was done, billed (V4)",
    "vision.internal": "500 in Google's JSON, billed (V5)",
    "vision.deadline": "504 in Google's JSON, billed (V5)",
    "vision.bad-gateway": "502 as an HTML page, billed (V5)",
    "vision.stall": "no answer ever, billed (V6)",
    "vision.reset": "RST instead of the answer, billed (V7)",
    "vision.disconnect": "the connection closes without an answer, billed (V7)",
    "vision.cut-short": "half an answer, then the end, billed (V7)",
    "vision.truncated": "half an answer with a matching length, billed (V7)",
    "vision.garbage": "200 with bytes that are not JSON, billed (V13)",
    "vision.html": "200 with an HTML page, billed (V13)",
    "vision.no-body": "200 with nothing in it, billed (V12)",
    "vision.synthetic-400": "400 with the body of a success, billed (V7)",
    "vision.wrong-types": "200 with `responses` as an object, billed (V13)",
    "vision.no-responses": "200 with `{}`, billed (V12)",
    "vision.empty-responses": "200 with `responses: []`, billed (V12)",
    "vision.short": "one response too few, billed (V11)",
    "vision.long": "one response too many, billed (V11)",
}

LATE: Final = {
    "vision.late": "the right answer, `vision.late-seconds` later (V20)",
}

IMAGES: Final = {
    "vision.image-bad": "code 3 for a good image (V8)",
    "vision.image-internal": "code 13 for this image (V9)",
    "vision.image-unavailable": "code 14 for this image (V9)",
    "vision.image-deadline": "code 4 for this image (V9)",
    "vision.image-exhausted": "code 8 for this image (V9)",
    "vision.image-null": "null instead of this image's answer (V12)",
    "vision.image-blank": "`{}` although there is something to see (V12)",
    "vision.image-partial": "annotations and an error at once (V10)",
    "vision.score-nan": "NaN as the first score (V13)",
    "vision.score-huge": "1 followed by 300 noughts as the first score (V13)",
    "vision.score-negative": "a negative first score (V13)",
    "vision.score-bool": "true as the first score (V13)",
    "vision.score-text": "the first score as a string (V13)",
    "vision.labels-scalar": "`labelAnnotations` is a number (V13)",
    "vision.odd-labels": "an empty, a huge, a forbidden-character, a foreign label (V18)",
    "vision.many-labels": "500 labels, whatever was asked for (V18)",
    "vision.double-label": "the best label twice, with two scores (V19)",
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
of both quotas that somebody else on the project uses (V21). `quota-by-feature` 1 counts every
feature against a quota of its own, as the quotas page lists them; 0 counts images x features
against one. `poison-images` is
the share of images that make every request they are in a 400 (V14): always the same ones.
"""
