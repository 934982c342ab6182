"""Configuration: the only reader of the environment. `.env.example` explains every entry."""

from datetime import time
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    field_validator,
    model_validator,
)
from pydantic_core import from_json
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

WECHAT_SERVERS = "https://api.weixin.qq.com"
DEMO_APP_ID = "wx0000000000000000"
"""The only WeChat app id that demo mode starts with; the stand-in answers to it."""


TemplateKey = Annotated[str, StringConstraints(pattern=r"^(thing|time|date)[1-9][0-9]?$")]
"""A key of a WeChat template, of a kind that this program can fill."""
TemplateCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{0,39}$")]
LogLevel = Annotated[
    Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"],
    BeforeValidator(lambda given: given.upper() if isinstance(given, str) else given),
]


class MessageTemplate(BaseModel):
    """A template of WeChat messages as the mini-program's console shows it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    template_id: str = Field(min_length=1)
    name: str = Field(min_length=1)
    """What people are told that they agree to."""
    fields: dict[TemplateKey, Literal["title", "body", "about", "at"]] = Field(min_length=1)
    """What each of its keys says; `at` goes to times and dates, the others to things."""
    page: str | None = None
    """What opens when the message is tapped; `{id}` stands for what it is about."""

    @model_validator(mode="after")
    def _times_are_times(self) -> Self:
        if any(
            key.startswith("thing") == (value == "at") for key, value in self.fields.items()
        ):
            raise ValueError("`at` belongs to time and date keys, and nothing else does")
        return self


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
    wechat_templates: Annotated[dict[TemplateCode, MessageTemplate], NoDecode] = {}
    """Which WeChat messages people can agree to get, by the code of what they tell."""
    plate_page: str | None = None
    """Page of the mini-program that a lane plate opens, e.g. `pages/plate/plate`."""
    plate_url: str | None = None
    """What the address of a plate begins with; its code follows. Used without WeChat."""
    quiet_from: time = time(22)
    quiet_until: time = time(7)
    """When no WeChat messages are sent, by the clock of China; equal times for never."""
    notifications_kept_days: int = Field(default=180, ge=1)
    """How long people find in their inbox what they were told."""

    signing_keys: SecretStr | None = None
    """PEM private keys (P-256), the signing one first; otherwise `data_dir`/keys is used."""
    link_secret: SecretStr | None = None
    """Secret of signed file links; otherwise kept in `data_dir`/keys."""
    personal_keys: SecretStr | None = None
    """Keys of phones and addresses at rest, 64 bytes in hexadecimal each, comma-separated, the
    sealing one first; otherwise kept in `data_dir`/keys. Without them nobody can read them."""
    files_url: str | None = None
    """Where uploads go: an `s3://bucket/prefix` URL; otherwise `data_dir`/files."""

    cors_origins: Annotated[list[str], NoDecode] = []
    """Origins of web consoles, comma-separated."""
    trusted_proxies: str = "127.0.0.1"
    """Addresses whose X-Forwarded-For is believed, comma-separated."""
    log_level: LogLevel = "INFO"
    log_json: bool = True
    metrics_token: SecretStr | None = None
    """Bearer token of `GET /metrics`; without it there is no such page."""
    pool_size: int = Field(default=6, ge=2)
    """Database connections an API process keeps for writes, and as many again for reads."""
    sign_ins_per_minute: int = Field(default=300, ge=1)
    """Sign-ins that one address (of IPv6, one network of 64 bits) may try in a minute, in each
    process; phones share one."""
    writes_per_minute: int = Field(default=120, ge=1)
    """Changes that one person may make in a minute, in each process."""
    import_megabytes: int = Field(default=100, ge=1, le=512)
    """How large the files of one import may be together."""
    password_days: int = Field(default=0, ge=0)
    """After how many days staff must change their password; 0 for never."""
    passwords_remembered: int = Field(default=5, ge=1, le=24)
    """How many of the last passwords, the present one included, are not taken again."""
    invitation_hours: int = Field(default=72, ge=1, le=720)
    """How long an invitation to an account, or the code of a reset, can be used."""
    sign_ins_kept_days: int = Field(default=365, ge=180)
    """How long the history of sign-ins is kept. Source: Cybersecurity Law, which asks for
    network logs of six months at least."""
    require_second_step: bool = False
    """Whether operators have to sign in with one-time codes."""
    child_kept_days: int = Field(default=180, ge=1, le=180)
    """How long a child's data outlive its last session; guardians agreed to 180 at most."""
    erasure_cooling_days: int = Field(default=7, ge=0, le=15)
    """How long somebody who cancelled her account may take that back; 15 days are the longest
    that a request may wait."""
    data_exports_kept_days: int = Field(default=7, ge=1)
    """How long a copy of one's own data can be downloaded."""
    looks_kept_days: int = Field(default=1096, ge=1096)
    """How long it is kept who of the staff looked at whose data; three years at the least."""
    consents_kept_days: int = Field(default=1096, ge=1096)
    """How long a consent is kept after it ended, and a request about one's data after it was
    answered; three years at the least (网络数据安全管理条例 12)."""
    guests_kept_days: int = Field(default=90, ge=0)
    """How long after a booking it is kept which caller without an account it was for."""
    callers_kept_days: int = Field(default=730, ge=30)
    """How long after an issue was closed it is kept which caller without an account told it."""
    past_residences_kept_days: int = Field(default=1096, ge=30)
    """How long it is kept where somebody lived before, after she left."""
    ended_entries_kept_days: int = Field(default=1096, ge=30)
    """How long registers keep who moved out, care that ended, organisations that closed."""
    child_look_days: int = Field(default=30, ge=0, le=30)
    """How long after a session staff may open a child's record; guardians agreed to 30."""

    @model_validator(mode="before")
    @classmethod
    def _split_lists(cls, values: dict[str, object]) -> dict[str, object]:
        """Read comma-separated lists, and take an empty entry for an absent one."""
        kept = {name: value for name, value in values.items() if value != ""}
        origins = kept.get("cors_origins")
        if isinstance(origins, str):
            kept["cors_origins"] = [o.strip() for o in origins.split(",") if o.strip()]
        return kept

    @field_validator("quiet_from", "quiet_until")
    @classmethod
    def _by_the_clock_of_china(cls, value: time) -> time:
        if value.tzinfo is not None:
            raise ValueError("write the hour without an offset, such as 22:00")
        return value

    @field_validator("wechat_templates", mode="before")
    @classmethod
    def _read_templates(cls, value: object) -> object:
        return from_json(value) if isinstance(value, str) else value

    @field_validator("wechat_templates", mode="after")
    @classmethod
    def _templates_differ(
        cls, templates: dict[str, MessageTemplate]
    ) -> dict[str, MessageTemplate]:
        if len({one.template_id for one in templates.values()}) < len(templates):
            raise ValueError("each code needs a WeChat template of its own")
        return templates

    @model_validator(mode="after")
    def _demo_is_never_beside_a_real_app(self) -> Self:
        if self.demo and self.wechat_app_id not in {None, DEMO_APP_ID}:
            raise ValueError(
                "demo mode refuses to start beside a real WeChat app id: "
                "unset NEIGHBORHOOD_DEMO or NEIGHBORHOOD_WECHAT_APP_ID"
            )
        return self
