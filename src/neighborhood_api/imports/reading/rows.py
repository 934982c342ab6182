"""From lines to rows: what belongs to the table, and what each cell of it says."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from neighborhood_api.imports.reading import values
from neighborhood_api.imports.reading.headings import Heading
from neighborhood_api.imports.reading.seats import VACANT
from neighborhood_api.imports.reading.sheets import Line, Merges
from neighborhood_api.imports.reading.tables import Column, Fault, Field, Limits, Row, Seat
from neighborhood_api.imports.reading.values import Unclear

EXAMPLE = "示例"
"""How a line begins that only shows what to write."""
LONGEST_SHOWN = 40
MOST_LISTED = 10
SECTION_WIDTH = 3
"""A text merged over this many columns, alone in its line, is a title between the rows."""
_AFTER = re.compile(
    r"(?:合计|总计|小计|共计|本页合计|总\s+计|合\s+计)(?:[\s:：\d].*)?"
    r"|(?:填表|制表|填报|审核|审批|复核|统计|报送|负责|经办|联系)人?(?:签字|签名|单位|日期|时间|电话)?\s*[:：].*"
    r"|(?:填表人|制表人|填报人|审核人|填报单位|填表日期|填报日期|制表日期|制表单位)"
    r"|(?:单位|社区|街道|网格)?(?:负责人|盖章|公章)(?:签字|签名)?\s*(?:[（(]盖章[)）])?\s*[:：].*"
    r"|(?:备注|注|说明|填表说明|注意|日期)\s*[:：].*",
    re.DOTALL,
)
_FIRST_OF_AFTER = frozenset("合总小共本填制审复统报负经联单社街网盖公备注说日")
_SAME = frozenset({"同上", "〃", "″", '"', "''", "”", "“", "ditto"})
_FIRST_OF_SAME = frozenset(text[0] for text in _SAME)
_NONE = frozenset({"无", "暂无", "没有", "不详", "未知", "空", "至今", "长期", "N/A", "n/a"})
_PARSERS: Final[Mapping[Field, Callable[[str], str]]] = (
    dict.fromkeys(Field, values.name)
    | dict.fromkeys((Field.ADDRESS, Field.ROOM, Field.UNIT), values.door)
    | dict.fromkeys((Field.NOTE, Field.CARE, Field.SELECTION_NOTE), values.words)
    | dict.fromkeys((Field.PHONE, Field.DUTY_PHONE, Field.STAND_IN_PHONE), values.phone)
    | dict.fromkeys((field for field in Field if field.endswith("_code")), values.code)
    | dict.fromkeys(
        (field for field in Field if field.endswith(("_on", "_from", "_until"))), values.day
    )
    | {
        Field.CODE: values.code,
        Field.BORN_ON: values.birthday,
        Field.CREDIT_CODE: values.credit_code,
        Field.RESIDENTS: values.count,
        Field.VOTES_FOR: values.count,
        Field.VOTES_CAST: values.count,
        Field.VOTES_ELIGIBLE: values.count,
        Field.PRIMARY: values.yes_or_no,
        Field.LONGITUDE: values.longitude,
        Field.LATITUDE: values.latitude,
    }
)
_MEANINGLESS_NONE = frozenset(
    field for field, parser in _PARSERS.items() if parser not in {values.name, values.door}
) | {Field.STAND_IN, Field.ORGANIZATION, Field.CONTACT, Field.HEAD}
"""Where 无 says that there is nothing."""


class RowReader:
    """The rows of one table, in one pass."""

    def __init__(
        self,
        sheet: str,
        heading: Heading,
        columns: Mapping[int, Column],
        merges: Merges,
        limits: Limits,
        notes: list[str],
        *,
        from_1904: bool,
    ) -> None:
        """Prepare to read below a heading."""
        self._sheet = sheet
        self._heading = heading
        self._merges = merges
        self._limits = limits
        self._notes = notes
        self._from_1904 = from_1904
        self._plan = [
            (at, column, _PARSERS[column.field], column.field in _MEANINGLESS_NONE)
            for at, column in columns.items()
            if column.seat is None
        ]
        self._seats = [
            (at, column, _PARSERS[column.field])
            for at, column in columns.items()
            if column.seat is not None
        ]
        self._before_seats: dict[tuple[int, Field], str] = {}
        self._columns = frozenset(columns)
        self._heads = {text.strip() for own in heading.lines for text in own.cells.values()}
        self._carried: dict[int, tuple[int, str]] = {}
        self._before: Mapping[Field, str] = {}
        self._skipped: Counter[str] = Counter()
        self._first_skipped: dict[str, list[int]] = {}

    def rows(self, lines: Iterator[Line]) -> Iterator[Row]:
        """Read the rows; afterwards the notes say which lines were left out."""
        for line in lines:
            if line.number <= self._heading.last:
                continue
            reason = self._left_out(line)
            if reason:
                self._skip(reason, line.number)
                continue
            own = not self._columns.isdisjoint(line.cells)
            if self._merges.down:
                self._carry(line)
            if not own:
                continue
            row = self._row(line)
            if row.values or row.faults or row.seats:
                self._before = row.values
                yield row
        for reason, numbers in self._first_skipped.items():
            listed, many = "、".join(str(number) for number in numbers), self._skipped[reason]
            more = f"等 {many} 行" if many > len(numbers) else "行"
            self._notes.append(f"第 {listed} {more}没有读取：{reason}")

    def _skip(self, reason: str, number: int) -> None:
        self._skipped[reason] += 1
        numbers = self._first_skipped.setdefault(reason, [])
        if len(numbers) < MOST_LISTED:
            numbers.append(number)

    def _left_out(self, line: Line) -> str | None:
        """Return why a line is no row, if it is none."""
        at = min(line.cells)
        first = line.cells[at].strip()
        if first.startswith(EXAMPLE):
            return "示例行"
        if first[:1] in _FIRST_OF_AFTER and _AFTER.fullmatch(first):
            return "合计、签字或说明"
        width = self._merges.across.get((line.number, at), 1)
        if len(line.cells) == 1 and width >= SECTION_WIDTH:
            return "分段标题"
        if first in self._heads and self._heading.repeats(line):
            return "重复的表头"
        return None

    def _carry(self, line: Line) -> None:
        """Let merged cells speak for every line that they cover."""
        number = line.number
        for at, (last, text) in list(self._carried.items()):
            if number > last:
                del self._carried[at]
            else:
                line.cells.setdefault(at, text)
        for at in self._columns:
            last_line = self._merges.down.get((number, at))
            if last_line is not None and at in line.cells:
                self._carried[at] = last_line, line.cells[at]

    def _row(self, line: Line) -> Row:
        found: dict[Field, str] = {}
        faults: list[Fault] = []
        cells = line.cells
        for at, column, parse, may_be_none in self._plan:
            raw = cells.get(at)
            if raw is None:
                continue
            try:
                text = self._text(raw, column.field, self._before.get(column.field))
                if text and not (may_be_none and text in _NONE):
                    found[column.field] = parse(text)
            except Unclear as unclear:
                faults.append(self._fault(line.number, column, str(unclear), raw))
        seats = self._holders(line, faults) if self._seats else ()
        return Row(self._sheet, line.number, found, tuple(faults), seats)

    def _holders(self, line: Line, faults: list[Fault]) -> tuple[Seat, ...]:
        """Read who holds the posts of the place; vacant ones are left out."""
        told: dict[int, tuple[str, dict[Field, str]]] = {}
        for at, column, parse in self._seats:
            raw, seat = line.cells.get(at), column.seat or 0
            if raw is None:
                continue
            try:
                text = self._text(
                    raw, column.field, self._before_seats.get((seat, column.field))
                )
                if text and text not in _NONE and text not in VACANT:
                    found = parse(text)
                    told.setdefault(seat, (column.title, {}))[1][column.field] = found
                    self._before_seats[seat, column.field] = found
            except Unclear as unclear:
                faults.append(self._fault(line.number, column, str(unclear), raw))
        return tuple(Seat(seat, title, said) for seat, (title, said) in told.items())

    def _text(self, raw: str, field: Field, same: str | None) -> str:
        text = values.clean(raw, self._limits.cell_characters)
        if text[:1] in _FIRST_OF_SAME and text in _SAME:
            if same is None:
                raise Unclear("上一行这一列没有内容，不能写“同上”，请填写完整")
            return same
        if self._from_1904 and isinstance(text, values.Numeric):
            return self._after_1904(text, field)
        return text

    @staticmethod
    def _after_1904(text: values.Numeric, field: Field) -> str:
        if _PARSERS[field] in {values.day, values.birthday}:
            return values.day(text, from_1904=True)
        return text

    def _fault(self, number: int, column: Column, message: str, raw: str) -> Fault:
        shown = raw if len(raw) <= LONGEST_SHOWN else f"{raw[:LONGEST_SHOWN]}…"
        head = f"{column.letter} {column.head}"
        return Fault(self._sheet, number, head, column.field, message, str(shown), column.seat)
