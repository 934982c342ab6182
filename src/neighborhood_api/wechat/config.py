"""WeChat as the settings describe it."""

import httpx

from neighborhood_api.settings import Settings
from neighborhood_api.wechat.client import WeChat


def wechat_from(settings: Settings, http: httpx.AsyncClient) -> WeChat:
    """Return the client of this process; make it once, since it keeps the access token.

    Without an app id or a secret it still is one, and refuses each use with
    WechatNotConfigured, so that a deployment without WeChat starts and serves its staff.
    """
    return WeChat(
        settings.wechat_app_id, settings.wechat_app_secret, settings.wechat_base_url, http
    )
