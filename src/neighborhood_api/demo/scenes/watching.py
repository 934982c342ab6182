"""Urging and orders."""

from neighborhood_api.demo.scenes.scene import Play, Scene
from neighborhood_api.issues.categories.schemas import LimitBody
from neighborhood_api.issues.watching import orders, urging
from neighborhood_api.issues.watching.schemas import AnswerOrderIn, DecideOrderIn, OrderIn
from neighborhood_api.schedules.clocks import Clock


async def _urge(scene: Scene) -> None:
    case = await scene.case()
    await urging.urge_issue(scene.tx, case, scene.actor, scene.text, now=scene.at)


async def _supervise(scene: Scene) -> None:
    wish = OrderIn(text=scene.step.text, answer_within=_limit(scene))
    await orders.supervise_issue(scene.tx, await scene.case(), scene.actor, wish, now=scene.at)


async def _answer_order(scene: Scene) -> None:
    wish = AnswerOrderIn(text=scene.step.text, photo_ids=list(scene.photos))
    await orders.answer_order(scene.tx, await scene.case(), scene.actor, wish, now=scene.at)


async def _decide_order(scene: Scene) -> None:
    wish = DecideOrderIn(
        accept=bool(scene.step.agrees),
        text=scene.step.text,
        answer_within=_limit(scene) if scene.step.minutes else None,
    )
    await orders.decide_order(scene.tx, await scene.case(), scene.actor, wish, now=scene.at)


def _limit(scene: Scene) -> LimitBody:
    return LimitBody(clock=Clock.CALENDAR, amount=scene.step.minutes or 0)


WATCHING: dict[str, Play] = {
    "urge": _urge,
    "supervise": _supervise,
    "answer_order": _answer_order,
    "decide_order": _decide_order,
}
