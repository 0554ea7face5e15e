"""What cannot be read is told where it was written: the flag that was typed, or the variable."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingestor.errors import SettingsError
from ingestor.settings import Settings, variables


@pytest.mark.parametrize(
    ("variable", "text", "sentence"),
    [
        ("INGESTOR_LIMIT", "ten", "INGESTOR_LIMIT: 'ten' is not a whole number."),
        ("INGESTOR_LIMIT", "0", "INGESTOR_LIMIT: 0 is not possible, it must be at least 1."),
        ("INGESTOR_MAX_COST", "x", "INGESTOR_MAX_COST: 'x' is not a number."),
        ("INGESTOR_MAX_COST", "inf", "INGESTOR_MAX_COST: inf is not possible, it must be finite."),
        (
            "INGESTOR_MAX_COST",
            "1e308",
            "INGESTOR_MAX_COST: 1e308 is not possible, it must be at most 1e+12.",
        ),
        (
            "INGESTOR_MAX_MEMORY",
            "99999999999999",
            "INGESTOR_MAX_MEMORY: 99999999999999 is not possible, it must be at most 1e+12.",
        ),
        ("INGESTOR_DRY_RUN", "si", "INGESTOR_DRY_RUN: 'si' is neither true nor false."),
        ("INGESTOR_IN_DOUBT", "x", "INGESTOR_IN_DOUBT: 'x' is not one of 'retry' or 'park'."),
        ("INGESTOR_PATIENCE", "x", "INGESTOR_PATIENCE: 'x' is not a number."),
        ("INGESTOR_EVERY", "1", "INGESTOR_EVERY: '1' is not a time like 90s, 15m or 2h."),
        ("INGESTOR_EVERY", "1x", "INGESTOR_EVERY: '1x' is not a time like 90s, 15m or 2h."),
        (
            "FIREBASE_DATABASE_URL",
            "my-project",
            "FIREBASE_DATABASE_URL: 'my-project' is not a usable URL, such as https://example.com.",
        ),
    ],
)
def test_a_wrong_variable_is_called_by_its_name(
    variable: str, text: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, text)

    with pytest.raises(SettingsError) as refused:
        Settings.read()

    assert str(refused.value) == sentence


@pytest.mark.parametrize(
    "url",
    [
        *("https://a.example:99999", "https://a.example:x", "https://a b.example"),
        *("https://a..example", "https://a.example/#part"),
    ],
)
@pytest.mark.parametrize("flag", ["flickr_url", "image_url", "vision_url", "database_url"])
def test_an_address_that_nobody_can_have_is_told_with_its_flag(flag: str, url: str) -> None:
    with pytest.raises(SettingsError, match=f"^--{flag.replace('_', '-')}: .* not a usable URL"):
        Settings.read(**{flag: url})


@pytest.mark.parametrize("behind", ["/pictures", "/pictures/", "/?zone=1", "?zone=1"])
def test_where_pictures_come_from_has_no_path_that_would_be_left_out(behind: str) -> None:
    with pytest.raises(
        SettingsError, match=r"^--image-url: .* such as https://cdn.example:8443\.$"
    ):
        Settings.read(image_url=f"https://cdn.example:8443{behind}")


@pytest.mark.parametrize("url", ["https://cdn.example", "https://cdn.example/"])
def test_an_origin_may_end_in_a_slash(url: str) -> None:
    assert Settings.read(image_url=url).image_url == url


@pytest.mark.parametrize(
    ("given", "flag"),
    [
        ({"groups": ("no group!",)}, "--group: "),
        ({"database_url": "x"}, "--database-url: "),
        ({"limit": 2**63}, "--limit: "),
        ({"images_per_minute": 2**63}, "--images-per-minute: "),
    ],
    ids=["group", "url", "limit", "quota"],
)
def test_a_wrong_flag_is_called_as_it_was_typed(given: dict[str, object], flag: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.read(**given)

    assert str(refused.value).startswith(flag)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("group", "There is no setting 'group'. Did you mean 'groups'?"),
        ("max_unit", "There is no setting 'max_unit'. Did you mean 'max_units'?"),
        ("colour", "There is no setting 'colour'."),
    ],
)
def test_a_setting_that_there_is_none_of_is_told_with_the_one_that_was_meant(
    name: str, sentence: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.read(**{name: 5})

    assert str(refused.value) == sentence


@pytest.mark.parametrize(
    "address",
    [
        "zoo",
        "https://www.flickr.com/groups/zoo",
        "https://www.flickr.com/groups/zoo/",
        "https://www.flickr.com/groups/zoo/?x=1",
        "https://www.flickr.com/groups/zoo?x=1",
        "https://www.flickr.com/groups/zoo#a",
        "https://www.flickr.com/groups/zoo/pool/page2",
        "https://www.flickr.com/groups/zoo/pool/with/51025107261",
        "https://www.flickr.com/groups/zoo/discuss/",
        "https://m.flickr.com/groups/zoo",
        "HTTPS://WWW.Flickr.com/groups/zoo",
        "flickr.com/groups/zoo",
    ],
)
def test_a_group_is_taken_from_any_address_below_it(address: str) -> None:
    assert Settings.read(groups=(address,)).groups == ("zoo",)


@pytest.mark.parametrize(
    "address",
    [
        "https://www.flickr.com/groups/",
        "https://www.flickr.com/groups/zoo@x/",
        "https://www.flickr.com/groups/zoo/ and more",
        "https://www.flickr.com/photos/zoo/",
        "https://www.flickr.com.example/groups/zoo",
        "https://example/www.flickr.com/groups/zoo",
        "zoo/pool",
    ],
)
def test_what_is_below_no_group_is_refused(address: str) -> None:
    with pytest.raises(
        SettingsError, match=r"neither a group id .* https://www.flickr.com/groups/"
    ):
        Settings.read(groups=(address,))


def test_one_group_under_several_spellings_is_one() -> None:
    spellings = ("1000001@N20", "https://www.flickr.com/groups/1000001%40N20/pool/", "zoo")

    assert Settings.read(groups=spellings).groups == ("1000001@N20", "zoo")


def test_groups_may_stand_behind_each_other_in_the_flag_as_in_the_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("INGESTOR_GROUP", "zoo, safari")

    assert Settings.read().groups == ("zoo", "safari")
    assert Settings.read(groups=("zoo, safari", "aviary")).groups == ("zoo", "safari", "aviary")


@pytest.mark.parametrize("given", ["120%", "-1", "many", "nan%", -1, 20.0, -0.2, float("nan")])
def test_an_allowance_is_a_count_or_a_share(given: object) -> None:
    with pytest.raises(SettingsError, match="neither a count like 50 nor a share like 20%"):
        Settings.read(max_failures=given)


def test_a_host_may_be_written_in_capitals() -> None:
    settings = Settings.read(vision_url="https://Vision.Example:8443/Base")

    assert settings.vision_url == "https://vision.example:8443/Base"


@pytest.mark.parametrize(
    "url", ["https://me:canary@x.firebaseio.com", "https://canary@x.firebaseio.com", "https://[x"]
)
def test_a_password_in_a_url_is_not_repeated(url: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.read(database_url=url)

    assert "canary" not in str(refused.value)


@pytest.mark.parametrize("flag", ["flickr_url", "image_url", "vision_url", "database_url"])
@pytest.mark.parametrize("name", ["auth", "access_token", "key", "api_key", "%61uth", "ns=a&auth"])
def test_a_key_in_a_url_is_refused_unseen(flag: str, name: str) -> None:
    with pytest.raises(SettingsError, match="a key in it is not accepted") as refused:
        Settings.read(**{flag: f"https://x.firebaseio.com/?{name}=canary"})

    assert "canary" not in str(refused.value)


@pytest.mark.parametrize("around", ["{}\r\n", " {} ", "{}"])
def test_a_key_is_read_without_the_line_break_of_its_file(
    around: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", around.format("AIza-canary"))

    key = Settings.read().google_api_key

    assert key is not None
    assert key.get_secret_value() == "AIza-canary"


def test_a_variable_without_a_value_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """A compose file passes on every variable that there is, most of them empty."""
    usual = Settings.read()
    for variable in variables().values():
        monkeypatch.setenv(variable, "")

    assert Settings.read() == usual


@pytest.mark.parametrize("variable", ["GOOGLE_API_KEY", "FLICKR_API_KEY"])
@pytest.mark.parametrize("key", ["AIza-canary\n-in-two-lines", "AIza canary", "AIza-canary\u00e9"])
def test_a_key_that_cannot_be_one_is_refused_unseen(
    variable: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, key)

    with pytest.raises(SettingsError) as refused:
        Settings.read()

    assert str(refused.value).startswith(f"{variable}: ")
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize(
    ("database_url", "namespace"),
    [
        ("https://animals-default-rtdb.firebaseio.com", "animals-default-rtdb"),
        ("http://127.0.0.1:9100/?ns=birds", "birds"),
        (None, "ingestor"),
    ],
    ids=["real", "another emulator", "none"],
)
def test_an_emulator_takes_what_was_meant_for_the_database(
    database_url: str | None, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIREBASE_DATABASE_EMULATOR_HOST", "localhost:9000")

    settings = Settings.read(database_url=database_url)

    assert settings.database_url == f"http://localhost:9000/?ns={namespace}"


@pytest.mark.parametrize(
    "host", ["db.example:9000", "http://localhost:9000", "a b", "me@localhost"]
)
def test_an_emulator_is_on_this_machine(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIREBASE_DATABASE_EMULATOR_HOST", host)

    with pytest.raises(
        SettingsError, match=r"^FIREBASE_DATABASE_EMULATOR_HOST: .* 127\.0\.0\.1:9000"
    ):
        Settings.read()


def test_a_tilde_that_no_shell_has_read_is_the_home_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("INGESTOR_STATE", "~/pictures")

    settings = Settings.read(groups_file="~/groups")

    assert settings.state == tmp_path / "pictures"
    assert settings.groups_file == tmp_path / "groups"


def test_a_tilde_of_somebody_who_is_not_here_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"^--state: .*'~nobody-canary'"):
        Settings.read(state="~nobody-canary/pictures")
