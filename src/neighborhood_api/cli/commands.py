"""The commands; each says in one sentence what is wrong when it cannot go on."""

import asyncio
import logging
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from pydantic import SecretStr
from rich.console import Console

from neighborhood_api import migrate as migrations
from neighborhood_api import serving
from neighborhood_api.app import create_app
from neighborhood_api.cli import (
    boundaries,
    exports,
    ground,
    keys,
    moving,
    operator,
    second_step,
)
from neighborhood_api.cli.demonstration import holds_demo_people, quieten, run_demo
from neighborhood_api.cli.reference import load_reference
from neighborhood_api.cli.refusals import Refused, plainly
from neighborhood_api.cli.welcome import address, welcome
from neighborhood_api.identity.personal_keys import use_personal_keys
from neighborhood_api.kit import logs, trail
from neighborhood_api.kit.db import Database
from neighborhood_api.settings import Settings
from neighborhood_api.worker import run_worker

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="The open backend of a neighbourhood mini-program. 邻里小程序的开放后端。\n\n"
    "Settings come from the environment and from .env; .env.example explains each. "
    "配置来自环境变量和 .env 文件，说明见 .env.example。",
)
out = Console()
err = Console(stderr=True)

FINDINGS_SHOWN = 50

Host = Annotated[str | None, typer.Option(help="Address to listen on. 监听地址。")]
Port = Annotated[int | None, typer.Option(min=1, max=65535, help="Port. 端口。")]
OperatorDistrict = Annotated[
    str,
    typer.Option(
        prompt="District code 区县代码 (6 or 12 digits)",
        help="National code of the district, 6 or 12 digits. 区县代码。",
    ),
]
OperatorName = Annotated[str, typer.Option(prompt="Name 姓名", help="Name. 姓名。")]
OperatorPhone = Annotated[
    str, typer.Option(prompt="Mobile number 手机号", help="Signs in with it. 登录手机号。")
]
OperatorDutyPhone = Annotated[
    str,
    typer.Option(
        prompt="Public duty phone 值班电话（公开）", help="Residents see it. 公开的值班电话。"
    ),
]
NewDistrictName = Annotated[
    str | None, typer.Option(help="Makes the district where it is missing. 区县名称。")
]
PasswordStdin = Annotated[
    bool,
    typer.Option("--password-stdin", help="Read it from standard input. 由标准输入读密码。"),
]
Everywhere = Annotated[
    bool,
    typer.Option(
        "--everywhere",
        help="She also changes categories and defaults of all districts. 总管理员。",
    ),
]


@app.command()
def demo(host: Host = None, port: Port = None) -> None:
    """Start everything with an invented neighbourhood. 一条命令启动演示，数据会保留。

    Starts PostgreSQL (or uses DATABASE_URL), loads the district once, and runs the API, its
    job worker and a stand-in for WeChat in this process.
    """
    with plainly(err), ExitStack() as stack:
        settings = _settings(demo=True, host=host, port=port)
        _configure_logs(settings, json=False)
        quieten()
        listener = stack.enter_context(serving.listen(settings.host, settings.port))
        with _busy("启动数据库 · Starting the database"):
            url = stack.enter_context(ground.database_of(settings))
        with _busy("更新表结构 · Migrating"):
            migrations.migrate(url)
            asyncio.run(load_reference(url))
        _serve_demo(settings, url, listener, with_worker=True)
        out.print("已停止，数据已保留 · Stopping; the data is kept.")


@app.command()
def serve(
    host: Host = None,
    port: Port = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="API processes behind the port. 进程数。")
    ] = None,
) -> None:
    """Serve the API. 启动接口服务；另需一个 worker 进程处理后台任务。

    Refuses a database that is not migrated. Jobs are run by `neighborhood-api worker`.
    """
    with plainly(err), ExitStack() as stack:
        settings = _settings(host=host, port=port, workers=workers)
        _configure_logs(settings)
        listener = stack.enter_context(serving.listen(settings.host, settings.port))
        url = stack.enter_context(ground.database_of(settings))
        ground.require_migrated(url)
        if settings.demo:
            if settings.workers > 1:
                raise Refused("Demo mode runs in one process: unset NEIGHBORHOOD_WORKERS.")
            _serve_demo(settings, url, listener, with_worker=False)
            return
        use_personal_keys(settings)
        asyncio.run(_require_real_people(url))
        api = create_app(settings, Database(url, pool_size=settings.pool_size))
        err.print(f"{address(settings.host, settings.port)}/docs", highlight=False)
        if settings.workers > 1:
            serving.serve_in_processes(settings, url, listener)
        else:
            serving.until_signal(lambda stop: serving.serve(api, settings, listener, stop))


@app.command()
def worker() -> None:
    """Run background jobs until stopped. 处理后台任务：缩略图、时限、交接等。

    Several may run at once. Running jobs get 20 seconds to finish when it is told to stop.
    """
    with plainly(err), ExitStack() as stack:
        settings = _settings()
        _configure_logs(settings)
        url = stack.enter_context(ground.database_of(settings))
        ground.require_migrated(url)
        serving.until_signal(lambda stop: run_worker(settings, url, stop=stop))


@app.command()
def migrate(
    *,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Change nothing; fail when tables and models differ. 只检查，不修改。",
        ),
    ] = False,
) -> None:
    """Bring the database to the schema of this version. 建表或升级表结构，可重复执行。

    Also loads the categories, handling rules and published working days that it lacks; what
    operators have changed stays as it is.

    With --check and without DATABASE_URL, a throw-away database is migrated and compared.
    """
    with plainly(err), ExitStack() as stack:
        settings = _settings()
        if not check:
            with _busy("更新表结构 · Migrating"):
                url = stack.enter_context(ground.database_of(settings))
                migrations.migrate(url)
                asyncio.run(load_reference(url))
            out.print(f"表结构已是最新 · At revision {migrations.head()}.")
            return
        with _busy("比较表结构 · Comparing"):
            if settings.database_url is None:
                url = stack.enter_context(ground.throw_away_database())
                migrations.migrate(url)
            else:
                url = stack.enter_context(ground.database_of(settings))
                ground.require_migrated(url)
            found = migrations.differences(url)
        if found:
            raise Refused("The tables differ from the models:\n" + "\n".join(found))
        out.print("表结构与模型一致 · The tables are those of the models.")


