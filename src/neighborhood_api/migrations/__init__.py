"""The database's history, applied by `neighborhood-api migrate`."""

from pathlib import Path


def read_sql(name: str) -> str:
    """Return a statement file of the folder `sql`, ready for `op.execute`."""
    text = (Path(__file__).parent / "sql" / name).read_text(encoding="utf-8")
    return text.replace(":", "\\:")  # SQLAlchemy reads :name as a parameter
