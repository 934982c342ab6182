"""Many issues with random lives, written past the rules: whatever the tables can hold."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import select

from neighborhood_api.cases.models import Case, Entry, Hand
from neighborhood_api.cases.paths import Call, Party, Whistle
from neighborhood_api.cases.timekeeping import Rest
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.places import Level, columns_of
from neighborhood_api.issues.categories.models import HandlingRule
from neighborhood_api.issues.models import Issue
from neighborhood_api.issues.settling.models import CallBack
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.statistics.models import Exclusion
from tests.support.issues import CATEGORIES
from tests.support.places import Town

STATES = (
    "assigned",
    "accepted",
    "handling",
    "waiting",
    "verifying",
    "resolved",
    "reopened",
    "confirmed",
    "closed",
    "rejected",
    "withdrawn",
)
AFTER_A_RESULT = ("verifying", "resolved", "confirmed", "closed")
OVER = ("closed", "rejected", "withdrawn")


@dataclass
class Life:
    """What an issue is, and what a slow and obvious reader makes of it."""

    case: Case
    issue: Issue
    own_words: list[str] = field(default_factory=list)
    call_backs: list[CallBack] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    rests: list[Rest] = field(default_factory=list)
    pages: list[Hand] = field(default_factory=list)
    steps: list[Exclusion] = field(default_factory=list)


async def populate(tx: Tx, town: Town, rng: Random, *, now: datetime, count: int) -> list[Life]:
    """Write `count` issues of the last sixty days, all over the town."""
    in_force = select(HandlingRule).where(
        HandlingRule.superseded_at.is_(None), HandlingRule.node_id.is_(None)
    )
    rules = {rule.category_code: rule for rule in await tx.scalars(in_force)}
    lives: list[Life] = []
    for number in range(count):
        life = _case(town, rng, rules, number, now)
        if lives and rng.random() < 0.1:
            life.case.main_id = rng.choice(lives).case.id
            life.issue.response_missed = rng.random() < 0.5
            life.issue.resolution_missed = rng.random() < 0.5
        lives.append(life)
    # What others point at goes first, all of a kind at once.
    tx.add_all(life.case for life in lives)
    await tx.flush()
    tx.add_all(life.issue for life in lives)
    for life in lives:
        _add_words(tx, rng, life, now)
        _add_pages(tx, town, rng, life, now)
        _add_calls(tx, town, rng, life, now)
        _add_steps(tx, rng, life, now)
    await tx.flush()
    tx.add_all(call for life in lives for call in life.calls)
    await tx.flush()
    return lives


def _case(
    town: Town, rng: Random, rules: dict[str, HandlingRule], number: int, now: datetime
) -> Life:
    lanes = [path for path in town.nodes if len(path) == Level.LANE]
    path = rng.choice(lanes[:6] if rng.random() < 0.7 else lanes)
    place = columns_of(town.place(*path))
    if rng.random() < 0.1:
        del place["lane_id"]
    code = rng.choice(CATEGORIES)
    opened = now - timedelta(minutes=rng.randrange(60 * 24 * 60))
    state = rng.choice(STATES)

    def later(start: datetime = opened) -> datetime:
        return min(now, start + timedelta(minutes=rng.choice((5, 60, 61, 600, 3000, 9000))))

    resolved = later() if state in AFTER_A_RESULT else None
    case = Case(
        kind="issue",
        code=f"SJ-{new_id()}",
        state=state,
        reported_by_id=town.staff[Role.OPERATOR, town.at().id].id,
        opened_at=opened,
        moved_at=now,
        terms={},
        hand_level=Level.STREET,
        hand_node_id=town.at(path[0]).id,
        hand_role=Role.STREET_DISPATCHER.value,
        respond_due_at=opened + timedelta(minutes=60),
        resolve_due_at=(
            None if state == "waiting" else opened + timedelta(minutes=rng.choice((600, 90000)))
        ),
        confidential=code == "staff.conduct",
        first_responded_at=later() if rng.random() < 0.6 else None,
        resolved_at=resolved,
        closed_at=later(resolved or opened) if state in OVER else None,
        times_reopened=1 if state == "reopened" else rng.choice((0, 0, 0, 1, 2)),
        times_returned=rng.choice((0, 0, 1)),
        times_passed_up=rng.choice((0, 0, 2)),
        times_urged=rng.choice((0, 0, 3)),
        **place,  # type: ignore[arg-type]
    )
    issue = Issue(
        case_id=case.id,
        category_code=code,
        rule_id=rules[code].id,
        text=f"第{number}件随机诉求",
        rating=rng.choice((None, None, 1, 2, 3, 4, 5)),
    )
    return Life(case, issue)


def _add_words(tx: Tx, rng: Random, life: Life, now: datetime) -> None:
    case = life.case
    words = ["reopen"] * case.times_reopened
    if case.state == "confirmed" or (case.state == "closed" and rng.random() < 0.5):
        words.append("confirm")
    for move in ["report", *words]:
        tx.add(Entry(case_id=case.id, move=move, by="reporter", to_state="x", recorded_at=now))
    life.own_words = words
    for reason in ("bad_rating", "sample"):
        if rng.random() < 0.25:
            reached = rng.random() < 0.8
            call = CallBack(
                case_id=case.id,
                handling=max(0, case.times_reopened - rng.choice((0, 0, 1))),
                reason=reason,
                opened_at=now,
                ended_at=now,
                reached=reached,
                solved=rng.choice((None, True, False)) if reached else None,
                satisfied=rng.choice((None, True, False)) if reached else None,
            )
            tx.add(call)
            life.call_backs.append(call)
    if rng.random() < 0.5:
        started = case.opened_at + (now - case.opened_at) * 0.2
        ended = None if case.state == "waiting" else started + (now - started) * 0.3
        rest = Rest(case_id=case.id, state="waiting", started_at=started, ended_at=ended)
        tx.add(rest)
        life.rests.append(rest)


def _entry(case: Case, move: str, at: datetime) -> Entry:
    return Entry(case_id=case.id, move=move, by="reporter", to_state="x", recorded_at=at)


def _add_pages(tx: Tx, town: Town, rng: Random, life: Life, now: datetime) -> None:
    case = life.case
    end = case.closed_at or now
    turns = sorted(
        case.opened_at + (end - case.opened_at) * rng.random() for _ in range(rng.randrange(3))
    )
    starts = [case.opened_at, *turns]
    ends: list[datetime | None] = [*turns, case.closed_at]
    for number, (start, until) in enumerate(zip(starts, ends, strict=True), 1):
        node, role, body = _hands(town, rng, case)
        staff = town.staff.get((role, body or node.id))
        page = Hand(
            case_id=case.id,
            page=number,
            node_id=node.id,
            role=role.value,
            held_from=start,
            held_until=until,
            person_id=None if staff is None or rng.random() < 0.1 else staff.id,
            organization_id=body,
            idle=1 < number < len(starts) and rng.random() < 0.3,
        )
        tx.add(page)
        life.pages.append(page)


def _hands(town: Town, rng: Random, case: Case) -> tuple[Any, Role, UUID | None]:
    nodes = {node.id: node for node in town.nodes.values()}
    role = rng.choice((Role.LANE_CHIEF, Role.GRID_LEADER, Role.STREET_DISPATCHER))
    if rng.random() < 0.2:
        body = rng.choice(town.organizations)
        return town.at(1), Role.DEPARTMENT_OFFICER, body.id
    if role is Role.LANE_CHIEF and case.lane_id is not None:
        return nodes[case.lane_id], role, None
    if role is Role.STREET_DISPATCHER and case.street_id is not None:
        return nodes[case.street_id], role, None
    return nodes[case.grid_id or case.district_id], Role.GRID_LEADER, None


def _add_calls(tx: Tx, town: Town, rng: Random, life: Life, now: datetime) -> None:
    case = life.case
    if rng.random() > 0.3:
        return
    someone = case.reported_by_id
    whistle = Whistle(
        case_id=case.id, whistled_by_id=someone, role="x", whistled_at=now, reason="x"
    )
    tx.add(whistle)
    for body in town.organizations:
        by = now - timedelta(minutes=rng.choice((-60, 0, 60)))
        came = rng.choice((None, by, by + timedelta(seconds=1), by - timedelta(minutes=5)))
        call = Call(
            whistle_id=whistle.id,
            case_id=case.id,
            organization_id=body.id,
            from_node_id=town.at(1).id,
            from_level=1,
            called_at=now - timedelta(days=1),
            check_in_by=by,
            checked_in_at=came,
            released_at=rng.choice((None, by - timedelta(minutes=9), now)),
        )
        life.calls.append(call)
        tx.add(Party(organization_id=body.id, case_id=case.id))
        if rng.random() < 0.5:
            break


def _add_steps(tx: Tx, rng: Random, life: Life, now: datetime) -> None:
    number, excluded = 0, True
    while rng.random() < 0.3:
        decision = rng.choice(("approved", "refused"))
        for step, reason in (("requested", "other"), (decision, None)):
            number += 1
            row = Exclusion(
                case_id=life.case.id,
                number=number,
                step=step,
                excluded=excluded,
                person_id=life.case.reported_by_id,
                text="x",
                recorded_at=now,
                reason=reason,
            )
            tx.add(row)
            life.steps.append(row)
        if decision == "approved":
            excluded = not excluded
