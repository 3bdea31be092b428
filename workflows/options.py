"""Every time-out and retry policy, each with its reason."""

from datetime import timedelta

from temporalio.common import RetryPolicy

HEARTBEAT_TIMEOUT = timedelta(seconds=5)
"""An attempt that has been silent for so long is given to another worker. The heartbeat comes every 0.5 s.

New work is to begin within 8 s of a worker's death, and the next attempt comes a second after this."""

WINDOW_TIMEOUT = timedelta(hours=12)
"""Upper bound of one window's attempt. Dead workers are noticed by the heartbeat, not by this."""

SHORT_TIMEOUT = timedelta(minutes=10)
"""Planning and reporting read or write rows of one campaign."""

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
"""For planning and reporting: nothing else could go on meanwhile, and giving up would end the campaign."""

FAILED_WINDOW_PAUSE = timedelta(seconds=30)
FAILED_WINDOW_LONGEST_PAUSE = timedelta(minutes=10)
"""After windows used up their attempts their stage rests so long, doubled each time in a row up to the longest."""

FAILED_WINDOW_LIMIT = 5
"""So many failures in a row, about ten minutes, and the campaign pauses itself. Shorter outages end by themselves."""
