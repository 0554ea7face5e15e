"""`ingestor search LABEL…`: the best pictures, in the terminal."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Final

from msgspec import structs
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ingestor.catalog import Catalog
from ingestor.catalog.local import LocalCatalog
from ingestor.catalog.query import Hit, Page, Query
from ingestor.catalog.words import (
    MOST_WORDS,
    is_plain,
    joined,
    label_called,
    labels_among,
    quoted,
    read_text,
)
from ingestor.cli.json_lines import write_json
from ingestor.cli.reporting import console_on, text_of
from ingestor.cli.sandboxed import upstreams
from ingestor.cli.spelling import one_line
from ingestor.cli.visit import Visit
from ingestor.errors import TransportError

if TYPE_CHECKING:
    from ingestor.settings import Settings

ROOMY: Final = 90
"""Columns that the longest of Flickr's addresses takes beside the bar."""
BAR_WIDTH: Final = 10
EIGHTHS: Final = " ▏▎▍▌▋▊▉"
MOST_OF_A_TITLE: Final = 60
MOST_OF_AN_ADDRESS: Final = 500
"""Characters; Flickr's own have some hundred, and a database may hold anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody searches for; checked by the catalog's own `Query`."""

    words: tuple[str, ...]
    """As they were typed."""
    limit: int = 5
    min_score: float = 0.0
    everything: bool = False
    after: str | None = None

    def query(self, text: str) -> Query:
        """What `text` asks for. Raises SettingsError where it cannot be answered."""
        groups, unwanted = read_text(text)
        return Query(
            labels=tuple(group[0] for group in groups if len(group) == 1),
            any_of=tuple(group for group in groups if len(group) > 1),
            none_of=unwanted,
            everything=self.everything,
            min_score=self.min_score,
            limit=self.limit,
            cursor=self.after,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    query: Query
    page: Page
    anything: bool = True
    """Whether the collection has a label at all."""
    hidden: bool = False
    """Whether all that answers is hidden."""
    among: tuple[str, ...] = ()
    """The labels that are among the words, where they have no picture together."""


def search(visit: Visit, settings: Settings, asked: Asked, *, as_json: bool) -> int:
    found = asyncio.run(_ask(visit, settings, asked))
    query, page = found.query, found.page
    if as_json:
        wanted = {"labels": query.labels, "any_of": query.any_of, "none_of": query.none_of}
        plain = {**wanted, **asdict(page), "near": [one.name for one in page.near]}
        write_json(sys.stdout, plain, default=structs.asdict)
    elif page.hits:
        console = console_on(sys.stdout)
        sys.stdout.write(text_of(drawn(page, width=console.width), console))
    else:
        sys.stderr.write(f"{nothing(found)}\n")
    return 0


async def _ask(visit: Visit, settings: Settings, asked: Asked) -> Found:
    async with upstreams(visit, settings) as reachable, _catalog(visit, reachable) as catalog:
        query = await meant(catalog, asked)
        page = await catalog.search(query)
        if page.hits or query.cursor:
            return Found(query=query, page=page)
        uncovered = await catalog.search(replace(query, everything=True, limit=1))
        return Found(
            query=query,
            page=page,
            anything=bool(await catalog.popular(limit=1)),
            hidden=bool(uncovered.hits),
            among=() if page.near else await _among(catalog, query),
        )


async def _among(catalog: Catalog, query: Query) -> tuple[str, ...]:
    wanted = (*query.labels, *(label for group in query.any_of for label in group))
    words = " ".join(wanted).split()
    return await labels_among(catalog, words) if 1 < len(words) <= MOST_WORDS else ()


async def meant(catalog: Catalog, asked: Asked) -> Query:
    """Raises SettingsError where it cannot be answered."""
    return asked.query(await _text(catalog, asked.words))


async def _text(catalog: Catalog, words: Sequence[str]) -> str:
    """What was typed, as in the page's box: labels of these very names are not taken apart."""
    whole = " ".join(words)
    if whole != words[0] or not is_plain(whole):
        label = await label_called(catalog, whole)
        if label is not None:
            return quoted(label)
    return joined([await _one(catalog, word) for word in words])


async def _one(catalog: Catalog, word: str) -> str:
    is_label = not is_plain(word) and await label_called(catalog, word) is not None
    return quoted(word) if is_label else word


@asynccontextmanager
async def _catalog(visit: Visit, settings: Settings) -> AsyncIterator[Catalog]:
    if not settings.sandbox and not visit.asks_database(settings):
        async with LocalCatalog(settings.journal_path) as catalog:
            yield catalog
        return
    from ingestor.services import open_catalog

    try:
        async with open_catalog(settings) as catalog:
            yield catalog
    except TransportError as error:
        sentence = f"The database does not answer ({error})."
        raise type(error)(sentence, reason=error.reason) from error


def drawn(page: Page, *, width: int) -> RenderableType:
    """`width` is that of the terminal, in columns."""
    hits = enumerate(page.hits, start=1)
    if width < ROOMY:
        return Group(Text(), *(_below(hit, rank) for rank, hit in hits))
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", style="dim")
    table.add_column(style="green", no_wrap=True)
    table.add_column(justify="right", style="bold")
    table.add_column()
    for rank, hit in hits:
        told = Group(_title(hit), Text(_addresses(hit), overflow="fold"), _labels(hit))
        table.add_row(str(rank), bar(hit.score), f"{hit.score:.3f}", told)
    return Group(Text(), table, Text())


def _below(hit: Hit, rank: int) -> RenderableType:
    """Where there is no room beside the bar; the terminal breaks addresses so that they stay whole."""
    head = Text.assemble(
        (f"{rank}  ", "dim"),
        (bar(hit.score), "green"),
        (f"  {hit.score:.3f}  ", "bold"),
        _title(hit),
    )
    addresses = Text(_addresses(hit), no_wrap=True, overflow="ignore")
    return Group(head, addresses, _labels(hit), Text())


def bar(score: float) -> str:
    """A score as a bar, drawn in eighths of a character."""
    full, rest = divmod(round(score * BAR_WIDTH * 8), 8)
    return ("█" * full + EIGHTHS[rest].strip()).ljust(BAR_WIDTH)


def _title(hit: Hit) -> Text:
    title = one_line(hit.title, most=MOST_OF_A_TITLE) or "without a title"
    owner = one_line(hit.owner_name, most=MOST_OF_A_TITLE)
    return Text.assemble((title, "bold"), (f"  by {owner}" if owner else "", "dim"))


def _addresses(hit: Hit) -> str:
    addresses = (hit.page, hit.image)
    return "\n".join(one_line(address, most=MOST_OF_AN_ADDRESS) for address in addresses)


def _labels(hit: Hit) -> Text:
    names = (f"{one_line(label.name, most=40)} {label.score:.2f}" for label in hit.labels)
    return Text(", ".join(names), style="dim")


def nothing(found: Found) -> str:
    """Why there is no picture."""
    query, page = found.query, found.page
    if not found.anything:
        return "The collection is empty: no picture is labelled yet."
    if found.hidden:
        return f"All that is labelled {_spelt(query)} is hidden by SafeSearch; --all shows it."
    if query.cursor:
        return f"No further picture is labelled {_spelt(query)}."
    if query.min_score and not page.near:
        return f"No picture is labelled {_spelt(query)} with a score of {query.min_score} or more."
    if there := tuple(one.name for one in page.near) or found.among:
        names = ", ".join(one_line(name, most=40) for name in there)
        return f"No picture is labelled {_spelt(query)}. There is: {names}."
    return f"No picture is labelled {_spelt(query)}."


def _spelt(query: Query) -> str:
    groups = (*((label,) for label in query.labels), *query.any_of)
    wanted = " and ".join(_either(group) for group in groups)
    return f"{wanted} without {_either(query.none_of)}" if query.none_of else wanted


def _either(labels: Iterable[str]) -> str:
    return " or ".join(repr(one_line(label, most=40)) for label in labels)
