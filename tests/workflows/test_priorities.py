"""Several campaigns on one worker: the urgent one goes first, and equals share."""

import asyncio
from collections import Counter

from campaign_server import CampaignServer
from temporalio.common import Priority
from window_activities import WindowActivities, done

from domain.wire import WindowResult, WindowTask

WINDOWS = 10


class Worked:
    """Windows that take 50 ms each, counted by campaign in the order of their ends."""

    def __init__(self) -> None:
        self.ended: list[str] = []
        self.activities = WindowActivities(leads=10 * WINDOWS, window=10, draft=self._work, send=self._work)

    async def _work(self, task: WindowTask) -> WindowResult:
        await asyncio.sleep(0.05)
        self.ended.append(task.campaign_id)
        return await done(task)


async def campaign_id(server: CampaignServer, queue: str, priority: Priority) -> tuple[str, asyncio.Task[object]]:
    handle = await server.start(queue, priority)
    progress = await handle.query("progress")
    return progress["campaign_id"], asyncio.create_task(handle.result())


async def test_an_urgent_campaign_overtakes_those_that_were_there_before(server: CampaignServer) -> None:
    worked = Worked()
    async with server.working(worked.activities, slots=1) as queue:
        before = [await campaign_id(server, queue, Priority(priority_key=4)) for _ in range(6)]
        urgent, ended = await campaign_id(server, queue, Priority(priority_key=1))
        await ended
        counts = Counter(worked.ended)
        assert counts[urgent] == 2 * WINDOWS
        assert sum(counts[other] for other, _ in before) < 0.5 * 6 * 2 * WINDOWS
        await asyncio.gather(*(end for _, end in before))
    assert set(Counter(worked.ended).values()) == {2 * WINDOWS}


async def test_equal_campaigns_share_the_worker(server: CampaignServer) -> None:
    worked = Worked()
    async with server.working(worked.activities, slots=1) as queue:
        both = [await campaign_id(server, queue, Priority(fairness_key=key)) for key in ("one", "two")]
        await asyncio.gather(*(end for _, end in both))
    middle = Counter(worked.ended[len(worked.ended) // 4 : -len(worked.ended) // 4])
    assert min(middle[name] for name, _ in both) >= 0.25 * sum(middle.values())
