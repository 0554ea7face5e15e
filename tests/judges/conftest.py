"""What the judges share; the root's conftest shows the counts of parallel runs."""

from __future__ import annotations

from tests.judges.judging import check, pytest_terminal_summary

__all__ = ["check", "pytest_terminal_summary"]
