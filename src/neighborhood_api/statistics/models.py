"""Tables of the statistics: facts, what is not assessed, and how much each rate weighs."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from neighborhood_api.cases.models import Case, Entry
from neighborhood_api.identity.places import COLUMNS, Placed
from neighborhood_api.kit.auditing import audited
from neighborhood_api.kit.db import Model
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.trail import trailed


class Step(StrEnum):
    """What happened to the question whether an issue is assessed."""

    REQUESTED = "requested"
    APPROVED = "approved"
    REFUSED = "refused"


class ExclusionReason(StrEnum):
    """Why an issue is not assessed (不纳入考核), or is again.

    Most are classes that hotline rules treat apart. Source: 北京市接诉即办工作条例 (2021)
    art. 11, 潍坊市 12345 条例 (2021).
    """

    OUT_OF_DUTY = "out_of_duty"
    """Beyond what the neighbourhood may do (超出职责或权限)."""
    OTHER_ROUTE = "other_route"
    """For courts, petitions or emergency lines (应走诉讼、信访或紧急渠道)."""
    REPEATED = "repeated"
    """The same again without new facts (重复且无新情况)."""
    ABUSE = "abuse"
    """Invented, or abuse of the line (虚假或滥用)."""
    FORCE_MAJEURE = "force_majeure"
    """Nobody could have acted in time (不可抗力)."""
    MISTAKE = "mistake"
    """Entered, or excluded, by mistake (误登记或误判)."""
    OTHER = "other"


class Exclusion(Model):
    """One step of taking an issue out of the assessment, or back into it; never changed.

    What counts is the last approved step. Steps are written under the lock of the case, and
    each has its number.
    """

    __tablename__ = "issue_exclusion"
    __table_args__ = (
        UniqueConstraint("case_id", "number", name="uq_issue_exclusion_number"),
        CheckConstraint("number > 0", name="numbers_from_one"),
        CheckConstraint("step IN ('requested', 'approved', 'refused')", name="step_known"),
        CheckConstraint("(step = 'requested') = (reason IS NOT NULL)", name="reason_given"),
        Index("ix_issue_exclusion_listed", "id", postgresql_where=text("step = 'requested'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("issue.case_id"))
    number: Mapped[int]
    """Of the step, from 1 for each issue; a decision follows on its request."""
    step: Mapped[str]
    excluded: Mapped[bool]
    """What it is about: true to take it out, false to take it in again."""
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    text: Mapped[str]
    recorded_at: Mapped[datetime]
    reason: Mapped[str | None] = mapped_column(default=None)


trailed(
    "issue_exclusion/1",
    Exclusion,
    (
        "id",
        "case_id",
        "number",
        "step",
        "excluded",
        "person_id",
        "text",
        "recorded_at",
        "reason",
    ),
    texts=("text",),
)


class Weights(Model):
    """How much each of the three rates weighs in the score of a district: one version."""

    __tablename__ = "statistics_weights"
    __table_args__ = (
        UniqueConstraint("district_id", "version", name="uq_statistics_weights_version"),
        CheckConstraint(
            "response >= 0 AND solution >= 0 AND satisfaction >= 0"
            " AND response + solution + satisfaction > 0",
            name="something_weighs",
        ),
        CheckConstraint("version >= 1", name="version_counts"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    district_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    version: Mapped[int]
    valid_from: Mapped[datetime]
    """It is in force until the next version is."""
    response: Mapped[int]
    solution: Mapped[int]
    satisfaction: Mapped[int]
    reason: Mapped[str]
    created_by_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))


class Fact(Placed, Model):
    """What is known of an issue for the numbers, in one narrow row; see `computing`.

    It is written by a job, and counts only while the issue is not in `Changed`.
    """

    __tablename__ = "issue_fact"
    __table_args__ = tuple(
        Index(f"ix_issue_fact_{name}", name, "opened_at") for name in COLUMNS
    )

    case_id: Mapped[UUID] = mapped_column(ForeignKey("case_file.id"), primary_key=True)
    opened_at: Mapped[datetime]
    confidential: Mapped[bool]
    category_code: Mapped[str]
    excluded: Mapped[bool]
    merged: Mapped[bool]
    withdrawn: Mapped[bool]
    rejected: Mapped[bool]
    reopened: Mapped[bool]
    returned: Mapped[bool]
    passed_up: Mapped[bool]
    urged: Mapped[bool]
    resolved: Mapped[bool]
    response_in_time: Mapped[bool]
    resolution_in_time: Mapped[bool]
    overdue_from: Mapped[datetime | None]
    """Since when it is late, while it is in hand."""
    response_judged_from: Mapped[datetime | None]
    resolution_judged_from: Mapped[datetime | None]
    solved: Mapped[bool | None]
    satisfied: Mapped[bool | None]
    came_in_time: Mapped[bool | None]
    """Whether the departments that came were in time; None where none came."""
    missed_from: Mapped[datetime | None]
    """Since when a department is missing."""
    first_response: Mapped[float | None]
    resolution_wall: Mapped[float | None]
    resolution_net: Mapped[float | None]
    """Minutes."""


class Changed(Model):
    """Something that numbers are made of was written; triggers note it in its transaction.

    Until the facts of the issue are written anew, whoever counts reads it itself. One row for
    each change, so that what is committed while the facts are being written stays noted.
    """

    __tablename__ = "issue_changed"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, init=False)
    case_id: Mapped[UUID]


Index("ix_case_file_opened_at", Case.opened_at)
"""A period of all places; the time of an id is not that of an issue entered later."""
Index(
    "ix_case_entry_confirm",
    Entry.case_id,
    postgresql_where=text("move = 'confirm'"),
    postgresql_include=["recorded_at"],
)
"""When a reporter confirmed a result."""


audited(Exclusion, "step")
audited(Weights)
