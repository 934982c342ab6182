"""What is wrong with a handling rule that can be read, found before it is ever used."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import NamedTuple
from uuid import UUID

from neighborhood_api.identity.places import Level
from neighborhood_api.issues.categories.models import Publicity, ReopenBy, Urgency
from neighborhood_api.issues.categories.schemas import LimitBody, RuleBody
from neighborhood_api.kit.problems import FieldError, Problem
from neighborhood_api.schedules.clocks import Clock

_OFFICE_DAY_MINUTES = 8 * 60
"""To compare office hours with working days; a district may keep other hours."""


class RuleBroken(Problem):
    """The rule contradicts itself, or names what does not exist; `errors` names each breach."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The rule cannot work; see `errors`"
    message = "规则有矛盾，请按提示修改后再保存"


class Breach(NamedTuple):
    """One thing that is wrong."""

    code: str
    field: str
    message: str

    def shown(self) -> FieldError:
        """Return it as answers carry it."""
        pointer = f"#/body/rule/{self.field}"
        return FieldError(pointer=pointer, code=self.code, message=self.message)


def require_sound(
    rule: RuleBody, level: Level | None, homes: dict[UUID, UUID], district_id: UUID | None
) -> None:
    """Refuse a rule that cannot work, and name everything that is wrong with it at once.

    `level` and `district_id` are those of the place that the rule is for, None for everywhere;
    `homes` gives the district of each organization of the rule that exists.

    Raises: RuleBroken.
    """
    found = [
        *breaches(rule, level),
        *_department_breaches(rule.department_ids, homes, district_id),
    ]
    if found:
        raise RuleBroken(errors=[breach.shown().model_dump() for breach in found])


def breaches(rule: RuleBody, level: Level | None) -> Iterator[Breach]:
    """Yield what is wrong with a rule in itself, for a place of `level`."""
    yield from _level_breaches(rule, level)
    yield from _time_breaches(rule)
    yield from _privacy_breaches(rule)
    if not rule.evidence:
        yield Breach("evidence_missing", "evidence", "办结至少要有一项材料")
    if not rule.reopen_by:
        yield Breach("nobody_may_reopen", "reopen_by", "至少要有一类人可以要求重办")


def _level_breaches(rule: RuleBody, level: Level | None) -> Iterator[Breach]:
    if rule.first_level is Level.DISTRICT:
        yield Breach("first_level_unknown", "first_level", "首办层级应为街道、社区、网格或街巷")
    elif level is not None and rule.first_level < level:
        yield Breach(
            "first_level_above_node", "first_level", "首办层级不能高于规则所在地点的层级"
        )


def _time_breaches(rule: RuleBody) -> Iterator[Breach]:
    respond, resolve = rule.respond, rule.resolve
    if _longer(respond, resolve):
        yield Breach("respond_longer_than_resolve", "respond", "回应时限不能长于办结时限")
    if _longer(_wall(rule.accept_minutes), respond):
        yield Breach("accept_longer_than_respond", "accept_minutes", "受理时限不能长于回应时限")
    if _longer(_wall(rule.check_in_minutes), resolve):
        yield Breach(
            "check_in_longer_than_resolve", "check_in_minutes", "报到时限不能长于办结时限"
        )
    if rule.extension_amount > resolve.amount:
        yield Breach(
            "extension_longer_than_resolve", "extension_amount", "延期不能长于办结时限本身"
        )
    if rule.urgency is Urgency.EMERGENCY:
        for field, limit in (("respond", respond), ("resolve", resolve)):
            if limit.clock is not Clock.CALENDAR:
                message = "危急诉求不分节假日，请用自然时间 calendar"
                yield Breach("emergency_rests", field, message)


def _privacy_breaches(rule: RuleBody) -> Iterator[Breach]:
    hidden = rule.publicity is Publicity.NEVER
    if rule.confidential and not hidden:
        yield Breach("confidential_yet_public", "publicity", "保密诉求不能公开，请改为 never")
    if hidden and ReopenBy.SUPPORTER in rule.reopen_by:
        message = "不公开的诉求没有附议人，请去掉 supporter"
        yield Breach("supporters_of_the_unseen", "reopen_by", message)


def _department_breaches(
    wanted: list[UUID], homes: dict[UUID, UUID], district_id: UUID | None
) -> Iterator[Breach]:
    if wanted and district_id is None:
        message = "各地默认规则不能指定部门，请在区县、街道或社区指定"
        yield Breach("departments_need_a_place", "department_ids", message)
        return
    for one in wanted:
        if one not in homes:
            yield Breach("department_unknown", "department_ids", f"没有这个部门：{one}")
        elif homes[one] != district_id:
            message = f"这个部门不属于本区县：{one}"
            yield Breach("department_elsewhere", "department_ids", message)


def _wall(minutes: int) -> LimitBody:
    return LimitBody(clock=Clock.CALENDAR, amount=minutes)


def _longer(one: LimitBody, other: LimitBody) -> bool:
    """Tell whether `one` surely ends after `other`.

    Office time takes at least as long on the wall; wall time says nothing about office time.
    """
    if one.clock is Clock.CALENDAR and other.clock is not Clock.CALENDAR:
        return False
    return _minutes(one) > _minutes(other)


def _minutes(limit: LimitBody) -> int:
    days = limit.clock is Clock.WORKING_DAYS
    return limit.amount * (_OFFICE_DAY_MINUTES if days else 1)
