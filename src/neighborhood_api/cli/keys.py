"""The commands that change keys: those that sign tokens, and those of phones and addresses."""

from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console

from neighborhood_api.cli import ground, personal_keys
from neighborhood_api.cli.refusals import Refused, plainly
from neighborhood_api.identity.keys import make_key
from neighborhood_api.identity.tokens import LIFETIME
from neighborhood_api.settings import Settings

out = Console()
err = Console(stderr=True)


def rotate_keys() -> None:
    """Make a new key to sign access tokens with. 更换签名密钥，已登录的人不受影响。"""
    with plainly(err):
        settings = Settings()
        if settings.signing_keys is not None:
            raise Refused(
                "The keys come from NEIGHBORHOOD_SIGNING_KEYS: put a new PEM key before the "
                "others there, restart the API, and take the old one out a day later."
            )
        folder = settings.data_dir / "keys"
        before = sorted(path.name for path in folder.glob("*.pem"))
        kid = make_key(folder)
        out.print(f"New key {kid} in {folder}.", highlight=False, soft_wrap=True)
        out.print("The API signs with it from now on. 即刻生效，无需重启。")
        if before:
            until = (datetime.now(UTC) + LIFETIME).astimezone().strftime("%H:%M:%S")
            out.print(
                f"After {until} no token of the old keys is left, and these may be deleted: "
                f"{', '.join(before)}. 届时可删除旧密钥。",
                highlight=False,
                soft_wrap=True,
            )


def rotate_personal_keys(
    *,
    check: Annotated[
        bool,
        typer.Option("--check", help="Change nothing; tell what needs an old key. 只检查。"),
    ] = False,
    forget_old: Annotated[
        bool,
        typer.Option("--forget-old", help="Take old keys out when unneeded. 移除旧密钥。"),
    ] = False,
) -> None:
    """Change the key of phones and addresses. 更换手机号、地址的加密密钥，不停机。

    Seals every row anew while the API runs; run it again when it was interrupted.
    """
    with plainly(err), ExitStack() as stack:
        settings = Settings()
        url = stack.enter_context(ground.database_of(settings))
        ground.require_migrated(url)
        if forget_old:
            gone = personal_keys.forget_old_keys(settings, url)
            out.print(f"{gone} old keys taken out. 已移除旧密钥。", highlight=False)
            return
        if not check:
            personal_keys.rotate(settings, url, out)
        left = personal_keys.left(settings, url)
        for name, rows in left.items():
            out.print(f"{name}: {rows} rows need an old key", style="red", highlight=False)
        if left:
            raise typer.Exit(1)
        out.print("No row needs an old key. 所有数据都用现行密钥加密。")
