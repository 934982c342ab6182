"""Every operation of the product is in a table of who may, or here with the reason why not."""

import re
from pathlib import Path

from fastapi import FastAPI

from tests.authorization import booking_operations, issue_operations, test_other_operations
from tests.authorization.attempts import Operations, operations_of
from tests.authorization.test_imports import OF_IMPORTS
from tests.authorization.test_lists import is_list
from tests.authorization.test_management import CHANGES
from tests.authorization.test_reorganisation import ATTEMPTS as OF_PLANS
from tests.grid.layers.test_authorization import ATTEMPTS as OF_LAYERS
from tests.identity.accounts.test_authorization import CASES
from tests.registers import test_authorization as of_registers

ONESELF = "about the caller alone: nothing in the request names anybody or anything else"
SIGNING_IN = "has no caller yet; tried with tests/identity"
BY_LINK = "whoever has the signed link or the file's address; tried with their own tests"
BY_HANDS = "hers whose hands the issue is in; tried with tests/issues/watching"
NOT_IN_A_TABLE: dict[str, set[str]] = {
    ONESELF: {
        "rename",
        "change_password",
        "bind_phone",
        "bind_staff_account",
        "begin_second_step",
        "confirm_second_step",
        "turn_off_second_step",
        "end_other_sign_ins",
        "accept_notifications",
        "read_all_notifications",
        "read_all_warnings",
        "save_filter",
        "export_issues",
        "store_upload",
    },
    SIGNING_IN: {
        "sign_in_with_wechat",
        "sign_in_staff",
        "finish_sign_in",
        "accept_invitation",
        "refresh",
        "sign_out",
    },
    BY_HANDS: {"read_warning"},
    BY_LINK: {"show_file", "download_export", "read_calendar", "read_public_issue"},
}
WRITTEN_OUT: dict[str, set[str]] = {
    "test_grid": {
        "report_issue",
        "make_appointment",
        "change_appointment",
        "end_appointment",
        "set_stand_in",
        "end_stand_in",
        "list_households",
    },
    "test_posts": {
        "read_duty_roster",
        "make_shift",
        "make_shift_series",
        "change_shift",
        "swap_shifts",
        "cancel_shift",
        "end_shift_series",
        "read_on_call",
        "count_post_checks",
        "list_post_findings",
        "change_selection",
        "make_primary",
        "read_appointment_work",
    },
    "test_imports": {"start_import", "export_grid"},
}
"""Operations of tables that name them by their addresses, by module."""


def named(operations: Operations, method: str, path: str) -> str:
    """Return the operation behind an address, whatever stands for its parameters."""
    plain = "/api/v1" + re.sub(r"\?.*", "", path)
    found = [
        name
        for name, (its, template) in operations.items()
        if its == method and re.fullmatch(re.sub(r"{\w+}", "[^/]+", template), plain)
    ]
    exact = [name for name in found if operations[name][1] == plain]
    (one,) = exact or found
    return one


def tabled(app: FastAPI) -> set[str]:
    operations = operations_of(app)
    found = {line.operation for line in issue_operations.LINES}
    found |= {line.operation for line in booking_operations.LINES}
    found |= {line.operation for line in of_registers.LINES} | of_registers.PERSONAL
    found |= {line.operation for line in OF_LAYERS}
    found |= {line.operation for line in test_other_operations.LINES}
    found |= operations_of(app, ".privacy.").keys()
    found |= {name for name, (method, path) in operations.items() if is_list(method, path)}
    addresses = [(one.method, one.path) for one in CHANGES]
    addresses += [(one.method, f"/reorganisations/x{one.path}") for one in OF_PLANS]
    addresses += [(method, f"/people/x/{action}") for method, action, *_ in CASES]
    addresses += [("POST", "/reorganisations"), *OF_IMPORTS]
    return found | {named(operations, *one) for one in addresses}


def test_no_operation_is_forgotten(app: FastAPI) -> None:
    everything = operations_of(app).keys()
    in_tables = tabled(app).union(*WRITTEN_OUT.values())
    reasons = set().union(*NOT_IN_A_TABLE.values())
    assert len(everything) > 350
    assert everything - in_tables - reasons == set()
    assert in_tables | reasons == everything
    assert in_tables & reasons == set()


def test_tables_that_name_addresses_name_those_of_their_operations(app: FastAPI) -> None:
    operations = operations_of(app)
    for module, names in WRITTEN_OUT.items():
        text = (Path(__file__).parent / f"{module}.py").read_text(encoding="utf-8")
        for name in names:
            words = re.sub(r"/?{\w+}", "", operations[name][1]).rsplit("/", 1)
            assert words[-1] in text, (module, name)
