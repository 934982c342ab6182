"""What the codes of venues, rooms and sessions are called."""

from neighborhood_api.venues.models import EquipmentItem, EquipmentState, VenueKind
from neighborhood_api.venues.rooms.models import RoomKind
from neighborhood_api.venues.sessions.models import SessionKind, TeacherRole

VENUE_NAMES: dict[VenueKind, str] = {
    VenueKind.SERVICE_CENTRE: "党群服务中心",
    VenueKind.SERVICE_STATION: "党群服务站",
    VenueKind.CARE_STATION: "驿站",
    VenueKind.PRACTICE_STATION: "新时代文明实践站",
    VenueKind.READING_PLACE: "阅览室、书屋",
    VenueKind.CULTURE_CENTRE: "文体活动中心",
    VenueKind.ELDERS_CENTRE: "长者服务中心",
    VenueKind.CHILDRENS_PLACE: "儿童之家",
    VenueKind.COUNCIL_PLACE: "议事点",
    VenueKind.OTHER: "其他",
}
EQUIPMENT_NAMES: dict[EquipmentItem, str] = {
    EquipmentItem.PREMISES: "固定场所",
    EquipmentItem.SEATS: "桌椅",
    EquipmentItem.DRINKS: "饮水",
    EquipmentItem.HEATING_AND_COOLING: "冷暖设备",
    EquipmentItem.CHARGING: "充电设备",
    EquipmentItem.READING_MATTER: "书报",
    EquipmentItem.UMBRELLAS: "雨具",
    EquipmentItem.FIRST_AID: "应急药箱",
}
FOUND_NAMES: dict[EquipmentState, str] = {
    EquipmentState.PRESENT: "有",
    EquipmentState.MISSING: "缺",
    EquipmentState.BROKEN: "坏",
}
ROOM_NAMES: dict[RoomKind, str] = {
    RoomKind.READING: "阅览室",
    RoomKind.CHESS: "棋牌室",
    RoomKind.TABLE_TENNIS: "乒乓球室",
    RoomKind.ACTIVITY: "活动室",
    RoomKind.MEETING: "会议室",
    RoomKind.OTHER: "其他",
}
SESSION_NAMES: dict[SessionKind, str] = {
    SessionKind.TUTORING: "课程",
    SessionKind.ACTIVITY: "活动",
}
TEACHER_ROLE_NAMES: dict[TeacherRole, str] = {
    TeacherRole.LEAD: "主讲",
    TeacherRole.HELPER: "助教",
}
