"""Mini-program codes of plates: asked of WeChat once, and kept with the uploads."""

from neighborhood_api.files.store import Store, fetch, put
from neighborhood_api.wechat.client import WeChat

SCENE = "p={code}"
"""What the mini-program is told when it opens; at most 32 characters."""


async def mini_program_code(
    store: Store, wechat: WeChat, plate_code: str, page: str | None
) -> bytes:
    """Return the code of a plate, as JPEG.

    Raises: WechatNotConfigured, WechatUnavailable, WechatMisconfigured, WechatPageUnknown,
        FileStoreUnavailable.
    """
    opens = "" if page is None else "-" + page.replace("/", "_")
    key = f"plates/{wechat.app_id}/{plate_code}{opens}.jpg"
    kept = await fetch(store, key)
    if kept is not None:
        return kept
    image = await wechat.mini_program_code(SCENE.format(code=plate_code), page)
    await put(store, key, image)
    return image
