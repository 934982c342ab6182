"""How a reorganisation is refused."""

from http import HTTPStatus

from neighborhood_api.kit.problems import Problem


class ReorganisationNotFound(Problem):
    """The id names no plan of a district that the caller manages."""

    status = HTTPStatus.NOT_FOUND
    title = "There is no such reorganisation"
    message = "没有找到这个重组方案"


class NotADistrict(Problem):
    """A plan belongs to a district."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "A reorganisation belongs to a district"
    message = "重组方案须选择区县"


class DayIsPast(Problem):
    """A plan takes effect today or later."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The effective date is past"
    message = "生效日期不能早于今天"


class NotADraft(Problem):
    """The plan was scheduled, applied or cancelled; `state` says which."""

    title = "Only a draft can be changed"
    message = "方案已定，不能再改；如需修改请先取消排期"


class NotApplied(Problem):
    """Only what was applied can be compared or undone."""

    title = "The reorganisation has not been applied"
    message = "方案尚未生效"


class ReorganisationImpossible(Problem):
    """The plan contradicts the grid; `troubles` names each place and why."""

    title = "The plan cannot be applied to today's grid"
    message = "方案与现有网格不符，请按列出的问题修改"


class DecisionsMissing(Problem):
    """Something needs a decision; `questions` names it."""

    title = "Some things still need a decision"
    message = "还有事项需要决定去向，请先逐项选择"


class NotAnOption(Problem):
    """The decision names nothing that was asked, or a place that is not among its options."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "This is not among the options"
    message = "所选去向不在可选范围内，请刷新后重选"


class NewThingsDepend(Problem):
    """Something new lies at the new places; `dependents` names it."""

    title = "New things depend on the reorganisation"
    message = "新地点已有新的业务，不能撤销；请另拟方案调整"


class GridIsBusy(Problem):
    """Others were writing all the time; nothing was changed."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    title = "The grid was too busy; nothing was changed"
    message = "系统繁忙，方案未生效，请稍后再试"
