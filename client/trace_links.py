"""Addresses in Jaeger, where OUTRIDER_JAEGER_URL says that there is one."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from client.settings import Settings

_WORKER = "outrider-worker"


def trace_link(settings: Settings, events: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The newest trace that these events of a message belong to, None where nothing was traced; `url` may be None."""
    traced = [event for event in events if event["trace_id"]]
    if not traced:
        return None
    trace_id, span_id = traced[-1]["trace_id"], traced[-1]["span_id"]
    base = settings.jaeger()
    url = f"{base}/trace/{trace_id}?uiFind={span_id}" if base else None
    return {"trace_id": trace_id, "span_id": span_id, "url": url}


def campaign_link(settings: Settings, campaign_id: str) -> str:
    """Jaeger's search for the traces of a campaign's windows, "" without a Jaeger."""
    base = settings.jaeger()
    tags = quote(json.dumps({"campaign.id": campaign_id}))
    return f"{base}/search?service={_WORKER}&lookback=2d&limit=100&tags={tags}" if base else ""
