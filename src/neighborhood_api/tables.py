"""Every table of the project, for migrations and tests."""

from neighborhood_api.cases import models as cases
from neighborhood_api.cases import paths, timekeeping
from neighborhood_api.files import models as files
from neighborhood_api.grid import models as grid
from neighborhood_api.identity import models as identity
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
from neighborhood_api.registrations import draws, histories, policies
from neighborhood_api.registrations import models as registrations
from neighborhood_api.schedules import models as schedules
from neighborhood_api.schedules.openings import models as openings
from neighborhood_api.statistics import models as statistics
from neighborhood_api.venues import models as venues
from neighborhood_api.venues.children import models as children
from neighborhood_api.venues.feeds import models as feeds
from neighborhood_api.venues.rooms import models as rooms
from neighborhood_api.venues.sessions import models as sessions

TABLES = (
    cases,
    paths,
    timekeeping,
    categories,
    children,
    files,
    grid,
    identity,
    issues,
    together,
    watching,
    acts,
    idempotency,
    outbox,
    trail,
    notifications,
    openings,
    publishing,
    draws,
    histories,
    policies,
    registrations,
    schedules,
    settling,
    statistics,
    venues,
    feeds,
    rooms,
    sessions,
    worklists,
)
METADATA = Model.metadata
