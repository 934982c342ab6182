"""What is announced of the names of a district and of its layers of responsibility."""

from uuid import UUID

from neighborhood_api.kit.outbox import Event


class GridProfileStated(Event):
    """A district calls its levels or posts otherwise."""

    name = "grid.profile_stated"
    chinese = "区县的层级或岗位叫法有改动。"
    district_id: UUID


class LayerCreated(Event):
    """A district drew a second layer of responsibility."""

    name = "grid.layer_created"
    chinese = "区县新建了责任体系。"
    layer_id: UUID
    district_id: UUID


class LayerChanged(Event):
    """A layer has other names, sizes or days, or has ended."""

    name = "grid.layer_changed"
    chinese = "责任体系的名称、户数要求或起止日有改动。"
    layer_id: UUID
    district_id: UUID


class LayerNodesAdded(Event):
    """A layer has new nodes."""

    name = "grid.layer_nodes_added"
    chinese = "责任体系新建了责任单元。"
    layer_id: UUID
    nodes: int
    """新建几个 · How many."""


class LayerNodeChanged(Event):
    """A node of a layer has another name, code or place in the tree."""

    name = "grid.layer_node_changed"
    chinese = "责任单元改名、改编码或改上级。"
    layer_id: UUID
    layer_node_id: UUID


class LayerNodeEnded(Event):
    """A node of a layer is no more."""

    name = "grid.layer_node_ended"
    chinese = "责任单元已撤销。"
    layer_id: UUID
    layer_node_id: UUID


class LayerHolderNamed(Event):
    """Somebody answers for a node of a layer from now on."""

    name = "grid.layer_holder_named"
    chinese = "责任单元有了新的负责人。"
    layer_id: UUID
    layer_node_id: UUID
    person_id: UUID


class LayerHolderEnded(Event):
    """Nobody answers for a node of a layer any more."""

    name = "grid.layer_holder_ended"
    chinese = "责任单元的负责人离任，暂时空缺。"
    layer_id: UUID
    layer_node_id: UUID
    person_id: UUID


class LayerCoversAssigned(Event):
    """Other nodes of a layer answer for places or households than before."""

    name = "grid.layer_covers_assigned"
    chinese = "责任体系的地点或住户有新的归属。"
    layer_id: UUID
    assigned: int
    """新归属 · Had nobody before."""
    moved: int
    """改归属 · Went from one node to another."""
    removed: int
    """不再负责 · Belong to nobody any more."""
