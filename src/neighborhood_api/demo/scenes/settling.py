"""Results, checks, reopening, ratings, call-backs."""

from neighborhood_api.demo.scenes.scene import Play, Scene
from neighborhood_api.issues.settling import call_backs, service
from neighborhood_api.issues.settling.schemas import (
    CallBackIn,
    RateIn,
    RefuseResultIn,
    RemedyIn,
    ReopenIn,
    ResolveIn,
    VerifyIn,
)


async def _resolve(scene: Scene) -> None:
    wish = ResolveIn.model_validate(
        {
            "text": scene.step.text,
            "before_photo_ids": scene.before_photos,
            "photo_ids": scene.photos,
            "position": scene.near(),
        }
    )
    await service.resolve_issue(scene.tx, scene.actor, scene.issue_id, wish, now=scene.at)


async def _verify(scene: Scene) -> None:
    wish = VerifyIn(text=scene.text, photo_ids=list(scene.photos))
    await service.verify_issue(scene.tx, scene.actor, scene.issue_id, wish, now=scene.at)


async def _refuse_result(scene: Scene) -> None:
    wish = RefuseResultIn(text=scene.step.text, photo_ids=list(scene.photos))
    await service.refuse_result(scene.tx, scene.actor, scene.issue_id, wish, now=scene.at)


async def _reopen(scene: Scene) -> None:
    wish = ReopenIn(text=scene.step.text, photo_ids=list(scene.photos))
    await service.reopen_issue(scene.tx, scene.actor, scene.issue_id, wish, now=scene.at)


async def _rate(scene: Scene) -> None:
    wish = RateIn(rating=scene.step.rating or 5, text=scene.text, items=scene.step.items)
    await service.rate_issue(scene.tx, scene.actor, scene.issue_id, wish, now=scene.at)


async def _take_call_back(scene: Scene) -> None:
    await call_backs.take_call_back(scene.tx, scene.actor, scene.issue_id, now=scene.at)


async def _call_back(scene: Scene) -> None:
    wish = CallBackIn(
        reached=bool(scene.step.agrees),
        solved=scene.step.content,
        satisfied=scene.step.content,
        rating=scene.step.rating,
        items=scene.step.items,
        text=scene.step.text,
    )
    await call_backs.record_call_back(scene.tx, scene.actor, scene.issue_id, wish, now=scene.at)


async def _remedy(scene: Scene) -> None:
    wish = RemedyIn(text=scene.step.text, photo_ids=list(scene.photos))
    await call_backs.remedy_issue(scene.tx, scene.actor, scene.issue_id, wish, now=scene.at)


SETTLING: dict[str, Play] = {
    "resolve": _resolve,
    "verify": _verify,
    "refuse_result": _refuse_result,
    "reopen": _reopen,
    "rate": _rate,
    "take_call_back": _take_call_back,
    "call_back": _call_back,
    "remedy": _remedy,
}
