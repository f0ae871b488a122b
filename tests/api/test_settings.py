"""Settings: defaults, environment, options, and what is wrong with them."""

import os
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from api.settings import SettingInvalid, read


def test_defaults_stay_on_this_machine() -> None:
    settings = read({})
    assert (settings.host, settings.port, settings.database_url) == ("127.0.0.1", 8000, "")
    assert settings.data_dir.is_absolute()
    assert settings.limits.batch_rows == settings.batch_rows


def test_the_environment_and_then_options_win() -> None:
    environment = {"BASANITE_PORT": "9000", "BASANITE_DATA_DIR": "/x", "PATH": "/bin"}
    settings = read(environment, port=None, host="0.0.0.0")
    assert (settings.port, settings.host, settings.data_dir) == (9000, "0.0.0.0", Path("/x"))
    assert read(environment, port=1).port == 1


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("BASANITE_PORT", "http", "not a number"),
        ("BASANITE_PORT", "70000", "between 0 and 65535"),
        ("BASANITE_BODY_BYTES", "1", "between"),
        ("BASANITE_LOG_LEVEL", "loud", "one of"),
        ("BASANITE_PROT", "8000", "not a setting"),
    ],
)
def test_wrong_settings_are_named(name: str, value: str, said: str) -> None:
    with pytest.raises(SettingInvalid, match=name) as caught:
        read({name: value})
    assert said in str(caught.value)


def test_settings_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        read({}).port = 1  # type: ignore[misc]  # that is the point


def test_variables_of_the_tests_are_none_of_ours() -> None:
    assert read({"BASANITE_TEST_DATABASE_URL": "x"}) == read({})


def test_variables_of_callers_are_none_of_a_servers() -> None:
    assert read({"BASANITE_URL": "http://localhost:8000", "BASANITE_KEY": "x"}) == read({})
    assert "BASANITE_PORT" not in os.environ


def test_the_inbox_takes_the_largest_batch() -> None:
    settings = read({"BASANITE_BATCH_ROWS": "500000", "BASANITE_INBOX_ROWS": "10"})
    assert settings.limits.inbox_rows == 500_000
