"""The law of an issue (诉求): from the report to the rating."""

from neighborhood_api.cases.workflow import (
    IN_HAND,
    PAUSED,
    TAKEN_ON,
    UNANSWERED,
    WITH_REPORTER,
    By,
    Hands,
    Move,
    State,
    Workflow,
    rule,
)
from neighborhood_api.identity.access import Permission

_OFFERABLE = IN_HAND - {State.ADJUDICATING}
_TALKED_ABOUT = IN_HAND | WITH_REPORTER | {State.VERIFYING, State.MERGED}
_ADJUDICATING = {State.ADJUDICATING}
_THEIR_TURN = (IN_HAND - {State.WAITING}) | {State.VERIFYING}

_STRAIGHT = {
    Move.ACCEPT: rule(UNANSWERED, State.ACCEPTED, By.HANDS),
    Move.RESPOND: rule(TAKEN_ON, State.HANDLING, By.HANDS, words=True),
    Move.ASK: rule(TAKEN_ON, State.WAITING, By.HANDS, words=True),
    Move.ANSWER: rule({State.WAITING}, State.HANDLING, By.REPORTER, By.INTAKE, words=True),
    Move.RESUME: rule(PAUSED, State.HANDLING, By.HANDS, By.SYSTEM),
    Move.RESOLVE: rule(TAKEN_ON, State.RESOLVED, By.HANDS, words=True, also={State.VERIFYING}),
    Move.REJECT: rule({*UNANSWERED, State.ACCEPTED}, State.REJECTED, By.HANDS, words=True),
    Move.WITHDRAW: rule(IN_HAND, State.WITHDRAWN, By.REPORTER),
    Move.COMMENT: rule(_TALKED_ABOUT, None, By.READER, By.REPORTER, words=True),
}
_SETTLING = {
    Move.VERIFY: rule({State.VERIFYING}, State.RESOLVED, By.VERIFIER),
    Move.REFUSE_RESULT: rule({State.VERIFYING}, State.HANDLING, By.VERIFIER, words=True),
    Move.CONFIRM: rule({State.RESOLVED}, State.CONFIRMED, By.REPORTER, By.INTAKE),
    Move.REOPEN: rule(
        WITH_REPORTER | {State.CLOSED, State.REJECTED},
        State.REOPENED,
        By.REPORTER,
        By.INTAKE,
        By.SUPPORTER,
        hands=Hands.UP_OR_STAY,
        words=True,
    ),
    Move.RATE: rule({State.CONFIRMED, State.CLOSED}, State.CLOSED, By.REPORTER, By.INTAKE),
    Move.CLOSE: rule(WITH_REPORTER, State.CLOSED, By.SYSTEM),
    Move.CALL_BACK: rule(set(State), None, By.DISPATCHER, By.ABOVE, words=True),
    Move.REMEDY: rule(set(State), None, By.HANDS, words=True),
}
_ROUTING = {
    Move.ESCALATE: rule(
        _OFFERABLE, State.ASSIGNED, By.HANDS, By.SYSTEM, hands=Hands.UP, words=True
    ),
    Move.ALARM: rule(UNANSWERED, None, By.SYSTEM, words=True),
    Move.DISPATCH: rule(_OFFERABLE, None, By.DISPATCHER, hands=Hands.OFFER),
    Move.TRANSFER: rule(UNANSWERED | TAKEN_ON, None, By.HANDS, hands=Hands.OFFER, words=True),
    Move.TAKE_OVER: rule(_OFFERABLE, State.ACCEPTED, By.OFFERED, hands=Hands.TO_OFFERED),
    Move.DECLINE: rule(
        _OFFERABLE,
        None,
        By.OFFERED,
        hands=Hands.WITHOUT_OFFER,
        words=True,
        also=_ADJUDICATING,
    ),
    Move.LAPSE: rule(
        _OFFERABLE,
        None,
        By.SYSTEM,
        hands=Hands.WITHOUT_OFFER,
        words=True,
        also=_ADJUDICATING,
    ),
    Move.RETURN: rule(
        {*UNANSWERED, State.ACCEPTED},
        State.ASSIGNED,
        By.HANDS,
        hands=Hands.UP,
        words=True,
        also=_ADJUDICATING,
    ),
    Move.ADJUDICATE: rule(
        _ADJUDICATING, State.ASSIGNED, By.DISPATCHER, hands=Hands.TO_TARGET, words=True
    ),
}
_TIME = {
    Move.REQUEST_SUSPENSION: rule(TAKEN_ON, None, By.HANDS, words=True),
    Move.SUSPEND: rule(TAKEN_ON, State.SUSPENDED, By.ABOVE, words=True),
    Move.REQUEST_EXTENSION: rule(TAKEN_ON | PAUSED, None, By.HANDS, words=True),
    Move.EXTEND: rule(IN_HAND, None, By.ABOVE, words=True),
    Move.REFUSE_REQUEST: rule(IN_HAND, None, By.ABOVE, words=True),
}
_TOGETHER = {
    Move.WHISTLE: rule(_OFFERABLE, None, By.WHISTLER, words=True),
    Move.CHECK_IN: rule(IN_HAND, None, By.CALLED),
    Move.REPORT_WORK: rule(IN_HAND, None, By.CALLED, words=True),
    Move.RELEASE: rule(IN_HAND, None, By.CALLER),
    Move.RATE_CALL: rule(set(State), None, By.CALLER),
    Move.MISS_CHECK_IN: rule(IN_HAND, None, By.SYSTEM, words=True),
    Move.MERGE: rule(_OFFERABLE, State.MERGED, By.HANDS, By.DISPATCHER, By.ABOVE, words=True),
    Move.UNMERGE: rule(
        {State.MERGED},
        State.ASSIGNED,
        By.HANDS,
        By.DISPATCHER,
        By.ABOVE,
        By.SYSTEM,
        words=True,
    ),
    Move.FOLLOW: rule({State.MERGED}, State.RESOLVED, By.SYSTEM, also={State.REJECTED}),
}
_WATCHING = {
    Move.URGE: rule(_THEIR_TURN, None, By.REPORTER),
    Move.SUPERVISE: rule(IN_HAND, None, By.ABOVE, words=True),
    Move.ANSWER_ORDER: rule(set(State), None, By.HANDS, words=True),
    Move.SETTLE_ORDER: rule(set(State), None, By.ABOVE, By.HANDS),
    Move.REPEAT_ORDER: rule(set(State), None, By.ABOVE, By.HANDS, words=True),
    Move.MISS_ORDER: rule(set(State), None, By.SYSTEM, words=True),
}

