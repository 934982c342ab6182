"""What the codes of bookings and enrolments are called."""

from neighborhood_api.registrations.states import Act, BookingChannel, BookingState

STATE_NAMES: dict[BookingState, str] = {
    BookingState.HELD: "填写中",
    BookingState.PENDING: "待审批",
    BookingState.ENTERED: "待抽签",
    BookingState.WAITLISTED: "候补",
    BookingState.OFFERED: "候补待确认",
    BookingState.CONFIRMED: "已确认",
    BookingState.CHECKED_IN: "已签到",
    BookingState.COMPLETED: "已结束",
    BookingState.REJECTED: "未通过",
    BookingState.CANCELLED: "已取消",
    BookingState.EXPIRED: "已失效",
    BookingState.NO_SHOW: "未到",
}
CHANNEL_NAMES: dict[BookingChannel, str] = {
    BookingChannel.SELF: "本人",
    BookingChannel.STAFF: "工作人员代约",
    BookingChannel.WALK_IN: "现场登记",
}
ACT_NAMES: dict[Act, str] = {
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
