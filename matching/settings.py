"""One frozen settings object, from the environment (DUIJIE_…) and a TOML file.

The file is `duijie.toml` in the user's configuration folder, or what DUIJIE_SETTINGS names; the environment
wins over the file.
"""

from __future__ import annotations

import getpass
import os
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import platformdirs
from pydantic import DirectoryPath, Field, SecretStr, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from matching.wording import DEFAULT_LANGUAGE

Language = Literal["zh_CN", "en"]
# How people log in where the screens are shared: "" where that was not said.
Login = Literal["", "accounts", "oidc"]


def _default_database_url() -> str:
    return f"sqlite:///{platformdirs.user_data_path('duijie') / 'ledger.sqlite'}"


class Settings(BaseSettings):
    """All that can be set. Sizes are in the unit their name ends with."""

    model_config = SettingsConfigDict(env_prefix="DUIJIE_", frozen=True, extra="forbid")

    database_url: str = Field(default_factory=_default_database_url)
    language: Language = DEFAULT_LANGUAGE
    timezone: str = "Asia/Shanghai"
    agent: str = Field(default_factory=getpass.getuser)
    top: int = Field(default=10, ge=1, le=1000)
    # Where lists are ranked: local, local:N, dask://host:port.
    engine: str = "local"

    taxonomies: DirectoryPath | None = None

    # Where indexes are kept; beside a ledger in a file, else in the user's cache, when it is not said.
    index: Path | None = None

    port: int = Field(default=8501, ge=1, le=65535)

    # Served to others than the person at this machine; `duijie serve --shared` sets it.
    shared: bool = False
    login: Login = ""
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    cookie_secure: bool = False
    cookie_secret: SecretStr = SecretStr("")
    oidc_metadata_url: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr = SecretStr("")
    oidc_redirect_uri: str = ""

    upload_megabytes: int = Field(default=200, ge=1)
    table_rows: int = Field(default=200_000, ge=1)
    table_characters: int = Field(default=150_000_000, ge=1000)
    cell_characters: int = Field(default=20_000, ge=100)
    workbook_memory_megabytes: int = Field(default=2048, ge=256)
    workbook_seconds: int = Field(default=60, ge=1)
    unpacked_megabytes: int = Field(default=1024, ge=1)
    sheet_cells: int = Field(default=20_000_000, ge=1000)

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(str(error)) from error
        return value

    @field_validator("allowed_hosts", mode="before")
    @classmethod
    def _listed_hosts(cls, value: object) -> object:
        """In the environment host names stand in one text, with commas between them."""
        if isinstance(value, str):
            return tuple(host.strip() for host in value.split(",") if host.strip())
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then the environment, then the TOML file."""
        named = os.environ.get("DUIJIE_SETTINGS")
        path = Path(named) if named else platformdirs.user_config_path("duijie") / "duijie.toml"
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, path)
