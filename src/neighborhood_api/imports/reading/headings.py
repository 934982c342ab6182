"""Where the heads of a sheet stand: under a title, in one line or two, perhaps merged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from neighborhood_api.imports.reading.heads import (
    DUTY_PHONES,
    NOT_KEPT,
    OWN_PHONES,
    UNWANTED,
    WORDS,
    is_of_places,
    is_serial,
    kind_of,
    normal,
    word,
)
from neighborhood_api.imports.reading.seats import SeatColumn, is_seat, seat_columns
from neighborhood_api.imports.reading.sheets import Line, column_letter
from neighborhood_api.imports.reading.tables import Column, Field, Kind
from neighborhood_api.imports.reading.values import Broken, Numeric

LEAST_HEADS = 2
MOST_LISTED = 20
_SHARED = {head: (Field.DUTY_PHONE, rank) for rank, head in enumerate(DUTY_PHONES.split())}
"""One duty phone for all posts of a place."""


@dataclass(frozen=True, slots=True)
class Heading:
    """The heads of a sheet, still without a kind."""

    lines: tuple[Line, ...]
    """One or two."""
    words: Mapping[int, str]
    """By column: the known head."""
    shown: Mapping[int, str]
    """By column: what the office wrote, both lines."""
    seats: Mapping[int, SeatColumn]
    """By column: what is said of whoever holds a post at a place."""

    @property
    def known(self) -> int:
        """How many columns are known."""
        return len(self.words.keys() | self.seats.keys())

    @property
    def last(self) -> int:
        """The line after which the rows begin."""
        return self.lines[-1].number

    def repeats(self, line: Line) -> bool:
        """Tell whether a line is the heading once more, as at the top of each page."""
        for own in self.lines:
            texts = [normal(text) for text in line.cells.values()]
            heads = [normal(own.cells.get(column, "")) for column in line.cells]
            same = sum(text == head for text, head in zip(texts, heads, strict=True))
            if same >= LEAST_HEADS and same * 5 >= len(texts) * 3:
                return True
        return False


def find_heading(lines: Sequence[Line], titles: Sequence[str] = ()) -> Heading | None:
    """Find the heads among the first lines of a sheet; `titles` are what posts are called."""
    best: Heading | None = None
    for at, line in enumerate(lines):
        found = _single(line, titles)
        below = lines[at + 1] if at + 1 < len(lines) else None
        if below is not None and _looks_like_heads(below):
            found = _better(found, _double(line, below, titles), _single(below, titles))
        if len({*found.words.values(), *found.seats}) < LEAST_HEADS:
            continue
        if found.known * 2 >= len(found.shown):
            return found
        if best is None or found.known > best.known:
            best = found
    return best


def kind_of_sheet(sheet: str, heading: Heading) -> Kind | None:
    """Guess what the rows of a sheet are; one of places may name who holds the posts there."""
    posts = WORDS[Kind.POSTS]
    says_post = any(posts.get(w, (None, 0))[0] is Field.POST for w in heading.words.values())
    own = {known for at, known in heading.words.items() if at not in heading.seats}
    if heading.seats and not says_post and is_of_places(own):
        guessed = kind_of(sheet, own)
        if guessed in {None, Kind.NODES}:
            return Kind.NODES
    return kind_of(sheet, set(heading.words.values()))


def columns_of(heading: Heading, kind: Kind) -> tuple[dict[int, Column], list[str], list[str]]:
    """Return what each column means in a sheet of a kind, what was left out, what is wrong."""
    meant: dict[Field, tuple[int, int]] = {}
    seats = heading.seats if kind is Kind.NODES else {}
    words = WORDS[kind] | (_SHARED if seats else {})
    others = _of_others(heading, kind)
    notes, wrong = _left_out(heading, kind, words, {**seats, **others}), []
    notes += [
        f"{column_letter(at)} 列“{heading.shown[at]}”没有读取："
        f"这是{own.title}的，任职请填在“任职”表"
        for at, own in others.items()
    ]
    for at, known in heading.words.items():
        if known not in words or known in UNWANTED or at in seats or at in others:
            continue
        field, rank = words[known]
        if field in NOT_KEPT[kind]:
            continue
        other = meant.get(field)
        if other is None:
            meant[field] = rank, at
        elif other[0] == rank:
            here, there = column_letter(at), column_letter(other[1])
            wrong.append(f"{there} 列和 {here} 列都是“{known}”，请只保留一列，或改成不同的列名")
        else:
            kept, left = sorted((other, (rank, at)))
            meant[field] = kept
            notes.append(
                f"{column_letter(left[1])} 列“{heading.shown[left[1]]}”没有读取："
                f"与 {column_letter(kept[1])} 列“{heading.shown[kept[1]]}”意思相同"
            )
    columns = {
        at: Column(field, column_letter(at), heading.shown[at])
        for field, (_, at) in meant.items()
    }
    columns |= {
        at: Column(own.field, column_letter(at), heading.shown[at], own.seat, own.title)
        for at, own in seats.items()
    }
    return dict(sorted(columns.items())), notes, wrong


def _of_others(heading: Heading, kind: Kind) -> dict[int, SeatColumn]:
    """Return the columns of a sheet of households, or the like, that are about posts.

    A phone beside 网格员 is that holder's, unless its head says whose it is.
    """
    if kind in {Kind.NODES, Kind.POSTS}:
        return {}
    return {
        at: own for at, own in heading.seats.items() if heading.words.get(at) not in OWN_PHONES
    }


def _left_out(
    heading: Heading,
    kind: Kind,
    words: Mapping[str, tuple[Field, int]],
    seats: Mapping[int, SeatColumn],
) -> list[str]:
    notes, unknown = [], []
    for at, shown in heading.shown.items():
        known = heading.words.get(at, "")
        if at in seats:
            continue
        if known in words and words[known][0] in NOT_KEPT[kind]:
            notes.append(f"{column_letter(at)} 列“{shown}”没有读取：这张表不登记这一项")
        elif known in UNWANTED:
            notes.append(f"{column_letter(at)} 列“{shown}”没有读取：系统不保存证件号码")
        elif known not in words and not is_serial(known, kind):
            unknown.append(f"{column_letter(at)} 列“{shown}”")
    if unknown:
        listed = "、".join(unknown[:MOST_LISTED])
        notes.append(f"这些列没有读取（不认识的列名）：{listed}")
    return notes


def _better(top: Heading, both: Heading, bottom: Heading) -> Heading:
    """Take two lines together where that says more than one of them, as a title does not."""
    if both.known <= top.known or both.known < bottom.known:
        return top
    told = both.known > bottom.known or len(top.shown) >= LEAST_HEADS
    return both if told and both.words != bottom.words else top


def _single(line: Line, titles: Sequence[str]) -> Heading:
    heads = {at: normal(text) for at, text in line.cells.items() if _is_text(text)}
    words = {at: known for at, head in heads.items() if (known := word(head))}
    shown = {at: text.strip() for at, text in line.cells.items()}
    return Heading((line,), words, shown, seat_columns(heads, titles))


def _double(top: Line, bottom: Line, titles: Sequence[str]) -> Heading:
    """Put two lines together; a head above covers the columns right of it until the next."""
    words, shown, heads = {}, {}, {}
    above, above_text = "", ""
    for at in range(max((*top.cells, *bottom.cells), default=0) + 1):
        if at in top.cells:
            above_text = top.cells[at].strip()
            above = normal(above_text)
        elif at not in bottom.cells:
            above, above_text = "", ""
            continue
        below = bottom.cells.get(at, "").strip()
        parts = [part for part in (above_text, below) if part]
        shown[at] = " ".join(dict.fromkeys(parts))
        own = normal(below)
        heads[at] = above + own if is_seat(above + own, titles) else own or above
        if known := word(above, own):
            words[at] = known
    return Heading((top, bottom), words, shown, seat_columns(heads, titles))


def _looks_like_heads(line: Line) -> bool:
    texts = list(line.cells.values())
    known = sum(word(normal(text)) is not None for text in texts)
    return all(_is_text(text) for text in texts) and known > 0 and known * 2 >= len(texts)


def _is_text(text: str) -> bool:
    return not isinstance(text, Numeric | Broken)
