"""How a resident is shown who answers for her home in each layer."""

from uuid import UUID

from pydantic import Field

from neighborhood_api.kit.schema import Out


class LayerLinkOut(Out):
    """One node of a layer on the way to a home, and who answers for it."""

    name: str
    """如「二片」 · Name of the node."""
    level_name: str
    """如「片」 · What its level is called."""
    post: str
    """如「片长」 · What its post is called."""
    holder: str | None
    """姓名；空缺为空 · Who holds it; null while it is vacant."""
    duty_phone: str | None
    """值班电话（公开） · Public duty phone; null while it is vacant."""


class LayerChainOut(Out):
    """Who answers for a home in one layer, from the top down."""

    layer_id: UUID
    layer_code: str
    layer_name: str
    """如「三长」「物业网格」 · Name of the layer."""
    chain: list[LayerLinkOut] = Field(min_length=1)
    """自上而下 · From the top down."""
