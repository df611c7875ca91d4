"""Where the lake lives: one typed object, read from the environment (`CITYLAKE_*`) over a profile in
`infra/profiles/`.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from tomllib import TOMLDecodeError
from typing import Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from citylake.core.errors import EnvironmentFailed
from citylake.core.project import base, project_root
from citylake.core.secrets import local_secret
from citylake.core.strict import PREFIX, refuse_half_a_lake, refuse_unknown_names, refuse_unknown_profile

ROOT = project_root()


class Settings(BaseSettings):
    """Every setting, its default and its reason. A remote store or a remote Spark is a matter of two
    settings.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid")

    profile: str = "laptop"
    root: Path = ROOT  # holds schemas/, expectations/, dags/, infra/
    state: Path = Field(
        default=ROOT / ".citylake"
    )  # logs, pid files, embedded store, Airflow home, pages; never lake data of a city
    embedded: bool = True  # whether store and Spark that no setting places elsewhere are started here
    allow_plain_http: bool = False  # speak to other machines without TLS
    lake: str = "citylake"  # the bucket
    s3_endpoint: str | None = None  # None: the embedded SeaweedFS on `port_s3`
    s3_region: str = "us-east-1"  # any fixed value; S3-compatible stores ignore it, signers need it
    s3_access_key: str = "citylake"
    s3_secret_key: SecretStr | None = None  # None: random, made below `state` for the embedded store
    s3_reader_access_key: str | None = (
        # who the readers' server is at the store; None: the embedded store's reader
        None
    )
    s3_reader_secret_key: SecretStr | None = None
    spark_remote: str | None = None  # None: the embedded Spark Connect server on `port_spark`
    spark_token: SecretStr | None = None  # of a remote Spark; None: random, made below `state`
    readers_remote: SecretStr | None = (
        None  # sc://… with user and token; None: started here on `port_readers`
    )
    readers_account: str | None = None  # account of the readers' process where root starts it
    readers_home: Path | None = None  # its folder; None: below `state`
    readers_memory: str = "1g"
    readers_seconds: int = Field(default=300, ge=1)  # how long a statement of a reader may run
    readers_ldap_url: str | None = None  # a directory that knows further readers
    readers_ldap_dn: str | None = None  # their name there, with %s for the user
    spark_conf: dict[str, str] = {}  # profile's Spark settings; each line carries its reason there
    spark_driver_memory: str = "2g"
    codegen_from_records: int = (
        50_000  # smaller batches are interpreted: compiling their wide plans costs more than it saves
    )
    # marts of fewer input rows are built whole: finding what a change reaches costs more than it saves
    update_from_rows: int = 100_000
    token_key_file: Path | None = (
        None  # HMAC key for personal identifiers; None: created under `state`, mode 0600
    )
    connections: dict[str, SecretStr] = {}  # id -> URI of a source, the only place for its user and password
    sources: dict[
        str, str
    ] = {}  # dataset -> where it comes from (a path, a connection's id, an address), with options behind `#`
    language: Literal["zh", "en"] = "zh"
    port_s3: int = 18333
    port_s3_master: int = 19333
    port_s3_volume: int = 18080
    port_s3_filer: int = 18888
    port_spark: int = 15002
    port_spark_ui: int = 14040
    port_readers: int = 15003
    port_jdbc: int = 10015
    port_airflow: int = 18793
    port_pages: int = 18081

    @property
    def endpoint(self) -> str:
        """The S3 endpoint in use, embedded or remote."""
        return self.s3_endpoint or f"http://127.0.0.1:{self.port_s3}"

    @property
    def keys(self) -> tuple[str, SecretStr]:
        """The lake's own keys to its store."""
        if self.s3_secret_key is None and self.s3_endpoint:
            text = f"no secret key is set for the store at {self.s3_endpoint}"
            raise EnvironmentFailed(
                "store.no_key", text, now="set CITYLAKE_S3_ACCESS_KEY and CITYLAKE_S3_SECRET_KEY"
            )
        return self.s3_access_key, self.s3_secret_key or SecretStr(local_secret(self.state, "s3-lake"))

    @property
    def reader(self) -> tuple[str, SecretStr]:
        """Keys that can read what is released to analysts, and write nothing."""
        if self.s3_reader_access_key and self.s3_reader_secret_key:
            return self.s3_reader_access_key, self.s3_reader_secret_key
        if self.s3_endpoint:
            raise EnvironmentFailed(
                "store.no_reader",
                f"no keys of a reader are set for the store at {self.s3_endpoint}",
                now="set CITYLAKE_S3_READER_ACCESS_KEY and CITYLAKE_S3_READER_SECRET_KEY",
            )
        return "citylake-reader", SecretStr(local_secret(self.state, "s3-reader"))

    @property
    def spark_address(self) -> str:
        """The Spark Connect address in use, embedded or remote."""
        return self.spark_remote or f"sc://localhost:{self.port_spark}"

    @property
    def readers_address(self) -> str:
        """The Spark Connect address of the readers' server, without user and token."""
        remote = self.readers_remote
        return remote.get_secret_value().split("/;")[0] if remote else f"sc://localhost:{self.port_readers}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments beat the environment, the environment beats the profile, the profile beats the
        defaults.
        """
        profile = env_settings().get("profile", "laptop")
        toml = TomlConfigSettingsSource(settings_cls, _profile(profile))
        return init_settings, env_settings, toml


@lru_cache(maxsize=1)
def load_settings() -> Settings:
    """Read the settings once for this process; EnvironmentFailed `settings.*` for what nobody means."""
    refuse_unknown_names(Settings.model_fields)
    settings = _read()
    refuse_unknown_profile(settings.profile, _profiles())
    refuse_half_a_lake(settings)
    return settings


def _read() -> Settings:
    try:
        return Settings()
    except ValidationError as error:
        lines = [f"{PREFIX}{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors(include_input=False)]
        raise EnvironmentFailed("settings.value", "\n".join(lines)) from None
    except (SettingsError, TOMLDecodeError) as error:
        raise EnvironmentFailed("settings.value", str(error).splitlines()[0]) from None


def _profiles() -> tuple[Path, Path]:
    """Where profiles lie: the project's own before the package's."""
    return ROOT / "infra" / "profiles", base("infra/profiles")


def _profile(name: str) -> Path:
    found = [folder / f"{name}.toml" for folder in _profiles()]
    return next((p for p in found if p.exists()), found[-1])
