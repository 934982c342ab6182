"""Calling departments: they check in, report, are released and rated."""

from uuid import UUID

from neighborhood_api.cases import attending
from neighborhood_api.cases.models import Case
from neighborhood_api.cases.whistles import miss_check_ins
from neighborhood_api.demo.scenes.scene import Play, Scene
from neighborhood_api.issues.whistling import service
from neighborhood_api.issues.whistling.schemas import CheckInIn, ReportIn, WhistleIn
from neighborhood_api.issues.workflow import ISSUE


async def _whistle(scene: Scene) -> None:
    wish = WhistleIn.model_validate(
        {
            "reason": scene.step.text,
            "meeting_place": scene.step.to,
            "departments": [
                {
                    "organization_id": scene.cast.organizations[one.department],
                    "lead": one.lead,
                    "task": one.task,
                    "check_in_minutes": one.minutes,
                }
                for one in scene.step.called
            ],
        }
    )
    await service.whistle(scene.tx, await scene.case(), scene.actor, wish, now=scene.at)


async def _check_in(scene: Scene) -> None:
    case = await scene.case()
    wish = CheckInIn.model_validate({"position": scene.near()})
    await service.check_in(scene.tx, case, scene.actor, _call(scene, case), wish, now=scene.at)


async def _report_work(scene: Scene) -> None:
    case = await scene.case()
    wish = ReportIn(text=scene.step.text, photo_ids=list(scene.photos))
    await service.report_work(
        scene.tx, case, scene.actor, _call(scene, case), wish, now=scene.at
    )


async def _release(scene: Scene) -> None:
    case = await scene.case()
    call_id = _call(scene, case)
    await attending.release_call(
        scene.tx, ISSUE, case, scene.actor, call_id, reason=scene.text, now=scene.at
    )


async def _rate_call(scene: Scene) -> None:
    case = await scene.case()
    await attending.rate_call(
        scene.tx,
        ISSUE,
        case,
        scene.actor,
        _call(scene, case),
        rating=scene.step.rating or 5,
        text=scene.text,
        now=scene.at,
    )


async def _miss_check_in(scene: Scene) -> None:
    await miss_check_ins(scene.tx, ISSUE, await scene.case(), now=scene.at)


def _call(scene: Scene, case: Case) -> UUID:
    """Return the latest call of the department that the step names."""
    mine = [call for call in case.calls if call.organization_id == scene.to_organization]
    return max(mine, key=lambda call: call.called_at).id


WHISTLING: dict[str, Play] = {
    "whistle": _whistle,
    "check_in": _check_in,
    "report_work": _report_work,
    "release": _release,
    "rate_call": _rate_call,
    "miss_check_in": _miss_check_in,
}