@app.command("create-operator")
def create_operator(
    district: OperatorDistrict,
    name: OperatorName,
    phone: OperatorPhone,
    duty_phone: OperatorDutyPhone,
    district_name: NewDistrictName = None,
    *,
    password_stdin: PasswordStdin = False,
    everywhere: Everywhere = False,
) -> None:
    """Create the first operator of a district. 创建区县的系统管理员；已有者则重设密码。

    The operator then appoints everybody else through the API.
    """
    with plainly(err), ExitStack() as stack:
        settings = _settings()
        url = stack.enter_context(ground.database_of(settings))
        ground.require_migrated(url)
        use_personal_keys(settings)
        secret = sys.stdin.readline().rstrip("\r\n") if password_stdin else _new_password()
        wish = operator.Wish(
            name=name,
            phone=phone,
            password=SecretStr(secret),
            duty_phone=duty_phone,
            district_code=district,
            district_name=district_name,
            everywhere=everywhere,
        )
        out.print(asyncio.run(_appoint(url, wish)) + ".", highlight=False)


app.command("export-openapi")(exports.export_openapi)
app.command("export-events")(exports.export_events)
app.command("reset-totp")(second_step.reset_totp)
app.command("import")(moving.import_grid)
app.command("export-grid")(moving.export_grid)
app.command("import-templates")(moving.import_templates)
app.command("import-boundaries")(boundaries.import_boundaries_file)
app.command("rotate-keys")(keys.rotate_keys)
app.command("rotate-personal-keys")(keys.rotate_personal_keys)


@app.command("verify-trail")
def verify_trail() -> None:
    """Verify the audit trail. 核验审计链：任何事后改动都会被发现。

    Prints the length and the last seal of the chain: note them elsewhere, and whoever
    rewrites everything is found out, too. Ends with 1 when something does not agree.
    """
    with plainly(err), ExitStack() as stack:
        url = stack.enter_context(ground.database_of(_settings()))
        ground.require_migrated(url)
        with _busy("Verifying 核验中"):
            findings, length, seal = asyncio.run(_verify(url))
        for finding in findings[:FINDINGS_SHOWN]:
            place = "" if finding.position is None else f" at {finding.position}"
            line = f"{finding.kind} {finding.subject_id}{place}: {finding.fault.value}"
            out.print(line, style="red", highlight=False)
        if len(findings) > FINDINGS_SHOWN:
            out.print(f"... and {len(findings) - FINDINGS_SHOWN} more", highlight=False)
        out.print(f"{length} places, last seal {seal.hex()}", highlight=False, soft_wrap=True)
        if findings:
            out.print(
                f"{len(findings)} faults: the trail was tampered with. 审计链已被改动。",
                highlight=False,
            )
            raise typer.Exit(1)
        out.print("The trail is whole. 审计链完整。")


def _settings(**given: Any) -> Settings:  # noqa: ANN401  (options, each with its own type)
    """Read the settings; options of the command win over the environment."""
    return Settings(**{name: value for name, value in given.items() if value is not None})


def _configure_logs(settings: Settings, *, json: bool | None = None) -> None:
    logs.configure(level=settings.log_level, json=settings.log_json if json is None else json)
    for talkative in ("alembic", "procrastinate"):  # `worker` logs a line for every job
        logging.getLogger(talkative).setLevel(logging.WARNING)


def _serve_demo(
    settings: Settings, url: str, listener: socket.socket, *, with_worker: bool
) -> None:
    base = address(settings.host, listener.getsockname()[1])
    serving.until_signal(
        lambda stop: run_demo(
            settings,
            url,
            listener,
            stop,
            with_worker=with_worker,
            progress=lambda text: out.print(f"  {text}", style="dim", highlight=False),
            ready=lambda people, wechat: welcome(out, base, people, wechat),
        )
    )


async def _require_real_people(url: str) -> None:
    """Keep the demonstration's public passwords out of a service that is not one.

    Raises: Refused.
    """
    database = Database(url, pool_size=2)
    try:
        if await holds_demo_people(database):
            raise Refused(
                "This database holds the demonstration's people, whose password everybody "
                "knows. Use another database, or set NEIGHBORHOOD_DEMO=true to serve it as "
                "what it is."
            )
    finally:
        await database.close()


async def _verify(url: str) -> tuple[list[trail.Finding], int, bytes]:
    database = Database(url, pool_size=2)
    try:
        findings = [finding async for finding in trail.verify_trail(database)]
        async with database.transaction() as tx:
            return findings, *await trail.chain_end(tx)
    finally:
        await database.close()


async def _appoint(url: str, wish: operator.Wish) -> str:
    database = Database(url, pool_size=2)
    try:
        async with database.transaction() as tx:
            return await operator.create_operator(tx, wish, now=datetime.now(UTC))
    finally:
        await database.close()


def _new_password() -> str:
    secret: str = typer.prompt(
        "Password 密码 (8+ characters)", hide_input=True, confirmation_prompt="Again 再输一次"
    )
    return secret


@contextmanager
def _busy(text: str) -> Iterator[None]:
    """Show that something is going on, where there is somebody to see it."""
    if err.is_terminal:
        with err.status(text):
            yield
    else:
        yield
