"""Real images, made with what phones put into theirs."""

from io import BytesIO
from struct import pack
from typing import Any
from zlib import compress, crc32

from PIL import ExifTags, Image, ImageCms
from pillow_heif import register_heif_opener

register_heif_opener()

RED, BLUE = (200, 30, 30), (30, 30, 200)
SECRETS = (b"GPS", b"Exif", b"ICC_PROFILE", b"ns.adobe.com", b"HUAWEI", b"at my door", b"iCCP")


def two_halves(size: tuple[int, int] = (320, 240), mode: str = "RGB") -> Image.Image:
    """The left half red, the right half blue."""
    image = Image.new("RGB", size, RED)
    image.paste(BLUE, (size[0] // 2, 0, size[0], size[1]))
    return image.convert(mode)


def phone_exif(orientation: int = 1) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.Make] = "HUAWEI"
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(
        {
            ExifTags.GPS.GPSLatitudeRef: "N",
            ExifTags.GPS.GPSLatitude: (23.0, 10.0, 21.0),
            ExifTags.GPS.GPSLongitudeRef: "E",
            ExifTags.GPS.GPSLongitude: (114.0, 17.0, 3.0),
        }
    )
    return exif


def encoded(image: Image.Image, form: str, **options: Any) -> bytes:  # noqa: ANN401
    target = BytesIO()
    image.save(target, form, **options)
    return target.getvalue()


def phone_photo(orientation: int = 6) -> bytes:
    """A JPEG held sideways, with position, maker, comment and colour profile."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    return encoded(
        two_halves(),
        "JPEG",
        exif=phone_exif(orientation),
        comment=b"at my door",
        icc_profile=profile.tobytes(),
        xmp=b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>at my door</x:xmpmeta>",
        quality=95,
    )


def png_header_of(width: int, height: int) -> bytes:
    """A PNG of a few hundred bytes that says it is huge."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return pack(">I", len(data)) + kind + data + pack(">I", crc32(kind + data))

    header = pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", compress(bytes(1000))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def opened(content: bytes) -> Image.Image:
    image = Image.open(BytesIO(content))
    image.load()
    return image


def is_red(image: Image.Image, x: int, y: int) -> bool:
    red, _, blue = image.convert("RGB").getpixel((x, y))  # type: ignore[misc]
    return bool(red > 150 and blue < 80)


def is_blue(image: Image.Image, x: int, y: int) -> bool:
    red, _, blue = image.convert("RGB").getpixel((x, y))  # type: ignore[misc]
    return bool(blue > 150 and red < 80)
