"""HTTP operations of who is in office: appointments, standing in, leave, vacancies."""

from uuid import UUID

from neighborhood_api.grid import service
from neighborhood_api.grid.models import Appointment, Leave
from neighborhood_api.grid.names import post_name
from neighborhood_api.grid.posts import (
    amending,
    appointments,
    holders,
    leaves,
    primaries,
    selections,
    vacancies,
    working,
)
from neighborhood_api.grid.posts.choosing import SelectionChangeIn, SelectionOut
from neighborhood_api.grid.posts.models import Selection
from neighborhood_api.grid.posts.schemas import LeaveIn, LeaveOut, VacancyOut
from neighborhood_api.grid.schemas import (
    AppointmentChangeIn,
    AppointmentEndedOut,
    AppointmentIn,
    AppointmentList,
    AppointmentOut,
    StandInIn,
    WorkOut,
)
from neighborhood_api.identity.access import Forbidden, Role
from neighborhood_api.identity.accounts.given import (
    INITIAL_REFUSALS,
    InitialPasswordNotYours,
)
from neighborhood_api.identity.caller import ActorDep
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.identity.tokens import NotSignedIn, TokenExpired, TokenRevoked
from neighborhood_api.kit import paging
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReadTx, ReadTxDep, TxDep
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.problems import problems

router = new_router(tags=["网格 grid"])

SIGNED_IN = (NotSignedIn, TokenExpired, TokenRevoked)
ENDING = problems(*SIGNED_IN, holders.AppointmentNotFound, holders.AppointmentAlreadyEnded)


@router.get(
    "/grid/nodes/{node_id}/appointments",
    summary="任职名册 · Who holds the posts of a place",
    responses=problems(*SIGNED_IN, Forbidden, service.NodeNotFound),
)
async def list_appointments(
    node_id: UUID, actor: ActorDep, tx: ReadTxDep, now: NowDep
) -> AppointmentList:
    """本地点现任和将任的人员（社区、街道、网格长和系统管理员）。

    Who is in office at a place, and who will be; for grid leaders and offices above it.
    """
    node = await service.current_node(tx, node_id, now=now)
    rows = await tx.execute(appointments.appointments_at(actor, node))
    return AppointmentList(items=[_appointment(*row) for row in rows])


