"""XML from strangers, streamed: no entities, no depth, no endless names or tags."""

from collections.abc import Callable, Collection, Iterable, Iterator
from functools import lru_cache
from typing import NoReturn
from xml.parsers.expat import ExpatError, ParserCreate, XMLParserType

from neighborhood_api.imports.reading.problems import DamagedWorkbook, SuspiciousWorkbook

LONGEST_TAG = 256 * 1024
MOST_NAMES = 5_000
LONGEST_NAME = 256
DEEPEST = 64

Attributes = dict[str, str]


class Markup:
    """What is told of a document; subclasses override what they listen for."""

    counts_depth = False
    """Whether `start` and `end` count the depth themselves, which is faster."""

    def __init__(self) -> None:
        """Start outside of every element."""
        self.depth = 0
        self.prefix = ""
        """Before every name, when the document is written as `x:worksheet`."""

    def start(self, name: str, attributes: Attributes) -> None:
        """Hear that an element begins."""

    def end(self, name: str) -> None:
        """Hear that an element ends."""

    def text(self, text: str) -> None:
        """Hear a piece of text."""


def feed(heard: Markup, chunks: Iterable[bytes]) -> Iterator[None]:
    """Tell a document to its listener; pauses after every chunk.

    Raises: DamagedWorkbook, SuspiciousWorkbook.
    """
    parser = _parser(heard)
    fed = names = 0
    for chunk in chunks:
        if not fed and (chunk[:2] in {b"\xff\xfe", b"\xfe\xff"} or b"\0" in chunk[:4]):
            raise DamagedWorkbook("文件不是 Excel 或 WPS 保存的，请另存为 .xlsx 后重新上传")
        fed += len(chunk)
        _parse(parser.Parse, chunk, final=False)
        if fed - parser.CurrentByteIndex > LONGEST_TAG:
            raise SuspiciousWorkbook
        if len(parser.intern) != names:
            names = _checked_names(parser.intern)
        yield
    _parse(parser.Parse, b"", final=True)


def hear(heard: Markup, chunks: Iterable[bytes]) -> None:
    """Tell a whole document to its listener.

    Raises: DamagedWorkbook, SuspiciousWorkbook.
    """
    for _ in feed(heard, chunks):
        pass


@lru_cache(maxsize=MOST_NAMES)
def local(name: str) -> str:
    """Return a name without its prefix."""
    return name.rpartition(":")[2]


def _parser(heard: Markup) -> XMLParserType:
    parser = ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse

    def first(name: str, attributes: Attributes) -> None:
        heard.prefix = name[: -len(local(name))]
        parser.StartElementHandler = begin
        begin(name, attributes)

    def deeper(name: str, attributes: Attributes) -> None:
        heard.depth += 1
        if heard.depth > DEEPEST:
            raise SuspiciousWorkbook
        heard.start(name, attributes)

    def shallower(name: str) -> None:
        heard.depth -= 1
        heard.end(name)

    begin = heard.start if heard.counts_depth else deeper
    parser.StartElementHandler = first
    parser.EndElementHandler = heard.end if heard.counts_depth else shallower
    parser.CharacterDataHandler = heard.text
    return parser


def _checked_names(known: Collection[str]) -> int:
    """Count the names of elements and attributes, all of which the parser keeps."""
    if len(known) > MOST_NAMES or max(map(len, known)) > LONGEST_NAME:
        raise SuspiciousWorkbook
    return len(known)


def _parse(parse: Callable[[bytes, bool], int], chunk: bytes, *, final: bool) -> None:
    try:
        parse(chunk, final)
    except (ExpatError, UnicodeError, LookupError):
        raise DamagedWorkbook from None


def _refuse(*_: object) -> NoReturn:
    """Refuse declarations: entities may be bombs, or name the server's own files."""
    raise SuspiciousWorkbook("文件里有不允许的声明")
