"""What the worklist announces."""

from uuid import UUID

from neighborhood_api.issues.worklists.schemas import ExportState
from neighborhood_api.kit.outbox import Event


class ExportRequested(Event):
    """Somebody asked for issues as a file."""

    name = "issues.export_requested"
    chinese = "有人申请导出诉求。"
    export_id: UUID
    person_id: UUID


class ExportFinished(Event):
    """The file is there, or there will be none."""

    name = "issues.export_finished"
    chinese = "导出完成或失败。"
    export_id: UUID
    person_id: UUID
    state: ExportState
