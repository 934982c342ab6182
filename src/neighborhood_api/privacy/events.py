"""What is announced about people's data: ids only."""

from uuid import UUID

from neighborhood_api.kit.outbox import Code, Event


class ConsentGiven(Event):
    """Somebody agreed to a version of a text."""

    name = "privacy.consent_given"
    chinese = "有人同意了一个版本的文本。"
    person_id: UUID
    document_id: UUID
    kind: Code


class ConsentWithdrawn(Event):
    """Somebody took back a consent, or declined to give it."""

    name = "privacy.consent_withdrawn"
    chinese = "有人撤回了同意，或表示不同意。"
    person_id: UUID
    document_id: UUID
    kind: Code


class DataExportFinished(Event):
    """A copy of somebody's data is there, or could not be made."""

    name = "privacy.data_export_finished"
    chinese = "个人信息副本已生成（或生成失败）。"
    export_id: UUID
    person_id: UUID
    done: bool


class CorrectionAsked(Event):
    """Somebody asked for a correction of what is kept about her."""

    name = "privacy.correction_asked"
    chinese = "有人申请更正或删除关于自己的信息。"
    correction_id: UUID
    person_id: UUID


class CorrectionAnswered(Event):
    """Staff answered a request for correction."""

    name = "privacy.correction_answered"
    chinese = "工作人员答复了更正申请。"
    correction_id: UUID
    person_id: UUID
    granted: bool


class ErasureRequested(Event):
    """Somebody cancelled her account; she may still take that back."""

    name = "privacy.erasure_requested"
    chinese = "有人申请注销账号，冷静期内可撤回。"
    person_id: UUID


class ErasureWithdrawn(Event):
    """Somebody took back the cancellation of her account."""

    name = "privacy.erasure_withdrawn"
    chinese = "有人撤回了注销申请。"
    person_id: UUID


class PersonErased(Event):
    """Nothing is known of a person any more; her id stays in the records."""

    name = "privacy.person_erased"
    chinese = "账号已注销，个人信息已删除，记录中只剩编号。"
    person_id: UUID


class CallersErased(Event):
    """Staff had the name and number of a caller without an account erased."""

    name = "privacy.callers_erased"
    chinese = "工作人员应来电人要求删除了其姓名和电话。"
    by_id: UUID
    issues: int
    registrations: int
