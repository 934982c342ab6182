"""Of which cases a post has a permission: of ordinary ones, of those about persons, or both.

A case about a person is for the posts named for such cases, and for none below the hands that
hold it: what the district has taken up, because it is about the street's own people, the street
sees no more.
"""

from dataclasses import replace
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, or_

from neighborhood_api.cases.models import Case
from neighborhood_api.cases.workflow import Workflow
from neighborhood_api.identity.access import GRANTED, Actor, Permission, Post


class Sight(StrEnum):
    """Of which cases a post has a permission."""

    NOTHING = "nothing"
    ORDINARY = "ordinary"
    CONFIDENTIAL = "confidential"
    """Only of those about persons."""
    BOTH = "both"


def sight_of(workflow: Workflow, post: Post, permission: Permission) -> Sight:
    """Tell of which cases a post has `permission`; to be named for some is to handle them."""
    granted = GRANTED[post.role]
    ordinary = permission in granted
    if workflow.read_confidential not in granted:
        return Sight.ORDINARY if ordinary else Sight.NOTHING
    if ordinary:
        return Sight.BOTH
    implied = permission in {workflow.read, workflow.handle, workflow.intake}
    return Sight.CONFIDENTIAL if implied else Sight.NOTHING


def counts(workflow: Workflow, case: Case, post: Post, permission: Permission) -> bool:
    """Tell whether a post has `permission` for such a case, wherever the case lies."""
    sight = sight_of(workflow, post, permission)
    if not case.confidential:
        return sight in {Sight.ORDINARY, Sight.BOTH}
    return sight in {Sight.CONFIDENTIAL, Sight.BOTH} and post.level <= case.hand_level


def reached(
    workflow: Workflow, actor: Actor, post: Post, permission: Permission
) -> ColumnElement[bool] | None:
    """Return the WHERE clause for the cases at which a post of the caller has `permission`."""
    sight = sight_of(workflow, post, permission)
    if sight is Sight.NOTHING:
        return None
    through = workflow.read_confidential if sight is Sight.CONFIDENTIAL else permission
    there = replace(actor, posts=(post,)).reach(through, Case)
    return and_(there, Case.kind == workflow.kind, visible(sight, post))


def visible(sight: Sight, post: Post) -> ColumnElement[bool]:
    """Return the WHERE clause for what a post has sight of, wherever it lies."""
    not_above = Case.hand_level >= post.level.value
    match sight:
        case Sight.BOTH:
            return or_(Case.confidential.is_(False), not_above)
        case Sight.CONFIDENTIAL:
            return and_(Case.confidential.is_(True), not_above)
        case _:
            return Case.confidential.is_(False)
