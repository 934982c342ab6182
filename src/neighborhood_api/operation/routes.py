"""HTTP operations for those who run the product."""

from http import HTTPStatus
from secrets import compare_digest

import asyncpg
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST

from neighborhood_api.kit.db import ReaderDep
from neighborhood_api.kit.problems import NotFound
from neighborhood_api.kit.schema import Done
from neighborhood_api.operation import metrics, readiness
from neighborhood_api.operation.readiness import ReadinessOut, Status
from neighborhood_api.settings import Settings

router = APIRouter(tags=["运行 operation"])
metrics_page = APIRouter()

NOT_READY = "状态为 not_ready,内容同 200 · The same body, with status `not_ready`"


@router.get("/health/live", summary="进程是否存活 · The process answers")
async def check_live() -> Done:
    """进程能应答即为存活，不检查数据库。Whether to restart the process; asks nothing else."""
    return Done()


@router.get(
    "/health/ready",
    summary="能否接受请求 · Requests may be sent here",
    responses={HTTPStatus.SERVICE_UNAVAILABLE.value: {"description": NOT_READY}},
    response_model=ReadinessOut,
)
async def check_ready(reader: ReaderDep) -> Response:
    """数据库可用且表结构为本版本时返回 200;只缺后台任务进程时仍为 200,状态为 degraded。

    A missing worker is no reason to answer 503: every API process would be taken out of the
    load balancer at once, while reading and reporting still work.
    """
    found = await readiness.read_readiness(reader)
    well = found.status is not Status.NOT_READY
    return JSONResponse(
        found.model_dump(mode="json"),
        int(HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE),
    )


@metrics_page.get("/metrics", include_in_schema=False)
async def read_metrics(request: Request, reader: ReaderDep) -> Response:
    """Give the numbers to whoever has the token; without a token set there is no such page."""
    settings: Settings = request.app.state.settings
    wanted = settings.metrics_token
    given = request.headers.get("authorization", "")
    if wanted is None or not compare_digest(
        given.encode(), f"Bearer {wanted.get_secret_value()}".encode()
    ):
        raise NotFound
    try:
        waiting = await metrics.backlog(reader)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        waiting = None  # the numbers of the processes are wanted then more than ever
    return Response(metrics.page(waiting), media_type=CONTENT_TYPE_LATEST)
