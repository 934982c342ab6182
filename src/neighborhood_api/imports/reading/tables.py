"""What a file of an office says: tables of rows, and what is wrong with them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum


class Kind(StrEnum):
    """What the rows of a sheet describe."""

    NODES = "nodes"
    HOUSEHOLDS = "households"
    PEOPLE = "people"
    POSTS = "posts"
    ORGANIZATIONS = "organizations"
    """部门: bodies that handle issues."""
    ESTABLISHMENTS = "establishments"
    """单位、商户: organisations found at a place."""


class Field(StrEnum):
    """What a column says; every sheet has the places, and its kind's own columns."""

    # Where: the names and codes of the places from the district down to the lane or building.
    DISTRICT = "district"
    DISTRICT_CODE = "district_code"
    STREET = "street"
    STREET_CODE = "street_code"
    COMMUNITY = "community"
    COMMUNITY_CODE = "community_code"
    GRID = "grid"
    GRID_CODE = "grid_code"
    LANE = "lane"
    LANE_CODE = "lane_code"
    PLACE = "place"
    """A place whose level the head does not say (所属区域)."""
    PLACE_CODE = "place_code"

    # Nodes.
    NAME = "name"
    """Of the node, the person or the organisation that the row describes."""
    CODE = "code"
    """Of the node that the row describes."""
    NODE_KIND = "node_kind"
    PARENT = "parent"
    PARENT_CODE = "parent_code"
    CODE_PREFIX = "code_prefix"
    PLATE_CODE = "plate_code"
    """公示牌编号: what the QR code of the lane's plate carries."""
    LONGITUDE = "longitude"
    LATITUDE = "latitude"
    VALID_FROM = "valid_from"
    VALID_UNTIL = "valid_until"

    # Households and people.
    ADDRESS = "address"
    UNIT = "unit"
    """单元, when it stands in a column of its own."""
    ROOM = "room"
    """室号, when it stands in a column of its own."""
    HEAD = "head"
    """户主: the household's representative."""
    HOUSE_USE = "house_use"
    """自住, 出租, 空置 …, as written."""
    RESIDENTS = "residents"
    """How many people live there."""
    PHONE = "phone"
    RELATION = "relation"
    """与户主关系, as written."""
    GENDER = "gender"
    BORN_ON = "born_on"
    CARE = "care"
    """Special-care flags, as written, e.g. 空巢老人、残疾人."""
    MOVED_IN_ON = "moved_in_on"
    MOVED_OUT_ON = "moved_out_on"
    VERIFIED_ON = "verified_on"

    # Posts.
    POST = "post"
    """职务, as written, e.g. 网格员."""
    DUTY_PHONE = "duty_phone"
    STARTS_ON = "starts_on"
    ENDS_ON = "ends_on"
    ORGANIZATION = "organization"
    STAND_IN = "stand_in"
    STAND_IN_PHONE = "stand_in_phone"
    PRIMARY = "primary"
    """主责: whether she is the one worker who is responsible for her grid."""
    SELECTED_HOW = "selected_how"
    """产生方式: 推选, 任命 …, as written."""
    SELECTED_ON = "selected_on"
    VOTES_FOR = "votes_for"
    VOTES_CAST = "votes_cast"
    VOTES_ELIGIBLE = "votes_eligible"
    SELECTED_BY = "selected_by"
    """提名或任命单位."""
    DOCUMENT_NUMBER = "document_number"
    SELECTION_NOTE = "selection_note"

    # Organisations.
    CREDIT_CODE = "credit_code"
    """统一社会信用代码, 18 letters and digits."""
    ORGANIZATION_KIND = "organization_kind"
    CONTACT = "contact"

    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Fault:
    """One cell (or, without `field`, one row) that cannot be taken as it is."""

    sheet: str
    row: int
    """As the spreadsheet numbers it: the first line of the sheet is 1."""
    column: str
    """Letter and head, e.g. `C 联系电话`; empty for the whole row."""
    field: Field | None
    message: str
    """In Chinese: what is wrong, and what to write instead."""
    value: str = ""
    """What stood there, shortened."""
    seat: int | None = None
    """As in `Column`."""


@dataclass(frozen=True, slots=True)
class Seat:
    """A post of a place, as a row of the place names it (网格长, 电话)."""

    number: int
    """Tells the posts of one sheet apart."""
    title: str
    """The head: what the post is called."""
    values: Mapping[Field, str]
    """Name, phone and duty phone; empty cells are absent."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table; empty cells are absent from `values`.

    Codes, phones, dates, counts and coordinates are already in one form: `441322001001`,
    `13800138000`, `2024-03-01`, `3`, `114.289`. A cell with a fault is absent from `values`.
    """

    sheet: str
    number: int
    """As the spreadsheet numbers it."""
    values: Mapping[Field, str]
    faults: tuple[Fault, ...] = ()
    seats: tuple[Seat, ...] = ()
    """Who holds posts there, in a sheet of places that says so in columns of its own."""

    def get(self, wanted: Field) -> str | None:
        """Return what stands in a column, or None for an empty cell."""
        return self.values.get(wanted)

    def day(self, wanted: Field) -> date | None:
        """Return the day in a column of days."""
        text = self.values.get(wanted)
        return None if text is None else date.fromisoformat(text)

    def count(self, wanted: Field) -> int | None:
        """Return the whole number in a column of counts."""
        text = self.values.get(wanted)
        return None if text is None else int(text)

    def degrees(self, wanted: Field) -> Decimal | None:
        """Return the number in a column of coordinates."""
        text = self.values.get(wanted)
        return None if text is None else Decimal(text)


@dataclass(frozen=True, slots=True)
class Column:
    """A column that was understood."""

    field: Field
    letter: str
    head: str
    """As the office wrote it; both lines of a head of two."""
    seat: int | None = None
    """The post that the column is about, where it is not the row itself."""
    title: str = ""
    """What that post is called."""


@dataclass(frozen=True, slots=True)
class Table:
    """One sheet that was understood; its rows are read as they are asked for, once."""

    kind: Kind
    sheet: str
    columns: tuple[Column, ...]
    rows: Iterator[Row]
    notes: list[str] = field(default_factory=list)
    """What was left out and why, in Chinese; complete when the rows are at their end."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A sheet from which nothing is read."""

    sheet: str
    message: str
    """In Chinese: why."""
    wrong: bool
    """Whether the office must mend it; else it is meant to be left out (hidden, empty)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a file is read before it is refused."""

    file_bytes: int = 50 * 1024 * 1024
    inflated_bytes: int = 512 * 1024 * 1024
    """Of all the parts of a workbook that are read."""
    inflation: int = 100
    """How many times larger a part may become, once it is larger than a megabyte.

    Source: the same as Apache POI's `ZipSecureFile`.
    """
    text_bytes: int = 128 * 1024 * 1024
    """Of all different texts of a workbook; they are held in memory."""
    parts: int = 2_000
    """Files within a workbook."""
    sheets: int = 100
    rows: int = 1_048_576
    """Lines of one sheet, as many as spreadsheets hold."""
    columns: int = 200
    cell_characters: int = 2_000
    merges: int = 200_000
    line_characters: int = 64_000
    """Of one line of a text file."""
    seconds: float = 8.0
    """Of processor time for one file, without its rows."""
    seconds_of_a_row: float = 0.0003
    """For each row besides; even wide ones take a third of it."""


DEFAULT_LIMITS = Limits()
