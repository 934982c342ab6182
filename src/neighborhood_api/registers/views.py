"""How entries of the registers are shown, masked but for a recorded look."""

from uuid import UUID

from neighborhood_api.grid.models import Household, Occupancy
from neighborhood_api.grid.place_names import PlaceNames
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.service import masked
from neighborhood_api.registers.masking import masked_contact, masked_name
from neighborhood_api.registers.models import Establishment, EstablishmentKind, Resident
from neighborhood_api.registers.schemas import (
    EstablishmentOut,
    EstablishmentRecordOut,
    MemberOut,
    RegisterHouseholdOut,
    ResidentOut,
    ResidentRecordOut,
)


def household_view(
    household: Household, residents: int, lane: str, community: str
) -> RegisterHouseholdOut:
    """Show a dwelling."""
    return RegisterHouseholdOut(
        id=household.id,
        lane_id=household.place.node_id,
        lane_name=lane,
        community_name=community,
        address=household.address,
        occupancy=Occupancy(household.occupancy),
        note=household.note,
        residents=residents,
        verified_on=household.verified_on,
        ended_on=household.ended_on,
        version=household.version,
    )


def resident_view(resident: Resident, address: str, lane: str, community: str) -> ResidentOut:
    """Show somebody masked."""
    return ResidentOut(
        id=resident.id,
        household_id=resident.household_id,
        lane_id=resident.place.node_id,
        lane_name=lane,
        community_name=community,
        address=address,
        name=masked_name(resident.name) or "",
        phone=masked(resident.phone),
        relation=resident.relation,
        is_head=resident.is_head,
        has_account=resident.person_id is not None,
        moved_in_on=resident.moved_in_on,
        verified_on=resident.verified_on,
        moved_out_on=resident.moved_out_on,
        version=resident.version,
    )


def resident_record(
    resident: Resident, address: str, at: PlaceNames, look_id: UUID
) -> ResidentRecordOut:
    """Show somebody whole."""
    return ResidentRecordOut(
        look_id=look_id,
        id=resident.id,
        household_id=resident.household_id,
        lane_id=resident.place.node_id,
        lane_name=at.own,
        community_name=at.community,
        address=address,
        name=resident.name,
        phone=resident.phone,
        birth_year=resident.birth_year,
        relation=resident.relation,
        is_head=resident.is_head,
        moved_in_on=resident.moved_in_on,
        verified_on=resident.verified_on,
        moved_out_on=resident.moved_out_on,
        version=resident.version,
    )


def establishment_view(one: Establishment, node: str, community: str) -> EstablishmentOut:
    """Show an organisation, its contact masked."""
    return EstablishmentOut(
        id=one.id,
        node_id=one.place.node_id,
        node_name=node,
        community_name=community,
        name=one.name,
        kind=EstablishmentKind(one.kind),
        address=one.address,
        contact_name=masked_name(one.contact_name),
        contact_phone=masked_contact(one.contact_phone),
        verified_on=one.verified_on,
        ended_on=one.ended_on,
        version=one.version,
    )


def establishment_record(
    one: Establishment, at: PlaceNames, look_id: UUID
) -> EstablishmentRecordOut:
    """Show an organisation whole."""
    return EstablishmentRecordOut(
        look_id=look_id,
        id=one.id,
        node_id=one.place.node_id,
        node_name=at.own,
        community_name=at.community,
        name=one.name,
        kind=EstablishmentKind(one.kind),
        address=one.address,
        contact_name=one.contact_name,
        contact_phone=one.contact_phone,
        verified_on=one.verified_on,
        ended_on=one.ended_on,
        version=one.version,
    )


def member_view(person: Person, representative_id: UUID | None) -> MemberOut:
    """Show somebody whose residence in a household is confirmed."""
    return MemberOut(
        id=person.id,
        name=masked_name(person.name),
        is_representative=person.id == representative_id,
    )
