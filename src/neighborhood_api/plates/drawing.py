"""What a plate looks like: drawn at 300 dots an inch, A5 landscape, two on a page of A4."""

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from itertools import islice
from pathlib import Path

import segno
from PIL import Image, ImageDraw, ImageFont

DOTS_PER_INCH = 300
WIDTH, HEIGHT = 2480, 1748
"""A5 landscape (210 × 148 mm) in dots."""
PAGE_HEIGHT = 3508
FONT = Path(__file__).parent / "NotoSansSC-Regular.otf"
_MARGIN = 120
_CODE_SIDE = 700
_RED, _BLACK, _GREY = (176, 28, 28), (30, 30, 30), (110, 110, 110)
_WHITE = (255, 255, 255)
_TWO = 2


@dataclass(frozen=True)
class Responsible:
    """One line of who is responsible."""

    post: str
    name: str | None
    """None while the post is vacant."""
    phone: str | None


@dataclass(frozen=True)
class Plate:
    """What stands on one plate."""

    lane: str
    place: str
    """Street, community and grid."""
    people: tuple[Responsible, ...]
    """Empty for a plate without names, which no change of a post makes old."""
    posts: tuple[str, ...]
    """What those posts are called here."""
    supervision: str | None
    """A number of the street's (监督电话)."""
    code: str
    """The plate's own code, for whoever cannot scan."""
    qr: bytes
    """An image to scan."""
    as_of: str


def qr_of(url: str) -> bytes:
    """Return a QR code that opens `url`, as PNG; a quarter of it may be scratched."""
    drawn = BytesIO()
    segno.make(url, error="q", micro=False).save(drawn, kind="png", scale=20, border=2)
    return drawn.getvalue()


def png_of(plate: Plate) -> bytes:
    """Draw one plate."""
    drawn = BytesIO()
    _draw(plate).save(drawn, "PNG", dpi=(DOTS_PER_INCH, DOTS_PER_INCH), optimize=True)
    return drawn.getvalue()


def pdf_of(plates: Iterable[Plate], title: str) -> bytes:
    """Draw plates on pages of A4, two on each, to be cut in the middle.

    Pages are added to a file one by one: drawn, each takes 26 MB.
    """
    ahead = iter(plates)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "plates.pdf"
        while pair := list(islice(ahead, _TWO)):
            page = Image.new("RGB", (WIDTH, PAGE_HEIGHT), _WHITE)
            for number, plate in enumerate(pair):
                page.paste(_draw(plate), (0, number * (PAGE_HEIGHT - HEIGHT)))
            page.save(
                path,
                "PDF",
                resolution=DOTS_PER_INCH,
                append=path.exists(),
                title=title,
                quality=90,
            )
        return path.read_bytes()


def _draw(plate: Plate) -> Image.Image:
    sheet = Image.new("RGB", (WIDTH, HEIGHT), _WHITE)
    pen = ImageDraw.Draw(sheet)
    inner = WIDTH - 2 * _MARGIN
    pen.rectangle((50, 50, WIDTH - 50, HEIGHT - 50), outline=_RED, width=12)
    _line(pen, (_MARGIN, 100), plate.place, _GREY, 64, inner)
    _line(pen, (_MARGIN, 190), plate.lane, _RED, 190, inner)
    left = inner - _CODE_SIDE - 80
    top = 520
    for one in plate.people:
        _line(pen, (_MARGIN, top), one.post, _GREY, 62, left)
        name = one.name or "暂缺，请联系上一级"
        _line(pen, (_MARGIN, top + 72), name, _BLACK, 100, left)
        if one.phone is not None:
            _line(pen, (_MARGIN, top + 200), one.phone, _BLACK, 92, left)
        top += 350
    if not plate.people:
        text = f"扫码查看{'、'.join(plate.posts)}"
        _line(pen, (_MARGIN, top + 60), text, _BLACK, 100, left)
        _line(pen, (_MARGIN, top + 200), "和值班电话", _BLACK, 100, left)
    qr = Image.open(BytesIO(plate.qr)).convert("RGB").resize((_CODE_SIDE, _CODE_SIDE))
    sheet.paste(qr, (WIDTH - _MARGIN - _CODE_SIDE, 500))
    below = WIDTH - _MARGIN - _CODE_SIDE
    _line(pen, (below + 20, 1215), "微信扫码：反映诉求、找负责人", _BLACK, 50, _CODE_SIDE)
    _line(pen, (below + 20, 1285), f"编号 {plate.code}", _GREY, 50, _CODE_SIDE)
    if plate.supervision is not None:
        text = f"监督电话 {plate.supervision}"
        _line(pen, (_MARGIN, HEIGHT - 260), text, _BLACK, 62, left)
    if plate.people:
        text = f"人员截至 {plate.as_of}，如有变动以扫码为准"
        _line(pen, (_MARGIN, HEIGHT - 160), text, _GREY, 48, inner)
    return sheet


def _line(
    pen: ImageDraw.ImageDraw,
    at: tuple[int, int],
    text: str,
    colour: tuple[int, int, int],
    size: int,
    widest: int,
) -> None:
    """Write one line, smaller where it would be too wide."""
    while size > _SMALLEST and pen.textlength(text, _font(size)) > widest:
        size -= 4
    pen.text(at, text, colour, _font(size))


_SMALLEST = 32


@lru_cache(maxsize=64)
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(FONT, size)
