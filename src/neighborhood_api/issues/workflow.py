"""The law of an issue (诉求): from the report to the rating."""

from neighborhood_api.cases.workflow import (
    IN_HAND,
    UNANSWERED,
    By,
    Hands,
    Move,
    State,
    Workflow,
    rule,
)
from neighborhood_api.identity.access import Permission

_TAKEN_ON = frozenset({State.ACCEPTED, State.HANDLING})
_WITH_REPORTER = frozenset({State.RESOLVED, State.CONFIRMED})

ISSUE = Workflow(
    kind="issue",
    read=Permission.ISSUE_READ,
    handle=Permission.ISSUE_HANDLE,
    dispatch=Permission.ISSUE_DISPATCH,
    rules={
        Move.ACCEPT: rule(UNANSWERED, State.ACCEPTED, By.HANDS),
        Move.RESPOND: rule(_TAKEN_ON, State.HANDLING, By.HANDS, words=True),
        Move.RESOLVE: rule(_TAKEN_ON, State.RESOLVED, By.HANDS, words=True),
        Move.REJECT: rule({*UNANSWERED, State.ACCEPTED}, State.REJECTED, By.HANDS, words=True),
        Move.ESCALATE: rule(
            IN_HAND, State.ASSIGNED, By.HANDS, By.SYSTEM, hands=Hands.UP, words=True
        ),
        Move.DISPATCH: rule(
            IN_HAND, State.ASSIGNED, By.DISPATCHER, hands=Hands.TO_ORGANIZATION
        ),
        Move.WITHDRAW: rule(IN_HAND, State.WITHDRAWN, By.REPORTER),
        Move.CONFIRM: rule({State.RESOLVED}, State.CONFIRMED, By.REPORTER),
        Move.REOPEN: rule(_WITH_REPORTER, State.REOPENED, By.REPORTER, words=True),
        Move.RATE: rule({State.CONFIRMED, State.CLOSED}, State.CLOSED, By.REPORTER),
        Move.CLOSE: rule(_WITH_REPORTER, State.CLOSED, By.SYSTEM),
        Move.COMMENT: rule(IN_HAND | _WITH_REPORTER, None, By.READER, By.REPORTER, words=True),
    },
    names={
        State.ASSIGNED: "待受理",
        State.ACCEPTED: "已受理",
        State.HANDLING: "办理中",
        State.RESOLVED: "已办结，待确认",
        State.REOPENED: "重办，待受理",
        State.CONFIRMED: "已确认，待评价",
        State.CLOSED: "已结案",
        State.REJECTED: "不予受理",
        State.WITHDRAWN: "已撤回",
    },
)
