"""What the demonstration prints once it answers."""

from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from neighborhood_api.demo.load import DEMO_PASSWORD
from neighborhood_api.demo.people import DemoPersonOut

_ANYWHERE = {"0.0.0.0", "::", ""}  # noqa: S104  (compared with, not listened on)
_TAKE = "python3 -c 'import json,sys; print({}(json.load(sys.stdin){}))'"


def address(host: str, port: int) -> str:
    """Return where a program on this machine finds the API."""
    shown = "127.0.0.1" if host in _ANYWHERE else host
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


def welcome(console: Console, base: str, people: list[DemoPersonOut], wechat: str) -> None:
    """Say where everything is, whom one can be, and give lines to paste."""
    api = f"{base}/api/v1"
    console.print(
        Panel(
            f"接口文档 API docs     {base}/docs\n"
            f"演示身份 Whom to be   {api}/demo/people\n"
            f"微信替身 WeChat       {wechat} (stand-in, this machine only)\n"
            f"员工密码 Password     {DEMO_PASSWORD}\n"
            "导览 Tour             README.md, docs/tour-grid.md\n"
            "停止 Stop            Ctrl-C",
            title="邻里接口 Neighborhood API · 演示 demo",
            expand=False,
            border_style="green",
        )
    )
    console.print(_table(people))
    console.print("\n[bold]试一试 · Try, in another terminal:[/bold]\n")
    for line in _lines(api, people):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    console.print()


def _table(people: list[DemoPersonOut]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("姓名", "岗位", "地点", "登录 Sign in"):
        table.add_column(heading)
    for person in people:
        phone = person.sign_in.body.get("phone")
        table.add_row(
            person.name or "(新居民)",
            person.role_name,
            " ".join(person.place[-2:]),
            f"手机号 {phone}" if phone else "微信 code,见 demo/people",
        )
    return table


def _lines(api: str, people: list[DemoPersonOut]) -> list[str]:
    json_body = "-H 'Content-Type: application/json'"
    body = _TAKE.format("json.dumps", '["items"][0]["sign_in"]["body"]')
    token = _TAKE.format("", '["access_token"]')
    resident = next((one.name for one in people if one.role is None), "a resident")
    lines = [
        f"# {resident}: who is responsible where I live",
        f"BODY=$(curl -s {api}/demo/people | {body})",
        f'TOKEN=$(curl -s {api}/auth/wechat {json_body} -d "$BODY" | {token})',
        f'curl -s {api}/me/grid -H "Authorization: Bearer $TOKEN"',
    ]
    officer = next((one for one in people if one.role is not None), None)
    if officer is not None:
        password = officer.sign_in.model_dump_json(include={"body"})[len('{"body":') : -1]
        lines += [
            "",
            f"# {officer.name}, {officer.role}: the worklist",
            f"TOKEN=$(curl -s {api}/auth/staff {json_body} -d '{password}' | {token})",
            f'curl -s {api}/staff/issues -H "Authorization: Bearer $TOKEN"',
        ]
    return lines
