"""What an upload becomes: upright pixels of moderate size, and nothing else that was in it.

The format is told by the content alone. Everything is decoded and encoded anew, so that
position, device, comments, previews and whatever was hidden behind the image are gone.
Decoding takes up to some hundred MB for a moment, so it has two threads of its own: many
uploads at once wait there in turn, as files on disk.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from http import HTTPStatus
from io import BytesIO
from typing import BinaryIO, TypeVar

import structlog
from PIL import ExifTags, Image, ImageCms, UnidentifiedImageError
from pillow_heif import register_heif_opener

from neighborhood_api.kit.logs import describe
from neighborhood_api.kit.problems import Problem

T = TypeVar("T")

LONGEST_SIDE = 2560
"""Pixels; enough to read a notice in a photo, and a tenth of what cameras make."""
THUMBNAIL_SIDE = 480
MOST_PIXELS = 50_000_000
"""A full-size phone photo has 12 to 48 million; decoded, each takes four bytes."""
JPEG_QUALITY = 85

_FORMATS = ("JPEG", "PNG", "WEBP", "HEIF")
_DEEP_MODES = ("I", "I;16", "I;16B", "I;16L", "I;16N", "F")
_WORKSHOP = ThreadPoolExecutor(max_workers=2, thread_name_prefix="images")

log = structlog.get_logger("neighborhood_api.files")

register_heif_opener(thumbnails=False)
Image.MAX_IMAGE_PIXELS = None  # Pillow's own limit is softer, and a warning; see _open


class FileNotAnImage(Problem):
    """The content is none of the formats taken, whatever its name says."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The file is not a JPEG, PNG, WebP or HEIC image"
    message = "只能上传 JPG、PNG、WebP 或 HEIC 图片，请换一张"


class ImageUnreadable(Problem):
    """The image is cut off or broken."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The image is damaged or incomplete"
    message = "图片已损坏或没有传完整，请重新上传"


class ImageTooLarge(Problem):
    """The image has more than 50 million pixels, however few bytes they take."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The image has more than 50 million pixels"
    message = "图片像素过高（超过 5000 万）,请缩小后再上传"


@dataclass(frozen=True, slots=True)
class Picture:
    """An encoded image that carries nothing but pixels."""

    content: bytes
    media_type: str
    width: int
    height: int


async def in_workshop(work: Callable[..., T], *args: object) -> T:
    """Run `work` on one of the few threads that may decode images."""
    here = copy_context()  # the log's request id goes along
    return await asyncio.get_running_loop().run_in_executor(_WORKSHOP, here.run, work, *args)


def clean_picture(upload: BinaryIO) -> Picture:
    """Decode an upload and encode its upright pixels anew, at most 2560 on a side.

    Raises: FileNotAnImage, ImageUnreadable, ImageTooLarge.
    """
    image = _read(upload, LONGEST_SIDE)
    if image.mode == "RGBA":
        # PNG and not WebP, because WeChat's <image> shows no WebP unless it is told to.
        return _encoded(image, "PNG", optimize=True)
    return _encoded(image, "JPEG", quality=JPEG_QUALITY, optimize=True)


def thumbnail_of(content: bytes) -> Picture:
    """Return a JPEG of at most 480 on a side; what is transparent becomes white.

    Raises: FileNotAnImage, ImageUnreadable, ImageTooLarge.
    """
    image = _read(BytesIO(content), THUMBNAIL_SIDE)
    if image.mode == "RGBA":
        white = Image.new("RGB", image.size, "white")
        white.paste(image, mask=image.getchannel("A"))
        image = white
    return _encoded(image, "JPEG", quality=JPEG_QUALITY, optimize=True)


def _read(source: BinaryIO, longest_side: int) -> Image.Image:
    """Return the upright pixels in sRGB: RGB, or RGBA where something is transparent."""
    with _open(source) as image:
        try:
            return _pixels(image, longest_side)
        except Exception as exc:  # decoders answer hostile bytes with any exception at all
            log.info("unreadable image", **describe(exc))
            raise ImageUnreadable from exc


def _open(source: BinaryIO) -> Image.Image:
    """Read the header, and nothing that takes memory before the size is known."""
    source.seek(0)
    head = source.read(16)
    source.seek(0)
    try:
        image = Image.open(source, formats=_FORMATS)
    except UnidentifiedImageError as exc:
        raise (ImageUnreadable if _claims_to_be_an_image(head) else FileNotAnImage) from exc
    except Exception as exc:  # as above
        log.info("unreadable image", **describe(exc))
        raise ImageUnreadable from exc
    if image.width * image.height > MOST_PIXELS:
        raise ImageTooLarge(width=image.width, height=image.height)
    return image


def _claims_to_be_an_image(head: bytes) -> bool:
    return (
        head.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"))
        or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")
        or (head[4:8] == b"ftyp" and head[8:11] in {b"hei", b"hev", b"mif", b"msf"})
    )


def _pixels(image: Image.Image, longest_side: int) -> Image.Image:
    """Decode the first frame, and make it small before anything else is done with it."""
    orientation = _orientation(image)
    profile = image.info.get("icc_profile")
    if image.format in {"JPEG", "MPO"}:
        image.draft(None, (longest_side, longest_side))  # decodes no more than needed
    image.load()
    image = _resizable(image)
    image.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS)
    image = _in_srgb(image, profile)
    if image.mode == "RGBA" and image.getchannel("A").getextrema()[0] == 255:  # noqa: PLR2004
        image = image.convert("RGB")
    if orientation is not None:
        image = image.transpose(orientation)
    bare = Image.new(image.mode, image.size)
    bare.paste(image)  # a copy would carry `info` along: comment, profile, EXIF
    return bare


def _orientation(image: Image.Image) -> Image.Transpose | None:
    """Return how to turn the image upright; EXIF that cannot be read turns nothing."""
    try:
        tag = image.getexif().get(ExifTags.Base.Orientation)
    except Exception as exc:  # noqa: BLE001  (broken metadata does not make a photo useless)
        log.info("unreadable exif", **describe(exc))
        return None
    return _UPRIGHT.get(tag) if isinstance(tag, int) else None


_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def _resizable(image: Image.Image) -> Image.Image:
    """Return the image in a mode that can be scaled smoothly."""
    if image.mode in _DEEP_MODES:  # 16 bits a pixel, of which 8 are kept
        return image.point(lambda value: value / 256).convert("L")
    if image.mode != "RGBA" and image.has_transparency_data:
        return image.convert("RGBA")
    return image if image.mode in {"L", "RGB", "RGBA", "CMYK"} else image.convert("RGB")


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Apply the embedded colour profile, which is then dropped with all else."""
    mode = "RGBA" if image.mode == "RGBA" else "RGB"
    if profile:
        try:
            given = ImageCms.ImageCmsProfile(BytesIO(profile))
            srgb = ImageCms.createProfile("sRGB")
            shown = ImageCms.profileToProfile(image, given, srgb, outputMode=mode)
        except (ImageCms.PyCMSError, OSError):  # a profile for other pixels, or a broken one
            shown = None
        if shown is not None:
            return shown
    return image.convert(mode)


def _encoded(image: Image.Image, form: str, **options: int) -> Picture:
    target = BytesIO()
    image.save(target, form, **options)
    return Picture(target.getvalue(), Image.MIME[form], image.width, image.height)
