"""
Cloud Vision's `images:annotate` on loopback, from the vendor's documents.

`app` is the site; `bodies` and `schema` read what comes in, `seeing` and `annotations` judge it,
`answers` and `spoiling` write what goes out. Only `app` awaits.
"""

from ingestor.sandbox.vision.app import Vision, application
from ingestor.sandbox.vision.faults import FAULTS, KNOBS

__all__ = ["FAULTS", "KNOBS", "Vision", "application"]
