"""How plans and their previews are shown."""

from datetime import datetime
from uuid import UUID

from neighborhood_api.identity.places import Level
from neighborhood_api.kit.db import ReadTx
from neighborhood_api.reorganisation.counting import counts_of
from neighborhood_api.reorganisation.deciding import Question, Survey, survey
from neighborhood_api.reorganisation.models import Reorganisation
from neighborhood_api.reorganisation.schemas import (
    AffectedPlaceOut,
    FoundedPlaceOut,
    OptionOut,
    PlaceChange,
    PlaceCountsOut,
    PlanQuestionOut,
    PlanTroubleOut,
    ReorganisationPreviewOut,
)


async def preview(
    tx: ReadTx, plan: Reorganisation, *, now: datetime
) -> ReorganisationPreviewOut:
    """Show everything that a plan touches on today's grid, and what it leaves open."""
    found = await survey(tx, plan, now=now)
    undecided = {question.key for question in found.missing}
    return ReorganisationPreviewOut(
        possible=not found.troubles and not found.missing,
        troubles=[PlanTroubleOut.model_validate(one.plain) for one in found.troubles],
        questions=[_question(found, one, undecided) for one in found.questions],
        places=await _places(tx, found, now=now),
        founded=_founded(found),
        version=plan.version,
    )


async def _places(tx: ReadTx, found: Survey, *, now: datetime) -> list[AffectedPlaceOut]:
    out, nodes = found.outcome, found.ground.nodes
    taking = [heir for heirs in out.closed.values() for heir in heirs]
    parents = [to for child, to in out.parents.items() if child not in out.new]
    concerned = dict.fromkeys([*out.touched, *taking, *parents])
    old = [one for one in concerned if one in nodes]
    counts = await counts_of(tx, found.leveled(old), now=now)
    shown = []
    for node_id in old:
        node = nodes[node_id]
        heirs = out.closed.get(node_id) or out.divided.get(node_id) or ()
        shown.append(
            AffectedPlaceOut(
                node_id=node_id,
                level=node.level,
                code=node.code,
                name=node.name,
                change=_change(found, node_id),
                successors=list(heirs),
                counts=PlaceCountsOut.model_validate(counts[node_id]),
            )
        )
    return sorted(shown, key=lambda one: (one.level, one.code))


def _change(found: Survey, node_id: UUID) -> PlaceChange:
    out = found.outcome
    changes = (
        (PlaceChange.ENDS, out.closed),
        (PlaceChange.DIVIDED, out.divided),
        (PlaceChange.MOVED, out.parents),
        (PlaceChange.RECODED, out.codes),
        (PlaceChange.RENAMED, out.names),
    )
    return next((change for change, ones in changes if node_id in ones), PlaceChange.RECEIVES)


def _founded(found: Survey) -> list[FoundedPlaceOut]:
    return [
        FoundedPlaceOut(
            id=node_id,
            key=wish.key,
            level=Level(wish.level),
            code=wish.code,
            name=wish.name,
            parent_id=found.outcome.parents.get(node_id),
        )
        for node_id, wish in found.outcome.new.items()
    ]


def _question(found: Survey, one: Question, undecided: set[str]) -> PlanQuestionOut:
    names = found.outcome.shown
    return PlanQuestionOut(
        key=one.key,
        what=one.what,
        node_id=one.node_id,
        node_name=names[one.node_id],
        number=one.number,
        options=[OptionOut(id=option, name=names[option]) for option in one.options],
        may_end=one.may_end,
        decided=one.key not in undecided,
    )
