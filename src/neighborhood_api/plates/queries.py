"""Who is responsible at many places at once."""

from sqlalchemy import ARRAY, Uuid, any_, bindparam

from neighborhood_api.grid.models import Appointment, Node
from neighborhood_api.grid.queries import Contact, contacts
from neighborhood_api.kit.reads import Query

CONTACTS_OF_NODES = Query(
    contacts()
    .where(Node.id == any_(bindparam("node_ids", type_=ARRAY(Uuid))))
    .order_by(Node.level, Appointment.id),
    Contact,
)
