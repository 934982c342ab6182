"""Changing the keys of personal data while everything runs."""

import asyncio
from collections.abc import Callable
from functools import partial
from time import sleep

from rich.console import Console
from rich.progress import Progress

from neighborhood_api.cli.refusals import Refused
from neighborhood_api.identity.personal_keys import (
    key_file,
    new_key,
    read_keys,
    use_personal_keys,
    write_keys,
)
from neighborhood_api.kit.db import Database
from neighborhood_api.kit.sealing import LOOK_SECONDS, SealingKey, seals
from neighborhood_api.privacy.resealing import Resealed, reseal, rows_left
from neighborhood_api.settings import Settings

LEARN_SECONDS = 2 * LOOK_SECONDS + 1
"""After so long every process on this data folder has looked at the keys again."""

Say = Callable[[str], None]

_BY_ENVIRONMENT = (
    "The keys come from NEIGHBORHOOD_PERSONAL_KEYS, and all rows are sealed with the first. "
    "To change it: (1) put a new key, from `openssl rand -hex 64`, AFTER the others, and "
    "restart every process; (2) move it to the FRONT and restart again; (3) run this command. "
    "Then the old key may go."
)


def begin_rotation(settings: Settings, url: str, say: Say) -> None:
    """Make a new key the sealing one, unless rows still wait for the last change.

    It is made known to all processes first, and seals when they can all read it.

    Raises: Refused, PersonalKeyError.
    """
    use_personal_keys(settings)
    if asyncio.run(_left(url)):
        say("Some rows still need an older key: going on with them. 继续上次的更换。")
        return
    if settings.personal_keys is not None:
        raise Refused(_BY_ENVIRONMENT)
    path = key_file(settings.data_dir)
    old = read_keys(path)
    new = SealingKey(bytes.fromhex(new_key()))
    write_keys(path, [*old, new])
    say(f"New key {new.kid} in {path}; waiting until every process knows it. 等待各进程读取。")
    sleep(LEARN_SECONDS)
    write_keys(path, [new, *old])
    sleep(LEARN_SECONDS)
    seals().look_again()


def rotate(settings: Settings, url: str, out: Console) -> None:
    """Change the key, and show how far it is.

    Raises: Refused, PersonalKeyError.
    """
    begin_rotation(settings, url, partial(out.print, highlight=False, soft_wrap=True))
    total = sum(left(settings, url).values())
    with Progress(console=out, transient=True) as shown:
        bar = shown.add_task("重新加密 Sealing anew", total=total)
        done = asyncio.run(_resealed(url, partial(shown.advance, bar)))
    out.print(f"{done.rows} values sealed anew. 已重新加密。", highlight=False)
    for name, rows in done.conflicts.items():
        out.print(f"{name}: {rows} rows hold what another row holds too", highlight=False)


def left(settings: Settings, url: str) -> dict[str, int]:
    """Return how many rows of each column need a key other than the first."""
    use_personal_keys(settings)
    return asyncio.run(_left(url))


def forget_old_keys(settings: Settings, url: str) -> int:
    """Take every key but the first out of the file; return how many.

    Raises: Refused, PersonalKeyError.
    """
    if settings.personal_keys is not None:
        raise Refused("Take the old keys out of NEIGHBORHOOD_PERSONAL_KEYS yourself.")
    if left(settings, url):
        raise Refused(
            "Some rows still need an old key: run `neighborhood-api rotate-personal-keys`."
        )
    path = key_file(settings.data_dir)
    keys = read_keys(path)
    write_keys(path, keys[:1])
    return len(keys) - 1


async def _left(url: str) -> dict[str, int]:
    database = Database(url, pool_size=2)
    try:
        return await rows_left(database)
    finally:
        await database.close()


async def _resealed(url: str, progress: Callable[[int], None]) -> Resealed:
    database = Database(url, pool_size=2)
    try:
        done = await reseal(database, progress)
        again = await reseal(database, progress)  # what was being written in that moment
        return Resealed(done.rows + again.rows, again.conflicts)
    finally:
        await database.close()
