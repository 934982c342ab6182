"""Columns of a sheet of places that say who holds a post there: 网格长, 电话, 网格员, 电话."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from neighborhood_api.imports.reading.heads import BELONGING, DUTY_PHONES, PHONES
from neighborhood_api.imports.reading.tables import Field

TITLES: Final = frozenset(
    {
        "巷长", "街巷长", "楼长", "楼栋长", "楼巷长", "邻长", "网格员", "专职网格员", "网格长",
        "社区工作者", "社区书记", "社区党委书记", "社区党组织书记", "村书记", "街道调度员",
        "街道书记", "街道党工委书记", "镇党委书记",
    }
)  # fmt: skip
"""Heads that name a post; a district has its own besides."""
VACANT = frozenset({"空缺", "暂缺", "待定", "未配备", "缺"})
"""What stands in place of a name while nobody holds the post."""
_NUMBER = re.compile(r"[0-9一二三四五①②③④⑤]{1,2}")
_SAYS: Final = (
    dict.fromkeys(("", "姓名", "名字", "人员"), Field.NAME)
    | dict.fromkeys(PHONES.split(), Field.PHONE)
    | dict.fromkeys(DUTY_PHONES.split(), Field.DUTY_PHONE)
)


class SeatColumn(NamedTuple):
    """What a column says of a post."""

    seat: int
    title: str
    field: Field


def seat_columns(heads: Mapping[int, str], titles: Sequence[str]) -> dict[int, SeatColumn]:
    """Return the columns about posts, by their heads from left to right; longer titles first.

    A plain phone beside a post's column is that post's. One duty phone in the whole sheet is
    everybody's, and not among them.
    """
    found: dict[int, SeatColumn] = {}
    current: dict[str, int] = {}
    said: set[tuple[int, Field]] = set()
    number = 0
    shared = Counter(_SAYS.get(head) for head in heads.values())[Field.DUTY_PHONE] == 1
    for at in sorted(heads):
        told = _told(heads[at], titles)
        before = found.get(at - 1)
        if told is not None:
            label, title, field = told
            if label not in current or (current[label], field) in said:
                number += 1
                current[label] = number
            own = SeatColumn(current[label], title, field)
        elif before is not None:
            plain = _SAYS.get(heads[at], Field.NAME)
            if plain is Field.NAME or (plain is Field.DUTY_PHONE and shared):
                continue
            own = SeatColumn(before.seat, before.title, plain)
        else:
            continue
        if (own.seat, own.field) not in said:
            said.add((own.seat, own.field))
            found[at] = own
    named = {own.seat for own in found.values() if own.field is Field.NAME}
    return {at: own for at, own in found.items() if own.seat in named}


def is_seat(head: str, titles: Sequence[str]) -> bool:
    """Tell whether a head is about a post."""
    return _told(head, titles) is not None


def _told(head: str, titles: Sequence[str]) -> tuple[str, str, Field] | None:
    """Return the post of a head, with what tells it from another one, and what it says."""
    for form in (head, BELONGING.sub("", head)):
        for title in titles:
            if not form.startswith(title):
                continue
            rest = form[len(title) :]
            number = _NUMBER.match(rest)
            label = title + (number[0] if number else "")
            says = _SAYS.get(rest[number.end() :] if number else rest)
            if says is not None:
                return label, title, says
    return None
