"""What is shipped for operating it asks for metrics that exist, and explains its alerts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, ProcessCollector

from ingestor.eyes import Counts, View
from ingestor.eyes.figures import Figures, Known
from ingestor.journal.standing import Standing
from ingestor.services import IMAGES_PER_REQUEST
from ingestor.settings import Settings
from ingestor.web.gate import AT_HAND

ROOT = Path(__file__).parents[2]
DASHBOARD = json.loads((ROOT / "deploy/grafana/dashboards/ingestor.json").read_text())
ALERTS = (ROOT / "deploy/prometheus/alerts.yml").read_text()
COMPOSE = (ROOT / "docker-compose.yml").read_text()
NAME = re.compile(r"\bingestor_\w+")
SUFFIXES = ("_bucket", "_count", "_sum", "_total")


def shown() -> CollectorRegistry:
    """What a worker shows that has done nothing so far."""
    registry = CollectorRegistry()
    Counts(registry)
    ProcessCollector(registry=registry)
    nothing = Standing(
        photos={},
        certain=0,
        possible=0,
        reserved=0,
        month_units=0,
        in_doubt=0,
        doubtful_purchases=0,
        groups=(),
        runs=(),
    )
    registry.register(Figures(View(journal=Path()), Known(nothing, {"1@N20": 0.0})))
    return registry


def metrics() -> set[str]:
    """Every metric there is, by the names that its samples have."""
    return {
        name
        for family in shown().collect()
        for name in (family.name, *(family.name + suffix for suffix in SUFFIXES))
    }


def asked() -> Iterator[str]:
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            yield from NAME.findall(target["expr"])
    yield from NAME.findall(ALERTS)


@pytest.mark.parametrize("name", sorted(set(asked())))
def test_a_metric_that_is_asked_for_exists(name: str) -> None:
    assert name in metrics()


COUNTED = re.compile(r"\b(?:increase|delta|changes)\((\w+)(?:\{(.*?)\})?\[")


@pytest.mark.parametrize(("name", "labels"), sorted(set(COUNTED.findall(ALERTS))))
def test_what_an_alert_counts_is_there_before_it_happens(name: str, labels: str) -> None:
    # Prometheus takes the first value that it sees for where counting began.
    wanted = dict(re.findall(r'(\w+)="(\w+)"', labels))
    wanted.pop("job", None)

    found = [
        sample.labels
        for family in shown().collect()
        for sample in family.samples
        if sample.name == name
    ]

    assert wanted in found


def test_one_kill_at_the_default_quota_raises_no_alert_for_doubt() -> None:
    (least,) = re.findall(r"delta\(ingestor_images_in_doubt\[1h\]\) > (\d+)", ALERTS)

    # The guarantees: about 7 requests are in flight at two seconds a call.
    assert int(least) > 7 * IMAGES_PER_REQUEST
    assert f"*More than {least} images in doubt" in (ROOT / "docs/operations.md").read_text()


def test_a_worker_that_ends_again_and_again_is_noticed_by_its_starts() -> None:
    # Between two of its ends it answers, which begins the five minutes of IngestorDown anew.
    rule = ALERTS.partition("alert: IngestorRestarting\n")[2].partition("- alert:")[0]

    assert 'changes(process_start_time_seconds{job="ingestor"}[1h]) > 3\n' in rule


def test_panels_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells


@pytest.mark.parametrize("alert", re.findall(r"alert: (\w+)", ALERTS))
def test_an_alert_is_explained(alert: str) -> None:
    assert f"### {alert}\n" in (ROOT / "docs/operations.md").read_text()


def service(name: str) -> str:
    """The lines of one service of the compose file."""
    services = COMPOSE.partition("\nservices:\n")[2]
    return re.split(r"^  (?=\S)", services.partition(f"  {name}:\n")[2], flags=re.MULTILINE)[0]


def environment(name: str) -> dict[str, str]:
    block = re.search(r"^    environment:\n((?:      .*\n)+)", service(name), flags=re.MULTILINE)
    lines = block[1] if block else ""
    return dict(re.findall(r"^      ([A-Z_]+): (.*)$", lines, flags=re.MULTILINE))


def variable(field: str) -> str:
    return str(Settings.model_fields[field].validation_alias or f"INGESTOR_{field.upper()}")


@pytest.mark.parametrize("name", ["worker", "ingest"])
def test_every_setting_in_the_env_file_reaches_who_buys(name: str) -> None:
    own = environment(name)

    assert "    env_file: [{path: .env, required: false}]\n" in service(name)
    # A value of its own wins over the file, and one that the shell does not know would be empty.
    assert own.keys() <= {"INGESTOR_STATE", "INGESTOR_EYES"}
    assert not [value for value in own.values() if "$" in value]


def test_the_file_of_the_keys_is_not_taken_into_the_history() -> None:
    (file,) = set(re.findall(r"env_file: \[\{path: (\S+?),", COMPOSE))

    assert file in (ROOT / ".gitignore").read_text().splitlines()


def test_the_page_is_given_what_it_reads_and_no_key() -> None:
    code = (ROOT / "src/ingestor/cli/serve.py").read_text()
    read = set(re.findall(r"\bsettings\.(\w+)", code)) & Settings.model_fields.keys()

    wanted = read - {"state", "sandbox"} | {"database_url", "emulator_host"}

    assert environment("web").keys() == {variable(field) for field in wanted}
    assert "env_file" not in service("web")


def test_the_page_is_told_its_name_where_it_listens_on_more_than_loopback() -> None:
    command = re.search(r"^    command: (\[.*\])$", service("web"), flags=re.MULTILINE)
    assert command is not None
    words = json.loads(command[1])

    # Without a name any is answered, also one that a stranger has made to point at this machine.
    assert "--host" in words
    assert words[words.index("--name") + 1] == "localhost"


def test_the_page_outlives_a_restart_of_the_worker_alone() -> None:
    # Who shares a container's network has none any more when that one is started again.
    assert "network_mode" not in service("web")
    assert '    ports: ["127.0.0.1:8080:8080"]\n' in service("web")


def test_the_page_is_asked_for_its_health_where_it_answers_whoever_else_waits() -> None:
    health = re.search(r"urlopen\('http://127\.0\.0\.1:8080(/[a-z]*)'", service("web"))

    assert health is not None
    assert health[1] in AT_HAND


def test_logs_of_months_do_not_fill_the_disk_of_the_journal() -> None:
    shared = COMPOSE.partition("\nx-ingestor: &ingestor\n")[2].partition("\n\n")[0]

    # An engine keeps what a container says for ever, unless it is told.
    assert re.search(r"^  logging:.*\{max-size: \w+, max-file: \S+\}\}$", shared, re.MULTILINE)
    assert "    <<: *ingestor\n" in service("worker")
    assert "    <<: *ingestor\n" in service("web")


def test_nobody_enters_grafana_by_the_password_that_it_comes_with() -> None:
    own = environment("grafana")

    assert own["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"
    assert own["GF_AUTH_DISABLE_LOGIN_FORM"] == '"true"'
    assert own["GF_AUTH_BASIC_ENABLED"] == '"false"'
