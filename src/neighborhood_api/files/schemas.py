"""What the files API answers, and what other answers carry for each photo."""

from uuid import UUID

from pydantic import ConfigDict, JsonValue

from neighborhood_api.kit.schema import Moment, Out

_EXAMPLE: JsonValue = {
    "id": "019f3c1e-7a4b-7cc2-9d3e-5b1f0a6c2e11",
    "url": "/api/v1/files/019f3c1e-7a4b-7cc2-9d3e-5b1f0a6c2e11"
    "?variant=photo&expires=1795312800&signature=Qb1nX0lB4v0bqk3yJmE2c8fWl5t7hUuAz9sRdPoN6Kg",
    "thumbnail_url": None,
    "width": 1920,
    "height": 2560,
    "media_type": "image/jpeg",
    "expires_at": "2026-11-22T12:00:00+08:00",
}


class FileOut(Out):
    """An image, with links that anyone who has them may open until they expire."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})
    id: UUID
    """提交诉求等时使用的编号 · What other calls name it by."""
    url: str
    """原图链接（相对地址，前面加服务域名）· Link to the image, relative to the server."""
    thumbnail_url: str | None
    """缩略图链接，生成前为空 · Link to the thumbnail; null until it is made."""
    width: int
    """宽（像素）· Pixels, as shown upright."""
    height: int
    """高（像素）· Pixels, as shown upright."""
    media_type: str
    """存储后的格式 · image/jpeg, or image/png where it has transparent parts."""
    expires_at: Moment
    """链接失效时间，过后重新读取即得新链接 · When the links end; read again for new ones."""
