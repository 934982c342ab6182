"""Settings: explained one by one, empty is absent, and demo mode is never on by accident."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from neighborhood_api.settings import DEMO_APP_ID, Settings

EXAMPLE = Path(__file__).parents[2] / ".env.example"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder and an environment that set nothing."""
    for name in names_of_settings():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names_of_settings() -> set[str]:
    return {
        "DATABASE_URL" if name == "database_url" else f"NEIGHBORHOOD_{name.upper()}"
        for name in Settings.model_fields
    }


def entries() -> dict[str, str]:
    found = re.findall(r"^#?([A-Z][A-Z_]+)=(.*)$", EXAMPLE.read_text("utf-8"), re.MULTILINE)
    assert len(found) == len(dict(found))
    return dict(found)


def test_the_example_names_exactly_the_settings() -> None:
    assert set(entries()) == names_of_settings()


def test_what_the_example_shows_is_the_default(bare_environment: Path) -> None:
    text = EXAMPLE.read_text("utf-8")
    filled = re.sub(r"^#([A-Z][A-Z_]+=)", r"\1", text, flags=re.MULTILINE)
    (bare_environment / ".env").write_text(filled, "utf-8")
    assert Settings() == Settings(_env_file=None)
    assert filled != text


def test_the_example_sets_nothing_as_it_is(bare_environment: Path) -> None:
    (bare_environment / ".env").write_text(EXAMPLE.read_text("utf-8"), "utf-8")
    assert Settings().model_fields_set == set()


def test_an_empty_entry_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in names_of_settings():
        monkeypatch.setenv(name, "")
    settings = Settings()
    assert settings.model_fields_set == set()
    assert settings.signing_keys is None
    assert settings.port == 8000


def test_every_entry_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    unlike = {
        "DATABASE_URL": "postgresql://a/b",
        "NEIGHBORHOOD_PORT": "8100",
        "NEIGHBORHOOD_WORKERS": "3",
        "NEIGHBORHOOD_POOL_SIZE": "4",
        "NEIGHBORHOOD_SIGN_INS_PER_MINUTE": "5",
        "NEIGHBORHOOD_WRITES_PER_MINUTE": "6",
        "NEIGHBORHOOD_CHILD_KEPT_DAYS": "90",
        "NEIGHBORHOOD_CHILD_LOOK_DAYS": "7",
        "NEIGHBORHOOD_PASSWORD_DAYS": "90",
        "NEIGHBORHOOD_PASSWORDS_REMEMBERED": "3",
        "NEIGHBORHOOD_INVITATION_HOURS": "24",
        "NEIGHBORHOOD_SIGN_INS_KEPT_DAYS": "200",
        "NEIGHBORHOOD_REQUIRE_SECOND_STEP": "true",
        "NEIGHBORHOOD_IMPORT_MEGABYTES": "50",
        "NEIGHBORHOOD_ERASURE_COOLING_DAYS": "3",
        "NEIGHBORHOOD_DATA_EXPORTS_KEPT_DAYS": "3",
        "NEIGHBORHOOD_LOOKS_KEPT_DAYS": "2000",
        "NEIGHBORHOOD_CONSENTS_KEPT_DAYS": "2000",
        "NEIGHBORHOOD_GUESTS_KEPT_DAYS": "30",
        "NEIGHBORHOOD_CALLERS_KEPT_DAYS": "365",
        "NEIGHBORHOOD_PAST_RESIDENCES_KEPT_DAYS": "365",
        "NEIGHBORHOOD_ENDED_ENTRIES_KEPT_DAYS": "365",
        "NEIGHBORHOOD_WECHAT_TEMPLATES": (
            '{"reminders": {"template_id": "t", "name": "提醒", "fields": {"time2": "at"}}}'
        ),
        "NEIGHBORHOOD_QUIET_FROM": "21:30",
        "NEIGHBORHOOD_QUIET_UNTIL": "08:00",
        "NEIGHBORHOOD_NOTIFICATIONS_KEPT_DAYS": "30",
        "NEIGHBORHOOD_DEMO": "true",
        "NEIGHBORHOOD_LOG_JSON": "false",
        "NEIGHBORHOOD_LOG_LEVEL": "DEBUG",
        "NEIGHBORHOOD_WECHAT_APP_ID": DEMO_APP_ID,
    }
    for name in names_of_settings():
        monkeypatch.setenv(name, unlike.get(name, "another"))
    settings, default = Settings(), Settings.model_construct()
    assert [
        n for n in Settings.model_fields if getattr(settings, n) == getattr(default, n)
    ] == []


def test_origins_are_a_list_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEIGHBORHOOD_CORS_ORIGINS", "https://a.example, https://b.example,")
    assert Settings().cors_origins == ["https://a.example", "https://b.example"]


def test_a_log_level_is_one_of_those_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEIGHBORHOOD_LOG_LEVEL", "warning")
    assert Settings().log_level == "WARNING"
    monkeypatch.setenv("NEIGHBORHOOD_LOG_LEVEL", "loud")
    with pytest.raises(ValidationError, match="log_level"):
        Settings()


def test_quiet_hours_are_by_the_clock_of_china(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEIGHBORHOOD_QUIET_FROM", "22:00+08:00")
    with pytest.raises(ValidationError, match="without an offset"):
        Settings()


def test_demo_mode_is_off_unless_asked_for() -> None:
    assert Settings().demo is False


@pytest.mark.parametrize("demo", ["1", "true", "on", "yes"])
def test_demo_mode_refuses_to_start_beside_a_real_app_id(
    demo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEIGHBORHOOD_DEMO", demo)
    assert Settings().demo is True
    monkeypatch.setenv("NEIGHBORHOOD_WECHAT_APP_ID", DEMO_APP_ID)
    assert Settings().demo is True
    monkeypatch.setenv("NEIGHBORHOOD_WECHAT_APP_ID", "wx1234567890abcdef")
    with pytest.raises(ValidationError, match="unset NEIGHBORHOOD_DEMO"):
        Settings()


def test_secrets_are_in_no_representation(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = ["DATABASE_URL"] + [
        f"NEIGHBORHOOD_{name}"
        for name in ("WECHAT_APP_SECRET", "SIGNING_KEYS", "LINK_SECRET", "METRICS_TOKEN")
    ]
    for name in secret:
        monkeypatch.setenv(name, "postgresql://u:hush@h/d")
    assert "hush" not in repr(Settings())
    assert "hush" not in Settings().model_dump_json()


@pytest.mark.parametrize(
    "fields",
    [
        '{"phrase1": "title"}',
        '{"thing1": "at"}',
        '{"time1": "body"}',
        '{"thing1": "name"}',
        "{}",
    ],
)
def test_a_message_template_that_could_not_be_filled_is_refused(
    monkeypatch: pytest.MonkeyPatch, fields: str
) -> None:
    template = f'{{"template_id": "t", "name": "提醒", "fields": {fields}}}'
    monkeypatch.setenv("NEIGHBORHOOD_WECHAT_TEMPLATES", f'{{"reminders": {template}}}')
    with pytest.raises(ValidationError):
        Settings()


def test_two_kinds_of_messages_do_not_share_a_template(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = '{"template_id": "t", "name": "提醒", "fields": {"thing1": "title"}}'
    both = f'{{"reminders": {one}, "issues": {one}}}'
    monkeypatch.setenv("NEIGHBORHOOD_WECHAT_TEMPLATES", both)
    with pytest.raises(ValidationError, match="template of its own"):
        Settings()
