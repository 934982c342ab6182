"""The list of whom one can be; `app` mounts it in demo mode only."""

from fastapi import Request

from neighborhood_api.demo.people import DemoPersonOut, PhoneMaker, list_people
from neighborhood_api.kit.db import ReadTxDep
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.paging import Page
from neighborhood_api.settings import Settings

router = new_router(tags=["演示 demo"])


@router.get("/demo/people", summary="演示身份 · Whom one can be")
async def list_demo_people(request: Request, tx: ReadTxDep) -> Page[DemoPersonOut]:
    """演示用的居民和工作人员，以及可直接发送的登录请求。

    Invented people, each with a sign-in request that works as it stands.
    """
    settings: Settings = request.app.state.settings
    phones = PhoneMaker(request.app.state.http, settings.wechat_base_url)
    return Page(items=await list_people(tx, phones), next=None)
