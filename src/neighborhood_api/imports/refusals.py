"""Why a plan is not written."""

from neighborhood_api.kit.problems import Problem


class GroundChanged(Problem):
    """Something was changed since the dry run, so that something else would happen now."""

    title = "The grid was changed since the dry run; check again"
    message = "核对之后登记内容有变，请重新核对再导入"


class FaultsRemain(Problem):
    """Rows cannot be taken as they are; `faults` says how many."""

    title = "Some rows have faults; nothing was changed"
    message = "还有行有误，请按报告修改后重新上传"
