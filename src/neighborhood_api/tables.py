"""Every table of the project, for migrations and tests."""

from neighborhood_api.cases import models as cases
from neighborhood_api.files import models as files
from neighborhood_api.grid import models as grid
from neighborhood_api.identity import models as identity
from neighborhood_api.issues import models as issues
from neighborhood_api.kit import idempotency, outbox
from neighborhood_api.kit.db import Model
from neighborhood_api.venues import models as venues

TABLES = (cases, files, grid, identity, issues, idempotency, outbox, venues)
METADATA = Model.metadata
