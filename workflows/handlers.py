"""The signals, updates and the query that every campaign answers to, for `outrider` and the plain `temporal` command.

A signal takes whatever comes and never raises: a second input or another type would otherwise block the workflow for
ever, or be dropped without a word. An update of the same name can say no, and says what it did.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from temporalio import workflow
from temporalio.common import RawValue

from domain import wire
from domain.wire import Answer, CampaignProgress
from workflows.control import Controls, Said, refused

_REASON = "Inputs, both optional: a reason and your name, as texts."
_PAUSE = f"Start nothing until `resume`; what is in hand is finished and recorded. {_REASON}"
_RESUME = f"Go on after a pause. {_REASON}"
_CANCEL = f"End the campaign: nothing leaves any more, what was sent stays sent, the report is written. {_REASON}"
_APPROVE = 'Approve drafts. Inputs: lead numbers such as "1,4,10-20" (left out: all that wait now), and your name.'
_RECHECK = "Look at the rows again now instead of waiting: after decisions, or when what was waited for is mended."
_RETRY = "Look at every window again: leads that had failed and were opened again are taken up."


class Handlers(ABC):
    """Inherited by the campaign's workflow, which says how to recheck and what the progress is."""

    controls: Controls

    @abstractmethod
    def recheck(self) -> None:
        """Nothing waits any longer, and everything is counted anew."""

    @abstractmethod
    def progress(self) -> CampaignProgress:
        """Where the campaign stands."""

    @abstractmethod
    def changed(self) -> None:
        """Something that people can see has changed."""

    @workflow.query(name=wire.PROGRESS, description="Where the campaign stands, as of the last window that ended.")
    def _progress(self) -> CampaignProgress:
        return self.progress()

    @workflow.signal(name=wire.PAUSE, description=_PAUSE)
    def _pause(self, *args: object) -> None:
        self.controls.pause(Said.of(args))

    @workflow.signal(name=wire.RESUME, description=_RESUME)
    def _resume(self, *args: object) -> None:
        self.controls.resume(Said.of(args))

    @workflow.signal(name=wire.CANCEL, description=_CANCEL)
    def _cancel(self, *args: object) -> None:
        self.controls.cancel(Said.of(args))

    @workflow.signal(name=wire.APPROVE, description=_APPROVE)
    def _approve(self, *args: object) -> None:
        try:
            self.controls.approve(args)
        except ValueError:
            self.controls.unknown("approve that could not be taken")
            self.changed()

    @workflow.signal(name=wire.RECHECK, description=_RECHECK)
    def _recheck(self, *_args: object) -> None:
        self.recheck()

    @workflow.signal(name=wire.RETRY, description=_RETRY)
    def _retry(self, *_args: object) -> None:
        self.controls.retry()

    @workflow.signal(dynamic=True, description="Any other name: it is shown in the progress, and nothing is done.")
    def _unknown(self, name: str, _args: Sequence[RawValue]) -> None:
        self.controls.unknown(name)
        self.changed()

    @workflow.update(name=wire.PAUSE, description=_PAUSE)
    def _pause_update(self, *args: object) -> Answer:
        return self._answer(changed=self.controls.pause(Said.of(args)), done="paused", already="was paused already")

    @workflow.update(name=wire.RESUME, description=_RESUME)
    def _resume_update(self, *args: object) -> Answer:
        return self._answer(changed=self.controls.resume(Said.of(args)), done="goes on", already="was not paused")

    @workflow.update(name=wire.CANCEL, description=_CANCEL)
    def _cancel_update(self, *args: object) -> Answer:
        return self._answer(changed=self.controls.cancel(Said.of(args)), done="is being cancelled", already="")

    @workflow.update(name=wire.APPROVE, description=_APPROVE)
    def _approve_update(self, *args: object) -> Answer:
        try:
            self.controls.approve(args)
        except ValueError as error:
            raise refused(str(error)) from None
        return self._answer(changed=True, done="approvals are taken up", already="")

    @workflow.update(name=wire.RECHECK, description=_RECHECK)
    def _recheck_update(self, *_args: object) -> Answer:
        self.recheck()
        return self._answer(changed=True, done="looks at the rows again", already="")

    @workflow.update(name=wire.RETRY, description=_RETRY)
    def _retry_update(self, *_args: object) -> Answer:
        self.controls.retry()
        return self._answer(changed=True, done="looks at every window again", already="")

    @_pause_update.validator
    def _check_pause(self, *args: object) -> None:
        self.controls.check(args)

    @_resume_update.validator
    def _check_resume(self, *args: object) -> None:
        self.controls.check(args)

    @_cancel_update.validator
    def _check_cancel(self, *args: object) -> None:
        self.controls.check(args)

    @_recheck_update.validator
    def _check_recheck(self, *args: object) -> None:
        self.controls.check(args)

    @_retry_update.validator
    def _check_retry(self, *args: object) -> None:
        self.controls.check(args)

    @_approve_update.validator
    def _check_approve(self, *args: object) -> None:
        self.controls.check(args)
        try:
            self.controls.check_numbers(args)
        except ValueError as error:
            raise refused(str(error)) from None

    def _answer(self, *, changed: bool, done: str, already: str) -> Answer:
        name = self.controls.campaign_id
        return Answer(status=self.progress().status, changed=changed, line=f"{name} {done if changed else already}")
