"""For how long an upstream wants to be left alone, in every form that HTTP has for it."""

from __future__ import annotations

import pytest

from ingestor.apis import retry_after

DATE = "Sun, 06 Nov 1994 08:49:37 GMT"
DAY = 86_400.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("90", 90.0),
        (" 90 ", 90.0),
        ("86401", DAY),
        ("9" * 5000, DAY),
        ("Sun, 06 Nov 1994 08:50:37 GMT", 60.0),
        ("Sunday, 06-Nov-94 08:50:37 GMT", 60.0),
        ("Sun Nov  6 08:50:37 1994", 60.0),
        ("Sun, 06 Nov 1994 08:48:37 GMT", 0.0),
        ("Sun, 13 Nov 1994 08:49:37 GMT", DAY),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("1.5", None),
        ("²", None),
    ],
)
def test_a_wish_is_a_number_or_one_of_three_kinds_of_date(
    value: str, seconds: float | None
) -> None:
    assert retry_after({"retry-after": value, "date": DATE}) == seconds


def test_a_date_counts_from_the_answers_own_in_whatever_form_that_is() -> None:
    headers = {"retry-after": DATE, "date": "Sun Nov  6 08:48:37 1994"}

    assert retry_after(headers) == 60.0


@pytest.mark.parametrize("headers", [{"retry-after": DATE}, {"retry-after": DATE, "date": "now"}])
def test_a_date_without_one_to_count_from_is_no_wish(headers: dict[str, str]) -> None:
    assert retry_after(headers) is None
