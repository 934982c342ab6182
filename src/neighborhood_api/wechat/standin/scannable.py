"""Codes that open the mini-program; QR codes here, as only WeChat draws its own."""

import re
from io import BytesIO

import segno
from PIL import Image

from neighborhood_api.wechat.standin.refusals import Refusal

SCENE = re.compile(r"[0-9A-Za-z!#$&'()*+,/:;=?@\-._~]{1,32}")
WIDTHS = range(280, 1281)
USUAL_WIDTH = 430


def draw_code(body: dict[str, object], *, page_exists: bool) -> bytes:
    """Return the code as JPEG.

    Raises: Refusal.
    """
    scene, width = body.get("scene"), body.get("width", USUAL_WIDTH)
    if not isinstance(scene, str) or not SCENE.fullmatch(scene):
        raise Refusal(40169)
    if not page_exists:
        raise Refusal(41030)
    if not isinstance(width, int) or width not in WIDTHS:
        raise Refusal(47001)
    drawn, jpeg = BytesIO(), BytesIO()
    segno.make(scene, micro=False).save(drawn, kind="png", scale=10)
    Image.open(drawn).convert("RGB").resize((width, width)).save(jpeg, "JPEG")
    return jpeg.getvalue()
