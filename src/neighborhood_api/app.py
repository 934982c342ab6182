"""Composition root of the API: the only module that imports every `routes.py`."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from neighborhood_api.cases.leaving import OPEN_CASES
from neighborhood_api.demo import routes as demo
from neighborhood_api.files import routes as files
from neighborhood_api.files.links import links_from
from neighborhood_api.files.store import store_from
from neighborhood_api.grid import routes as grid
from neighborhood_api.grid.areas import routes as areas
from neighborhood_api.grid.layers import routes as layers
from neighborhood_api.grid.posts import routes as posts
from neighborhood_api.grid.posts.checks import routes as post_checks
from neighborhood_api.grid.posts.handovers import hand_over_with
from neighborhood_api.grid.posts.offices import offices_of
from neighborhood_api.grid.posts.roster import routes as duty_roster
from neighborhood_api.grid.residences import routes as residence_rules
from neighborhood_api.grid.service import holds_posts, names_of, standing_of
from neighborhood_api.identity import routes as identity
from neighborhood_api.identity.accounts import routes as accounts
from neighborhood_api.identity.caller import Gate
from neighborhood_api.identity.keys import Keyring
from neighborhood_api.identity.personal_keys import use_personal_keys
from neighborhood_api.identity.revocations import Revocations
from neighborhood_api.identity.second_step import routes as second_step
from neighborhood_api.identity.sessions import routes as sign_ins
from neighborhood_api.identity.tokens import Tokens
from neighborhood_api.imports import routes as imports
from neighborhood_api.issues import routes as issues
from neighborhood_api.issues.categories import routes as categories
from neighborhood_api.issues.dispatching import routes as dispatching
from neighborhood_api.issues.intake import routes as intake
from neighborhood_api.issues.publishing import routes as publishing
from neighborhood_api.issues.settling import routes as settling
from neighborhood_api.issues.together import routes as together
from neighborhood_api.issues.watching import routes as watching
from neighborhood_api.issues.whistling import routes as whistling
from neighborhood_api.issues.worklists import routes as worklists
from neighborhood_api.kit import errors
from neighborhood_api.kit.clock import right_now
from neighborhood_api.kit.db import Database
from neighborhood_api.kit.direct import Direct, direct_operations
from neighborhood_api.kit.docs import install_docs
from neighborhood_api.kit.envelope import Envelope
from neighborhood_api.kit.finding import find_by_shape
from neighborhood_api.kit.limits import RateLimit
from neighborhood_api.kit.problems import InvalidRequest, problems
from neighborhood_api.notifications import routes as notifications
from neighborhood_api.operation import audit_routes as audit
from neighborhood_api.operation import routes as operation
from neighborhood_api.plates import routes as plates
from neighborhood_api.privacy import routes as privacy
from neighborhood_api.privacy import staff_routes as data_requests
from neighborhood_api.registers.care import routes as care
from neighborhood_api.registers.claims import routes as residence_claims
from neighborhood_api.registers.establishments import routes as establishments
from neighborhood_api.registers.households import routes as households
from neighborhood_api.registers.residents import routes as residents
from neighborhood_api.reorganisation import routes as reorganisation
from neighborhood_api.schedules import routes as schedules
from neighborhood_api.settings import Settings
from neighborhood_api.statistics import routes as statistics
from neighborhood_api.venues import routes as venues
from neighborhood_api.venues.bookings import routes as bookings
from neighborhood_api.venues.check_ins import routes as check_ins
from neighborhood_api.venues.children import routes as children
from neighborhood_api.venues.feeds import routes as feeds
from neighborhood_api.venues.openings import room_routes as room_openings
from neighborhood_api.venues.openings import routes as openings
from neighborhood_api.venues.rooms import routes as rooms
from neighborhood_api.venues.sessions import routes as sessions
from neighborhood_api.venues.sessions.roster import routes as session_roster
from neighborhood_api.venues.sessions.series import routes as series
from neighborhood_api.venues.sessions.teachers import routes as teachers
from neighborhood_api.venues.strikes import routes as strikes
from neighborhood_api.venues.use import routes as venue_use
from neighborhood_api.venues.week import routes as week
from neighborhood_api.wechat.config import wechat_from

PREFIX = "/api/v1"
ROUTERS = (
    grid.router,
    together.router,
    worklists.router,
    issues.router,
    categories.router,
    dispatching.router,
    intake.router,
    whistling.router,
    watching.router,
    publishing.router,
    settling.router,
    venues.router,
    rooms.router,
    openings.router,
    room_openings.router,
    week.router,
    bookings.router,
    check_ins.router,
    strikes.router,
    venue_use.router,
    feeds.router,
    sessions.router,
    session_roster.router,
    series.router,
    teachers.router,
    children.router,
    notifications.router,
    identity.router,
    sign_ins.router,
    second_step.router,
    accounts.router,
    posts.router,
    duty_roster.router,
    post_checks.router,
    areas.router,
    layers.router,
    plates.router,
    files.router,
    residence_claims.router,
    residence_rules.router,
    households.router,
    residents.router,
    establishments.router,
    care.router,
    schedules.router,
    reorganisation.router,
    statistics.router,
    privacy.router,
    data_requests.router,
    imports.router,
    audit.router,
    operation.router,
)
"""The busiest first: those that an address may belong to are asked one after the other."""
LONGEST_BODY = 1024 * 1024
"""Bytes; uploads have a limit of their own."""
DESCRIPTION = """\
邻里接口：居民上报诉求、查看网格负责人、预约活动室；巷长、网格、社区、街道和部门办理。

