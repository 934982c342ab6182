"""Every table of the project, for migrations and tests."""

from neighborhood_api.grid import models as grid
from neighborhood_api.identity import models as identity
from neighborhood_api.kit import idempotency, outbox
from neighborhood_api.kit.db import Model

TABLES = (grid, identity, idempotency, outbox)
METADATA = Model.metadata
