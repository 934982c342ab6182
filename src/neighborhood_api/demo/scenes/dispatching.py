"""Sending on and back, the street's decision, and asking for time."""

from datetime import timedelta

from neighborhood_api.cases import requests
from neighborhood_api.cases.telling import Said
from neighborhood_api.cases.workflow import Move
from neighborhood_api.demo.scenes.scene import Play, Scene
from neighborhood_api.issues.dispatching import service
from neighborhood_api.issues.dispatching.schemas import ReturnIn
from neighborhood_api.issues.service import move_issue
from neighborhood_api.issues.workflow import ISSUE


async def _dispatch(scene: Scene) -> None:
    said = Said(note=scene.text, organization_id=scene.to_organization)
    await move_issue(scene.tx, scene.actor, scene.issue_id, Move.DISPATCH, said, now=scene.at)


async def _transfer(scene: Scene) -> None:
    case = await scene.case()
    await service.transfer_issue(scene.tx, case, scene.actor, _sent(scene), now=scene.at)


async def _adjudicate(scene: Scene) -> None:
    case = await scene.case()
    await service.adjudicate_issue(scene.tx, case, scene.actor, _sent(scene), now=scene.at)


async def _return(scene: Scene) -> None:
    wish = ReturnIn.model_validate({"reason": scene.step.reason, "text": scene.step.text})
    await service.return_issue(scene.tx, await scene.case(), scene.actor, wish, now=scene.at)


async def _decline(scene: Scene) -> None:
    wish = ReturnIn.model_validate({"reason": scene.step.reason, "text": scene.step.text})
    await service.decline_issue(scene.tx, await scene.case(), scene.actor, wish, now=scene.at)


async def _request_suspension(scene: Scene) -> None:
    await requests.request_suspension(
        scene.tx,
        ISSUE,
        await scene.case(),
        scene.actor,
        Said(text=scene.text, internal=True),
        until=scene.at + timedelta(minutes=scene.step.minutes or 0),
        now=scene.at,
    )


async def _request_extension(scene: Scene) -> None:
    await requests.request_extension(
        scene.tx,
        ISSUE,
        await scene.case(),
        scene.actor,
        Said(text=scene.text, internal=True),
        amount=scene.step.minutes or 0,
        now=scene.at,
    )


async def _decide_request(scene: Scene) -> None:
    await requests.decide_request(
        scene.tx,
        ISSUE,
        await scene.case(),
        scene.actor,
        Said(text=scene.text, internal=not scene.step.agrees),
        approve=bool(scene.step.agrees),
        now=scene.at,
    )


def _sent(scene: Scene) -> Said:
    """Say where it goes: to a department, or to the place that has that code."""
    node = scene.cast.nodes.get(scene.step.to or "")
    if node is not None:
        return Said(text=scene.text, node_id=node.id)
    return Said(text=scene.text, organization_id=scene.to_organization)


DISPATCHING: dict[str, Play] = {
    "dispatch": _dispatch,
    "transfer": _transfer,
    "adjudicate": _adjudicate,
    "return": _return,
    "decline": _decline,
    "request_suspension": _request_suspension,
    "request_extension": _request_extension,
    "decide_request": _decide_request,
}
