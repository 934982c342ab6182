"""A bucket as S3-compatible services serve it: enough of the protocol to keep images."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from typing_extensions import override


class Bucket(ThreadingHTTPServer):
    """What was put, by path; `signed` tells how the callers proved who they are."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.objects: dict[str, bytes] = {}
        self.signed: set[str] = set()
        self.fails = False

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Bucket

    def _answer(self, status: int, content: bytes = b"", kind: str = "application/xml") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Last-Modified", "Sun, 22 Nov 2026 02:00:00 GMT")
        self.send_header("ETag", f'"{md5(content, usedforsecurity=False).hexdigest()}"')
        self.end_headers()
        self.wfile.write(content)

    def _path(self) -> str:
        self.server.signed.add(self.headers.get("Authorization", "").split(" ")[0])
        return unquote(urlsplit(self.path).path)

    def do_PUT(self) -> None:
        path = self._path()
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.fails:
            self._answer(503)
            return
        self.server.objects[path] = content
        self._answer(200)

    def do_GET(self) -> None:
        path = self._path()
        query = parse_qs(urlsplit(self.path).query)
        if "list-type" in query:
            self._answer(200, self._listing(path, query["prefix"][0]).encode())
        elif path in self.server.objects:
            self._answer(200, self.server.objects[path], "application/octet-stream")
        else:
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")

    def do_DELETE(self) -> None:
        self.server.objects.pop(self._path(), None)
        self._answer(204)

    def do_POST(self) -> None:
        """DeleteObjects."""
        bucket = self._path().rstrip("/")
        asked = self.rfile.read(int(self.headers["Content-Length"])).decode()
        keys = [part.split("</Key>")[0] for part in asked.split("<Key>")[1:]]
        for key in keys:
            self.server.objects.pop(f"{bucket}/{key}", None)
        deleted = "".join(f"<Deleted><Key>{key}</Key></Deleted>" for key in keys)
        self._answer(200, f"<DeleteResult>{deleted}</DeleteResult>".encode())

    def _listing(self, path: str, prefix: str) -> str:
        bucket = path.rstrip("/")
        at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        found = "".join(
            f"<Contents><Key>{escape(name.removeprefix(bucket + '/'))}</Key>"
            f"<LastModified>{at}</LastModified><Size>{len(content)}</Size></Contents>"
            for name, content in sorted(self.server.objects.items())
            if name.startswith(f"{bucket}/{prefix}")
        )
        return f"<ListBucketResult><IsTruncated>false</IsTruncated>{found}</ListBucketResult>"

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def open_bucket() -> Iterator[Bucket]:
    with Bucket() as bucket:
        thread = Thread(target=bucket.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield bucket
        finally:
            bucket.shutdown()
            thread.join()
