"""Real development servers: one as the product starts it, one that wants a new run after a hundred events."""

from collections.abc import AsyncIterator

import pytest
from campaign_server import CampaignServer, running_server


@pytest.fixture(scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[CampaignServer]:
    async with running_server(tmp_path_factory.mktemp("temporal")) as running:
        yield running


@pytest.fixture(scope="session")
async def impatient_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[CampaignServer]:
    flags = ("--dynamic-config-value", "limit.historyCount.suggestContinueAsNew=100")
    async with running_server(tmp_path_factory.mktemp("impatient"), *flags) as running:
        yield running
