"""What the judges share; the root's conftest shows the counts of parallel runs."""

from __future__ import annotations

from tests.judges.judging import check, pytest_terminal_summary
from tests.judges.whole_sandbox import sandbox

__all__ = ["check", "pytest_terminal_summary", "sandbox"]
