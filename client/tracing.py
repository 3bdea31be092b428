"""Temporal's spans in a campaign's trace: one for each attempt of an activity, none for what only prepares it."""

from typing import Any

from opentelemetry.trace import Tracer
from temporalio.contrib.opentelemetry import TracingInterceptor, TracingWorkflowInboundInterceptor
from temporalio.worker import StartActivityInput, WorkflowInterceptorClassInput


class CampaignInterceptor(TracingInterceptor):
    """Passes the trace from commands to workflows, through continue-as-new, and on to activities."""

    def __init__(self, tracer: Tracer) -> None:
        """`tracer` makes the spans; the process's own."""
        super().__init__(tracer)

    def workflow_interceptor_class(
        self,
        input: WorkflowInterceptorClassInput,  # noqa: A002 Temporal's name
    ) -> type[TracingWorkflowInboundInterceptor]:
        """See TracingInterceptor."""
        super().workflow_interceptor_class(input)
        return _CampaignSpans


class _CampaignSpans(TracingWorkflowInboundInterceptor):
    """Without `StartActivity`: it lasts 0 ms, says nothing that the attempts do not say, and doubles a trace."""

    def _completed_span(self, span_name: str, *, add_to_outbound: Any = None, **more: Any) -> None:  # noqa: ANN401 as in the base
        if isinstance(add_to_outbound, StartActivityInput):
            add_to_outbound.headers = self._context_to_headers(add_to_outbound.headers)
        else:
            super()._completed_span(span_name, add_to_outbound=add_to_outbound, **more)