@router.post(
    "/appointments",
    summary="任命 · Appoint somebody to a post",
    responses=problems(
        *SIGNED_IN,
        Forbidden,
        service.NodeNotFound,
        appointments.PostNotAtThisLevel,
        appointments.PostTaken,
        appointments.TermEndsBeforeItStarts,
        appointments.OrganizationNeeded,
        primaries.PrimaryForWorkers,
        primaries.PrimaryTaken,
        selections.VotesDoNotAddUp,
        *INITIAL_REFUSALS,
    ),
)
async def make_appointment(
    body: AppointmentIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> AppointmentOut:
    """任命人员到岗位；按手机号认人，没有则新建。

    Appoint somebody; the person is found by phone number, or created.
    """
    return await _shown(tx, *await appointments.make_appointment(tx, actor, body, now=now))


@router.put(
    "/appointments/{appointment_id}",
    summary="修改任职 · Change the duty phone or the last day",
    responses=problems(
        *SIGNED_IN,
        holders.AppointmentNotFound,
        holders.AppointmentAlreadyEnded,
        StaleVersion,
        amending.LastDayPast,
    ),
)
async def change_appointment(
    appointment_id: UUID, body: AppointmentChangeIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> AppointmentOut:
    """换值班电话、延长或缩短任期；在办事项不动，今后的值班随之更新。

    Another duty phone or last day. Open work stays; shifts to come follow.
    """
    return await _shown(
        tx, *await amending.change_appointment(tx, actor, appointment_id, body, now=now)
    )


@router.post(
    "/appointments/{appointment_id}/end",
    summary="结束任职 · End an appointment",
    responses=ENDING,
)
async def end_appointment(
    appointment_id: UUID, actor: ActorDep, tx: TxDep, now: NowDep
) -> AppointmentEndedOut:
    """结束任职，其权限立即失效，在办事项同时移交。

    End an appointment; its power is gone at once, and what its holder had in hand goes with it
    to whoever acts then: a colleague in the post, or the next one up.
    """
    ended = await appointments.end_appointment(tx, actor, appointment_id, now=now)
    appointment, person, handed_over = ended
    shown = (await _shown(tx, appointment, person)).model_dump()
    return AppointmentEndedOut(**shown, handed_over=WorkOut(**handed_over))


@router.get(
    "/appointments/{appointment_id}/work",
    summary="在办事项 · What is in the hands of the holder",
    responses=problems(*SIGNED_IN, holders.AppointmentNotFound),
)
async def read_appointment_work(
    appointment_id: UUID, actor: ActorDep, tx: ReadTxDep, now: NowDep
) -> WorkOut:
    """结束任职前先看会移交多少（本人、上级和系统管理员）。

    What would go to others if the appointment ended; for the holder, who is above her, and
    the operator.
    """
    return WorkOut(**await working.read_work(tx, actor, appointment_id, now=now))


@router.put(
    "/appointments/{appointment_id}/selection",
    summary="推选或任命记录 · How the holder was chosen",
    responses=problems(
        *SIGNED_IN,
        holders.AppointmentNotFound,
        selections.VotesDoNotAddUp,
        selections.SelectionStands,
        selections.SelectionChanged,
    ),
)
async def change_selection(
    appointment_id: UUID, body: SelectionChangeIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> SelectionOut:
    """登记推选或任命情况；登记后 30 天内可更正。

    Record how she was chosen; slips can be put right for 30 days after the first writing.
    """
    selection = await selections.change_selection(tx, actor, appointment_id, body, now=now)
    return selections.selection_view(selection)


@router.post(
    "/appointments/{appointment_id}/make-primary",
    summary="设为主责网格员 · Make a worker the responsible one",
    responses=problems(
        *SIGNED_IN,
        holders.AppointmentNotFound,
        holders.AppointmentAlreadyEnded,
        primaries.PrimaryForWorkers,
        primaries.PrimaryTaken,
    ),
)
async def make_primary(
    appointment_id: UUID, actor: ActorDep, tx: TxDep, now: NowDep
) -> AppointmentOut:
    """一格一名主责网格员，原主责转为协助。One per grid; whoever was it helps from now on."""
    return await _shown(tx, *await primaries.make_primary(tx, actor, appointment_id, now=now))


@router.post(
    "/appointments/{appointment_id}/stand-in",
    summary="安排代班 · Let somebody stand in",
    responses=problems(
        *SIGNED_IN,
        holders.AppointmentNotFound,
        holders.AppointmentAlreadyEnded,
        holders.StandsInForHerself,
        appointments.StandInOver,
        *INITIAL_REFUSALS,
    ),
)
async def set_stand_in(
    appointment_id: UUID, body: StandInIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> AppointmentOut:
    """安排代班，代班人有该岗位的全部权限。Let somebody act in the holder's place."""
    return await _shown(
        tx, *await appointments.set_stand_in(tx, actor, appointment_id, body, now=now)
    )


@router.post(
    "/appointments/{appointment_id}/end-stand-in",
    summary="结束代班 · End standing in",
    responses=problems(*SIGNED_IN, holders.AppointmentNotFound),
)
async def end_stand_in(
    appointment_id: UUID, actor: ActorDep, tx: TxDep, now: NowDep
) -> AppointmentOut:
    """结束代班，权限立即收回。Give the post back to its holder alone."""
    return await _shown(
        tx, *await appointments.end_stand_in(tx, actor, appointment_id, now=now)
    )


@router.get(
    "/appointments/{appointment_id}/leaves",
    summary="请假记录 · Leaves of the holder of a post",
    responses=problems(*SIGNED_IN, holders.AppointmentNotFound, paging.BadCursor),
)
async def list_leaves(
    appointment_id: UUID, actor: ActorDep, tx: ReadTxDep, page: paging.PageDep
) -> paging.Page[LeaveOut]:
    """该任职的请假记录，新登记的在前（本人、上级和系统管理员）。

    The leaves of an appointment, last granted first; for the holder and her superiors.
    """
    query = (await leaves.leaves_of(tx, actor, appointment_id)).where(Leave.id < page.below)
    rows = await tx.execute(query.order_by(Leave.id.desc()).limit(page.fetch))
    return page.page([_leave(*row) for row in rows], lambda view: view)


@router.post(
    "/appointments/{appointment_id}/leaves",
    summary="准假 · Let the holder of a post be away",
    responses=problems(
        *SIGNED_IN,
        holders.AppointmentNotFound,
        holders.AppointmentAlreadyEnded,
        holders.StandsInForHerself,
        leaves.LeaveDaysWrong,
        leaves.LeavesOverlap,
        InitialPasswordNotYours,
        *INITIAL_REFUSALS,
    ),
)
async def grant_leave(
    appointment_id: UUID, body: LeaveIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> LeaveOut:
    """登记请假，可指定代班人；无代班人时岗位视为空缺，由本级下一岗位或上一级应答。

    Grant a leave, with or without a stand-in. Without one the post counts as vacant on these
    days, and the next post of the place, or the level above, answers. For the holder's
    superior (grid leader, community or street secretary) and the operator.
    """
    return _leave(*await leaves.grant_leave(tx, actor, appointment_id, body, now=now))


@router.post(
    "/appointments/{appointment_id}/leaves/{leave_id}/end",
    summary="销假 · End or cancel a leave",
    responses=problems(
        *SIGNED_IN, holders.AppointmentNotFound, leaves.LeaveNotFound, leaves.LeaveAlreadyEnded
    ),
)
async def end_leave(
    appointment_id: UUID, leave_id: UUID, actor: ActorDep, tx: TxDep, now: NowDep
) -> LeaveOut:
    """提前销假或取消请假，代班权限立即收回。

    End a leave now, or cancel one to come; its stand-in loses the power at once.
    """
    return _leave(*await leaves.end_leave(tx, actor, appointment_id, leave_id, now=now))


@router.get(
    "/grid/vacancies",
    summary="空缺与一人多岗 · Vacant posts and double cover",
    responses=problems(*SIGNED_IN, paging.BadCursor),
)
async def list_vacancies(
    actor: ActorDep, tx: ReadTxDep, now: NowDep, page: paging.PageDep
) -> paging.Page[VacancyOut]:
    """辖区内今天无人在岗的岗位，以及一人兼任多岗的岗位，按地点列出。

    Places below the caller where a post that must answer has nobody today, or somebody who
    acts in another such post as well. Empty for callers without an office.
    """
    return await vacancies.list_vacancies(tx, actor, page, now=now)


async def _shown(tx: ReadTx, appointment: Appointment, person: Person) -> AppointmentOut:
    called = await appointments.called_here(tx, appointment)
    return _appointment(appointment, person, called=called)


def _appointment(
    appointment: Appointment,
    person: Person,
    selection: Selection | None = None,
    called: str | None = None,
) -> AppointmentOut:
    role = Role(appointment.role)
    return AppointmentOut(
        id=appointment.id,
        node_id=appointment.node_id,
        role=role,
        role_name=post_name(role, called),
        person_id=person.id,
        name=person.name,
        duty_phone=appointment.duty_phone,
        starts_on=appointment.starts_on,
        ends_on=appointment.ends_on,
        ended=appointment.ended_at is not None,
        stand_in_id=appointment.stand_in_id,
        stand_in_until=appointment.stand_in_until,
        organization_id=appointment.organization_id,
        primary=appointment.is_primary,
        selection=None if selection is None else selections.selection_view(selection),
        version=appointment.version,
    )


def _leave(leave: Leave, stand_in: Person | None) -> LeaveOut:
    return LeaveOut(
        id=leave.id,
        appointment_id=leave.appointment_id,
        first_on=leave.first_on,
        last_on=leave.last_on,
        stand_in_id=leave.stand_in_id,
        stand_in_name=None if stand_in is None else stand_in.name,
        duty_phone=leave.stand_in_phone,
        begun=leave.begun_at is not None,
        ended=leave.ended_at is not None,
    )
