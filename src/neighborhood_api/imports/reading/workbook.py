"""A workbook: its sheets, the formats of its days, and the texts that its cells share."""

import posixpath
import re
from array import array
from dataclasses import dataclass
from typing import BinaryIO

from typing_extensions import override

from neighborhood_api.imports.reading.archive import Archive
from neighborhood_api.imports.reading.markup import Attributes, Markup, hear, local
from neighborhood_api.imports.reading.patience import Patience
from neighborhood_api.imports.reading.problems import (
    DamagedWorkbook,
    OldWorkbook,
    SuspiciousWorkbook,
    TableFileTooLarge,
    UnreadableTable,
)
from neighborhood_api.imports.reading.tables import Limits

DAY_FORMATS = frozenset((*range(14, 18), 22, *range(27, 32), 36, *range(50, 55), 57, 58))
"""Built-in number formats that show a day, in the Chinese editions too.

Source: ECMA-376 part 1, 18.8.30.
"""
MOST_STYLES = 70_000
"""Spreadsheets stop at 65,490."""
BYTES_OF_A_TEXT = 32
"""Counted for each text beside its own, so that empty ones are not without end."""
_SHEET = "/worksheet"
_ELAPSED = re.compile(r"\[[hms]+\]")
_UNSHOWN = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.|_.|\*.')
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


@dataclass(frozen=True, slots=True)
class SheetPart:
    """One sheet as the workbook lists it."""

    name: str
    part: str
    hidden: bool


class SharedTexts:
    """The texts that cells refer to by number, packed: hundreds of thousands fit in memory."""

    def __init__(self, limits: Limits) -> None:
        """Start without texts."""
        self._packed = bytearray()
        self._ends = array("Q", [0])
        self._limits = limits

    def add(self, text: str) -> None:
        """Keep one more text.

        Raises: TableFileTooLarge.
        """
        self._packed += text.encode("utf-8", "surrogatepass")
        self._ends.append(len(self._packed))
        held = len(self._packed) + len(self._ends) * BYTES_OF_A_TEXT
        if held > self._limits.text_bytes:
            raise TableFileTooLarge("表里的文字太多，请拆成几个文件分别上传")

    def __getitem__(self, number: int) -> str:
        """Return a text by its number.

        Raises: IndexError.
        """
        if number < 0:
            raise IndexError(number)
        start, end = self._ends[number], self._ends[number + 1]
        return self._packed[start:end].decode("utf-8", "replace")


