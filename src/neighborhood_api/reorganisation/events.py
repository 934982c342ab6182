"""What reorganisations announce."""

from uuid import UUID

from neighborhood_api.kit.outbox import Event


class GridReorganised(Event):
    """Places of a district were split, merged, moved or renamed, all at once."""

    name = "grid.reorganised"
    chinese = "网格重组方案已生效。"
    reorganisation_id: UUID
    district_id: UUID


class ReorganisationUndone(Event):
    """A reorganisation was taken back; everything lies where it lay before."""

    name = "grid.reorganisation_undone"
    chinese = "网格重组方案已撤销，恢复原状。"
    reorganisation_id: UUID
    district_id: UUID
