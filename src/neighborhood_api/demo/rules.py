"""Gives the demonstration district handling rules and words of its own, as a real one would."""

from datetime import datetime
from uuid import UUID

from neighborhood_api.cases.workflow import Move
from neighborhood_api.demo.acting import acting_as
from neighborhood_api.demo.place import DemoPlace, LimitRow
from neighborhood_api.identity.places import Level
from neighborhood_api.issues.categories.models import Evidence, HandlingRule
from neighborhood_api.issues.categories.schemas import LimitBody, RuleBody
from neighborhood_api.issues.categories.seed import category_seeds, load_categories, rule_seeds
from neighborhood_api.issues.categories.service import columns_of_rule
from neighborhood_api.issues.publishing.replies import create_reply
from neighborhood_api.issues.publishing.schemas import ReplyIn
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.trail import trail_of
from neighborhood_api.schedules.clocks import Clock


async def load_rules(tx: Tx, place: DemoPlace, district_id: UUID, now: datetime) -> None:
    """Load the categories, and the district's rules for what the stories are about."""
    await load_categories(tx, now=now)
    seeds = {seed.code: rule_seeds()[seed.rule][0] for seed in category_seeds()}
    rules = [
        HandlingRule(
            category_code=row.category_code,
            node_id=district_id,
            version=1,
            created_at=now,
            reason="演示用时限",
            **columns_of_rule(_limited(seeds[row.category_code], row)),
        )
        for row in place.limits
    ]
    tx.add_all([*rules, *map(trail_of, rules)])
    await tx.flush()


async def load_replies(tx: Tx, place: DemoPlace, operator_id: UUID, now: datetime) -> None:
    """Load the words at hand, as the operator would write them down."""
    operator = await acting_as(tx, operator_id, now)
    for position, row in enumerate(place.replies):
        wish = ReplyIn(
            node_id=operator.posts[0].node_id,
            move=Move(row.move),
            title=row.title,
            text=row.text,
            category_code=row.category_code,
            position=position,
        )
        await create_reply(tx, operator, wish, now=now)


def _limited(rule: RuleBody, row: LimitRow) -> RuleBody:
    evidence = [Evidence.TEXT, *[Evidence.PHOTO_AFTER] * row.photo_required]
    first = rule.first_level if rule.confidential else Level.LANE
    return rule.model_copy(
        update={
            "first_level": first,
            "accept_minutes": row.respond_minutes,
            "respond": LimitBody(clock=Clock.CALENDAR, amount=row.respond_minutes),
            "resolve": LimitBody(clock=Clock.CALENDAR, amount=row.resolve_minutes),
            "extension_amount": row.resolve_minutes,
            "check_in_minutes": row.respond_minutes,
            "evidence": sorted(evidence),
            "verification": row.verified,
        }
    )
