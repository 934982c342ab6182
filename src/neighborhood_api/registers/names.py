"""What the codes of the registers are called."""

from neighborhood_api.grid.models import Confirmation, Occupancy
from neighborhood_api.registers.models import CareKind, EstablishmentKind

OCCUPANCY_NAMES: dict[Occupancy, str] = {
    Occupancy.UNKNOWN: "不详",
    Occupancy.OWNED: "自住",
    Occupancy.RENTED: "出租",
    Occupancy.VACANT: "空置",
    Occupancy.OTHER: "其他",
}
ESTABLISHMENT_NAMES: dict[EstablishmentKind, str] = {
    EstablishmentKind.SHOP: "商户",
    EstablishmentKind.COMPANY: "企业",
    EstablishmentKind.INSTITUTION: "机关事业单位",
    EstablishmentKind.SCHOOL: "学校",
    EstablishmentKind.SOCIAL_ORGANIZATION: "社会组织",
    EstablishmentKind.PROPERTY: "物业",
    EstablishmentKind.OTHER: "其他",
}
CARE_NAMES: dict[CareKind, str] = {
    CareKind.EMPTY_NEST: "空巢老人",
    CareKind.LIVING_ALONE: "独居老人",
    CareKind.DISABLED: "残疾人",
    CareKind.CHILD_IN_NEED: "困境儿童",
    CareKind.LEFT_BEHIND_CHILD: "留守儿童",
    CareKind.LOW_INCOME: "低保",
    CareKind.EXTREME_POVERTY: "特困",
    CareKind.ONLY_CHILD_LOST: "失独",
    CareKind.SERIOUS_ILLNESS: "重病",
    CareKind.OTHER: "其他",
}
CONFIRMATION_NAMES: dict[Confirmation, str] = {
    Confirmation.PHONE: "号码相符",
    Confirmation.STAFF: "工作人员确认",
}
