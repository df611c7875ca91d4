"""Where the lake lives: one typed object, read from the environment (`CITYLAKE_*`) over a profile in
`infra/profiles/`.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from tomllib import TOMLDecodeError
from typing import Any, Literal

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


def _said(default: Any, description: str, **bounds: Any) -> Any:
    """A setting with its default and what docs/engineers/settings.md says of it."""
    return Field(default=default, description=description, **bounds)


class Settings(BaseSettings):
    """Every setting, its default and its reason. A remote store or a remote Spark is a matter of two
    settings.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid")

    profile: str = _said("laptop", "which file of `infra/profiles/`")
    root: Path = _said(ROOT, "holds `schemas/`, `expectations/`, `dags/`, `infra/`")
    state: Path = _said(
        ROOT / ".citylake",
        "logs, embedded store, secrets, Airflow's home, pages; mode 0700. Never lake data of a city",
    )
    embedded: bool = _said(
        True,
        "whether store and Spark that no setting places elsewhere are started here. False (profile cluster):"
        " all addresses and keys must be set",
    )
    allow_plain_http: bool = _said(False, "speak to a store or Spark on another machine without TLS")
    lake: str = _said("citylake", "the bucket")
    s3_endpoint: str | None = _said(
        None, "the store; none: the embedded one on `port_s3`. With an endpoint the two keys must be set"
    )
    s3_region: str = _said("us-east-1", "any fixed value; S3-compatible stores ignore it, signers need it")
    s3_access_key: str = _said("citylake", "who the lake is at its store")
    s3_secret_key: SecretStr | None = _said(
        None, "the lake's own key; none: random, made in `state` for the embedded store"
    )
    s3_reader_access_key: str | None = _said(
        None,
        "who the readers' server is at the store; none: the embedded store's reader (`citylake policies`)",
    )
    s3_reader_secret_key: SecretStr | None = _said(None, "its key; none: random, made in `state`")
    spark_remote: str | None = _said(
        None, "`sc://host:port/;use_ssl=true`; none: the embedded server on `port_spark`"
    )
    spark_token: SecretStr | None = _said(
        None, "what the lake's Spark server asks of the lake; of a remote one it must be set; none: random"
    )
    readers_remote: SecretStr | None = _said(
        None,
        "`sc://host:port/;use_ssl=true;user_id=...;token=...` of a readers' server elsewhere; none: started"
        " here on `port_readers`",
    )
    readers_account: str | None = _said(
        None, "account of the machine that runs the readers' server (started by root); none: the lake's"
    )
    readers_home: Path | None = _said(None, "that account's folder; none: `readers` in `state`")
    readers_memory: str = _said("1g", "heap of the readers' server")
    readers_seconds: int = _said(300, "how long a statement of a reader may run", ge=1)
    readers_ldap_url: str | None = _said(None, "a directory that knows further readers: `ldaps://host`")
    readers_ldap_dn: str | None = _said(None, "their name there, %s for the user: `uid=%s,ou=people,dc=...`")
    spark_conf: dict[str, str] = _said({}, "the profile's Spark settings; each line carries its reason there")
    spark_driver_memory: str = _said("2g", "heap of the lake's Spark server")
    codegen_from_records: int = _said(
        50_000,
        "smaller batches pass through memory, interpreted: compiling their plans costs more than it saves",
    )
    update_from_rows: int = _said(
        100_000,
        "marts of fewer input rows are built whole: finding what a change reaches costs more than it saves",
    )
    token_key_file: Path | None = _said(
        None,
        "file of at least 32 bytes that opens the key behind tokens of persons (`citylake tokens rotate`);"
        " none: made in `state` for an embedded store, mode 0600",
    )
    connections: dict[str, SecretStr] = _said(
        {},
        "JSON: id of a source to its address with user and password (nowhere else), and `#departments=`"
        " behind it: for whom it may deliver",
    )
    sources: dict[str, str] = _said(
        {},
        "JSON: dataset to where it comes from (a path, a connection's id, an address), with options behind"
        " `#`; it delivers for the dataset's department only",
    )
    language: Literal["zh", "en"] = _said("zh", "of pages that a command opens")
    port_s3: int = _said(18333, "embedded store, loopback only, and 10000 above it")
    port_s3_master: int = _said(19333, "embedded store")
    port_s3_volume: int = _said(18080, "embedded store")
    port_s3_filer: int = _said(18888, "embedded store")
    port_spark: int = _said(15002, "the lake's Spark Connect server, loopback only")
    port_spark_ui: int = _said(14040, "its pages; user `citylake`, secret in `state/secrets/spark-pages`")
    port_readers: int = _said(15003, "the readers' server: Spark Connect, loopback only")
    port_jdbc: int = _said(10015, "the readers' server: JDBC, loopback only")
    port_airflow: int = _said(18793, "the scheduler's pages, loopback only")

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
