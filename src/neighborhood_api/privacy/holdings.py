"""Where people's data lie: every column that names a person, and every sealed one.

A table that is added later must say here whether a person's own copy shows it, and what becomes
of it when she is erased; a test goes through all tables and misses nothing.
"""

from dataclasses import dataclass
from enum import StrEnum


class Fate(StrEnum):
    """What becomes of rows when their person is erased."""

    DELETED = "deleted"
    """The rows go."""
    CLEARED = "cleared"
    """The column is emptied, and what else of the row tells who it was."""
    ID_STAYS = "id_stays"
    """The record stays, and with it an id of which nothing is known any more."""


@dataclass(frozen=True)
class Holding:
    """What there is about a person in a column."""

    fate: Fate
    section: str | None = None
    """Which part of a copy shows it."""
    reason: str = ""
    """Why no copy shows it."""


def _shown(section: str, fate: Fate = Fate.ID_STAYS) -> Holding:
    return Holding(fate, section)


def _work(reason: str = "岗位上的经办，属于办理记录") -> Holding:
    """Return what somebody did in a post: the record of the office, not about her."""
    return Holding(Fate.ID_STAYS, None, reason)


_DELETED, _CLEARED = Fate.DELETED, Fate.CLEARED
_RULE = "制定规则的经办人，属于规则的记录"
_FILE_KEY = "文件的密钥，文件删除后即无用"
_OTHERS = "他人或单位的资料，不是本人的"

