"""Dependencies that give a route the links and the store of the running application."""

from typing import Annotated

from fastapi import Depends, Request

from neighborhood_api.files.links import Links
from neighborhood_api.files.store import Store


async def links_of(request: Request) -> Links:
    """Return what makes and checks links."""
    links: Links = request.app.state.links
    return links


async def store_of(request: Request) -> Store:
    """Return where the bytes lie."""
    store: Store = request.app.state.store
    return store


LinksDep = Annotated[Links, Depends(links_of)]
StoreDep = Annotated[Store, Depends(store_of)]
