"""The embedded PostgreSQL: started, verified and stopped by us, one per data folder."""

from neighborhood_api.kit.local_postgres.failures import PostgresNotStarted
from neighborhood_api.kit.local_postgres.server import LocalPostgres

__all__ = ["LocalPostgres", "PostgresNotStarted"]
