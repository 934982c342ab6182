"""Tables of profiles and of second layers of responsibility."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from neighborhood_api.kit.auditing import audited
from neighborhood_api.kit.db import Model
from neighborhood_api.kit.ids import new_id


class Profile(Model):
    """What a district calls its levels and posts; without a row the usual names hold."""

    __tablename__ = "grid_profile"

    district_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"), primary_key=True)
    level_names: Mapped[list[str]] = mapped_column(JSONB)
    """From the district down to the lane."""
    kinds: Mapped[list[list[str]]] = mapped_column(JSONB)
    """Which kinds of node there are at each level."""
    role_names: Mapped[dict[str, str]] = mapped_column(JSONB)
    """By role; those that are missing have their usual names."""
    version: Mapped[int] = mapped_column(default=1)


class Layer(Model):
    """Another tree of responsibility over the same places, such as 片长—组长—邻长."""

    __tablename__ = "layer"
    __table_args__ = (
        UniqueConstraint("district_id", "code", name="uq_layer_code"),
        CheckConstraint(
            "jsonb_array_length(levels) BETWEEN 1 AND 4", name="one_to_four_levels"
        ),
        CheckConstraint("valid_from < valid_until", name="valid_forward"),
        CheckConstraint(
            "fewest_households > 0 AND most_households >= fewest_households",
            name="sizes_forward",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    district_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    code: Mapped[str]
    name: Mapped[str]
    levels: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    """From the top down: `name` of the level and of its `post`."""
    valid_from: Mapped[date]
    valid_until: Mapped[date | None] = mapped_column(default=None)
    """First day on which the layer is no more."""
    fewest_households: Mapped[int | None] = mapped_column(default=None)
    most_households: Mapped[int | None] = mapped_column(default=None)
    """How many households one node of the lowest level should answer for."""
    version: Mapped[int] = mapped_column(default=1)


class LayerNode(Model):
    """One node of a layer, such as a 片 or a 邻."""

    __tablename__ = "layer_node"
    __table_args__ = (
        UniqueConstraint("id", "layer_id", name="uq_layer_node_of_layer"),
        ForeignKeyConstraint(
            ["parent_id", "layer_id"],
            ["layer_node.id", "layer_node.layer_id"],
            name="fk_layer_node_parent",
        ),
        CheckConstraint("level BETWEEN 1 AND 4", name="level_known"),
        CheckConstraint("(parent_id IS NULL) = (level = 1)", name="only_the_top_has_no_parent"),
        CheckConstraint(
            "cardinality(way) = level AND way[level] = id", name="way_leads_to_itself"
        ),
        Index(
            "uq_layer_node_code_now",
            "layer_id",
            "code",
            unique=True,
            postgresql_where=text("ended_on IS NULL"),
        ),
        Index("ix_layer_node_listed", "layer_id", "id"),
        Index("ix_layer_node_parent", "parent_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    layer_id: Mapped[UUID] = mapped_column(ForeignKey("layer.id"))
    level: Mapped[int]
    """1 is the top."""
    code: Mapped[str]
    name: Mapped[str]
    way: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    """The nodes from the top down to this one."""
    parent_id: Mapped[UUID | None] = mapped_column(default=None)
    ended_on: Mapped[date | None] = mapped_column(default=None)
    """First day on which the node is no more."""
    version: Mapped[int] = mapped_column(default=1)


class LayerCover(Model):
    """A place or household that a node of a layer answers for; in each layer only one does."""

    __tablename__ = "layer_cover"
    __table_args__ = (
        ForeignKeyConstraint(
            ["layer_node_id", "layer_id"],
            ["layer_node.id", "layer_node.layer_id"],
            name="fk_layer_cover_layer_node",
        ),
        CheckConstraint(
            "(node_id IS NULL) <> (household_id IS NULL)", name="a_place_or_a_household"
        ),
        UniqueConstraint("node_id", "layer_id", name="uq_layer_cover_place"),
        UniqueConstraint("household_id", "layer_id", name="uq_layer_cover_household"),
        Index("ix_layer_cover_layer_node", "layer_node_id", "id"),
        Index("ix_layer_cover_layer", "layer_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    layer_id: Mapped[UUID]
    layer_node_id: Mapped[UUID]
    node_id: Mapped[UUID | None] = mapped_column(ForeignKey("node.id"), default=None)
    """A street, community, grid, compound, lane or building."""
    household_id: Mapped[UUID | None] = mapped_column(ForeignKey("household.id"), default=None)


class LayerPost(Model):
    """Who answers for a node of a layer: a name and a number for residents, and no power."""

    __tablename__ = "layer_post"
    __table_args__ = (
        CheckConstraint("starts_on <= ends_on", name="term_forward"),
        Index(
            "uq_layer_post_one_holder",
            "layer_node_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("ix_layer_post_person", "person_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    layer_node_id: Mapped[UUID] = mapped_column(ForeignKey("layer_node.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    duty_phone: Mapped[str]
    """Public: residents call it."""
    starts_on: Mapped[date]
    ends_on: Mapped[date | None] = mapped_column(default=None)
    """Last day of the term; without one the term is open."""
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    version: Mapped[int] = mapped_column(default=1)


audited(Profile, "level_names", "kinds", "role_names")
audited(Layer, "code", "name", "levels")
audited(LayerNode, "code", "name")
audited(LayerPost)
