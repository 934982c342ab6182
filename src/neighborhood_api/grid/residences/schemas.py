"""What a district asks of its residents, as the API accepts and returns it."""

from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from neighborhood_api.kit.schema import In, Out


class ResidenceRulesIn(In):
    """What a district asks of its residents."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "report_confirmed_only": False,
                    "book_confirmed_only": True,
                    "enrol_confirmed_only": True,
                    "stale_after_days": 180,
                    "version": 0,
                }
            ]
        }
    )
    report_confirmed_only: bool
    """上报诉求须住址已确认 · Whether only confirmed residents report issues."""
    book_confirmed_only: bool
    """预约活动室须住址已确认 · Whether only confirmed residents book rooms."""
    enrol_confirmed_only: bool
    """报名课程、活动须住址已确认 · Whether only confirmed residents enrol."""
    stale_after_days: Annotated[int, Field(ge=1, le=3650)]
    """登记册多少天未核实算过期 · After how many days a register entry is stale."""
    version: int
    """读到的版本号，从未设置为 0 · The version that was read, 0 while never set."""


class ResidenceRulesOut(Out):
    """What a district asks of its residents."""

    district_id: UUID
    report_confirmed_only: bool
    """上报诉求须住址已确认 · Whether only confirmed residents report issues."""
    book_confirmed_only: bool
    """预约活动室须住址已确认 · Whether only confirmed residents book rooms."""
    enrol_confirmed_only: bool
    """报名课程、活动须住址已确认 · Whether only confirmed residents enrol."""
    stale_after_days: int
    """登记册多少天未核实算过期 · After how many days a register entry is stale."""
    version: int
    """版本号，修改时带上 · Send it back with a change."""
