"""A copy of somebody's data as a page to read: one file, nothing loaded from anywhere."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any

from neighborhood_api.kit.schema import SHOWN_ZONE
from neighborhood_api.privacy.sections import SECTIONS, Section
from neighborhood_api.privacy.sections.shape import OWN_NAME
from neighborhood_api.privacy.wording import named

Rows = Sequence[Mapping[str, Any]]
_STYLE = (
    "body{font-family:sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;width:100%;margin-bottom:2rem}"
    "th,td{border:1px solid #ccc;padding:.3rem .5rem;text-align:left;vertical-align:top}"
    "th{background:#f3f3f3;white-space:nowrap}p.none{color:#777}"
)


def page_of(copy: Mapping[str, Rows], *, made_at: datetime) -> str:
    """Return the whole page."""
    day = made_at.astimezone(SHOWN_ZONE).strftime("%Y-%m-%d %H:%M")
    parts = [
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>我的个人信息副本</title><style>{_STYLE}</style></head><body>",
        f"<h1>我的个人信息副本</h1><p>生成时间：{day}（北京时间）</p>",
    ]
    for section in SECTIONS:
        parts.append(f'<h2 id="{section.name}">{escape(section.title)}</h2>')
        parts.append(_table(section, copy[section.name]))
    parts.append("</body></html>\n")
    return "".join(parts)


def _table(section: Section, rows: Rows) -> str:
    if not rows:
        return '<p class="none">没有记录</p>'
    headings = section.headings
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings.values())
    lines = (
        "<tr>"
        + "".join(f"<td>{_cell(section, name, _shown(row, name))}</td>" for name in headings)
        + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def _shown(row: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401  (as below)
    """Return what a column holds; of a post, what its district calls it."""
    return row.get(OWN_NAME, row[name]) if name == "role" else row[name]


def _cell(section: Section, name: str, value: Any) -> str:  # noqa: ANN401  (whatever a column holds)
    match value:
        case None:
            return ""
        case True | False:
            return "是" if value else "否"
        case datetime():
            return value.astimezone(SHOWN_ZONE).strftime("%Y-%m-%d %H:%M:%S")
        case str():
            return escape(named(section.name, name, value))
        case _:
            return escape(str(value))