HOLDINGS: dict[str, Holding] = {
    # The account.
    "person.phone": _shown("account", _CLEARED),
    "person.merged_into_id": _shown("account"),
    "sign_in.person_id": _shown("sign_ins", _DELETED),
    "sign_in_attempt.person_id": _shown("sign_in_attempts", _DELETED),
    "sign_in_challenge.person_id": Holding(_DELETED, None, "登录中途的凭据，几分钟即失效"),
    "account_invitation.person_id": Holding(_DELETED, None, "开通账号的一次性凭据"),
    "account_invitation.made_by_id": _work(),
    "old_password.person_id": Holding(_DELETED, None, "旧密码的摘要，仅防止重用"),
    "authenticator.person_id": Holding(_DELETED, None, "动态口令的密钥，给出即不安全"),
    "authenticator.secret": Holding(_DELETED, None, "动态口令的密钥，给出即不安全"),
    "recovery_code.person_id": Holding(_DELETED, None, "备用口令的摘要，给出即不安全"),
    "residence.person_id": _shown("residence", _DELETED),
    "residence.address": _shown("residence", _DELETED),
    "residence.confirmed_by_id": _work(),
    "residence.refused_by_id": _work(),
    "residence.chosen_representative_id": _shown("representing", _CLEARED),
    "residence_history.person_id": _shown("past_residences", _DELETED),
    "residence_history.address": _shown("past_residences", _DELETED),
    "residence_history.refused_by_id": _work(),
    "residence_left.person_id": Holding(_DELETED, None, "只有一个版本号，没有别的内容"),
    "household.representative_id": _shown("representing", _CLEARED),
    "household.address": Holding(Fate.ID_STAYS, None, "房屋本身的门牌，不指向某个人"),
    # Registers are the office's own record, see docs/personal-data.md.
    "resident.person_id": _shown("register", _CLEARED),
    "resident.phone": _shown("register"),
    "care_flag.note": _shown("care"),
    "register_look.person_id": _work(),
    "establishment.address": Holding(Fate.ID_STAYS, None, _OTHERS),
    "establishment.contact_phone": Holding(Fate.ID_STAYS, None, _OTHERS),
    # Issues.
    "case_file.reporter_id": _shown("issues"),
    "case_file.reported_by_id": _shown("issues"),
    "case_file.hand_person_id": _work(),
    "case_file.resolved_by_id": _work(),
    "case_entry.person_id": _shown("case_work"),
    "case_hand.person_id": _work(),
    "case_offer.offered_by_id": _work(),
    "case_offer.person_id": _work(),
    "case_request.requested_by_id": _work(),
    "case_request.decided_by_id": _work(),
    "case_whistle.whistled_by_id": _work(),
    "case_call.checked_in_by_id": _work(),
    "case_call.released_by_id": _work(),
    "case_call.rated_by_id": _work(),
    "issue.caller_phone": _shown("issues", _CLEARED),
    "issue_call_back.taken_by_id": _work(),
    "issue_call_back.called_by_id": _work(),
    "issue_call_back.remedied_by_id": _work(),
    "issue_exclusion.person_id": _work(),
    "issue_export.person_id": _shown("issue_exports"),
    "issue_look.person_id": _work(),
    "issue_order.given_by_id": _work(),
    "issue_order.answered_by_id": _work(),
    "issue_order.settled_by_id": _work(),
    "issue_publication.decided_by_id": _work(),
    "issue_rating.person_id": _shown("ratings"),
    "issue_rating.recorded_by_id": _work(),
    "issue_support.person_id": _shown("supports"),
    "issue_warning_recipient.person_id": _work(),
    "saved_filter.person_id": _shown("saved_filters", _DELETED),
    "file.uploaded_by": _shown("files"),
    # Venues.
    "registration.person_id": _shown("bookings"),
    "registration.created_by_id": _work(),
    "registration.cancelled_by_id": _work(),
    "registration.guest_phone": _shown("bookings", _CLEARED),
    "registration_entry.by_id": _shown("booking_history"),
    "check_in.by_id": _shown("check_ins"),
    "strike.person_id": _shown("strikes", _DELETED),
    "strike.answered_by_id": _work(),
    "strike.lifted_by_id": _work(),
    "child.guardian_id": _shown("children", _DELETED),
    "pick_up_person.phone": _shown("pick_up_persons", _DELETED),
    "child_look.person_id": _work(),
    "child_look.guardian_id": _shown("child_looks"),
    "calendar_feed.made_by_id": _shown("feeds"),
    "teacher.person_id": _shown("teaching", _CLEARED),
    "teacher.phone": _shown("teaching", _CLEARED),
    "equipment.checked_by_id": _work(),
    # What she was told and asked.
    "notification.person_id": _shown("notifications", _DELETED),
    "notification_subscription.person_id": _shown("wechat_messages", _DELETED),
    "consent.person_id": _shown("consents"),
    "correction.person_id": _shown("requests"),
    "correction.answered_by_id": _work(),
    "data_export.person_id": _shown("copies"),
    "erasure.person_id": _shown("cancellations"),
    "scrubbing.sought": Holding(_DELETED, None, "注销后的清理任务，完成即删"),
    # Posts.
    "appointment.person_id": _shown("appointments"),
    "appointment.stand_in_id": _shown("appointments"),
    "layer_post.person_id": _shown("layer_posts"),
    "leave.person_id": _shown("leaves"),
    "leave.stand_in_id": _shown("leaves"),
    "leave.granted_by_id": _work(),
    "shift.person_id": _work("岗位上的值班，属于值班记录"),
    "shift.made_by_id": _work(),
    "data_import.person_id": _work("岗位上的导入，属于办理记录"),
    "data_import.secret": Holding(Fate.ID_STAYS, None, _FILE_KEY),
    "grid_export.person_id": _work("岗位上的导出，属于办理记录"),
    "grid_export.secret": Holding(Fate.ID_STAYS, None, _FILE_KEY),
    "reorganisation.created_by_id": _work(),
    "reorganisation.applied_by_id": _work(),
    # Rules, and who made them.
    "consent_document.made_by_id": _work(_RULE),
    "handling_rule.created_by": _work(_RULE),
    "handling_rule.superseded_by": _work(_RULE),
    "policy.made_by_id": _work(_RULE),
    "rating_form.created_by": _work(_RULE),
    "statistics_weights.created_by_id": _work(_RULE),
}
"""By table and column: all foreign keys to persons, and all sealed columns."""

NOT_ABOUT_PEOPLE = frozenset(
    {
        "boundary",
        "calendar_change",
        "consent_document",
        "grid_profile",
        "handling_rule",
        "issue_category",
        "layer",
        "layer_node",
        "node",
        "office_week",
        "opening",
        "organization",
        "policy",
        "rating_form",
        "special_day",
        "statistics_weights",
        "trail",
        "venue",
        "working_year",
    }
)
"""Tables of rules, places and digests: nobody's name or number is looked for in their texts,
and duty phones of offices stay where they are published."""