The open backend of a neighbourhood mini-program. Every success is 200 with a JSON body;
every error is `application/problem+json` with a stable `code` and a Chinese `message` to
show as it is (English with `Accept-Language: en`). Every POST honours `Idempotency-Key`.
"""


def create_app(settings: Settings, database: Database) -> FastAPI:
    """Build the API over `database`; nothing is read from the environment here."""
    use_personal_keys(settings)
    app = FastAPI(
        title="Neighborhood API",
        summary="邻里接口 · Report, see who is responsible, book",
        description=DESCRIPTION,
        version="0.1.0",
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        docs_url=None,
        redirect_slashes=False,
        redoc_url=None,
        openapi_url="/openapi.json",
        generate_unique_id_function=lambda route: route.name,
        responses=problems(InvalidRequest),
        lifespan=_lifespan,
        # Its logs carry exception messages, and those carry data; the rest is in `Envelope`.
        telemetry={"logs": False, "tracing": False, "metrics": False},
    )
    _give(app, settings, database)
    errors.install(app)
    install_docs(app)
    for router in ROUTERS:
        app.include_router(router, prefix=PREFIX, max_body_size=LONGEST_BODY)
    app.include_router(identity.well_known)
    app.include_router(operation.metrics_page)
    if settings.demo:
        app.include_router(demo.router, prefix=PREFIX)
    find_by_shape(app, PREFIX)
    app.add_middleware(Direct, operations=direct_operations(app))
    app.add_middleware(Envelope)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "If-None-Match"],
            max_age=600,
        )  # outermost, or a web console could not read what the envelope answers itself
    return app


def _give(app: FastAPI, settings: Settings, database: Database) -> None:
    """Give the application what its operations ask for."""
    hand_over_with(OPEN_CASES)
    app.state.settings = settings
    app.state.database = database
    app.state.clock = right_now
    app.state.standing_of = standing_of
    app.state.holds_posts = holds_posts
    app.state.offices_of = offices_of
    app.state.names_of = names_of
    app.state.links = links_from(settings, PREFIX)
    app.state.store = store_from(settings)
    app.state.gate = Gate(
        tokens=Tokens(keyring_from(settings)),
        revocations=Revocations(database),
        sign_ins=RateLimit("sign_in", settings.sign_ins_per_minute),
        writes=RateLimit("write", settings.writes_per_minute),
    )


def keyring_from(settings: Settings) -> Keyring:
    """Return the signing keys that the settings give, or those of the data folder.

    Raises: SigningKeyError.
    """
    if settings.signing_keys is not None:
        return Keyring.from_text(settings.signing_keys.get_secret_value())
    return Keyring.from_folder(settings.data_dir / "keys")


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    database: Database = app.state.database
    gate: Gate = app.state.gate
    async with AsyncExitStack() as stack:
        await database.open()
        stack.push_async_callback(database.close)
        http = await stack.enter_async_context(httpx.AsyncClient(trust_env=False))
        app.state.http = http
        app.state.wechat = wechat_from(app.state.settings, http)
        gate.revocations.start()
        stack.push_async_callback(gate.revocations.stop)
        yield
