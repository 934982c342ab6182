"""What codes are called in a copy that is read, by the part and field that they stand in."""

from neighborhood_api.grid.names import ROLE_NAMES
from neighborhood_api.issues.names import MOVE_NAMES
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.registrations.states import Act, State
from neighborhood_api.venues.use.sheets import STATES

_BY = {"reporter": "诉求人", "staff": "工作人员", "system": "系统"}
_ROLES = {role.value: name for role, name in ROLE_NAMES.items()} | {"teacher": "授课老师"}
_ISSUE_STATES = {state.value: name for state, name in ISSUE.names.items()}
_BOOKING_STATES = {state.value: name for state, name in STATES.items()} | {
    State.HELD.value: "填写中"
}
_BOOKING_ACTS = {
    Act.HOLD: "保留时段",
    Act.REGISTER: "提交",
    Act.CONFIRM: "确认",
    Act.APPROVE: "审批通过",
    Act.REJECT: "审批不通过",
    Act.JOIN_WAITLIST: "加入候补",
    Act.ENTER_DRAW: "参加抽签",
    Act.DRAW: "抽签",
    Act.OFFER: "候补到号",
    Act.PROMOTE: "候补转正",
    Act.ACCEPT: "接受",
    Act.DECLINE: "放弃",
    Act.MOVE: "改期",
    Act.CHANGE: "修改",
    Act.DEMOTE: "转为候补",
    Act.CANCEL: "取消",
    Act.EXPIRE: "失效",
    Act.CHECK_IN: "签到",
    Act.CHECK_OUT: "签退",
    Act.COMPLETE: "结束",
    Act.MISS: "未到",
    Act.SHOW_PHONE: "工作人员查看电话",
}
_SIGN_IN_KINDS = {
    "wechat": "微信",
    "password": "密码",
    "refresh": "续期凭据",
    "second_step": "动态口令",
}

NAMES: dict[str, dict[str, str]] = {
    "role": _ROLES,
    "move": {move.value: name for move, name in MOVE_NAMES.items()},
    "by": _BY,
    "issues.state": _ISSUE_STATES,
    "issues.channel": {
        "mini_program": "小程序",
        "telephone": "电话",
        "counter": "窗口",
    },
    "issue_timeline.to_state": _ISSUE_STATES,
    "bookings.state": _BOOKING_STATES,
    "booking_history.state": _BOOKING_STATES,
    "booking_history.act": {act.value: name for act, name in _BOOKING_ACTS.items()},
    "check_ins.direction": {"in": "签到", "out": "签退"},
    "check_ins.method": {"qr": "扫码", "staff": "工作人员"},
    "strikes.reason": {"late_cancel": "临近取消", "no_show": "未到"},
    "sign_ins.kind": _SIGN_IN_KINDS,
    "sign_in_attempts.kind": _SIGN_IN_KINDS,
    "sign_in_attempts.outcome": {
        "succeeded": "成功",
        "wrong_password": "密码错误",
        "wrong_code": "口令错误",
        "locked": "密码错误，已锁定",
        "reused": "凭据被复制，已退出",
    },
    "residence.confirmed_how": {"phone": "号码相符", "staff": "工作人员确认"},
    "care.kind": {
        "empty_nest": "空巢老人",
        "living_alone": "独居老人",
        "disabled": "残疾人",
        "child_in_need": "困境儿童",
        "left_behind_child": "留守儿童",
        "low_income": "低保",
        "extreme_poverty": "特困",
        "only_child_lost": "失独",
        "serious_illness": "重病",
        "other": "其他",
    },
    "selections.kind": {
        "elected": "选举",
        "nominated": "提名",
        "recruited": "招募",
        "appointed": "任命",
    },
    "register_looks.what": {"resident": "人口登记", "care": "关爱登记"},
    "requests.about": {
        "register": "人口登记",
        "address": "住址、户",
        "issue": "诉求记录",
        "other": "其他",
    },
    "requests.wish": {"correct": "更正", "delete": "删除"},
    "copies.state": {"queued": "生成中", "done": "已完成", "failed": "未完成"},
    "cancellations.state": {"cooling": "冷静期", "withdrawn": "已撤回", "done": "已注销"},
}
"""By the field alone where it is the same everywhere."""


def named(section: str, field: str, code: str) -> str:
    """Return what a code is called; a text that is no code is itself."""
    names = NAMES.get(f"{section}.{field}") or NAMES.get(field, {})
    return names.get(code, code)
