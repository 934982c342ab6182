"""The API's published description, made from the code alone."""

import json
import tempfile
from functools import cache
from pathlib import Path

from neighborhood_api.app import create_app
from neighborhood_api.kit.db import Database
from neighborhood_api.settings import Settings

DEFAULT_PATH = Path("openapi/openapi.json")


@cache
def description() -> str:
    """Return the OpenAPI document; neither the environment nor a database has a say in it."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.model_construct(data_dir=Path(folder))
        app = create_app(settings, Database("postgresql://nobody@localhost/nowhere"))
        document = app.openapi()
    return json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
