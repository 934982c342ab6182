"""What the API returns about draws."""

from uuid import UUID

from neighborhood_api.kit.schema import Moment, Out


class LotOut(Out):
    """An enrolment's place in the draw."""

    place: int
    code: str
    """预约号 · The enrolment."""
    score: str
    """SHA-256(种子:号码) · What the order goes by."""
    won: bool
    """是否抽中 · Whether it got its seats then."""


class DrawOut(Out):
    """How seats are drawn, so that anybody can recompute it."""

    session_id: UUID
    commitment: str
    """种子的 SHA-256，从一开始公布 · SHA-256 of the seed; known from the beginning."""
    draw_at: Moment | None
    """何时抽签，已抽为抽签的时间 · When it is, or was, drawn."""
    drawn_at: Moment | None
    seed: str | None
    """种子，抽签后公布 · The seed; null before the draw."""
    formula: str
    """如何验证 · How to check it."""
    lots: list[LotOut]
    """抽签顺序，抽签后公布 · The order of the draw; empty before."""
