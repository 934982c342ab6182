"""Tables of the categories of issues and of the rules by which each is handled."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, Text, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from neighborhood_api.kit.auditing import audited
from neighborhood_api.kit.db import Model
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.trail import trailed
from neighborhood_api.schedules.clocks import Clock


class Urgency(StrEnum):
    """How an issue of the category is treated on arrival."""

    ORDINARY = "ordinary"
    URGENT = "urgent"
    EMERGENCY = "emergency"


class Evidence(StrEnum):
    """What must be there before an issue counts as resolved.

    The moment needs no entry: every move records it.
    """

    TEXT = "text"
    PHOTO_BEFORE = "photo_before"
    PHOTO_AFTER = "photo_after"
    POSITION = "position"


class Publicity(StrEnum):
    """Whether the public list shows issues of the category."""

    NEVER = "never"
    MODERATED = "moderated"
    AT_ONCE = "at_once"


class ReopenBy(StrEnum):
    """Who may say that it is not settled."""

    REPORTER = "reporter"
    SUPPORTER = "supporter"


class Category(Model):
    """What an issue is about: a leaf of two levels."""

    __tablename__ = "issue_category"
    __table_args__ = (
        CheckConstraint(
            "code ~ '^[a-z][a-z0-9_]*[.][a-z][a-z0-9_]*$' "
            "AND group_code = split_part(code, '.', 1)",
            name="code_in_its_group",
        ),
    )

    code: Mapped[str] = mapped_column(primary_key=True)
    """Stable name of two levels, e.g. `env.garbage`."""
    name: Mapped[str]
    group_code: Mapped[str]
    group_name: Mapped[str]
    position: Mapped[int]
    aliases: Mapped[list[str]] = mapped_column(
        ARRAY(Text), server_default="{}", default_factory=list
    )
    """How people say it; found in a text, they suggest the category."""
    hint: Mapped[str | None] = mapped_column(default=None)
    """Helps residents to choose."""
    standard_code: Mapped[str | None] = mapped_column(default=None)
    """Nearest leaf of the Guangdong hotline taxonomy. Source: DB44/T 2479-2024, appendix A."""
    active: Mapped[bool] = mapped_column(default=True)
    version: Mapped[int] = mapped_column(server_default="1", default=1)


def _quoted(kinds: Iterable[str]) -> str:
    return ", ".join(f"'{kind}'" for kind in kinds)


def _one_of(column: str, kinds: Iterable[str]) -> str:
    return f"{column} IN ({_quoted(kinds)})"


def _some_of(column: str, kinds: Iterable[str]) -> str:
    return f"{column} <@ ARRAY[{_quoted(kinds)}]"


class HandlingRule(Model):
    """How issues of a category are handled at a place: one version, which never changes.

    A change makes a new version and closes the one before, so an issue can name the version
    under which it was taken. Amounts are minutes on the clocks `calendar` and
    `working_hours`, and days on the clock `working_days`.
    """

    __tablename__ = "handling_rule"
    __table_args__ = (
        CheckConstraint("first_level BETWEEN 1 AND 4", name="first_level_known"),
        CheckConstraint(
            " AND ".join(
                _one_of(f"{name}_clock", Clock) for name in ("respond", "resolve", "verify")
            ),
            name="clocks_known",
        ),
        CheckConstraint(
            "accept_minutes > 0 AND check_in_minutes > 0 AND respond_amount > 0 "
            "AND resolve_amount > 0 AND verify_amount > 0",
            name="limits_positive",
        ),
        CheckConstraint(
            "respond_clock <> resolve_clock OR respond_amount <= resolve_amount",
            name="answered_before_resolved",
        ),
        CheckConstraint("reopen_days >= 1 AND silence_days >= 1", name="reporter_has_a_day"),
        CheckConstraint(
            "returns_allowed >= 0 AND extension_amount >= 0", name="allowances_not_negative"
        ),
        CheckConstraint(_one_of("urgency", Urgency), name="urgency_known"),
        CheckConstraint(_one_of("publicity", Publicity), name="publicity_known"),
        CheckConstraint(_some_of("evidence", Evidence), name="evidence_known"),
        CheckConstraint(_some_of("reopen_by", ReopenBy), name="reopen_by_known"),
        CheckConstraint(
            "NOT confidential OR publicity = 'never'", name="confidential_is_not_public"
        ),
        CheckConstraint("version >= 1", name="version_counts"),
        CheckConstraint("created_at <= superseded_at", name="period_forward"),
        CheckConstraint(
            "withdrawn_reason IS NULL OR (node_id IS NOT NULL AND superseded_at IS NOT NULL)",
            name="only_overrides_are_withdrawn",
        ),
        Index(
            "uq_handling_rule_in_force",
            "category_code",
            "node_id",
            unique=True,
            postgresql_where=text("superseded_at IS NULL"),
            postgresql_nulls_not_distinct=True,
        ),
        Index(
            "uq_handling_rule_version",
            "category_code",
            "node_id",
            "version",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    category_code: Mapped[str] = mapped_column(ForeignKey("issue_category.code"))
    version: Mapped[int]
    """Counts from 1 for each category and node."""
    created_at: Mapped[datetime]
    first_level: Mapped[int]
    """Who handles first: 4 lane, 3 grid, 2 community, 1 street."""
    accept_minutes: Mapped[int]
    """Wall-clock minutes that each level has to take it on before it goes up (巷长快办)."""
    respond_clock: Mapped[str]
    respond_amount: Mapped[int]
    resolve_clock: Mapped[str]
    resolve_amount: Mapped[int]
    check_in_minutes: Mapped[int]
    """Wall-clock minutes within which a called department must check in (报到)."""
    verify_clock: Mapped[str]
    verify_amount: Mapped[int]
    """How long the third person has who verifies; used where `verification` is demanded."""
    urgency: Mapped[str]
    evidence: Mapped[list[str]] = mapped_column(ARRAY(Text))
    publicity: Mapped[str]
    confidential: Mapped[bool]
    """Whether only named posts see it, as reports on persons."""
    verification: Mapped[bool]
    """Whether a third person verifies before the reporter is asked."""
    reopen_days: Mapped[int]
    """Days after closing in which it may be reopened."""
    silence_days: Mapped[int]
    """After so many days without a word from the reporter it is closed."""
    reopen_by: Mapped[list[str]] = mapped_column(ARRAY(Text))
    returns_allowed: Mapped[int]
    """The next return goes to adjudication."""
    extension_amount: Mapped[int]
    """What the one extension may add, on the clock of resolving; 0 where there is none."""
    department_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), default_factory=list)
    """Organizations that may be called or given the issue; empty for any of the place."""
    node_id: Mapped[UUID | None] = mapped_column(ForeignKey("node.id"), default=None)
    """District, street or community with a rule of its own; None for everywhere."""
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), default=None)
    """None for the rules that the project brings along."""
    reason: Mapped[str | None] = mapped_column(default=None)
    superseded_at: Mapped[datetime | None] = mapped_column(default=None)
    """When the next version came into force, or this override was withdrawn."""
    superseded_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), default=None)
    withdrawn_reason: Mapped[str | None] = mapped_column(default=None)


trailed(
    "handling_rule/1",
    HandlingRule,
    (
        "id",
        "category_code",
        "version",
        "created_at",
        "first_level",
        "accept_minutes",
        "respond_clock",
        "respond_amount",
        "resolve_clock",
        "resolve_amount",
        "check_in_minutes",
        "verify_clock",
        "verify_amount",
        "urgency",
        "evidence",
        "publicity",
        "confidential",
        "verification",
        "reopen_days",
        "silence_days",
        "reopen_by",
        "returns_allowed",
        "extension_amount",
        "department_ids",
        "node_id",
        "created_by",
        "reason",
    ),
)


audited(
    Category, "code", "name", "group_code", "group_name", "aliases", "hint", "standard_code"
)
audited(
    HandlingRule,
    "category_code",
    "respond_clock",
    "resolve_clock",
    "verify_clock",
    "urgency",
    "evidence",
    "publicity",
    "reopen_by",
)
