"""Settings fail closed: what nobody can have meant is refused before anything is done, with what to set."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from citylake.core.errors import EnvironmentFailed
from citylake.core.settings import Settings, load_settings
from citylake.core.strict import BESIDE, PREFIX

KNOWN = {PREFIX + f.upper() for f in Settings.model_fields} | set(BESIDE)


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """The environment; settings are read anew in the test and after it."""
    load_settings.cache_clear()
    yield monkeypatch
    monkeypatch.undo()
    load_settings.cache_clear()


@pytest.fixture
def cluster(given: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """A cluster's environment with nothing missing."""
    key = tmp_path / "token.key"
    key.write_bytes(b"k" * 32)
    whole = {
        "PROFILE": "cluster",
        "S3_ENDPOINT": "https://store.example",
        "S3_ACCESS_KEY": "lake-of-shenyang",
        "S3_SECRET_KEY": "9f86d081884c7d659a2feaa0",
        "S3_READER_ACCESS_KEY": "reader",
        "S3_READER_SECRET_KEY": "60303ae22b998861bce3b28f",
        "SPARK_REMOTE": "sc://spark.example:443/;use_ssl=true",
        "SPARK_TOKEN": "3fdba35f04dc8c462986c992bcf87554",
        "TOKEN_KEY_FILE": str(key),
    }
    for name, value in whole.items():
        given.setenv(PREFIX + name, value)
    return given


def _refusal() -> str:
    with pytest.raises(EnvironmentFailed) as refused:
        load_settings()
    return refused.value.what


@pytest.mark.parametrize("field", sorted(Settings.model_fields))
def test_a_misspelt_name_is_refused_with_the_nearest(field: str, given: pytest.MonkeyPatch) -> None:
    wrong = f"{PREFIX}{field.upper()}X"
    given.setenv(wrong, "1")
    (line,) = _refusal().splitlines()
    assert line.startswith(f"there is no setting {wrong}; did you mean '{PREFIX}")


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("CITYLAKE_S3_SECRET", "CITYLAKE_S3_SECRET_KEY"),
        ("CITYLAKE_TOKEN_KEYFILE", "CITYLAKE_TOKEN_KEY_FILE"),
        ("citylake_token_keyfile", "CITYLAKE_TOKEN_KEY_FILE"),
    ],
)
def test_the_nearest_name(name: str, nearest: str, given: pytest.MonkeyPatch) -> None:
    given.setenv(name, "x")
    assert nearest in _refusal()


@pytest.mark.parametrize("name", ["clutser", "Cluster", "", "../profiles/laptop", "nonsense"])
def test_an_unknown_profile(name: str, given: pytest.MonkeyPatch) -> None:
    given.setenv("CITYLAKE_PROFILE", name)
    assert "CITYLAKE_PROFILE" in _refusal()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT_S3", "x"),
        ("LANGUAGE", "fr"),
        ("CONNECTIONS", "{hunter2"),
        ("SOURCES", "[1]"),
        ("EMBEDDED", "perhaps"),
    ],
)
def test_a_value_that_cannot_be_is_named_and_not_shown(
    name: str, value: str, given: pytest.MonkeyPatch
) -> None:
    given.setenv(PREFIX + name, value)
    told = _refusal()
    assert name.lower() in told.lower()
    assert "hunter2" not in told


@pytest.mark.usefixtures("cluster")
def test_a_whole_cluster_is_accepted() -> None:
    assert load_settings().embedded is False


@pytest.mark.parametrize(
    "name",
    [
        "S3_ENDPOINT",
        "S3_ACCESS_KEY",
        "S3_SECRET_KEY",
        "S3_READER_ACCESS_KEY",
        "S3_READER_SECRET_KEY",
        "SPARK_REMOTE",
        "SPARK_TOKEN",
        "TOKEN_KEY_FILE",
    ],
)
def test_what_a_cluster_lacks_is_named(name: str, cluster: pytest.MonkeyPatch) -> None:
    cluster.delenv(PREFIX + name)
    (line,) = _refusal().splitlines()
    assert line.startswith(PREFIX + name)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("S3_SECRET_KEY", "citylake-local-only"),
        ("S3_SECRET_KEY", "lake-of-shenyang"),
        ("S3_SECRET_KEY", "minioadmin"),
        ("S3_READER_SECRET_KEY", "short"),
        ("S3_READER_ACCESS_KEY", "lake-of-shenyang"),
        ("S3_ENDPOINT", "http://store.example"),
        ("S3_ENDPOINT", "HTTP://10.0.0.7:9000"),
        ("SPARK_REMOTE", "sc://spark.example:15002"),
        ("SPARK_REMOTE", "sc://localhost.example:15002"),
        ("READERS_REMOTE", "sc://spark.example:15003/;user_id=lake;token=x"),
        ("TOKEN_KEY_FILE", "/nowhere/token.key"),
    ],
)
def test_a_cluster_with_an_open_side(name: str, value: str, cluster: pytest.MonkeyPatch) -> None:
    cluster.setenv(PREFIX + name, value)
    (line,) = _refusal().splitlines()
    assert line.startswith(PREFIX + name)
    assert name == "TOKEN_KEY_FILE" or value not in line


def test_plain_text_by_an_explicit_setting(cluster: pytest.MonkeyPatch) -> None:
    cluster.setenv("CITYLAKE_S3_ENDPOINT", "http://store.example")
    cluster.setenv("CITYLAKE_ALLOW_PLAIN_HTTP", "true")
    assert load_settings().endpoint == "http://store.example"


def test_a_remote_store_needs_keys_in_every_profile(given: pytest.MonkeyPatch) -> None:
    given.setenv("CITYLAKE_S3_ENDPOINT", "https://store.example")
    assert {line.split()[0] for line in _refusal().splitlines()} == {
        "CITYLAKE_S3_ACCESS_KEY",
        "CITYLAKE_S3_SECRET_KEY",
    }


def test_every_name_that_the_project_speaks_of_is_known(root: Path) -> None:
    name, own = r"CITYLAKE_[A-Z0-9_]*[A-Z0-9]\b", f":!{Path(__file__).relative_to(root)}"
    command = ["git", "grep", "-hoE", name, "--", ".", own]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) - KNOWN <= {"CITYLAKE_NAME"}
