"""Telling both sides when a superior reset an account or took its second step off."""

from datetime import UTC, datetime
from uuid import UUID

from procrastinate import Blueprint, JobContext

from neighborhood_api.identity.events import AccountReset, SecondStepReset
from neighborhood_api.identity.models import Person
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.jobs import PATIENT, job_transaction, on
from neighborhood_api.notifications.service import notify

jobs = Blueprint()

Text = tuple[str, str]
"""Title and body."""

_RESET: Text = (
    "您的账号已被重置",
    "{by}重置了您的账号：原密码作废，所有设备已退出。请向其索取一次性码；若非本人要求，请报上级。",
)
_RESET_BY: Text = (
    "您重置了{who}的账号",
    "原密码作废，其所有设备已退出。请把一次性码当面或电话告知本人。",
)
_STEP: Text = (
    "您的动态码登录已被关闭",
    "{by}关闭了您的动态码登录，所有设备已退出。请重新登录并再次启用；若非本人要求，请报上级。",
)
_STEP_BY: Text = (
    "您关闭了{who}的动态码登录",
    "其所有设备已退出。请提醒本人重新登录后再次启用。",
)
_OTHERWISE = {"who": "该人员", "by": "系统管理员"}


@jobs.task(name="identity.tell_account_reset", pass_context=True, retry=PATIENT)
async def tell_account_reset(
    context: JobContext, /, person_id: str, by_id: str, invitation_id: str, **_: object
) -> None:
    """Tell both that an account was reset."""
    key, texts = f"{AccountReset.name} {invitation_id}", (_RESET, _RESET_BY)
    async with job_transaction(context) as tx:
        await _tell_both(tx, AccountReset.name, UUID(person_id), UUID(by_id), texts, key)


@jobs.task(name="identity.tell_second_step_reset", pass_context=True, retry=PATIENT)
async def tell_second_step_reset(
    context: JobContext, /, person_id: str, by_id: str, **_: object
) -> None:
    """Tell both that somebody's second step was taken off."""
    key, texts = f"{SecondStepReset.name} job {context.job.id}", (_STEP, _STEP_BY)
    async with job_transaction(context) as tx:
        await _tell_both(tx, SecondStepReset.name, UUID(person_id), UUID(by_id), texts, key)


async def _tell_both(
    tx: Tx, kind: str, person_id: UUID, by_id: UUID, texts: tuple[Text, Text], key: str
) -> None:
    names = dict(_OTHERWISE)
    for role, its_id in (("who", person_id), ("by", by_id)):
        person = await tx.get(Person, its_id)
        if person is not None and person.name is not None:
            names[role] = person.name
    for to_id, (title, body) in zip((person_id, by_id), texts, strict=True):
        await notify(
            tx,
            to_id,
            kind,
            None,
            title=title.format_map(names),
            body=body.format_map(names),
            at_most_once_key=key,
            now=datetime.now(UTC),
        )


on(AccountReset, "identity.tell_account_reset")
on(SecondStepReset, "identity.tell_second_step_reset")
