"""Every time-out and retry policy, each with its reason."""

from datetime import timedelta

from temporalio.common import RetryPolicy

HEARTBEAT_TIMEOUT = timedelta(seconds=5)
"""An attempt that has been silent for so long is given to another worker. The heartbeat comes every 0.5 s.

New work is to begin within 8 s of a worker's death, and the next attempt comes a second after this."""

WINDOW_TIMEOUT = timedelta(hours=12)
"""Upper bound of one window's attempt. Dead workers are noticed by the heartbeat, not by this."""

SHORT_TIMEOUT = timedelta(minutes=10)
"""Of an activity that reads or writes rows of one campaign. A dead worker is noticed by the heartbeat."""

RETRIES = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(seconds=20),
    maximum_attempts=6,
)
"""For the unexpected only, about a minute: whatever is known to take longer is a hold, which people can see."""

PERSISTENT = RetryPolicy(
    initial_interval=timedelta(seconds=1), backoff_coefficient=2.0, maximum_interval=timedelta(minutes=1)
)
"""For what nobody could go on without: the plan, what is wanted, the end, the report."""

FAILED_WINDOW_PAUSE = timedelta(seconds=30)
FAILED_WINDOW_LONGEST_PAUSE = timedelta(minutes=10)
"""After windows used up their attempts their stage rests so long, doubled each time in a row up to the longest."""

DEATHS_LIMIT = 10
"""So many windows in a row whose workers died at each of their attempts, sixty deaths, and the campaign pauses itself:
something in those windows may be what kills them."""

FAILED_WINDOW_LIMIT = 5
"""So many failures in a row, about ten minutes, and the campaign pauses itself. Shorter outages end by themselves."""
