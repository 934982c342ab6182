"""What is read and written about notifications, each statement compiled once."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    Boolean,
    DateTime,
    Integer,
    Text,
    Uuid,
    bindparam,
    case,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from neighborhood_api.identity.models import Person
from neighborhood_api.kit.reads import Query
from neighborhood_api.notifications.models import Delivery, Notification, Subscription

_MOMENT = DateTime(timezone=True)
_TO = bindparam("to_id", type_=Uuid)
_ITS = bindparam("its_id", type_=Uuid)
_NOW = bindparam("now", type_=_MOMENT)

MOST_COUNTED = 100
"""Unread notifications are counted so far; a phone shows 99+."""
MOST_AGREED = 100
"""More agreements of one person to one template are not kept."""


class NotificationRow(NamedTuple):
    """A notification as its person sees it."""

    id: UUID
    kind: str
    title: str
    body: str
    subject_type: str | None
    subject_id: UUID | None
    created_at: datetime
    read_at: datetime | None


class ToldRow(NamedTuple):
    """A notification that was written just now, and whose it is."""

    id: UUID
    person_id: UUID


class Count(NamedTuple):
    """How many."""

    number: int


class OneId(NamedTuple):
    """Only an id."""

    id: UUID


_COLUMNS = tuple(getattr(Notification, name) for name in NotificationRow._fields)

NOTIFY = Query(
    insert(Notification)
    .from_select(
        [
            "id",
            "person_id",
            "kind",
            "title",
            "body",
            "once_key",
            "subject_type",
            "subject_id",
            "created_at",
        ],
        select(
            bindparam("new_id", type_=Uuid),
            func.coalesce(Person.merged_into_id, Person.id),
            bindparam("kind", type_=Text),
            bindparam("title", type_=Text),
            bindparam("body", type_=Text),
            bindparam("once_key", type_=Text),
            bindparam("subject_type", type_=Text),
            bindparam("subject_id", type_=Uuid),
            _NOW,
        ).where(Person.id == _TO, Person.erased_at.is_(None)),
        include_defaults=False,
    )
    .on_conflict_do_nothing(index_elements=["person_id", "once_key"])
    .returning(Notification.id, Notification.person_id),
    ToldRow,
)
PREPARE_DELIVERY = Query(
    insert(Delivery)
    .from_select(
        [
            "notification_id",
            "template",
            "about",
            "due_at",
            "at",
            "expires_at",
            "state",
            "tries",
        ],
        select(
            _ITS,
            Subscription.template,
            bindparam("about", type_=Text),
            _NOW,
            bindparam("at", type_=_MOMENT),
            bindparam("expires_at", type_=_MOMENT),
            literal_column("'waiting'"),
            literal_column("0"),
        ).where(
            Subscription.person_id == _TO,
            Subscription.template == bindparam("wanted", type_=Text),
            Subscription.remaining > 0,
        ),
        include_defaults=False,
    )
    .returning(Delivery.notification_id.label("id")),
    OneId,
)
"""Only for who agreed to it."""

MY_NOTIFICATIONS = Query(
    select(*_COLUMNS)
    .where(
        Notification.person_id == _TO,
        Notification.id < bindparam("below", type_=Uuid),
    )
    .order_by(Notification.id.desc())
    .limit(bindparam("fetch", type_=Integer)),
    NotificationRow,
)
MY_UNREAD = Query(
    select(*_COLUMNS)
    .where(
        Notification.person_id == _TO,
        Notification.id < bindparam("below", type_=Uuid),
        Notification.read_at.is_(None),
    )
    .order_by(Notification.id.desc())
    .limit(bindparam("fetch", type_=Integer)),
    NotificationRow,
)
_UNREAD = (
    select(Notification.id)
    .where(Notification.person_id == _TO, Notification.read_at.is_(None))
    .limit(MOST_COUNTED)
    .subquery()
)
COUNT_UNREAD = Query(select(func.count().label("number")).select_from(_UNREAD), Count)

READ_ONE = Query(
    update(Notification)
    .where(Notification.id == _ITS, Notification.person_id == _TO)
    .values(read_at=func.coalesce(Notification.read_at, _NOW))
    .returning(*_COLUMNS),
    NotificationRow,
)
READ_ALL = Query(
    update(Notification)
    .where(
        Notification.person_id == _TO,
        Notification.read_at.is_(None),
        Notification.id <= bindparam("newest", type_=Uuid),
    )
    .values(read_at=_NOW)
    .returning(Notification.id),
    OneId,
)


class SubscriptionRow(NamedTuple):
    """What somebody agreed to."""

    template: str
    template_id: str
    remaining: int


MY_SUBSCRIPTIONS = Query(
    select(Subscription.template, Subscription.template_id, Subscription.remaining).where(
        Subscription.person_id == _TO
    ),
    SubscriptionRow,
)
_agreeing = insert(Subscription).values(
    person_id=_TO,
    template=bindparam("agreed", type_=Text),
    template_id=bindparam("its_template_id", type_=Text),
    remaining=1,
    agreed_at=_NOW,
)
AGREE = Query(
    _agreeing.on_conflict_do_update(
        index_elements=["person_id", "template"],
        set_={
            "template_id": _agreeing.excluded.template_id,
            "agreed_at": _agreeing.excluded.agreed_at,
            "remaining": case(
                (
                    Subscription.template_id == _agreeing.excluded.template_id,
                    func.least(Subscription.remaining + 1, MOST_AGREED),
                ),
                else_=1,
            ),
        },
    ).returning(Subscription.person_id.label("id")),
    OneId,
)
"""One more; agreement to what the template was before is forgotten."""


class Claimed(NamedTuple):
    """A WeChat message that is tried now, with what it says."""

    notification_id: UUID
    person_id: UUID
    openid: str | None
    template: str
    title: str
    body: str
    about: str
    at: datetime | None
    expires_at: datetime | None
    subject_id: UUID | None
    created_at: datetime
    read_at: datetime | None
    tries: int


CLAIM = Query(
    select(
        Delivery.notification_id,
        Notification.person_id,
        Person.openid,
        Delivery.template,
        Notification.title,
        Notification.body,
        Delivery.about,
        Delivery.at,
        Delivery.expires_at,
        Notification.subject_id,
        Notification.created_at,
        Notification.read_at,
        Delivery.tries,
    )
    .join(Notification, Notification.id == Delivery.notification_id)
    .join(Person, Person.id == Notification.person_id)
    .where(
        Delivery.notification_id == _ITS,
        Delivery.state == literal_column("'waiting'"),
        Delivery.due_at <= _NOW,
        Person.merged_into_id.is_(None),  # until the notification is the other person's
    )
    .with_for_update(of=Delivery, skip_locked=True),
    Claimed,
)
"""A message that is due; nothing while another worker has it."""
SPEND = Query(
    update(Subscription)
    .where(
        Subscription.person_id == _TO,
        Subscription.template == bindparam("wanted", type_=Text),
        Subscription.template_id == bindparam("its_template_id", type_=Text),
        Subscription.remaining > 0,
    )
    .values(remaining=Subscription.remaining - 1)
    .returning(Subscription.person_id.label("id")),
    OneId,
)
GIVE_BACK = Query(
    update(Subscription)
    .where(
        Subscription.person_id == _TO,
        Subscription.template == bindparam("wanted", type_=Text),
        Subscription.template_id == bindparam("its_template_id", type_=Text),
        Subscription.remaining < MOST_AGREED,
    )
    .values(remaining=Subscription.remaining + 1)
    .returning(Subscription.person_id.label("id")),
    OneId,
)
DROP = Query(
    update(Subscription)
    .where(
        Subscription.person_id == _TO,
        Subscription.template == bindparam("wanted", type_=Text),
    )
    .values(remaining=0)
    .returning(Subscription.person_id.label("id")),
    OneId,
)
MARK = Query(
    update(Delivery)
    .where(
        Delivery.notification_id == _ITS,
        Delivery.state == bindparam("from_state", type_=Text),
    )
    .values(
        state=bindparam("new_state", type_=Text),
        due_at=bindparam("new_due_at", type_=_MOMENT),
        tries=Delivery.tries + bindparam("more_tries", type_=Integer),
        errcode=bindparam("new_errcode", type_=Integer),
        ended_at=bindparam("new_ended_at", type_=_MOMENT),
    )
    .returning(Delivery.notification_id.label("id")),
    OneId,
)
DUE = Query(
    select(Delivery.notification_id.label("id"))
    .where(
        Delivery.state == literal_column("'waiting'"),
        Delivery.due_at <= _NOW,
        bindparam("all_of_them", type_=Boolean)
        | (Delivery.expires_at <= bindparam("quiet_until", type_=_MOMENT)),
    )
    .order_by(Delivery.due_at)
    .limit(bindparam("most", type_=Integer)),
    OneId,
)
"""What can be tried; in the quiet hours only what would be worth nothing after them."""
LEFT_OPEN = Query(
    select(Delivery.notification_id.label("id"))
    .where(
        Delivery.state == literal_column("'sending'"),
        Delivery.due_at < bindparam("since", type_=_MOMENT),
    )
    .order_by(Delivery.due_at)
    .limit(bindparam("most", type_=Integer)),
    OneId,
)
"""Given to WeChat by a worker that never wrote down what came of it."""
