"""What moves are called."""

from neighborhood_api.cases.workflow import Move

MOVE_NAMES: dict[Move, str] = {
    Move.REPORT: "上报",
    Move.ACCEPT: "受理",
    Move.RESPOND: "回应",
    Move.RESOLVE: "办结",
    Move.REJECT: "不予受理",
    Move.ESCALATE: "上报上级",
    Move.DISPATCH: "派遣部门",
    Move.CONFIRM: "确认",
    Move.REOPEN: "要求重办",
    Move.RATE: "评价",
    Move.WITHDRAW: "撤回",
    Move.CLOSE: "结案",
    Move.COMMENT: "留言",
}
