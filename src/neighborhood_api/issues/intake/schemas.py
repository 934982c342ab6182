"""What the operations of intake return."""

from neighborhood_api.issues.models import ReportChannel
from neighborhood_api.issues.names import CHANNEL_NAMES
from neighborhood_api.issues.schemas import IssueOut
from neighborhood_api.kit.schema import named


class IntakeOut(IssueOut):
    """An issue that the caller took in for somebody, and how far it has come."""

    channel: ReportChannel
    """来电或到窗口 · By telephone, or at the counter."""
    channel_name: str = named("channel", CHANNEL_NAMES)
    """上报渠道 · The same in Chinese, to be shown as it is."""
    caller_name: str
    caller_phone: str
    """已遮盖 · Masked."""
    account: bool
    """来电人已有账号，可自行查看和评价 · She has an account, and speaks for herself."""
