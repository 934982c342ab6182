"""How the draw of a session is shown, so that anybody can recompute it."""

from http import HTTPStatus
from uuid import UUID

from neighborhood_api.kit.db import Source
from neighborhood_api.kit.problems import Problem
from neighborhood_api.registrations.drawing import DRAW
from neighborhood_api.registrations.draws import in_drawn_order
from neighborhood_api.registrations.states import State
from neighborhood_api.venues.sessions.enrolling import resource_of
from neighborhood_api.venues.sessions.lots import DrawOut, LotOut
from neighborhood_api.venues.sessions.queries import LOTS

FORMULA = (
    "SHA-256(seed) = commitment；每个预约号 B<n> 的分数 = SHA-256(seed + ':' + n)，"
    "十六进制小写，从小到大排序；依次给名额，名额不够或时间冲突的候补 · "
    "The commitment is SHA-256 of the seed. The score of enrolment B<n> is "
    "SHA-256(seed + ':' + n), in lower-case hexadecimal; the smallest comes first. In this "
    "order each gets her seats while enough are left and she is not elsewhere; others wait."
)


class NoDraw(Problem):
    """Its seats are not drawn by lot: first come, first served."""

    status = HTTPStatus.NOT_FOUND
    title = "The seats of this session are not drawn"
    message = "这个课程或活动不抽签，按报名先后"


async def read_draw(source: Source, session_id: UUID) -> DrawOut:
    """Show what was promised and, once it is drawn, the seed and the order.

    Raises: SessionNotFound, NoDraw.
    """
    resource = await resource_of(source, session_id)
    draw = await DRAW.first(source, id=session_id)
    if draw is None:
        raise NoDraw
    lots = []
    if draw.drawn_at is not None:
        rows = await LOTS.all(source, id=session_id)
        scores = {
            lot.number: lot.score for lot in in_drawn_order(draw.seed, [r.number for r in rows])
        }
        lots = [
            LotOut(
                place=row.place,
                code=f"B{row.number}",
                score=scores[row.number],
                won=row.state != State.WAITLISTED,  # staff may have to approve it
            )
            for row in rows
        ]
    return DrawOut(
        session_id=session_id,
        commitment=draw.commitment,
        draw_at=resource.draw_at or draw.drawn_at,
        drawn_at=draw.drawn_at,
        seed=None if draw.drawn_at is None else draw.seed,
        formula=FORMULA,
        lots=lots,
    )
