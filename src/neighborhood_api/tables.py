"""Every table of the project, for migrations and tests."""

from neighborhood_api.cases import models as cases
from neighborhood_api.cases import paths, timekeeping
from neighborhood_api.files import models as files
from neighborhood_api.grid import models as grid
from neighborhood_api.grid import succession
from neighborhood_api.grid.layers import models as layers
from neighborhood_api.grid.posts import models as posts
from neighborhood_api.grid.residences import models as residences
from neighborhood_api.identity import models as identity
from neighborhood_api.identity.accounts import models as accounts
from neighborhood_api.identity.second_step import models as second_step
from neighborhood_api.identity.sessions import models as sign_ins
from neighborhood_api.imports import models as imports
from neighborhood_api.issues import models as issues
from neighborhood_api.issues.categories import models as categories
from neighborhood_api.issues.publishing import models as publishing
from neighborhood_api.issues.settling import models as settling
from neighborhood_api.issues.together import models as together
from neighborhood_api.issues.watching import models as watching
from neighborhood_api.issues.worklists import models as worklists
from neighborhood_api.kit import acts, idempotency, outbox, trail
from neighborhood_api.kit.db import Model
from neighborhood_api.notifications import models as notifications
from neighborhood_api.privacy import models as privacy
from neighborhood_api.registers import models as registers
from neighborhood_api.registrations import draws, histories, policies
from neighborhood_api.registrations import models as registrations
from neighborhood_api.reorganisation import models as reorganisation
from neighborhood_api.schedules import models as schedules
from neighborhood_api.schedules.openings import models as openings
from neighborhood_api.statistics import models as statistics
from neighborhood_api.venues import models as venues
from neighborhood_api.venues.children import models as children
from neighborhood_api.venues.feeds import models as feeds
from neighborhood_api.venues.rooms import models as rooms
from neighborhood_api.venues.sessions import models as sessions

TABLES = (
    accounts,
    second_step,
    sign_ins,
    cases,
    paths,
    timekeeping,
    categories,
    children,
    files,
    grid,
    identity,
    imports,
    issues,
    layers,
    together,
    watching,
    acts,
    idempotency,
    outbox,
    trail,
    notifications,
    openings,
    posts,
    publishing,
    registers,
    draws,
    histories,
    policies,
    privacy,
    registrations,
    residences,
    reorganisation,
    schedules,
    settling,
    statistics,
    succession,
    venues,
    feeds,
    rooms,
    sessions,
    worklists,
)
METADATA = Model.metadata
