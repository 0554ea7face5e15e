"""The console script keeps its contract: exit codes, sentences, and what goes to which stream."""

from __future__ import annotations

import errno
import os
import re
import signal
import socket
from pathlib import Path
from typing import IO

import orjson
import pytest

from tests.integration.console import SANDBOX, Ended, ended, free_ports, ingestor, started
from tests.unit.cli.test_flags import CONTRACT

MANY_PHOTOS = "5000"
NOBODY = "http://127.0.0.1:1"
"""Nobody listens there, and nobody may without being root."""


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def first(state: Path) -> Ended:
    """A run that other tests look at."""
    return ingestor(
        *SANDBOX, "--group", "zoo", "--limit", "48", "--report", "json", "--state", str(state)
    )


def test_the_help_is_complete_and_teaches() -> None:
    shown = ingestor("--help", COLUMNS="200")

    assert shown.code == 0
    assert not [flag for flag in CONTRACT if flag not in shown.out]
    for word in ("FLICKR_API_KEY", "GOOGLE_API_KEY", "FIREBASE_DATABASE_EMULATOR_HOST", "130"):
        assert word in shown.out
    for command in ("sandbox", "status", "search", "export", "dead"):
        assert re.search(rf"│ {command} ", shown.out)
    assert "<bool>" not in shown.out


@pytest.mark.parametrize("command", ["status", "search", "export", "dead list", "sandbox"])
def test_every_subcommand_explains_itself(command: str) -> None:
    shown = ingestor(*command.split(), "--help")

    assert shown.code == 0
    assert command.rsplit(maxsplit=1)[-1] in shown.out


def test_the_version_is_one_line() -> None:
    shown = ingestor("--version")

    assert (shown.code, shown.err) == (0, "")
    assert shown.out.startswith("ingestor ")


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        pytest.param([], "Which group? Give --group", id="no group"),
        pytest.param(["--limit", "0"], "at least 1", id="limit 0"),
        pytest.param(["--limit", "-5"], "at least 1", id="negative limit"),
        pytest.param(["--max-cost", "-1"], "0 or more", id="negative dollars"),
        pytest.param(["--max-labels", "51"], "between 1 and 50", id="too many labels"),
        pytest.param(["--limt", "5"], "--limit", id="unknown flag"),
        pytest.param(["statsu"], "--help", id="unknown command"),
        pytest.param(["--group"], "requires an argument", id="missing value"),
        pytest.param(["--in-doubt", "ask"], "retry", id="no such choice"),
        pytest.param(["--group", "no group!"], "neither a group id", id="odd group"),
        pytest.param(["--group", "zoo", "--flickr-url", "http://a.b"], "https", id="plain http"),
        pytest.param(["--group", "zoo"], "FLICKR_API_KEY", id="no key"),
        pytest.param(["--group", "zoo", "--state", "/dev/null/x"], "--state", id="odd directory"),
        pytest.param(["status", "--state", "/nowhere"], "nothing was ingested", id="no journal"),
        pytest.param(["dead", "drop"], "--all", id="drop what"),
        pytest.param(
            ["worker", "--group", "zoo", "--sandbox", "--eyes", "no host:1"],
            "--eyes: no host:1 cannot be listened on (",
            id="no such eyes",
        ),
        pytest.param(
            ["worker", "--groups-file", "/nowhere", "--sandbox", "--eyes", "off"],
            "--groups-file: /nowhere cannot be read (No such file or directory).",
            id="no such groups",
        ),
        pytest.param(
            ["worker", "--sandbox", "--eyes", "off"], "Which groups?", id="a worker's groups"
        ),
        pytest.param(["serve", "--host", "no host"], "--host 'no host': ", id="no such host"),
        pytest.param(["serve", "--host", "192.0.2.1"], "--host '192.0.2.1': ", id="another's host"),
        pytest.param(
            ["--limit", "5", "worker", "--group", "zoo"], "not for a worker", id="a worker's limit"
        ),
        pytest.param(
            ["--sandbox", "--database-url", "https://x.y"], "--group", id="sandbox, no group"
        ),
    ],
)
def test_wrong_usage_is_answered_in_a_sentence_that_says_what_to_do(
    words: list[str], advice: str, tmp_path: Path
) -> None:
    said = ingestor(*words, INGESTOR_STATE=str(tmp_path))

    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("ingestor: ")
    assert advice in said.err
    assert said.err.count("\n") == 1


def test_a_search_that_the_database_does_not_answer_says_whom_it_asked(tmp_path: Path) -> None:
    url = "http://127.0.0.1:1/?ns=zoo"

    said = ingestor("search", "dog", "--state", str(tmp_path), FIREBASE_DATABASE_URL=url)

    assert (said.code, said.out) == (1, "")
    assert said.err == (
        "ingestor: The database does not answer (127.0.0.1: no connection could be made).\n"
    )


