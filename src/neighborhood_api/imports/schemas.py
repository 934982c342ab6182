"""What the imports API accepts and returns."""

from enum import StrEnum
from uuid import UUID

from pydantic import ConfigDict

from neighborhood_api.imports.reading.tables import Kind
from neighborhood_api.kit.schema import In, Moment, Out
from neighborhood_api.registers.schemas import Why


class ImportState(StrEnum):
    """How far an import is."""

    QUEUED = "queued"
    CHECKING = "checking"
    CHECKED = "checked"
    """The dry run is done; nothing was changed."""
    APPLYING = "applying"
    APPLIED = "applied"
    FAILED = "failed"
    CANCELLED = "cancelled"


class ImportTotalsOut(Out):
    """What becomes of the rows of one kind."""

    kind: Kind
    kind_name: str
    """类别名称 · What the kind is called."""
    new: int = 0
    """新增 · Rows that are not there yet; households implied by people among them."""
    changed: int = 0
    """修改 · Rows that would be different."""
    unchanged: int = 0
    """不变 · Rows that are there as they stand."""
    fault: int = 0
    """有误 · Rows that cannot be taken."""
    warning: int = 0
    """提醒 · Rows that can be taken, and that somebody should look at."""
    missing: int = 0
    """登记中有而文件中没有；不会删除 · Left out by the file; nothing is deleted."""


class ImportedFileOut(Out):
    """A file of an import."""

    name: str
    """文件名 · As it was uploaded."""
    size_bytes: int


class ImportOut(Out):
    """An import: how far it is, and what it would change or has changed."""

    id: UUID
    node_id: UUID
    """导入到哪里 · The place for which it was brought."""
    state: ImportState
    state_name: str
    """状态名称 · What the state is called."""
    rows_done: int
    """已处理行数 · Rows done in this step."""
    rows_total: int | None
    """总行数；首次读完前为空 · Null until all files were read once."""
    totals: list[ImportTotalsOut]
    """按类别统计，核对完成后才有 · By kind; empty before the dry run is done."""
    sheets_refused: int
    """读不懂的工作表数，详见报告 · Sheets that could not be read; the report says why."""
    applicable: bool
    """是否可以导入：已核对、没有错误且有变化 · Whether it can be applied now."""
    files: list[ImportedFileOut]
    requested_at: Moment
    applied_at: Moment | None
    report_url: str | None
    """报告下载地址（需登录）· The report, with the access token; null while there is none."""
    expires_at: Moment
    """文件和报告的删除时间 · When files and report are deleted."""
    problem: str | None
    """失败原因代码 · The code of why it failed."""
    message: str | None
    """失败说明，可直接显示 · What to show the user when it failed."""


class GridExportIn(In):
    """A wish to take the grid and its people out as a file."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"node_id": "0198c0de-0000-7000-8000-000000000001", "reason": "年度人口核对"}
            ]
        }
    )
    node_id: UUID
    """导出哪里 · The district, or a community with its households and people."""
    reason: Why | None = None
    """事由，导出住户和人口时必填，本人可见 · Needed with households and people; they see it."""


class GridExportState(StrEnum):
    """How far an export is."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class GridExportOut(Out):
    """An export of the grid and its people."""

    id: UUID
    node_id: UUID
    state: GridExportState
    state_name: str
    """状态名称 · What the state is called."""
    rows_done: int
    requested_at: Moment
    url: str | None
    """下载地址（需登录），保留 24 小时 · With the access token; kept for a day."""
    problem: str | None
    message: str | None
    """失败说明，可直接显示 · What to show the user when it failed."""
