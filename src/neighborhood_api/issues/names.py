"""What moves and other codes of issues are called."""

from neighborhood_api.cases.timekeeping import Purpose
from neighborhood_api.cases.warnings import Colour
from neighborhood_api.cases.workflow import Move
from neighborhood_api.issues.models import ReportChannel

MOVE_NAMES: dict[Move, str] = {
    Move.REPORT: "上报",
    Move.ACCEPT: "受理",
    Move.RESPOND: "回应",
    Move.ASK: "请补充情况",
    Move.ANSWER: "补充情况",
    Move.RESUME: "恢复办理",
    Move.RESOLVE: "办结",
    Move.VERIFY: "核查通过",
    Move.REFUSE_RESULT: "核查不通过",
    Move.REJECT: "不予受理",
    Move.ESCALATE: "上报上级",
    Move.ALARM: "无人受理告警",
    Move.DISPATCH: "派遣部门",
    Move.TRANSFER: "转办",
    Move.TAKE_OVER: "接收",
    Move.DECLINE: "退回转办",
    Move.LAPSE: "逾期未接收",
    Move.RETURN: "退单",
    Move.ADJUDICATE: "裁定",
    Move.REQUEST_SUSPENSION: "申请挂账",
    Move.SUSPEND: "同意挂账",
    Move.REQUEST_EXTENSION: "申请延期",
    Move.EXTEND: "同意延期",
    Move.REFUSE_REQUEST: "不同意申请",
    Move.WHISTLE: "吹哨",
    Move.CHECK_IN: "报到",
    Move.REPORT_WORK: "反馈处置",
    Move.RELEASE: "解除调度",
    Move.RATE_CALL: "评价报到单位",
    Move.MISS_CHECK_IN: "逾期未报到",
    Move.CONFIRM: "确认",
    Move.REOPEN: "要求重办",
    Move.RATE: "评价",
    Move.CALL_BACK: "回访",
    Move.REMEDY: "整改",
    Move.WITHDRAW: "撤回",
    Move.CLOSE: "结案",
    Move.COMMENT: "留言",
    Move.URGE: "催办",
    Move.SUPERVISE: "督办",
    Move.ANSWER_ORDER: "回复督办",
    Move.SETTLE_ORDER: "督办销号",
    Move.REPEAT_ORDER: "再次督办",
    Move.MISS_ORDER: "督办逾期未回复",
    Move.MERGE: "并案",
    Move.UNMERGE: "撤销并案",
    Move.FOLLOW: "随主件办理",
}
CHANNEL_NAMES: dict[ReportChannel, str] = {
    ReportChannel.MINI_PROGRAM: "小程序",
    ReportChannel.TELEPHONE: "电话",
    ReportChannel.COUNTER: "窗口",
}
PURPOSE_NAMES: dict[Purpose, str] = {
    Purpose.RESPOND: "回应",
    Purpose.RESOLVE: "办结",
    Purpose.VERIFY: "核查",
    Purpose.CHECK_IN: "报到",
    Purpose.ORDER: "督办",
    Purpose.REMEDY: "整改",
}
COLOUR_NAMES: dict[Colour, str] = {Colour.YELLOW: "即将超时", Colour.RED: "已超时"}
