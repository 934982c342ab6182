"""What may go wrong at WeChat, on request."""

from http import HTTPStatus

from pydantic import BaseModel, ConfigDict, Field


class Fault(BaseModel):
    """How the next requests to one path are spoilt."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    path: str
    """E.g. `/sns/jscode2session`."""
    errcode: int | None = None
    """Refuse with it, e.g. -1 or 45011, without looking at the request."""
    status: HTTPStatus | None = None
    """Answer with this HTTP status; without `errcode` an HTML page, as a broken gateway."""
    delay_seconds: float = Field(default=0, ge=0)
    """Wait before anything else, also before the answer that would have come."""
    times: int | None = Field(default=None, ge=1)
    """How many requests it hits; without it, all until the faults are cleared."""


class Faults:
    """The faults set and not yet used up; the first that fits the path hits."""

    def __init__(self) -> None:
        """Start with none."""
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Set a fault behind those already set."""
        self._faults.append(fault)

    def clear(self) -> None:
        """Behave again."""
        self._faults = []

    def take(self, path: str) -> Fault | None:
        """Return the fault that hits this request, and count it."""
        for place, fault in enumerate(self._faults):
            if fault.path == path:
                if fault.times == 1:
                    del self._faults[place]
                elif fault.times is not None:
                    self._faults[place] = fault.model_copy(update={"times": fault.times - 1})
                return fault
        return None
