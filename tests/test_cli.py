"""The command line: what it does, and the sentence it says when it cannot."""

import asyncio
import json
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic, sleep

import httpx
import psycopg
import pytest
from sqlalchemy.engine import make_url
from typer.testing import CliRunner, Result

from neighborhood_api.cli import app
from neighborhood_api.cli.ground import checked_url
from neighborhood_api.identity import passwords
from neighborhood_api.identity.keys import Keyring
from tests.support.postgres import NewDatabase, database_beside

ROOT = Path(__file__).parents[1]
OPERATOR = (
    "create-operator",
    "--district=441322",
    "--name=罗春生",
    "--phone=15412340001",
    "--duty-phone=0752-9000001",
    "--password-stdin",
)
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Run a command in an empty folder, with nothing set but what the test sets."""
    for name in os.environ:
        if name == "DATABASE_URL" or name.startswith("NEIGHBORHOOD_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def invoke(*arguments: str, typed: str | None = None, **settings: str) -> Result:
        for name, value in settings.items():
            key = name if name == "DATABASE_URL" else f"NEIGHBORHOOD_{name}"
            monkeypatch.setenv(key, value)
        return CliRunner().invoke(app, list(arguments), input=typed)

    yield invoke
    root.handlers[:], root.level = handlers, level


@pytest.fixture
def empty_url(server_url: str) -> Iterator[str]:
    with database_beside(server_url) as url:
        yield url


@pytest.fixture
def migrated_url(new_database: NewDatabase) -> Iterator[str]:
    with new_database() as url:
        yield url


def refused(result: Result, *words: str) -> None:
    """It ended with one sentence that has these words, and without a traceback."""
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit)
    for word in words:
        assert word in result.stderr
    assert "Traceback" not in result.stderr


def rows(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(statement.encode()).fetchall()


def test_every_command_has_a_help_text_in_both_languages(run: Run) -> None:
    shown = run("--help")

    assert shown.exit_code == 0
    for command in ("demo", "serve", "worker", "migrate", "export-openapi", "rotate-keys"):
        one = run(command, "--help")
        assert one.exit_code == 0
        assert command in shown.output
        assert any("\u4e00" <= letter <= "\u9fff" for letter in one.output)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://me:geheim@host/name", "not a PostgreSQL address"),
        ("nonsense geheim", "not a PostgreSQL address"),
        ("postgresql://me:geheim@127.0.0.1:1/name", "Connection refused"),
        ("postgresql://me:geheim@127.0.0.1:99999/name", "invalid port"),
    ],
)
@pytest.mark.parametrize("command", ["migrate", "worker"])
def test_a_wrong_database_url_is_explained_without_its_password(
    run: Run, command: str, url: str, words: str
) -> None:
    result = run(command, DATABASE_URL=url)

    refused(result, words, "DATABASE_URL")
    assert "geheim" not in result.output + result.stderr


def test_a_database_in_another_encoding_is_refused(run: Run, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as admin:
        admin.execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    try:
        latin = make_url(database_url).set(database="latin")
        url = latin.render_as_string(hide_password=False)
        refused(run("migrate", DATABASE_URL=url), "LATIN1", "UTF8")
    finally:
        with psycopg.connect(database_url, autocommit=True) as admin:
            admin.execute("DROP DATABASE latin WITH (FORCE)")


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_a_database_that_is_not_migrated_is_refused(
    run: Run, empty_url: str, command: str
) -> None:
    refused(run(command, DATABASE_URL=empty_url, PORT="0"), "neighborhood-api migrate")


def test_migrating_makes_the_tables_and_may_be_repeated(run: Run, empty_url: str) -> None:
    first = run("migrate", DATABASE_URL=empty_url)
    second = run("migrate", DATABASE_URL=empty_url)
    checked = run("migrate", "--check", DATABASE_URL=empty_url)

    assert [r.exit_code for r in (first, second, checked)] == [0, 0, 0], checked.stderr
    assert rows(empty_url, "SELECT count(*) FROM person") == [(0,)]


def test_a_missing_column_is_found(run: Run, migrated_url: str) -> None:
    with psycopg.connect(migrated_url) as connection:
        connection.execute("ALTER TABLE person DROP COLUMN name")

    refused(run("migrate", "--check", DATABASE_URL=migrated_url), "person", "name")


@pytest.mark.slow
def test_checking_needs_no_database_and_leaves_none(run: Run, tmp_path: Path) -> None:
    result = run("migrate", "--check")

    assert result.exit_code == 0, result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_database_of_a_newer_version_is_refused(run: Run, migrated_url: str) -> None:
    with psycopg.connect(migrated_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '2999'")

    refused(run("migrate", DATABASE_URL=migrated_url), "2999", "another version")
    refused(run("serve", DATABASE_URL=migrated_url, PORT="0"), "2999", "newer version")


def test_a_busy_port_is_named(run: Run) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])

        refused(run("serve", "--port", port), port, "used by another program", "--port")
        refused(run("demo", "--port", port), port, "used by another program", "--port")


def test_a_folder_that_cannot_be_written_is_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    folder = str(tmp_path / "file" / "data")

    refused(run("migrate", DATA_DIR=folder), folder, "NEIGHBORHOOD_DATA_DIR")
    refused(run("rotate-keys", DATA_DIR=folder), folder, "NEIGHBORHOOD_DATA_DIR")


def test_settings_that_cannot_be_read_are_named_without_their_values(run: Run) -> None:
    result = run("migrate", PORT="geheim", POOL_SIZE="1")

    refused(result, "NEIGHBORHOOD_PORT", "NEIGHBORHOOD_POOL_SIZE", ".env")
    assert "geheim" not in result.stderr


def test_the_demonstration_refuses_to_start_beside_a_real_app(run: Run) -> None:
    refused(run("demo", WECHAT_APP_ID="wx1234567890abcdef"), "real WeChat app id")


def test_demo_people_are_not_served_by_accident(run: Run, migrated_url: str) -> None:
    with psycopg.connect(migrated_url) as connection:
        connection.execute(
            "INSERT INTO person (id, openid, failed_sign_ins, epoch, version)"
            " VALUES (gen_random_uuid(), 'oDemo-1', 0, 0, 1)"
        )

    refused(run("serve", DATABASE_URL=migrated_url, PORT="0"), "NEIGHBORHOOD_DEMO")


@pytest.mark.slow
def test_the_description_is_written_and_compared(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "openapi.json"
    missing = run("export-openapi", str(path), "--check")
    written = run("export-openapi", str(path))
    checked = run("export-openapi", str(path), "--check")
    text = path.read_text("utf-8")
    path.write_text(text.replace("report_issue", "report_case"), encoding="utf-8")
    differs = run("export-openapi", str(path), "--check")

    assert (written.exit_code, checked.exit_code) == (0, 0)
    assert json.loads(text)["paths"]["/api/v1/issues"]["post"]
    assert text.endswith("}\n")
    assert "居民" in text
    refused(missing, str(path), "export-openapi")
    refused(differs, str(path), "export-openapi")
    assert [entry.name for entry in tmp_path.iterdir()] == ["deep"]


def test_the_first_operator_and_her_district_are_made(run: Run, migrated_url: str) -> None:
    without = run(*OPERATOR, typed="Geheim-2026\n", DATABASE_URL=migrated_url)
    result = run(*OPERATOR, "--district-name=博罗县", typed="Geheim-2026\n")

    refused(without, "441322000000", "--district-name")
    assert result.exit_code == 0, result.stderr
    assert "Geheim" not in result.output
    found = rows(
        migrated_url,
        "SELECT n.code, n.name, a.role, p.name FROM appointment a"
        " JOIN node n ON n.id = a.node_id JOIN person p ON p.id = a.person_id",
    )
    assert found == [("441322000000", "博罗县", "operator", "罗春生")]
    assert rows(migrated_url, "SELECT name FROM outbox") == [("grid.appointment_made",)]


def test_an_operator_of_every_district_is_made_on_the_command_line_only(
    run: Run, migrated_url: str
) -> None:
    district = "--district-name=博罗县"
    for flags in ((), ("--everywhere",)):
        result = run(
            *OPERATOR, district, *flags, typed="Geheim-2026\n", DATABASE_URL=migrated_url
        )
        assert result.exit_code == 0, result.stderr
    held = rows(migrated_url, "SELECT role FROM appointment ORDER BY id")
    assert held == [("operator",), ("chief_operator",)]


async def test_an_operator_who_lost_her_password_gets_another(
    run: Run, migrated_url: str
) -> None:
    for typed in ("Geheim-2026\n", "Anders-2027\n"):
        result = await asyncio.to_thread(
            run, *OPERATOR, "--district-name=博罗县", typed=typed, DATABASE_URL=migrated_url
        )
        assert result.exit_code == 0, result.stderr

    ((stored, epoch),) = rows(migrated_url, "SELECT password_hash, epoch FROM person")
    assert await passwords.matches("Anders-2027", str(stored))
    assert not await passwords.matches("Geheim-2026", str(stored))
    assert epoch == 1
    assert rows(migrated_url, "SELECT count(*) FROM appointment") == [(1,)]


@pytest.mark.parametrize(
    ("changed", "typed", "word"),
    [
        ("--phone=123", "Geheim-2026\n", "Phone"),
        ("--district=12", "Geheim-2026\n", "6 or 12 digits"),
        ("--name=罗", "short\n", "password"),
        ("--name=罗", "onlysmallletters\n", "password"),
    ],
)
def test_an_operator_who_cannot_be_is_not_made(
    run: Run, migrated_url: str, changed: str, typed: str, word: str
) -> None:
    result = run(
        *OPERATOR, "--district-name=博罗县", changed, typed=typed, DATABASE_URL=migrated_url
    )

    refused(result, word)
    assert rows(migrated_url, "SELECT count(*) FROM person, node") == [(0,)]


def test_keys_are_rotated_and_the_old_one_still_verifies(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "data" / "keys"
    old = Keyring.from_folder(folder).signing.kid

    result = run("rotate-keys", DATA_DIR=str(tmp_path / "data"))

    new = Keyring.from_folder(folder)
    assert result.exit_code == 0
    assert new.signing.kid != old
    assert new.signing.kid in result.output
    assert new.public(old) is not None
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in folder.glob("*.pem"))


def test_keys_of_the_environment_are_not_rotated_behind_its_back(
    run: Run, tmp_path: Path
) -> None:
    refused(run("rotate-keys", SIGNING_KEYS="any"), "NEIGHBORHOOD_SIGNING_KEYS")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_several_processes_serve_one_port_and_count_together(
    migrated_url: str, tmp_path: Path
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        "DATABASE_URL": checked_url(migrated_url),
        "NEIGHBORHOOD_DATA_DIR": str(tmp_path),
        "NEIGHBORHOOD_METRICS_TOKEN": "open-sesame",
        "PYTHONPATH": str(ROOT / "src"),
        "PYTHONDONTWRITEBYTECODE": "",  # what the first process compiles serves the others
    }
    program = "from neighborhood_api.cli import app; app()"
    command = [sys.executable, "-c", program, "serve", "--workers=2", f"--port={port}"]
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(command, env=environment, cwd=tmp_path, stderr=log)  # noqa: S603
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            _wait_for(client, server, tmp_path / "log")
            for _ in range(20):
                httpx.get(f"{client.base_url}/api/v1/health/live", trust_env=False)
            page = client.get("/metrics", headers={"authorization": "Bearer open-sesame"})
    finally:
        server.send_signal(signal.SIGTERM)
        code = server.wait(30)

    counted = 'http_requests_total{operation="check_live",status="200"} 21.0'
    assert counted in page.text.splitlines()
    assert code == 0, (tmp_path / "log").read_text()


def _wait_for(client: httpx.Client, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = monotonic() + 180
    while True:
        try:
            assert client.get("/api/v1/health/live").status_code == 200
        except httpx.TransportError:
            assert server.poll() is None, log.read_text()
            assert monotonic() < deadline, log.read_text()
            sleep(0.1)
        else:
            return


def test_boundaries_are_looked_at_and_then_brought(
    run: Run, migrated_url: str, tmp_path: Path
) -> None:
    run(*OPERATOR, "--district-name=博罗县", typed="Cloud-2026\n", DATABASE_URL=migrated_url)
    ring = [[114, 23], [115, 23], [115, 24], [114, 23]]
    shape = {"type": "Polygon", "coordinates": [ring]}
    feature = {"type": "Feature", "geometry": shape, "properties": {"code": 441322000000}}
    file = tmp_path / "county.geojson"

    def bring(*features: object, how: tuple[str, ...] = ()) -> Result:
        file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
        return run("import-boundaries", str(file), "--district=441322", *how)

    def drawn() -> int:
        with psycopg.connect(migrated_url) as connection:
            row = connection.execute("SELECT count(*) FROM boundary_ring").fetchone()
        return 0 if row is None else int(row[0])

    looked = bring(feature)
    assert (looked.exit_code, drawn()) == (0, 0), looked.output
    faulty = bring(feature, {"geometry": shape, "properties": {}}, how=("--apply",))
    assert (faulty.exit_code, drawn()) == (1, 0)
    assert "没有地点编码" in faulty.output
    brought = bring(feature, how=("--apply",))
    assert (brought.exit_code, drawn()) == (0, 1), brought.output
    file.write_text("[]")
    nothing = run("import-boundaries", str(file), "--district=441322")
    assert (nothing.exit_code, "FeatureCollection" in nothing.output) == (1, True)
