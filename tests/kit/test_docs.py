"""The documentation page: complete without any other server."""

import re
from hashlib import sha256
from html.parser import HTMLParser

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from typing_extensions import override

from neighborhood_api.kit.docs import ASSETS, install_docs

FOREIGN = re.compile(r"(?:https?:)?//[\w.-]+")


class Addresses(HTMLParser):
    """Collects what the page makes a browser fetch, and scripts written into it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.openapi = ""
        self.inline_scripts = 0
        self.feed(page)

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.openapi = given.get("data-openapi", self.openapi)
        if tag == "link":
            self.fetched.append(given["href"])
        elif "src" in given:
            self.fetched.append(given["src"])
        elif tag == "script":
            self.inline_scripts += 1
        assert not [name for name in given if name.startswith("on")]


@pytest.fixture
def app() -> FastAPI:
    app = FastAPI(
        title="<邻里> & Co",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
    )
    install_docs(app)
    return app


@pytest.fixture
def http(app: FastAPI) -> AsyncClient:
    return AsyncClient(transport=ASGITransport(app), base_url="http://api")


async def test_everything_the_page_needs_comes_from_the_api_itself(http: AsyncClient) -> None:
    page = await http.get("/docs")
    addresses = Addresses(page.text)
    assert (page.status_code, len(addresses.fetched)) == (200, 4)
    assert not FOREIGN.search(page.text)
    for address in addresses.fetched:
        answer = await http.get(page.url.join(address))
        name = answer.url.path.rpartition("/")[2]
        assert (answer.status_code, answer.content) == (200, (ASSETS / name).read_bytes())
    description = await http.get(page.url.join(addresses.openapi))
    assert description.json()["openapi"].startswith("3.1")


async def test_the_title_is_in_both_languages_and_escaped(http: AsyncClient) -> None:
    page = (await http.get("/docs")).text
    assert "<title>接口文档 API reference · &lt;邻里&gt; &amp; Co</title>" in page


async def test_the_page_allows_no_script_but_our_files(http: AsyncClient) -> None:
    page = await http.get("/docs")
    policy = dict(
        rule.split(" ", 1) for rule in page.headers["content-security-policy"].split("; ")
    )
    assert policy["default-src"] == "'self'"
    assert not {"script-src", "style-src", "connect-src"} & set(policy)
    assert Addresses(page.text).inline_scripts == 0


async def test_the_page_works_behind_a_prefix(app: FastAPI) -> None:
    proxied = ASGITransport(app, root_path="/community")
    async with AsyncClient(transport=proxied, base_url="http://api") as http:
        page = await http.get("/community/docs")
        addresses = Addresses(page.text)
        for address in [*addresses.fetched, addresses.openapi]:
            url = page.url.join(address)
            assert url.path.startswith("/community/")
            assert (await http.get(url)).status_code == 200


async def test_an_asset_is_kept_for_a_year_and_not_sent_twice(http: AsyncClient) -> None:
    address = next(a for a in Addresses((await http.get("/docs")).text).fetched if "css" in a)
    first = await http.get("/" + address)
    etag = first.headers["etag"]
    assert first.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert etag.strip('"') in address
    for known in (etag, f"W/{etag}", f'"old", {etag}'):
        again = await http.get("/" + address, headers={"if-none-match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    other = await http.get("/" + address, headers={"if-none-match": '"old"'})
    assert (other.status_code, other.content) == (200, first.content)


@pytest.mark.parametrize("name", ["README.md", "page.html", "none.js", "..%2Fproblems.py"])
async def test_only_the_files_of_the_page_are_served(http: AsyncClient, name: str) -> None:
    assert (await http.get(f"/docs/assets/{name}")).status_code == 404


def test_the_vendored_files_are_the_published_ones() -> None:
    readme = (ASSETS / "README.md").read_text("utf-8")
    listed = {
        name: digest
        for digest, name in re.findall(r"^([0-9a-f]{64})  (\S+)$", readme, re.MULTILINE)
    }
    assert listed == {
        file.name: sha256(file.read_bytes()).hexdigest()
        for file in ASSETS.iterdir()
        if file.name not in {"README.md", "page.html", "start.js"}
    }


def test_the_style_sheet_fetches_nothing() -> None:
    style = (ASSETS / "swagger-ui.css").read_text("utf-8")
    sources = re.findall(r"url\(\s*[\"']?(.{5})", style)
    assert set(sources) == {"data:"}
    assert "@import" not in style


def test_the_description_is_not_sent_to_a_validator() -> None:
    start = (ASSETS / "start.js").read_text("utf-8")
    assert "validatorUrl: null" in start
    assert not FOREIGN.search(start)


@pytest.mark.parametrize(
    "app",
    [
        FastAPI(redoc_url=None),
        FastAPI(docs_url=None),
        FastAPI(docs_url=None, redoc_url=None, openapi_url=None),
    ],
)
def test_pages_that_load_from_elsewhere_are_refused(app: FastAPI) -> None:
    with pytest.raises(ValueError, match="docs_url=None"):
        install_docs(app)
