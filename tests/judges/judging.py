"""How many things each judge checked: counted by a fixture, shown at the end of the run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import pytest

Check = Callable[[str, bool], None]

PROPERTY: Final = "judge"
"""Under this name a test's report carries every check; reports travel between processes."""

SHOWN: Final = pytest.StashKey[bool]()


@pytest.fixture
def check(request: pytest.FixtureRequest) -> Check:
    """
    `check(name, condition)` asserts the condition and counts it for the module's `JUDGE`.

    A check that fails ends its test, so what is counted are checks that held.
    """
    judge: str = request.module.JUDGE

    def checked(name: str, condition: bool) -> None:
        assert condition, f"{judge} disagrees: {name}"
        request.node.user_properties.append((PROPERTY, judge))

    return checked


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    # The hook may be known to more than one conftest.
    if config.stash.get(SHOWN, False):
        return
    config.stash[SHOWN] = True
    passed = terminalreporter.stats.get("passed", [])
    counts = Counter(
        judge
        for report in passed
        if report.when == "call"
        for name, judge in report.user_properties
        if name == PROPERTY
    )
    for judge, number in sorted(counts.items()):
        terminalreporter.write_line(f"judges: {judge} {number} checks")
