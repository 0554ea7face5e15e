"""However a command ends, there is one sentence and one exit code."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import ingestor
from ingestor import errors
from ingestor.cli.door import main, verdict
from ingestor.errors import IngestorError, JournalError, SettingsError, first_error_in
from ingestor.exits import exit_code_of

OURS: dict[IngestorError, int] = {
    SettingsError("Which group?"): 2,
    JournalError("The disk is full."): 1,
    errors.RunStopped("Enough.", reason="max-units"): 3,
    errors.BrokenInvariant("a photo was bought twice"): 1,
    errors.NotSent("No route.", reason="dns"): 1,
    errors.AnswerLost("It hung up.", reason="reset"): 1,
    errors.AddressRefused("Not there.", reason="origin"): 1,
    errors.Throttled("Too fast.", upstream="vision"): 1,
    errors.Unavailable("Broken.", upstream="vision"): 1,
    errors.Unauthorized("Stale twice.", upstream="vision"): 2,
    errors.Denied("The API is off.", upstream="vision"): 2,
    errors.Rejected("Not like this.", upstream="vision"): 1,
}


@pytest.mark.parametrize(
    ("error", "code"), [pytest.param(*row, id=type(row[0]).__name__) for row in OURS.items()]
)
def test_an_error_has_one_exit_code_before_a_run_and_during_it(
    error: IngestorError, code: int
) -> None:
    assert (verdict(error)[0], exit_code_of(error)) == (code, code)


def test_every_error_that_can_be_raised_has_an_exit_code() -> None:
    tree = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    inner = {parent for kind in tree for parent in kind.__bases__}

    assert {type(error) for error in OURS} == set(tree) - inner


@pytest.mark.parametrize(
    ("error", "code"),
    [
        pytest.param(KeyboardInterrupt(), 130, id="Ctrl+C"),
        pytest.param(AttributeError("x"), 1, id="a bug"),
    ],
)
def test_what_is_no_error_of_ours_has_an_exit_code_too(error: BaseException, code: int) -> None:
    assert verdict(error)[0] == code


def test_our_own_errors_speak_for_themselves() -> None:
    assert verdict(SettingsError("Do this."))[1] == "Do this."


def test_a_bug_says_how_to_report_it() -> None:
    assert "--log-level debug" in verdict(KeyError("x"))[1]


def test_groups_are_opened_and_our_own_error_inside_wins() -> None:
    inner = JournalError("The disk is full.")
    group = BaseExceptionGroup("g", [ValueError("x"), ExceptionGroup("h", [KeyError("y"), inner])])

    assert first_error_in(group) is inner


def test_a_group_of_strangers_is_judged_by_its_first() -> None:
    first = ValueError("x")

    assert first_error_in(ExceptionGroup("g", [first, KeyError("y")])) is first
    assert not isinstance(first, IngestorError)


def refusal(words: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """The exit code, and what is said on stderr; the interpreter's hooks stay as they were."""
    hooks = sys.excepthook, sys.unraisablehook, threading.excepthook
    try:
        return main(words), capsys.readouterr().err
    finally:
        sys.excepthook, sys.unraisablehook, threading.excepthook = hooks


def test_what_was_typed_cannot_disturb_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    code, said = refusal(["status", "--state", "a\nb\x1b[2J" + "x" * 5000], capsys)

    assert code == 2
    assert said[:-1].isprintable()
    assert len(said) < 1000


@pytest.mark.parametrize(
    ("words", "end"),
    [
        pytest.param(
            ["search"], "`ingestor search --help` lists what there is.", id="of a command"
        ),
        pytest.param(
            ["dead", "lst"], "`ingestor dead --help` lists what there is.", id="of a group"
        ),
        pytest.param(["searhc"], "'? `ingestor --help` lists what there is.", id="a question"),
    ],
)
def test_wrong_usage_is_answered_with_the_help_to_ask(
    words: list[str], end: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = refusal(words, capsys)

    assert code == 2
    assert said.endswith(f"{end}\n")


@pytest.mark.parametrize("group", ["12345678@N00", "https://www.flickr.com/groups/zoo/pool/"])
def test_a_group_without_its_flag_is_answered_with_the_flag(
    group: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = refusal(["--limit", "5", group], capsys)

    assert code == 2
    assert f"A group stands behind its flag: --group {group}. " in said


@pytest.mark.parametrize(
    "command", ["", "worker", "search", "bench", "dead", "dead list", "dead retry", "dead drop"]
)
def test_no_help_speaks_of_python(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command.split(), "--help"]) == 0

    assert not re.findall(r"<(?:bool|str|int|list)\b.*?>", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--group", "zoo", "--state", ""], "--state: it is empty"),
        (["status", "--state", ""], "--state: it is empty"),
        (["worker", "--state", ""], "--state: it is empty"),
        (["serve", "--host", "", "--port", "65536"], "--host: it is empty"),
        (["search", "dog", "--min-score", "1.5"], "--min-score: 1.5 is not possible"),
        (["worker", "--group", "zoo", "--every", "1"], "--every: '1' is not a time like 90s"),
    ],
)
def test_a_value_that_makes_no_sense_is_told_with_its_flag(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = refusal(words, capsys)

    assert code == 2
    assert sentence in said


def test_who_leaves_a_label_out_as_on_the_page_is_told_how_to_here(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, said = refusal(["search", "dog", "-snow"], capsys)

    assert code == 2
    assert "-s. What is to be left out stands behind `not`: dog not snow." in said


IMPATIENT = """
import sys
class Impatient:
    def find_spec(self, name, *_):
        if name == sys.argv[1]:
            raise KeyboardInterrupt
sys.meta_path.insert(0, Impatient())
from ingestor.cli import main
sys.exit(main(["status"]))
"""
"""Interrupted while it loads the module that is named."""


LOADED = """
import sys
sys.path.insert(0, sys.argv[1])
before = {*sys.modules, "__future__"}
import ingestor.cli
print(*sorted(set(sys.modules) - before))
"""
"""What the command has loaded of Python's own before it can answer an interruption."""


def test_nothing_is_loaded_before_an_interruption_has_its_sentence() -> None:
    # Without `site`, which may have loaded anything.
    words = [sys.executable, "-S", "-c", LOADED, str(Path(ingestor.__file__).parents[1])]
    ended = subprocess.run(words, check=True, capture_output=True, text=True)

    assert ended.stdout == "ingestor ingestor.cli\n"


@pytest.mark.parametrize(
    ("module", "sentence"),
    [
        ("typer", "interrupted before it began."),
        ("ingestor.cli.status", "interrupted. What was paid for is in the journal."),
    ],
    ids=["before it began", "while it loads a command"],
)
def test_an_interruption_is_one_quiet_sentence(module: str, sentence: str) -> None:
    words = [sys.executable, "-c", IMPATIENT, module]
    ended = subprocess.run(words, check=False, capture_output=True, text=True)

    assert (ended.returncode, ended.stdout) == (130, "")
    assert ended.stderr == f"ingestor: {sentence}\n"
