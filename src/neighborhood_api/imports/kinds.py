"""What offices call the kinds of places, and what the grid calls them."""

from neighborhood_api.identity.places import Level

KINDS: dict[str, tuple[str, Level]] = {
    "区县": ("district", Level.DISTRICT),
    "区": ("district", Level.DISTRICT),
    "县": ("district", Level.DISTRICT),
    "市": ("district", Level.DISTRICT),
    "街道": ("street", Level.STREET),
    "镇": ("town", Level.STREET),
    "乡": ("town", Level.STREET),
    "乡镇": ("town", Level.STREET),
    "管理区": ("management_area", Level.STREET),
    "社区": ("community", Level.COMMUNITY),
    "村": ("village", Level.COMMUNITY),
    "行政村": ("village", Level.COMMUNITY),
    "网格": ("grid", Level.GRID),
    "小区": ("compound", Level.GRID),
    "街巷": ("lane", Level.LANE),
    "巷": ("lane", Level.LANE),
    "楼栋": ("building", Level.LANE),
    "楼": ("building", Level.LANE),
}
KIND_WORDS = {
    "district": "区县",
    "street": "街道",
    "town": "镇",
    "management_area": "管理区",
    "community": "社区",
    "village": "村",
    "grid": "网格",
    "compound": "小区",
    "lane": "街巷",
    "building": "楼栋",
}
