"""
Eyes on a worker: whether it lives, whether it works, and its figures for Prometheus.

`counts` are fed by events, `figures` are read when somebody asks; `site` answers. Nothing here can
change anything, and no answer carries a secret, a title or an address. `traces` tell the same story
batch by batch to who collects such things.
"""

from ingestor.eyes.counts import Counts
from ingestor.eyes.figures import View
from ingestor.eyes.site import address_of, watched
from ingestor.eyes.traces import traced

__all__ = ["Counts", "View", "address_of", "traced", "watched"]
