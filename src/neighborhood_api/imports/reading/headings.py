"""Where the heads of a sheet stand: under a title, in one line or two, perhaps merged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from neighborhood_api.imports.reading.heads import UNWANTED, WORDS, is_serial, normal, word
from neighborhood_api.imports.reading.sheets import Line, column_letter
from neighborhood_api.imports.reading.tables import Column, Field, Kind
from neighborhood_api.imports.reading.values import Broken, Numeric

LEAST_HEADS = 2
MOST_LISTED = 20


@dataclass(frozen=True, slots=True)
class Heading:
    """The heads of a sheet, still without a kind."""

    lines: tuple[Line, ...]
    """One or two."""
    words: Mapping[int, str]
    """By column: the known head."""
    shown: Mapping[int, str]
    """By column: what the office wrote, both lines."""

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


def find_heading(lines: Sequence[Line]) -> Heading | None:
    """Find the heads among the first lines of a sheet."""
    best: Heading | None = None
    for at, line in enumerate(lines):
        found = _single(line)
        below = lines[at + 1] if at + 1 < len(lines) else None
        if below is not None and _looks_like_heads(below):
            found = _better(found, _double(line, below), _single(below))
        if len(set(found.words.values())) < LEAST_HEADS:
            continue
        if len(found.words) * 2 >= len(found.shown):
            return found
        if best is None or len(found.words) > len(best.words):
            best = found
    return best


def columns_of(heading: Heading, kind: Kind) -> tuple[dict[int, Column], list[str], list[str]]:
    """Return what each column means in a sheet of a kind, what was left out, what is wrong."""
    meant: dict[Field, tuple[int, int]] = {}
    notes, wrong = _left_out(heading, kind), []
    for at, known in heading.words.items():
        if known not in WORDS[kind] or known in UNWANTED:
            continue
        field, rank = WORDS[kind][known]
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
        for field, (_, at) in sorted(meant.items(), key=lambda entry: entry[1][1])
    }
    return columns, notes, wrong


def _left_out(heading: Heading, kind: Kind) -> list[str]:
    notes, unknown = [], []
    for at, shown in heading.shown.items():
        known = heading.words.get(at, "")
        if known in UNWANTED:
            notes.append(f"{column_letter(at)} 列“{shown}”没有读取：系统不保存证件号码")
        elif known not in WORDS[kind] and not is_serial(known, kind):
            unknown.append(f"{column_letter(at)} 列“{shown}”")
    if unknown:
        listed = "、".join(unknown[:MOST_LISTED])
        notes.append(f"这些列没有读取（不认识的列名）：{listed}")
    return notes


def _better(top: Heading, both: Heading, bottom: Heading) -> Heading:
    """Take two lines together where that says more than one of them, as a title does not."""
    if len(both.words) <= len(top.words) or len(both.words) < len(bottom.words):
        return top
    told = len(both.words) > len(bottom.words) or len(top.shown) >= LEAST_HEADS
    return both if told and both.words != bottom.words else top


def _single(line: Line) -> Heading:
    heads = {at: normal(text) for at, text in line.cells.items() if _is_text(text)}
    words = {at: known for at, head in heads.items() if (known := word(head))}
    return Heading((line,), words, {at: text.strip() for at, text in line.cells.items()})


def _double(top: Line, bottom: Line) -> Heading:
    """Put two lines together; a head above covers the columns right of it until the next."""
    words, shown = {}, {}
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
        if known := word(above, normal(below)):
            words[at] = known
    return Heading((top, bottom), words, shown)


def _looks_like_heads(line: Line) -> bool:
    texts = list(line.cells.values())
    known = sum(word(normal(text)) is not None for text in texts)
    return all(_is_text(text) for text in texts) and known > 0 and known * 2 >= len(texts)


def _is_text(text: str) -> bool:
    return not isinstance(text, Numeric | Broken)
