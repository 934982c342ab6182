"""How categories and their rules are shown."""

from neighborhood_api.identity.places import Level
from neighborhood_api.issues.categories.models import (
    Evidence,
    HandlingRule,
    Publicity,
    ReopenBy,
    Urgency,
)
from neighborhood_api.issues.categories.queries import CategoryRow
from neighborhood_api.issues.categories.schemas import (
    CategoryOut,
    LimitBody,
    LimitOut,
    RuleBody,
    RuleOut,
    SuggestionOut,
)
from neighborhood_api.issues.categories.suggestions import Suggestion
from neighborhood_api.schedules.clocks import Clock

_HOUR = 60
_DAY = 24 * _HOUR


def limit_view(clock: Clock, amount: int) -> LimitOut:
    """Show a limit, also in words."""
    unit = "days" if clock is Clock.WORKING_DAYS else "minutes"
    return LimitOut(clock=clock, amount=amount, unit=unit, text=limit_text(clock, amount))


def limit_text(clock: Clock, amount: int) -> str:
    """Say a limit as people do, in the largest unit that comes out even."""
    number, unit, remark = _as_people_say(clock, amount)
    return f"{number} {unit}内{remark}"


def duration_text(clock: Clock, amount: int) -> str:
    """Say how long something takes, as people do."""
    number, unit, remark = _as_people_say(clock, amount)
    return f"{number} {unit}{remark}"


def _as_people_say(clock: Clock, amount: int) -> tuple[int, str, str]:
    if clock is Clock.WORKING_DAYS:
        return amount, "个工作日", ""
    hours, minutes = divmod(amount, _HOUR)
    if clock is Clock.WORKING_HOURS:
        return (amount, "分钟", "（工作时间）") if minutes else (hours, "个工作时", "")
    if minutes:
        return amount, "分钟", ""
    days, rest = divmod(amount, _DAY)
    return (hours, "小时", "") if rest or days == 1 else (days, "天", "")


def category_view(row: CategoryRow) -> CategoryOut:
    """Show a category."""
    return CategoryOut(
        code=row.code,
        name=row.name,
        group_code=row.group_code,
        group_name=row.group_name,
        aliases=row.aliases,
        hint=row.hint,
        urgency=Urgency(row.urgency),
        respond=limit_view(Clock(row.respond_clock), row.respond_amount),
        resolve=limit_view(Clock(row.resolve_clock), row.resolve_amount),
        evidence=[Evidence(one) for one in row.evidence],
        public=row.publicity != Publicity.NEVER,
        confidential=row.confidential,
    )


def suggestion_view(found: Suggestion) -> SuggestionOut:
    """Show a candidate."""
    category = category_view(found.category)
    return SuggestionOut(**dict(category), matched=found.matched)


def rule_view(rule: HandlingRule, node_name: str | None, author: str | None) -> RuleOut:
    """Show one version of a rule."""
    return RuleOut(
        id=rule.id,
        category_code=rule.category_code,
        node_id=rule.node_id,
        node_name=node_name,
        version=rule.version,
        in_force=rule.superseded_at is None,
        created_at=rule.created_at,
        created_by=author,
        reason=rule.reason,
        superseded_at=rule.superseded_at,
        withdrawn_reason=rule.withdrawn_reason,
        rule=rule_body(rule),
    )


def rule_body(rule: HandlingRule) -> RuleBody:
    """Return what a version says, as it could be saved again."""
    return RuleBody(
        first_level=Level(rule.first_level),
        accept_minutes=rule.accept_minutes,
        respond=LimitBody(clock=Clock(rule.respond_clock), amount=rule.respond_amount),
        resolve=LimitBody(clock=Clock(rule.resolve_clock), amount=rule.resolve_amount),
        check_in_minutes=rule.check_in_minutes,
        verify=LimitBody(clock=Clock(rule.verify_clock), amount=rule.verify_amount),
        urgency=Urgency(rule.urgency),
        evidence=[Evidence(one) for one in rule.evidence],
        publicity=Publicity(rule.publicity),
        confidential=rule.confidential,
        verification=rule.verification,
        reopen_days=rule.reopen_days,
        silence_days=rule.silence_days,
        reopen_by=[ReopenBy(one) for one in rule.reopen_by],
        returns_allowed=rule.returns_allowed,
        extension_amount=rule.extension_amount,
        department_ids=rule.department_ids,
    )
