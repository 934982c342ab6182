"""Operations that change something and leave no act in the audit trail, with the reason."""

OF_AN_ISSUE = "/api/v1/issues/{issue_id}/"
"""Work on an issue is told by its timeline, each line of which is in the trail itself."""
NOT_ADMINISTRATIVE: dict[str, set[str]] = {
    "a sign-in, or its end: kept in the history of sign-ins": {
        "accept_invitation",
        "finish_sign_in",
        "refresh",
        "sign_in_staff",
        "sign_in_with_wechat",
        "sign_out",
    },
    "the caller's own account, devices and inbox": {
        "accept_notifications",
        "begin_second_step",
        "bind_phone",
        "bind_staff_account",
        "change_password",
        "end_device_sign_in",
        "end_other_sign_ins",
        "read_all_notifications",
        "read_notification",
        "rename",
        "store_upload",
    },
    "a right of the caller over her own data; the consent or the request is a row of its own": {
        "agree_to_consent",
        "ask_for_correction",
        "request_data_export",
        "request_erasure",
        "withdraw_erasure",
        "withdraw_from_consent",
    },
    "what a resident says of herself, her home and her children": {
        "change_child",
        "choose_representative",
        "leave_residence",
        "state_residence",
    },
    "the caller's own answer to what staff decided": {
        "appeal_strike",
        "decline_teaching_offer",
    },
    "a booking, told by its own history": {
        "accept_offer",
        "approve_booking",
        "book_room",
        "cancel_booking",
        "check_in_booking",
        "check_in_by_sign",
        "check_out_booking",
        "confirm_booking",
        "enrol_in_session",
        "hold_room",
        "mark_no_show",
        "move_booking",
        "reject_booking",
        "walk_in",
    },
    "an issue's first line, or nothing is written at all": {
        "find_similar_issues",
        "preview_issue",
        "report_issue",
    },
    "how the caller sorts her own work": {
        "change_filter",
        "delete_filter",
        "read_all_warnings",
        "read_warning",
        "save_filter",
    },
    "a look or a file of data, kept in the log of accesses or exports": {
        "export_issues",
        "look_at_establishment",
        "look_at_resident",
        "search_registers",
    },
    "changes nothing before its job applies it, and the job keeps the act": {
        "apply_import",
        "cancel_import",
        "check_import",
        "start_import",
    },
}
NOT_AUDITED = frozenset().union(*NOT_ADMINISTRATIVE.values())
