"""
However the command line is misused, it answers in one sentence on stderr and leaves with code 2.

Flags and environment hold whatever people and scripts put there: numbers that are none, half
characters, line breaks, endless texts. None of the calls made here can be carried out, because none
has a key for Flickr; nothing is created but below a working directory of its own.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from ingestor.cli import main as command
from tests.conftest import FOREIGN_NAMES, FOREIGN_PREFIXES

TAKES_A_VALUE: Final = (
    *("--limit", "--max-labels", "--images-per-minute", "--requests-per-minute", "--max-in-flight"),
    *("--max-downloads", "--max-memory", "--engine", "--max-units", "--max-cost", "--max-failures"),
    *("--in-doubt", "--drain", "--report", "--log-level", "--log-format", "--database-url"),
    *("--flickr-url", "--image-url", "--vision-url", "--group", "--state", "--sandbox-fault"),
)
SWITCHES: Final = ("--dry-run", "--reannotate", "--safe-search")
SUBCOMMANDS: Final[Mapping[str, Sequence[str]]] = {
    "": TAKES_A_VALUE,
    "status": ("--state",),
    "search dog": ("--state", "--limit", "--min-score"),
    "export": ("--state", "--format"),
    "dead list": ("--state", "--reason", "--samples"),
    "dead retry": ("--state", "--reason"),
    "dead drop": ("--state", "--reason"),
}
VARIABLES: Final = (
    *(
        f"INGESTOR_{flag.removeprefix('--').replace('-', '_').upper()}"
        for flag in TAKES_A_VALUE
        if flag not in ("--sandbox-fault", "--database-url")
    ),
    "FIREBASE_DATABASE_URL",
    "FIREBASE_DATABASE_EMULATOR_HOST",
)

ODD: Final = (
    *(
        "",
        " ",
        "-",
        "--",
        "-1",
        "0",
        "1",
        "16",
        "50%",
        "101%",
        "nan",
        "inf",
        "-inf",
        "1e999",
        "1_0",
    ),
    *("0x10", "٣", "½", "9" * 400, "%", "1%%", "true", "null", "zoo", "12@N00", "a\nb", "\r", "\t"),
    *("\x1b[31m", "\u202e", "é", "\udcff", "http://", "https://", "http://[::1", "https://a:b@c/"),
    *("http://127.0.0.1:99999/", "https://x/#f", "ftp://a", "x" * 5000, "[bold]", "{0}", "%s"),
    *("local", "ray", "retry", "park", "text", "json", "parquet", "http://127.0.0.1:9/?ns"),
)
TEXTS: Final = st.sampled_from(ODD) | st.text(
    st.characters(exclude_characters="\0", exclude_categories=()), max_size=20
)


@st.composite
def calls(draw: st.DrawFn) -> list[str]:
    """A subcommand and flags of its own, with values of any kind; sometimes a word too many."""
    name = draw(st.sampled_from(sorted(SUBCOMMANDS)))
    words = name.split()
    for _flag in range(draw(st.integers(0, 4))):
        flag = draw(st.sampled_from(SUBCOMMANDS[name]))
        words += [flag, draw(TEXTS)]
    if not name and draw(st.booleans()):
        words.append(draw(st.sampled_from(SWITCHES)))
    if draw(st.integers(0, 9)) == 0:
        words.insert(draw(st.integers(0, len(words))), draw(TEXTS))
    return words


def can_be_tried(words: Sequence[str], variables: Mapping[str, str]) -> bool:
    """Texts as a system hands them over, none of which leads out of the working directory."""
    if words[:1] == ["search"] and any(name.startswith("FIREBASE") for name in variables):
        return False  # It would go and ask.
    return all(map(is_harmless, (*words, *variables.values())))


def is_harmless(text: str) -> bool:
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        return False
    return not text.startswith(("/", "~")) and ".." not in text and "=" not in text


@contextlib.contextmanager
def surroundings(variables: Mapping[str, str]) -> Iterator[None]:
    """This environment, and the interpreter's hooks as they were afterwards."""
    before = dict(os.environ)
    hooks = sys.excepthook, sys.unraisablehook, threading.excepthook
    for name in before:
        if name.startswith(FOREIGN_PREFIXES) or name in FOREIGN_NAMES:
            del os.environ[name]
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        sys.excepthook, sys.unraisablehook, threading.excepthook = hooks


def check(words: Sequence[str], variables: Mapping[str, str]) -> str:
    """Call it; returns the sentence. Raises AssertionError."""
    out, err = io.StringIO(), io.StringIO()
    with (
        tempfile.TemporaryDirectory() as nowhere,
        contextlib.chdir(nowhere),
        surroundings(variables),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        code = command(list(words))
    said = err.getvalue()
    assert (code, out.getvalue()) == (2, ""), (code, out.getvalue(), said)
    assert said.startswith("ingestor: "), said
    assert said.count("\n") == 1, said
    assert said.endswith("\n"), said
    assert "should not have happened" not in said, said
    assert "Traceback" not in said, said
    assert all(letter.isprintable() for letter in said[:-1]), said
    assert len(said) < 1000, said
    return said


def misused(count: int, *, first_seed: int) -> Counter[str]:
    """Returns how often each sentence was said, by its first words."""
    said: Counter[str] = Counter()

    @seed(first_seed)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    @given(words=calls(), variables=st.dictionaries(st.sampled_from(VARIABLES), TEXTS, max_size=3))
    def is_answered_in_a_sentence(words: list[str], variables: dict[str, str]) -> None:
        if can_be_tried(words, variables):
            said[check(words, variables)[:40]] += 1

    is_answered_in_a_sentence()
    return said


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/campaign usage", description=__doc__)
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    started = time.monotonic()
    said = misused(given.calls, first_seed=given.seed)
    sys.stdout.write(f"{'wrong calls, each answered in a sentence':<50}{said.total():>8}\n")
    sys.stdout.write(f"{'different beginnings of sentences':<50}{len(said):>8}\n")
    sys.stdout.write(f"{'seconds':<50}{time.monotonic() - started:>8.0f}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