class Workbook:
    """An opened workbook, of which only the small parts were read."""

    def __init__(self, file: BinaryIO, limits: Limits, patience: Patience) -> None:
        """Read what the workbook lists.

        Raises: UnreadableTable: or one of its subclasses.
        """
        self.limits = limits
        self.archive = Archive(file, limits, patience)
        main = self._main_part()
        if main is None:
            raise UnreadableTable
        if main.endswith(".bin") or main not in self.archive:
            raise OldWorkbook
        targets = self._relations(main)
        contents = _Contents()
        hear(contents, [self.archive.whole(main)])
        self.from_1904 = contents.from_1904
        self.sheets = [
            SheetPart(name, targets[relation][1], hidden)
            for name, relation, hidden in contents.sheets
            if relation in targets and targets[relation][0].endswith(_SHEET)
        ]
        if len(contents.sheets) > limits.sheets:
            raise TableFileTooLarge(f"工作表超过 {limits.sheets} 张，请拆成几个文件分别上传")
        if len({sheet.part for sheet in self.sheets}) < len(self.sheets):
            raise SuspiciousWorkbook("两张工作表指向同一内容")
        parts = {kind.rpartition("/")[2]: part for kind, part in targets.values()}
        self.day_styles = self._day_styles(parts.get("styles"))
        self._texts_part = parts.get("sharedStrings")
        self._texts: SharedTexts | None = None

    @property
    def texts(self) -> SharedTexts:
        """The shared texts, read when the first sheet asks for them."""
        if self._texts is None:
            texts = SharedTexts(self.limits)
            if self._texts_part is not None and self._texts_part in self.archive:
                heard = _Texts(texts, self.limits.cell_characters)
                hear(heard, self.archive.chunks(self._texts_part))
            self._texts = texts
        return self._texts

    def _main_part(self) -> str | None:
        if "_rels/.rels" not in self.archive:
            return None
        relations = _Relations()
        hear(relations, [self.archive.whole("_rels/.rels")])
        return next(
            (
                target.lstrip("/")
                for kind, target in relations.found.values()
                if kind.endswith("/officeDocument")
            ),
            None,
        )

    def _relations(self, main: str) -> dict[str, tuple[str, str]]:
        folder, name = posixpath.split(main)
        relations = _Relations()
        part = posixpath.join(folder, "_rels", f"{name}.rels")
        hear(relations, [self.archive.whole(part)])
        return {
            key: (kind, posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/"))
            for key, (kind, target) in relations.found.items()
        }

    def _day_styles(self, part: str | None) -> frozenset[str]:
        if part is None or part not in self.archive:
            return frozenset()
        styles = _Styles()
        hear(styles, self.archive.chunks(part))
        return frozenset(
            str(number)
            for number, shown in enumerate(styles.formats)
            if shown in styles.own_day_formats
            or (shown in DAY_FORMATS and shown not in styles.own_formats)
        )


def unescape(text: str) -> str:
    """Return a text in which a workbook wrote control characters as `_x000D_`."""
    if "_x" not in text:
        return text
    return _ESCAPED.sub(lambda found: _character(int(found[1], 16)), text)


def _character(number: int) -> str:
    """Return a character, or one that no cell may hold in place of what is none at all."""
    return chr(number) if number and not 0xD800 <= number <= 0xDFFF else "\uffff"  # noqa: PLR2004


class _Contents(Markup):
    """`workbook.xml`."""

    def __init__(self) -> None:
        super().__init__()
        self.from_1904 = False
        self.sheets: list[tuple[str, str, bool]] = []

    @override
    def start(self, name: str, attributes: Attributes) -> None:
        part = local(name)
        if part == "workbookPr":
            self.from_1904 = attributes.get("date1904") in {"1", "true"}
        elif part == "sheet":
            relation = next((v for k, v in attributes.items() if local(k) == "id"), "")
            hidden = attributes.get("state", "visible") != "visible"
            self.sheets.append((attributes.get("name", ""), relation, hidden))


class _Relations(Markup):
    """A `.rels`: id → (type, target) of everything inside of the archive."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, tuple[str, str]] = {}

    @override
    def start(self, name: str, attributes: Attributes) -> None:
        if local(name) == "Relationship" and attributes.get("TargetMode") != "External":
            self.found[attributes.get("Id", "")] = (
                attributes.get("Type", ""),
                attributes.get("Target", ""),
            )


class _Styles(Markup):
    """`styles.xml`: which styles show a day."""

    def __init__(self) -> None:
        super().__init__()
        self.formats: list[int] = []
        self.own_formats: set[int] = set()
        self.own_day_formats: set[int] = set()
        self._in_cells = False

    @override
    def start(self, name: str, attributes: Attributes) -> None:
        part = local(name)
        if part == "numFmt":
            number = _number(attributes.get("numFmtId"))
            self.own_formats.add(number)
            if _shows_a_day(attributes.get("formatCode", "")):
                self.own_day_formats.add(number)
        elif part == "cellXfs":
            self._in_cells = True
        elif part == "xf" and self._in_cells:
            self.formats.append(_number(attributes.get("numFmtId")))
        if max(len(self.formats), len(self.own_formats)) > MOST_STYLES:
            raise DamagedWorkbook

    @override
    def end(self, name: str) -> None:
        if local(name) == "cellXfs":
            self._in_cells = False


class _Texts(Markup):
    """`sharedStrings.xml`: one text per `si`, without readings (rPh)."""

    def __init__(self, texts: SharedTexts, longest: int) -> None:
        super().__init__()
        self._texts = texts
        self._longest = longest
        self._text = ""
        self._in_reading = False
        self._listening = False

    @override
    def start(self, name: str, attributes: Attributes) -> None:
        part = local(name)
        if part == "si":
            self._text = ""
        elif part == "t":
            self._listening = not self._in_reading
        elif part == "rPh":
            self._in_reading = True

    @override
    def end(self, name: str) -> None:
        part = local(name)
        if part == "si":
            self._texts.add(unescape(self._text))
        elif part == "t":
            self._listening = False
        elif part == "rPh":
            self._in_reading = False

    @override
    def text(self, text: str) -> None:
        if self._listening and len(self._text) <= self._longest:
            self._text += text[: self._longest + 1]


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.isdecimal() and len(text) < 10 else 0  # noqa: PLR2004


def _shows_a_day(shown: str) -> bool:
    first = shown.partition(";")[0].lower()
    if _ELAPSED.search(first):
        return False
    bare = _UNSHOWN.sub("", first)
    return "y" in bare or "d" in bare or ("m" in bare and "h" not in bare and "s" not in bare)
