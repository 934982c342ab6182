"""What the posts are called."""

from neighborhood_api.identity.access import Role

ROLE_NAMES: dict[Role, str] = {
    Role.LANE_CHIEF: "巷长",
    Role.GRID_WORKER: "网格员",
    Role.GRID_LEADER: "网格长",
    Role.COMMUNITY_WORKER: "社区工作者",
    Role.COMMUNITY_SECRETARY: "社区书记",
    Role.STREET_DISPATCHER: "街道调度员",
    Role.STREET_SECRETARY: "街道书记",
    Role.DISCIPLINE_OFFICER: "纪检监察员",
    Role.DEPARTMENT_OFFICER: "部门承办人",
    Role.OPERATOR: "系统管理员",
    Role.CHIEF_OPERATOR: "总管理员",
}
_USUAL = {role.value: name for role, name in ROLE_NAMES.items()}


def post_name(role: str, own: str | None) -> str:
    """Return what a post is called: by the district's `own` name if it has one, else as usual.

    The statement that gives the role gives the name as well, see `layers.chains.called`: so no
    name costs a round trip, and none is ever old.
    """
    return own or _USUAL[role]
