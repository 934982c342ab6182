"""What the law may refuse is written in the description of each operation."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI

from neighborhood_api.cases.calls import CallsOpen
from neighborhood_api.cases.hands import (
    AlreadyThere,
    ConfidentialStays,
    NobodyAbove,
    OrganizationNotFound,
    OtherStreet,
    TargetNeeded,
)
from neighborhood_api.cases.policy import CaseNotFound, ThirdPersonNeeded, WhistleFromGrid
from neighborhood_api.cases.service import MoveNotAllowed
from neighborhood_api.cases.workflow import By, Hands, Move, Rule, State
from neighborhood_api.identity.access import Forbidden
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.problems import Problem

PATHS = {
    Move.SUSPEND: "decide-request",
    Move.EXTEND: "decide-request",
    Move.REFUSE_REQUEST: "decide-request",
    Move.SETTLE_ORDER: "decide-order",
    Move.REPEAT_ORDER: "decide-order",
    Move.CHECK_IN: "calls/{call_id}/check-in",
    Move.REPORT_WORK: "calls/{call_id}/report",
    Move.RELEASE: "calls/{call_id}/release",
    Move.RATE_CALL: "calls/{call_id}/rate",
}
"""Where the operation is not called as its move."""
BY_HANDS = {
    Hands.UP: (NobodyAbove,),
    Hands.OFFER: (OrganizationNotFound, ConfidentialStays, AlreadyThere),
    Hands.TO_TARGET: (OrganizationNotFound, ConfidentialStays),
}
BY_MOVE = {
    Move.TRANSFER: (TargetNeeded, OtherStreet),
    Move.ADJUDICATE: (TargetNeeded, OtherStreet),
    Move.RESOLVE: (CallsOpen,),
}
BY_WHOM = {By.VERIFIER: ThirdPersonNeeded, By.WHISTLER: WhistleFromGrid}
MADE_BY_PEOPLE = [move for move, line in ISSUE.rules.items() if line.by != {By.SYSTEM}]


def refusals(move: Move, line: Rule) -> Iterator[type[Problem]]:
    """What the law itself may answer to a move."""
    yield from (CaseNotFound, Forbidden)
    if line.moves != set(State):
        yield MoveNotAllowed
    yield from BY_HANDS.get(line.hands, ())
    yield from BY_MOVE.get(move, ())
    for by in line.by & BY_WHOM.keys():
        yield BY_WHOM[by]


@pytest.mark.parametrize("move", MADE_BY_PEOPLE)
def test_every_refusal_of_the_law_is_described(app: FastAPI, move: Move) -> None:
    path = PATHS.get(move, move.value.replace("_", "-"))
    operation: dict[str, Any] = app.openapi()["paths"][f"/api/v1/issues/{{issue_id}}/{path}"]
    described = operation["post"]["responses"]
    for problem in refusals(move, ISSUE.rules[move]):
        assert f"`{problem.code()}`" in described[str(int(problem.status))]["description"]
