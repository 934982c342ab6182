"""Photos for the demo's issues: drawn, so that nobody's street or face is in them."""

from io import BytesIO
from random import Random

from PIL import Image, ImageDraw

SIZE = (960, 720)
_SKY = ((205, 226, 240), (232, 224, 208), (190, 205, 222), (240, 214, 190))
_WALLS = ((214, 190, 160), (188, 176, 168), (222, 205, 180), (170, 160, 150))
_THINGS = ((60, 120, 70), (160, 70, 50), (70, 90, 140), (120, 100, 40))


def draw_lane(key: str) -> BytesIO:
    """Draw a lane with something lying about; the same `key` gives the same picture."""
    chance = Random(key)  # noqa: S311  (a picture, not a secret)
    image = Image.new("RGB", SIZE, chance.choice(_SKY))
    draw = ImageDraw.Draw(image)
    width, height = SIZE
    horizon = chance.randint(300, 380)
    for left in range(0, width, 160):
        top = horizon - chance.randint(90, 240)
        draw.rectangle((left, top, left + 158, horizon + 40), chance.choice(_WALLS))
        for x in (left + 25, left + 95):
            draw.rectangle((x, top + 35, x + 38, top + 80), (90, 105, 120))
    draw.polygon(
        ((0, height), (width, height), (width * 0.7, horizon), (width * 0.3, horizon)),
        (128, 126, 122),
    )
    for _ in range(chance.randint(3, 8)):
        x, y = chance.randint(180, 720), chance.randint(horizon + 90, height - 130)
        w, h = chance.randint(40, 130), chance.randint(40, 120)
        shape = chance.choice((draw.rectangle, draw.ellipse))
        shape((x, y, x + w, y + h), fill=chance.choice(_THINGS), outline=(40, 40, 40))
    encoded = BytesIO()
    image.save(encoded, "JPEG", quality=80)
    encoded.seek(0)
    return encoded
