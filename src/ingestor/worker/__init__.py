"""
The worker: many groups kept in sync for months, until told to stop.

`rota` says whose turn it is, `watchlist` which groups there are, `looking` whether a group has anything to
do, `vain` whether that would be in vain, `turns` does it, `takedowns` what is to be done of photos that left;
`troubles` says what an error means, `suspects` whose fault it is that images are refused, `halt` until when
nothing is bought, `readiness` whether all is well; `worker` is the loop.
"""

from ingestor.worker.readiness import Readiness
from ingestor.worker.worker import Worker

__all__ = ["Readiness", "Worker"]
