"""What the page reads from: a catalog, a journal, and the one origin of pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web

from ingestor.catalog import Catalog
from ingestor.web.lazy import FIRST, LazyCatalog, NothingYet


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """All that a view may use."""

    catalog: Catalog
    image_origin: str
    """Scheme, host and port."""
    journal: Path
    live: Path
    """Where a run says how it is doing, once a second; see `engines.heartbeat`."""
    log: Callable[[str], None]
    """Takes a line for whoever looks after the page."""
    sandbox: bool = False
    """Whether one is there to draw the pictures."""
    remote: bool = False
    """Whether the catalog is a database, whatever the journal here holds."""
    state_flag: str = ""
    """What a command needs to be about the same state directory, with a blank before it."""
    strangers: bool = False
    """Whether others may look as well: they need not know where things lie on this machine."""
    names: tuple[str, ...] | None = ()
    """Host names, lower case, that it may be asked by, beside localhost and numbers; None is any."""

    def why_nothing(self, error: NothingYet) -> str:
        """What a visitor is told of it; what a stranger is not, is written down."""
        why = str(error)
        if not self.strangers or why == FIRST:
            return why
        self.log(why)
        return FIRST


HOUSE: web.AppKey[House] = web.AppKey("house", House)


def origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


async def let_go(house: House) -> None:
    """Before another connection is opened: close a journal that is not the one in its place any more."""
    if isinstance(house.catalog, LazyCatalog):
        await house.catalog.let_go()
