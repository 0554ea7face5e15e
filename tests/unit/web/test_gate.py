"""Which names mean this page."""

from __future__ import annotations

import pytest

from ingestor.web.gate import is_ours


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:8080",
        "127.0.0.1",
        "[::1]:8080",
        "192.168.1.7:80",
        "localhost:8080",
        "LOCALHOST",
        "localhost.",
        "page.localhost:8080",
        "pictures.example:443",
        "Pictures.Example",
    ],
)
def test_numbers_localhost_and_allowed_names_mean_this_page(host: str) -> None:
    assert is_ours(host, names=("pictures.example",))


@pytest.mark.parametrize(
    "host",
    [
        "evil.example:8080",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "notlocalhost",
        "www.pictures.example",
        "",
        "0x7f.1:8080",
    ],
)
def test_no_other_name_does(host: str) -> None:
    assert not is_ours(host, names=("pictures.example",))
