"""What specs of this product can say but this version cannot do: known by name, so that the message can say so."""

FIELDS = frozenset(
    {
        "limits.model_concurrency",
        "limits.model_cost_usd",
        "sending.catch_up",
        "sending.mailboxes.daily_cap",
        "sending.mailboxes.min_gap",
        "sending.mailboxes.ramp_start",
        "sending.order",
        "sending.per_company",
        "sending.per_recipient_domain",
        "sending.simulate_time",
        "sending.skip_dates",
        "sending.stop_company_on_reply",
        "sending.window.fallback",
        "sequence.after",
        "sequence.thread",
        "sequence.variants",
        "timeouts",
        "writing.max_words",
        "writing.on_model_failure",
        "writing.tone",
    }
)
"""Dotted, without places in lists."""

VALUES = {
    "sending.provider": {"instantly": "smtp", "resend": "smtp"},
    "sending.window.timezone": {"recipient": "an IANA name such as Europe/Berlin"},
    "writing.author": {"model": "template"},
}
"""By field: a value this version cannot do, and what to write instead."""

SECOND_ENTRIES = {
    ("sequence",): "this version sends one mail to each person; take the further steps out",
    ("sending", "mailboxes"): "this version sends from one mailbox; take the others out",
}
"""By path: lists in which this version takes one entry, and what to say of a second."""