ANNOUNCED = {
    Move.REPORT: "opened",
    Move.ACCEPT: "accepted",
    Move.RESPOND: "responded",
    Move.ASK: "asked_reporter",
    Move.ANSWER: "answered_by_reporter",
    Move.RESUME: "resumed",
    Move.RESOLVE: "resolved",
    Move.VERIFY: "verified",
    Move.REFUSE_RESULT: "result_refused",
    Move.REJECT: "rejected",
    Move.ESCALATE: "escalated",
    Move.ALARM: "alarmed",
    Move.DISPATCH: "dispatched",
    Move.TRANSFER: "transfer_offered",
    Move.TAKE_OVER: "taken_over",
    Move.DECLINE: "declined",
    Move.LAPSE: "offer_lapsed",
    Move.RETURN: "returned",
    Move.ADJUDICATE: "adjudicated",
    Move.REQUEST_SUSPENSION: "suspension_requested",
    Move.SUSPEND: "suspended",
    Move.REQUEST_EXTENSION: "extension_requested",
    Move.EXTEND: "extended",
    Move.REFUSE_REQUEST: "request_refused",
    Move.WHISTLE: "whistled",
    Move.CHECK_IN: "checked_in",
    Move.REPORT_WORK: "work_reported",
    Move.RELEASE: "released",
    Move.RATE_CALL: "call_rated",
    Move.MISS_CHECK_IN: "check_in_missed",
    Move.CONFIRM: "confirmed",
    Move.REOPEN: "reopened",
    Move.RATE: "closed_by_rating",
    Move.CALL_BACK: "called_back",
    Move.REMEDY: "remedied",
    Move.WITHDRAW: "withdrawn",
    Move.CLOSE: "closed",
    Move.COMMENT: "commented",
    Move.URGE: "urged",
    Move.SUPERVISE: "supervised",
    Move.ANSWER_ORDER: "order_answered",
    Move.SETTLE_ORDER: "order_settled",
    Move.REPEAT_ORDER: "order_repeated",
    Move.MISS_ORDER: "order_missed",
    Move.MERGE: "merged",
    Move.UNMERGE: "unmerged",
    Move.FOLLOW: "followed",
}
"""What has happened, for the name of each event: `issues.issue_accepted` and so on."""

ISSUE = Workflow(
    kind="issue",
    read=Permission.ISSUE_READ,
    read_confidential=Permission.ISSUE_CONFIDENTIAL,
    handle=Permission.ISSUE_HANDLE,
    dispatch=Permission.ISSUE_DISPATCH,
    intake=Permission.ISSUE_INTAKE,
    rules=_STRAIGHT | _SETTLING | _ROUTING | _TIME | _TOGETHER | _WATCHING,
    names={
        State.ASSIGNED: "待受理",
        State.ACCEPTED: "已受理",
        State.HANDLING: "办理中",
        State.WAITING: "待诉求人补充",
        State.SUSPENDED: "已挂账",
        State.ADJUDICATING: "街道裁定中",
        State.VERIFYING: "核查中",
        State.RESOLVED: "已办结，待确认",
        State.REOPENED: "重办，待受理",
        State.CONFIRMED: "已确认，待评价",
        State.CLOSED: "已结案",
        State.REJECTED: "不予受理",
        State.WITHDRAWN: "已撤回",
        State.MERGED: "已并案",
    },
    announced={move: f"issues.issue_{past}" for move, past in ANNOUNCED.items()},
)
