"""The law of who may do what with an issue, written once more from whom each policy names.

An issue lies in the hands of the first lane's chief unless its situation says otherwise. Of
those who may not do something, whoever sees the issue is told 403, and all others 404.
"""

from typing import Any, NamedTuple

from tests.authorization.cast import (
    EVERYBODY,
    FROM_COMMUNITY,
    FROM_GRID,
    FROM_LANE,
    FROM_STREET,
    NAMED,
    REPORTER,
    WATCHING,
)
from tests.authorization.world import DAY, EXCLUSION, LATER, UNCLEAR, WORDS


class Line(NamedTuple):
    """An operation in a situation, those who may, and what they send."""

    operation: str
    situation: str
    allowed: set[str]
    body: dict[str, Any] | None = None
    query: dict[str, str] = {}  # noqa: RUF012  (nobody changes it)
    answers: dict[str, int] = {}  # noqa: RUF012
    """Refusals of those who may that come after the question whether they may."""
    hidden: bool = False
    """Whether even those who see the issue are told 404."""


VISITORS: dict[str, set[str]] = {
    "held by a department": {"holding officer"},
    "offered next door": {"next chief"},
    "offered to a department": {"offered officer"},
    "called": {"called officer"},
    "checked in": {"called officer"},
    "worked on": {"called officer"},
    "released": {"called officer"},
}
"""Who else reads the issue in a situation; a department that was called may look back."""
STRANGERS: dict[str, set[str]] = {
    "taken in": WATCHING,
    "about a person": REPORTER | NAMED,
    "about a person, asking": REPORTER | NAMED,
    "about a person, exclusion asked": REPORTER | NAMED,
    "about a person, verifying": REPORTER | NAMED,
    "about the street": REPORTER | {"district inspector"},
}
"""Situations whose readers are others altogether."""


def staff_readers(situation: str) -> set[str]:
    """Return the staff that sees the issue."""
    return readers(situation) - REPORTER


def readers(situation: str) -> set[str]:
    """Return everybody who sees the issue."""
    usual = REPORTER | WATCHING | VISITORS.get(situation, set())
    return STRANGERS.get(situation, usual)


INTAKE = FROM_COMMUNITY
"""Whoever takes in what others say there, and speaks for them; not about her own work."""
HANDS: dict[str, set[str]] = {
    "reported": FROM_LANE,
    "with the grid": FROM_GRID,
    "with the community": FROM_COMMUNITY,
    "with the street": FROM_STREET,
    "held by a department": FROM_STREET | {"holding officer"},
    "about a person": NAMED,
    "about the street": {"district inspector"},
}
"""Those who hold it, and those above them."""
HOLDING: dict[str, set[str]] = {
    "reported": {"own chief"},
    "with the grid": {"own leader", "own worker"},
    "with the community": {"own clerk", "own head"},
    "with the street": FROM_STREET,
    "held by a department": {"holding officer"},
    "about a person": {"own secretary", "own inspector"},
    "about the street": {"district inspector"},
}
ABOVE: dict[str, set[str]] = {
    "reported": FROM_GRID,
    "with the grid": FROM_COMMUNITY,
    "with the community": FROM_STREET,
    "with the street": {"own secretary"},
    "held by a department": FROM_STREET,
    "about a person": NAMED,
    "about the street": {"district inspector"},
}
TARGET = {"organization_id": "{idle}", **WORDS}
ORDER = {"answer_within": DAY, **WORDS}
MODERATION = {"version": 1, "show": True}

