"""Answers of the plan runner."""

from pydantic import Field

from app.api.wire import AnswerModel, Moment


class RunErrorOut(AnswerModel):
    """Why a position was not run as its plan says."""

    at: Moment
    position_id: str | None
    code: str
    message: str


class PlanRunnerOut(AnswerModel):
    """What the runner does, whichever process runs it, and what its last cycle came to."""

    state: str = Field(
        description="stopped, running, or standby: on, but no process has taken the plans up yet."
    )
    last_cycle_at: Moment | None = Field(description="End of the last whole cycle.")
    evaluated: int = Field(description="Positions evaluated in the last whole cycle.")
    errors: list[RunErrorOut] = Field(description="Of the last cycle, at most 50.")
