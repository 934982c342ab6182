"""What the registers announce."""

from enum import StrEnum
from uuid import UUID

from neighborhood_api.kit.outbox import Event
from neighborhood_api.registers.models import LookedAt


class Register(StrEnum):
    """Which register an entry is of."""

    HOUSEHOLD = "household"
    RESIDENT = "resident"
    ESTABLISHMENT = "establishment"
    CARE_FLAG = "care_flag"


class RegisterEntryAdded(Event):
    """Staff added an entry to a register."""

    name = "registers.entry_added"
    chinese = "登记册新增一条。"
    kind: Register
    entry_id: UUID
    node_id: UUID


class RegisterEntryChanged(Event):
    """Staff changed an entry of a register."""

    name = "registers.entry_changed"
    chinese = "登记册一条有修改。"
    kind: Register
    entry_id: UUID
    node_id: UUID


class RegisterEntryEnded(Event):
    """Staff ended an entry of a register: somebody moved out, or something is no more."""

    name = "registers.entry_ended"
    chinese = "登记册注销一条。"
    kind: Register
    entry_id: UUID
    node_id: UUID


class RegisterEntryVerified(Event):
    """Staff found that an entry of a register is right."""

    name = "registers.entry_verified"
    chinese = "登记册一条经核实无误。"
    kind: Register
    entry_id: UUID
    node_id: UUID


class RegisterEntryShown(Event):
    """A whole entry, or somebody's special care, was shown to somebody of the staff."""

    name = "registers.entry_shown"
    chinese = "有工作人员查看了一条完整登记。"
    look_id: UUID
    what: LookedAt
    subject_id: UUID


EntryEvent = (
    RegisterEntryAdded | RegisterEntryChanged | RegisterEntryEnded | RegisterEntryVerified
)