READ = [
    *(Line("read_one_issue", situation, readers(situation)) for situation in VISITORS),
    *(Line("read_one_issue", situation, readers(situation)) for situation in STRANGERS),
    Line("read_one_issue", "reported", readers("reported")),
    Line("read_publication", "reported", readers("reported")),
    Line("read_together", "merged", readers("merged")),
    Line("list_ratings", "rated badly", readers("rated badly")),
    Line("list_requests", "asking", staff_readers("asking")),
    Line("list_offers", "offered next door", staff_readers("offered next door")),
    Line("list_issue_calls", "worked on", staff_readers("worked on")),
    Line("list_looks", "reported", REPORTER | FROM_GRID),
    Line("list_looks", "held by a department", REPORTER | FROM_STREET),
]
BY_HANDS = [
    *(Line("reject_issue", situation, hands, WORDS) for situation, hands in HANDS.items()),
    *(
        Line("accept_issue", situation, hands, {})
        for situation, hands in HANDS.items()
        if situation != "held by a department"
    ),
    Line("escalate_issue", "reported", FROM_LANE, WORDS),
    Line("escalate_issue", "about a person", NAMED, WORDS),
    Line("return_issue", "reported", FROM_LANE, UNCLEAR),
    Line("respond_to_issue", "accepted", FROM_LANE, WORDS),
    Line("ask_reporter", "accepted", FROM_LANE, WORDS),
    Line("resume_issue", "waiting", FROM_LANE, {}),
    Line("resolve_issue", "accepted", FROM_LANE, WORDS),
    Line("request_extension", "accepted", FROM_LANE, {"amount": 60, **WORDS}),
    Line("request_suspension", "accepted", FROM_LANE, {"until": LATER, **WORDS}),
    Line("transfer_issue", "accepted", FROM_LANE, TARGET),
    Line("merge_issue", "reported", FROM_LANE, {"into_id": "{accepted issue}", **WORDS}),
    Line("unmerge_issue", "merged", FROM_LANE, WORDS),
    Line("remedy_issue", "rated badly", FROM_LANE, WORDS),
]
BY_THE_VERY_HANDS = [
    *(
        Line("show_reporter_phone", situation, hands)
        for situation, hands in HOLDING.items()
        if situation != "with the street"
    ),
    Line("answer_order", "ordered", {"own chief"}, WORDS),
]
BY_WHOM_IT_IS_OFFERED_TO = [
    Line("take_over_issue", "offered next door", FROM_GRID | {"next chief"}, {}),
    Line("decline_issue", "offered next door", FROM_GRID | {"next chief"}, UNCLEAR),
    Line("take_over_issue", "offered to a department", {"offered officer"}, {}),
    Line("decline_issue", "offered to a department", {"offered officer"}, UNCLEAR),
]
BY_DISPATCHERS = [
    Line("dispatch_issue", "reported", FROM_STREET, {"organization_id": "{idle}"}),
    Line("adjudicate_issue", "adjudicating", FROM_STREET, TARGET),
]
FROM_ABOVE = [
    *(Line("supervise_issue", situation, above, ORDER) for situation, above in ABOVE.items()),
    Line("decide_request", "asking", FROM_GRID, {"approve": True, **WORDS}),
    Line("decide_request", "asking", FROM_GRID, {"approve": False, **WORDS}),
    # The grid leader gave the order; a worker beside her did not.
    Line(
        "decide_order",
        "order answered",
        FROM_COMMUNITY | {"own leader"},
        {"accept": True, **WORDS},
    ),
    # The street's inspector asked; each of the others is a second person.
    Line(
        "decide_request",
        "about a person, asking",
        NAMED - {"own inspector"},
        {"approve": True, **WORDS},
    ),
    Line("take_call_back", "rated badly", FROM_GRID),
    Line("record_call_back", "rated badly", FROM_GRID, {"reached": False, **WORDS}),
]
BY_A_THIRD_PERSON = [  # the chief did the work
    Line("verify_issue", "verifying", FROM_GRID, {}),
    Line("refuse_result", "verifying", FROM_GRID, WORDS),
    Line("verify_issue", "about a person, verifying", NAMED - {"own inspector"}, {}),
    Line("refuse_result", "about a person, verifying", NAMED - {"own inspector"}, WORDS),
]
TOGETHER = [
    *(
        Line(
            "whistle_issue",
            situation,
            HANDS[situation] & FROM_GRID,
            {
                "reason": "占道经营引发口角",
                "departments": [{"organization_id": "{idle}", "lead": True}],
            },
        )
        for situation in ("reported", "with the grid", "with the street")
    ),
    Line("check_in_to_call", "called", {"called officer"}, {}),
    Line("report_on_call", "checked in", {"called officer"}, WORDS),
    Line("release_call", "worked on", FROM_GRID, {}),
    Line("rate_call", "released", FROM_GRID, {"rating": 5}),
]
BY_THE_REPORTER = [
    Line("answer_question", "waiting", REPORTER, WORDS),
    Line("withdraw_issue", "reported", REPORTER, {}),
    Line("confirm_issue", "resolved", REPORTER, {}),
    Line("reopen_issue", "resolved", REPORTER, WORDS),
    Line("rate_issue", "confirmed", REPORTER, {"rating": 4}),
    Line("urge_issue", "reported", REPORTER, {}),
    Line("hide_issue", "reported", REPORTER, {}),
    Line("confirm_issue", "taken in", INTAKE, {}),
    Line("reopen_issue", "taken in", INTAKE, WORDS),
]
WITH_OTHERS = [
    # What is public anybody may join, save whoever reported it; else only those who see it.
    Line("support_issue", "shared", EVERYBODY, answers={"reporter": 409}),
    Line(
        "support_issue", "reported", readers("reported"), answers={"reporter": 409}, hidden=True
    ),
    Line("withdraw_support", "shared", EVERYBODY),
    Line("withdraw_support", "reported", readers("reported"), hidden=True),
    Line("reopen_supported_issue", "shared", {"supporter"}, WORDS, hidden=True),
]
TALK = [
    *(
        Line("comment_issue", situation, readers(situation), WORDS)
        for situation in (
            "reported",
            "held by a department",
            "called",
            "about a person",
            "about the street",
        )
    ),
    Line(
        "comment_issue",
        "accepted",
        staff_readers("accepted"),
        {"internal": True, **WORDS},
    ),
]
OFFICE = [
    Line("moderate_issue", "reported", FROM_COMMUNITY, MODERATION),
    Line("exclude_issue", "reported", FROM_STREET | {"own operator"}, EXCLUSION),
    Line("exclude_issue", "about a person", NAMED, EXCLUSION),
    Line("exclude_issue", "about the street", {"district inspector"}, EXCLUSION),
    Line(
        "decide_exclusion",
        "about a person, exclusion asked",
        NAMED - {"own inspector"},
        {"approve": True, **WORDS},
    ),
    Line("include_issue", "excluded", FROM_STREET | {"own operator"}, EXCLUSION),
    # The dispatcher asked; a second person decides.
    Line(
        "decide_exclusion",
        "exclusion asked",
        {"own secretary", "own operator"},
        {"approve": True, **WORDS},
    ),
]
LINES = [
    *READ,
    *BY_HANDS,
    *BY_THE_VERY_HANDS,
    *BY_WHOM_IT_IS_OFFERED_TO,
    *BY_DISPATCHERS,
    *FROM_ABOVE,
    *BY_A_THIRD_PERSON,
    *TOGETHER,
    *BY_THE_REPORTER,
    *WITH_OTHERS,
    *TALK,
    *OFFICE,
]
