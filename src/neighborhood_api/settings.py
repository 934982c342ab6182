"""Configuration: the only reader of the environment. `.env.example` explains every entry."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import AliasChoices, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

WECHAT_SERVERS = "https://api.weixin.qq.com"
DEMO_APP_ID = "wx0000000000000000"
"""The only WeChat app id that demo mode starts with; the stand-in answers to it."""


class Settings(BaseSettings):
    """What a deployment may set; environment names are `NEIGHBORHOOD_` plus the field's."""

    model_config = SettingsConfigDict(
        env_prefix="NEIGHBORHOOD_", env_file=".env", extra="ignore", populate_by_name=True
    )

    database_url: SecretStr | None = Field(
        default=None, validation_alias=AliasChoices("DATABASE_URL", "database_url")
    )
    """PostgreSQL 15 or newer; without it an embedded one is started in `data_dir`."""
    data_dir: Path = Path(".data")
    """Where keys, uploads and the embedded database live."""
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = Field(default=1, ge=1)
    """API processes behind the one port."""
    demo: bool = False
    """Whether the invented district and its open sign-in list are served."""

    wechat_app_id: str | None = None
    wechat_app_secret: SecretStr | None = None
    wechat_base_url: str = WECHAT_SERVERS

    signing_keys: SecretStr | None = None
    """PEM private keys (P-256), the signing one first; otherwise `data_dir`/keys is used."""
    link_secret: SecretStr | None = None
    """Secret of signed file links; otherwise kept in `data_dir`/keys."""
    files_url: str | None = None
    """Where uploads go: an `s3://bucket/prefix` URL; otherwise `data_dir`/files."""

    cors_origins: Annotated[list[str], NoDecode] = []
    """Origins of web consoles, comma-separated."""
    trusted_proxies: str = "127.0.0.1"
    """Addresses whose X-Forwarded-For is believed, comma-separated."""
    log_level: str = "INFO"
    log_json: bool = True
    metrics_token: SecretStr | None = None
    """Bearer token of `GET /metrics`; without it there is no such page."""
    pool_size: int = Field(default=6, ge=2)
    """Database connections an API process keeps for writes, and as many again for reads."""
    sign_ins_per_minute: int = Field(default=300, ge=1)
    """Sign-ins that one address may try in a minute, in each process; phones share one."""
    writes_per_minute: int = Field(default=120, ge=1)
    """Changes that one person may make in a minute, in each process."""

    @model_validator(mode="before")
    @classmethod
    def _split_lists(cls, values: dict[str, object]) -> dict[str, object]:
        """Read comma-separated lists, and take an empty entry for an absent one."""
        kept = {name: value for name, value in values.items() if value != ""}
        origins = kept.get("cors_origins")
        if isinstance(origins, str):
            kept["cors_origins"] = [o.strip() for o in origins.split(",") if o.strip()]
        return kept

    @model_validator(mode="after")
    def _demo_is_never_beside_a_real_app(self) -> Self:
        if self.demo and self.wechat_app_id not in {None, DEMO_APP_ID}:
            raise ValueError(
                "demo mode refuses to start beside a real WeChat app id: "
                "unset NEIGHBORHOOD_DEMO or NEIGHBORHOOD_WECHAT_APP_ID"
            )
        return self
