"""HTTP operations on one's own data."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Path, Query, Request, Response

from neighborhood_api.files.handles import LinksDep, StoreDep
from neighborhood_api.files.store import FileStoreUnavailable
from neighborhood_api.grid.service import NodeNotFound, NotALane, ResidenceUnknown
from neighborhood_api.identity.access import Forbidden
from neighborhood_api.identity.caller import ActorDep
from neighborhood_api.identity.tokens import NotSignedIn, TokenExpired, TokenRevoked
from neighborhood_api.kit import paging
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReadTxDep, TxDep
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.problems import problems
from neighborhood_api.privacy import consents, corrections, erasures, exporting, looks
from neighborhood_api.privacy.models import DataExport, Erasure, ErasureState
from neighborhood_api.privacy.schemas import (
    ConsentDocumentIn,
    ConsentDocumentList,
    ConsentDocumentOut,
    CorrectionIn,
    CorrectionOut,
    DataExportOut,
    DataLookOut,
    ErasureOut,
    MyConsentIn,
    MyConsentList,
    MyConsentOut,
)
from neighborhood_api.settings import Settings
from neighborhood_api.venues.children.consent import PRESENT
from neighborhood_api.venues.children.models import Child
from neighborhood_api.venues.children.service import children_of

router = new_router(tags=["个人信息 personal data"])

SIGNED_IN = (NotSignedIn, TokenExpired, TokenRevoked)
CorrectionPage = paging.Page[CorrectionOut]
DataLookPage = paging.Page[DataLookOut]
DataExportPage = paging.Page[DataExportOut]
CHILD = "child"
_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "JSON or HTML",
        "content": {"application/json": {}, "text/html": {"schema": {"type": "string"}}},
    }
}


async def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


SettingsDep = Annotated[Settings, Depends(_settings)]


@router.get("/consents/current", summary="现行的隐私政策等文本 · The texts in force")
async def list_current_consents(tx: ReadTxDep, now: NowDep) -> ConsentDocumentList:
    """无需登录；每类文本的现行版本和全文。Open to everybody; the version in force of each."""
    found = (await tx.scalars(consents.documents_in_force(now))).all()
    return ConsentDocumentList(items=[ConsentDocumentOut.model_validate(one) for one in found])


@router.post(
    "/consents",
    summary="发布文本的新版本 · Put a version of a text in force",
    responses=problems(
        *SIGNED_IN, Forbidden, consents.ConsentFromThePast, consents.ConsentVersionTaken
    ),
)
async def publish_consent_document(
    body: ConsentDocumentIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> ConsentDocumentOut:
    """仅总管理员；生效后，同意过旧版本的人会被重新询问。

    For chief operators; whoever agreed to an earlier version is asked again.
    """
    document = await consents.publish_document(tx, actor, body, now=now)
    return ConsentDocumentOut.model_validate(document)


@router.get(
    "/me/consents",
    summary="我的同意 · What I agreed to, and what is asked now",
    responses=problems(*SIGNED_IN),
)
async def list_my_consents(actor: ActorDep, tx: ReadTxDep, now: NowDep) -> MyConsentList:
    """每类文本一条，每个孩子的监护人同意一条；`asked` 为现在应询问的。

    One for each kind of text, and one for each child; `asked` says what to ask now. No other
    operation is refused because something was not agreed to.
    """
    mine = [_consent(one) for one in await consents.standings(tx, actor.person_id, now=now)]
    children = [_child_consent(one.child) for one in await children_of(tx, actor.person_id)]
    return MyConsentList(items=mine + children)


@router.post(
    "/me/consents",
    summary="同意 · Agree to a text",
    responses=problems(
        *SIGNED_IN, consents.ConsentDocumentNotFound, consents.ConsentDocumentSuperseded
    ),
)
async def agree_to_consent(
    body: MyConsentIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> MyConsentList:
    """同意一份现行文本。Agree to a text in force."""
    await consents.agree_to(tx, actor, body.document_id, now=now)
    return await list_my_consents(actor, tx, now)


@router.post(
    "/me/consents/{kind}/withdraw",
    summary="撤回同意或不同意 · Withdraw a consent, or decline",
    responses=problems(*SIGNED_IN, consents.ConsentKindUnknown),
)
async def withdraw_from_consent(
    kind: Annotated[str, Path(max_length=40, description="类别 · The kind of text.")],
    actor: ActorDep,
    tx: TxDep,
    now: NowDep,
) -> MyConsentList:
    """撤回后不再为此询问，直到有新版本；其他功能不受影响。

    Not asked again before there is a new version; nothing else is refused for it.
    """
    await consents.withdraw_from(tx, actor, kind, now=now)
    return await list_my_consents(actor, tx, now)


@router.post(
    "/me/data-export",
    summary="申请我的信息副本 · Ask for a copy of my data",
    responses=problems(*SIGNED_IN, exporting.DataExportUnderWay),
)
async def request_data_export(
    actor: ActorDep, tx: TxDep, links: LinksDep, now: NowDep
) -> DataExportOut:
    """后台生成系统中关于本人的全部信息，网页版和数据版各一份。

    Everything that is kept about the caller, to read and as JSON; made by a job.
    """
    export = await exporting.request_data_export(tx, actor, now=now)
    return exporting.data_export_view(export, links, now=now)


@router.get(
    "/me/data-exports",
    summary="我的副本 · My copies",
    responses=problems(*SIGNED_IN, paging.BadCursor),
)
async def list_data_exports(
    actor: ActorDep, tx: ReadTxDep, links: LinksDep, now: NowDep, page: paging.PageDep
) -> DataExportPage:
    """申请过的副本，新的在前；还在的附下载链接。Those asked for, newest first, with links."""
    rows = (await tx.scalars(exporting.data_exports_of(actor.person_id, page))).all()
    return page.page(rows, lambda one: exporting.data_export_view(one, links, now=now))


@router.get(
    "/me/data-exports/{export_id}",
    summary="副本的进度和下载链接 · How far a copy is",
    responses=problems(*SIGNED_IN, exporting.DataExportNotFound),
)
async def read_data_export(
    export_id: UUID, actor: ActorDep, tx: ReadTxDep, links: LinksDep, now: NowDep
) -> DataExportOut:
    """仅本人；完成后附两个链接，10 分钟有效，可再读取。

    For the caller alone; once done with links that are good for ten minutes.
    """
    export = await exporting.find_data_export(tx, actor, export_id)
    return exporting.data_export_view(export, links, now=now)


@router.get(
    "/me/data-exports/{export_id}/file",
    summary="下载副本 · Download a copy",
    response_class=Response,
    responses=_FILE
    | problems(
        exporting.CopyLinkInvalid,
        exporting.CopyLinkExpired,
        exporting.DataExportGone,
        FileStoreUnavailable,
    ),
)
async def download_data_export(
    export_id: UUID,
    form: Annotated[exporting.CopyFormat, Query(alias="format", description="格式 · As what.")],
    expires: Annotated[int, Query(ge=0, description="失效时间 · Seconds since 1970.")],
    signature: Annotated[str, Query(max_length=100, description="签名 · From the link.")],
    tx: ReadTxDep,
    store: StoreDep,
    links: LinksDep,
    now: NowDep,
) -> Response:
    """打开副本里的链接即可，无需登录；请勿自行拼接。What the links lead to."""
    exporting.SignedCopy(export_id, form, expires, signature).check(links, now=now)
    export = await tx.get(DataExport, export_id)
    if export is None or not exporting.is_there(export, now):
        raise exporting.DataExportGone
    content = await exporting.read_copy(store, export, form)
    headers = {
        "cache-control": "private, no-store",
        "content-disposition": f'attachment; filename="my-data.{form}"',
        "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
    }
    return Response(content, headers=headers, media_type=exporting.MEDIA_TYPES[form])


@router.get(
    "/me/data-looks",
    summary="谁看过我的信息 · Who looked at my data",
    responses=problems(*SIGNED_IN, paging.BadCursor),
)
async def list_data_looks(actor: ActorDep, tx: ReadTxDep, page: paging.PageDep) -> DataLookPage:
    """工作人员查看电话、孩子记录、登记信息的岗位、地点、时间和理由；新的在前。

    By which post, where, when and why; newest first.
    """
    rows = await looks.looks_at(tx, actor.person_id, page)
    return page.page(rows, looks.data_look_view)


@router.post(
    "/me/corrections",
    summary="申请更正或删除 · Ask for a correction",
    responses=problems(
        *SIGNED_IN, NodeNotFound, NotALane, ResidenceUnknown, corrections.TooManyCorrections
    ),
)
async def ask_for_correction(
    body: CorrectionIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> CorrectionOut:
    """本人不能自行修改的信息，由所在社区核对后更正或说明理由，15 天内答复。

    What the caller cannot change herself; answered by the staff of the place within 15 days.
    """
    asked = await corrections.ask_for_correction(tx, actor, body, now=now)
    return CorrectionOut.model_validate(asked)


@router.get(
    "/me/corrections",
    summary="我的更正申请 · My requests for correction",
    responses=problems(*SIGNED_IN, paging.BadCursor),
)
async def list_my_corrections(
    actor: ActorDep, tx: ReadTxDep, page: paging.PageDep
) -> CorrectionPage:
    """新的在前。Newest first."""
    rows = (await tx.scalars(corrections.corrections_of(actor.person_id, page))).all()
    return page.page(rows, CorrectionOut.model_validate)


@router.post(
    "/me/erasure",
    summary="注销账号 · Cancel one's account",
    responses=problems(
        *SIGNED_IN,
        erasures.ErasureHoldsPost,
        erasures.ErasureTeaches,
        erasures.ErasureUnderInvestigation,
        erasures.ErasureUnderWay,
    ),
)
async def request_erasure(
    actor: ActorDep, tx: TxDep, settings: SettingsDep, now: NowDep
) -> ErasureOut:
    """冷静期内可撤回；期满后个人信息全部删除，未开始的预约取消，诉求记录保留但不再指向本人。

    It can be withdrawn until `due_at`. Then everything about the caller is erased, her bookings
    to come are cancelled, and her issues stay without her.
    """
    days = settings.erasure_cooling_days
    return _erasure(await erasures.request_erasure(tx, actor, cooling_days=days, now=now))


@router.get(
    "/me/erasure",
    summary="注销进度 · How far the cancellation is",
    responses=problems(*SIGNED_IN, erasures.NoErasureUnderWay),
)
async def read_erasure(actor: ActorDep, tx: ReadTxDep) -> ErasureOut:
    """最近一次注销申请。The last request."""
    erasure = await erasures.last_erasure(tx, actor.person_id)
    if erasure is None:
        raise erasures.NoErasureUnderWay
    return _erasure(erasure)


@router.post(
    "/me/erasure/withdraw",
    summary="撤回注销 · Withdraw the cancellation",
    responses=problems(*SIGNED_IN, erasures.NoErasureUnderWay),
)
async def withdraw_erasure(actor: ActorDep, tx: TxDep, now: NowDep) -> ErasureOut:
    """冷静期内有效。While there is time to think it over."""
    return _erasure(await erasures.withdraw_erasure(tx, actor, now=now))


def _erasure(erasure: Erasure) -> ErasureOut:
    code = erasure.hindered_by
    return ErasureOut(
        id=erasure.id,
        state=ErasureState(erasure.state),
        requested_at=erasure.requested_at,
        due_at=erasure.due_at,
        ended_at=erasure.ended_at,
        hindered_by=code,
        hindrance=None if code is None else erasures.HINDRANCES.get(code, erasures.TRIED_AGAIN),
    )


def _consent(standing: consents.Standing) -> MyConsentOut:
    document, said = standing.document, standing.consent
    return MyConsentOut(
        kind=document.kind,
        title=document.title,
        version=document.version,
        needed=document.needed,
        asked=standing.asked,
        agreed=standing.agreed,
        agreed_version=standing.agreed_version,
        agreed_at=None if said is None else said.agreed_at,
        ended_at=None if said is None else said.ended_at,
        document_id=document.id,
    )


def _child_consent(child: Child) -> MyConsentOut:
    agreed = child.consent_version == PRESENT.version
    return MyConsentOut(
        kind=CHILD,
        title="未成年人信息监护人同意书",
        version=PRESENT.version,
        needed=False,
        asked=not agreed,
        agreed=agreed,
        agreed_version=child.consent_version,
        agreed_at=child.consented_at,
        ended_at=None,
        document_id=None,
        child_id=child.id,
    )
