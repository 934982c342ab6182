"""Saying "me too", handling two as one, and what the public sees."""

from neighborhood_api.cases.telling import Said
from neighborhood_api.demo.scenes.scene import Play, Scene
from neighborhood_api.issues.publishing import looking
from neighborhood_api.issues.publishing import service as publishing
from neighborhood_api.issues.publishing.models import Publication
from neighborhood_api.issues.publishing.schemas import HideIn, ModerateIn
from neighborhood_api.issues.together import service


async def _support(scene: Scene) -> None:
    await service.support_issue(scene.tx, scene.actor, scene.issue_id, now=scene.at)


async def _merge(scene: Scene) -> None:
    main_id = scene.cast.issues[scene.step.to or ""]
    await service.merge_issue(
        scene.tx, scene.actor, scene.issue_id, main_id, scene.step.text, now=scene.at
    )


async def _unmerge(scene: Scene) -> None:
    said = Said(text=scene.text)
    await service.unmerge_issue(scene.tx, scene.actor, scene.issue_id, said, now=scene.at)


async def _moderate(scene: Scene) -> None:
    publication = await scene.tx.get_one(Publication, scene.issue_id)
    show = bool(scene.step.agrees)
    wish = ModerateIn(version=publication.version, show=show, photos=show, reason=scene.text)
    await publishing.moderate_issue(scene.tx, scene.actor, scene.issue_id, wish, now=scene.at)


async def _hide(scene: Scene) -> None:
    wish = HideIn(reason=scene.text)
    await publishing.hide_issue(scene.tx, scene.actor, scene.issue_id, wish, now=scene.at)


async def _reporter_phone(scene: Scene) -> None:
    await looking.show_reporter_phone(scene.tx, scene.actor, scene.issue_id, now=scene.at)


TOGETHER: dict[str, Play] = {
    "support": _support,
    "merge": _merge,
    "unmerge": _unmerge,
    "moderate": _moderate,
    "hide": _hide,
    "reporter_phone": _reporter_phone,
}
