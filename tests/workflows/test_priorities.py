"""Several campaigns on one worker: the urgent one goes first, and equals share."""

import asyncio
from collections import Counter

from campaign_server import CampaignHandle, CampaignServer, when
from local_world import until
from temporalio.common import Priority
from window_activities import WindowActivities, done

from domain.campaign import Stage
from domain.wire import CampaignProgress, WindowResult, WindowTask

WINDOWS = 10
MANY = 100
"""Windows of each of two equal campaigns: a task queue has several parts, and each must have some of both."""


class Worked:
    """Windows that take 50 ms each, counted by campaign in the order of their ends."""

    def __init__(self) -> None:
        self.ended: list[str] = []
        self.activities = WindowActivities(leads=10 * WINDOWS, window=10, draft=self._work, send=self._work)

    async def _work(self, task: WindowTask) -> WindowResult:
        await asyncio.sleep(0.05)
        self.ended.append(task.campaign_id)
        return await done(task)


class Queued:
    """Drafting of many windows that all wait in the task queue before the first of them ends."""

    def __init__(self) -> None:
        self.ended: list[str] = []
        self.may_end = asyncio.Event()
        self.activities = WindowActivities(leads=MANY, window=1, width=MANY, draft=self._work)
        self.activities.plan_may_end.clear()

    async def all_wait(self, handles: list[CampaignHandle]) -> None:
        """Until every campaign has asked for all its windows; they begin at the same time."""

        async def all_planned() -> bool:
            return self.activities.planned == len(handles)

        def all_asked_for(progress: CampaignProgress) -> bool:
            return Stage.PERSONALIZATION in progress.stages and progress.stages[Stage.PERSONALIZATION].windows == MANY

        await until(all_planned)
        self.activities.plan_may_end.set()
        for handle in handles:
            await when(handle, all_asked_for)

    async def _work(self, task: WindowTask) -> WindowResult:
        await self.may_end.wait()
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
    """Without fairness keys whoever came first would be done before the other begins."""
    queued = Queued()
    async with server.working(queued.activities, slots=2) as queue:
        both = [await server.start(queue, Priority(fairness_key=key)) for key in ("one", "two")]
        await queued.all_wait(both)
        queued.may_end.set()
        await asyncio.gather(*(handle.result() for handle in both))
    first = Counter(queued.ended[: len(queued.ended) // 4])
    assert len(first) == len(both)
    assert min(first.values()) >= 0.3 * sum(first.values())