def test_a_port_that_is_taken_is_answered_with_the_way_out(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as site:
        port = str(site.getsockname()[1])
        page = ingestor("serve", "--port", port, "--state", str(tmp_path))
        sandbox = ingestor("sandbox", "--port", port)
        run = ingestor(*SANDBOX, "--group", "zoo", INGESTOR_SANDBOX_PORT=port)

    assert (page.code, sandbox.code, run.code) == (2, 2, 2)
    in_use = os.strerror(errno.EADDRINUSE)
    assert f"({in_use}). Another one: --port 8081, or 0 for any free one." in page.err
    assert f"{in_use}. Another one: --port 7410, or 0" in sandbox.err
    assert f"{in_use}. Another port: INGESTOR_SANDBOX_PORT=7410, or 0" in run.err


def test_a_sandbox_refuses_a_word_as_it_refuses_a_fault() -> None:
    said = ingestor("sandbox", "--port", "80000")

    assert (said.code, said.out) == (2, "")
    assert said.err == (
        "The sandbox cannot start: --port: '80000' is no port up to 65530. "
        "`ingestor sandbox --help` lists what there is.\n"
    )


def test_a_run_reports_one_json_object_and_nothing_else(first: Ended) -> None:
    report = first.json

    assert (first.code, first.err) == (0, "")
    assert report["listed"] == 48
    assert report["listed"] == sum(report[end] for end in ("stored", "skipped", "dead", "pending"))
    assert report["units"]["certain"] == report["stored"]


def test_a_second_run_buys_nothing(first: Ended, state: Path) -> None:
    again = ingestor(
        *SANDBOX, "--group", "zoo", "--limit", "48", "--report", "json", "--state", str(state)
    )

    assert again.code == 0
    assert again.json["units"] == first.json["units"] | {"certain": 0, "bound": 0}
    assert again.json["by_reason"] == {"known": 48}


def test_a_run_for_people_tells_progress_on_stderr_and_the_report_on_stdout(
    first: Ended, state: Path
) -> None:
    run = ingestor(*SANDBOX, "--group", "zoo", "--limit", "60", "--state", str(state))

    assert run.code == 0
    assert "60 listed = 12 stored + 48 skipped (48 known)" in run.out
    assert "ingestor search dog --state" in run.out
    assert "60 of 60 listed" in run.err


def test_a_forecast_buys_nothing(tmp_path: Path) -> None:
    words = ("--group", "zoo", "--limit", "20", "--report", "json", "--state", str(tmp_path))

    forecast = ingestor(*SANDBOX, "--dry-run", *words).json
    run = ingestor(*SANDBOX, *words).json

    assert forecast["units"] == run["units"]["certain"]
    assert run["by_reason"].get("known", 0) == 0


def test_the_status_speaks_of_what_was_bought(first: Ended, state: Path) -> None:
    status = ingestor("--state", str(state), "status", "--json").json

    assert status["units"]["certain"] >= first.json["stored"]
    assert status["runs"][-1]["id"] == first.json["run_id"]
    assert "in all" in ingestor("status", "--state", str(state)).out


def test_the_best_pictures_are_found(first: Ended, state: Path) -> None:
    found = ingestor("search", "mammal", "--json", "--limit", "3", "--state", str(state)).json

    scores = [hit["score"] for hit in found["hits"]]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == 3
    assert found["hits"][0]["page"] in ingestor("search", "mammal", "--state", str(state)).out


def test_a_label_that_finds_nothing_suggests_near_ones(first: Ended, state: Path) -> None:
    found = ingestor("search", "mamal", "--state", str(state))

    assert (found.code, found.out) == (0, "")
    assert "There is: Mammal" in found.err


def test_what_was_bought_can_be_taken_away(first: Ended, state: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    from pyarrow import parquet

    file = tmp_path / "all.parquet"
    lines = ingestor("export", "--state", str(state)).out.splitlines()
    written = ingestor("export", "--output", str(file), "--state", str(state))

    assert written.code == 0
    assert [orjson.loads(line)["id"] for line in lines] == parquet.read_table(file)[
        "id"
    ].to_pylist()
    assert len(lines) >= first.json["stored"]


def test_a_reader_who_has_enough_is_left_in_peace(first: Ended, state: Path) -> None:
    process = started("export", "--state", str(state))
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None

    said = ended(process)

    assert "Error" not in said.err
    assert "Traceback" not in said.err


def test_a_group_that_nobody_knows_ends_with_a_sentence(tmp_path: Path) -> None:
    said = ingestor(*SANDBOX, "--group", "nosuchgroup", "--state", str(tmp_path))

    assert said.code == 2
    assert said.err.strip().count("\n") == 0
    assert "Traceback" not in said.err


def test_a_ceiling_stops_resumably(tmp_path: Path) -> None:
    words = ("--group", "zoo", "--limit", "48", "--report", "json", "--state", str(tmp_path))

    stopped = ingestor(*SANDBOX, "--max-units", "32", *words)

    assert stopped.code == 3
    assert stopped.json["units"]["certain"] <= 32
    assert stopped.json["pending"] > 0
    assert stopped.err.count("\n") == 1


def test_a_mostly_failed_run_does_not_look_finished_and_can_be_retried(tmp_path: Path) -> None:
    words = ("--group", "zoo", "--limit", "20", "--report", "json", "--state", str(tmp_path))
    # What the journal remembers of a photo is where its picture was: the same addresses again.
    port = free_ports()

    failed = ingestor(
        *SANDBOX, "--sandbox-fault", "image.gone=1", *words, INGESTOR_SANDBOX_PORT=port
    )
    listed = ingestor("dead", "list", "--json", "--state", str(tmp_path)).json
    retried = ingestor("dead", "retry", "--state", str(tmp_path))
    healed = ingestor(*SANDBOX, *words, INGESTOR_SANDBOX_PORT=port)

    assert (failed.code, failed.json["dead"]) == (4, 20)
    assert [(cause["reason"], cause["photos"]) for cause in listed["causes"]] == [("gone", 20)]
    assert retried.out.startswith("20 photos")
    assert (healed.code, healed.json["dead"]) == (0, 0)


@pytest.mark.parametrize(
    ("number", "code"),
    [
        pytest.param(signal.SIGINT, 130, id="Ctrl+C"),
        pytest.param(signal.SIGTERM, 143, id="SIGTERM"),
        pytest.param(signal.SIGHUP, 129, id="closed terminal"),
    ],
)
def test_a_signal_drains_and_leaves_the_run_resumable(
    number: signal.Signals, code: int, tmp_path: Path
) -> None:
    words = ("--group", "zoo", "--limit", MANY_PHOTOS, "--report", "json", "--log-level", "info")
    process = started("--sandbox", *words, "--state", str(tmp_path))

    wait_for(process.stderr, b"page_listed")
    process.send_signal(number)
    said = ended(process)

    assert said.code == code
    assert said.json["listed"] == sum(
        said.json[end] for end in ("stored", "skipped", "dead", "pending")
    )
    assert said.json["pending"] > 0


@pytest.mark.parametrize(
    ("words", "who"),
    [
        pytest.param(["--group", "1@N00"], "Flickr", id="run"),
        pytest.param(["--group", "1@N00", "--dry-run"], "Flickr", id="forecast"),
        pytest.param(
            ["reconcile", "--database-url", f"{NOBODY}/?ns=x"],
            "the database",
            id="reconcile",
        ),
    ],
)
def test_who_waits_for_an_upstream_is_told_so_long_before_patience_ends(
    words: list[str], who: str, tmp_path: Path
) -> None:
    process = started(
        *words,
        INGESTOR_STATE=str(tmp_path),
        INGESTOR_FLICKR_URL=f"{NOBODY}/services/rest/",
        FLICKR_API_KEY="key",
        GOOGLE_API_KEY="key",
    )

    wait_for(process.stderr, b'"message":"127.0.0.1')
    process.send_signal(signal.SIGINT)
    said = ended(process)

    assert said.code == 130
    assert f"stopped by SIGINT while waiting for {who} (127.0.0.1" in said.err


def test_the_sandbox_goes_when_its_run_goes(tmp_path: Path) -> None:
    port = free_ports()
    words = (*SANDBOX, "--group", "zoo", "--limit", "20", "--state", str(tmp_path))

    run = ingestor(*words, INGESTOR_SANDBOX_PORT=port)

    assert run.code == 0
    with socket.socket() as visitor, pytest.raises(ConnectionRefusedError):
        visitor.connect(("127.0.0.1", int(port)))


def test_a_sandbox_that_runs_already_is_used_and_left_running(tmp_path: Path) -> None:
    port = free_ports()
    words = ("--group", "zoo", "--limit", "20", "--report", "json", "--state", str(tmp_path))
    sandbox = started("sandbox", "--port", port, "--fast")
    try:
        wait_for(sandbox.stdout, b"Ctrl+C ends it")
        run = ingestor("--sandbox", *words, INGESTOR_SANDBOX_PORT=port)
        still_there = sandbox.poll() is None
        refused = ingestor(*SANDBOX, *words, INGESTOR_SANDBOX_PORT=port)
    finally:
        sandbox.send_signal(signal.SIGINT)
        said = ended(sandbox)

    assert (run.code, still_there, said.code) == (0, True, 0)
    assert (refused.code, "keeps its ways" in refused.err) == (2, True)


def test_a_page_outlives_the_sandbox_that_it_found(tmp_path: Path) -> None:
    port = free_ports()
    sandbox = started("sandbox", "--port", port, "--fast")
    wait_for(sandbox.stdout, b"Ctrl+C ends it")
    page = started(
        *("serve", "--sandbox", "--port", "0", "--state", str(tmp_path)),
        INGESTOR_SANDBOX_PORT=port,
    )
    try:
        wait_for(page.stderr, b"the page is at")
        sandbox.send_signal(signal.SIGINT)
        ended(sandbox)
        wait_for(page.stderr, b"a new one draws them")
        with socket.socket() as visitor:
            visitor.connect(("127.0.0.1", int(port)))
    finally:
        page.send_signal(signal.SIGINT)
        said = ended(page)

    assert said.code == 0


def wait_for(stream: IO[bytes] | None, word: bytes) -> None:
    """Read until `word` was said."""
    assert stream is not None
    for line in stream:
        if word in line:
            return
    pytest.fail(f"it ended without a word of {word!r}")
