"""Of the people that are searched for nothing comes into a history, and of the tokens nothing comes anywhere."""

import base64
import json
from pathlib import Path

import pytest
from local_world import World, searching, until
from truth_table import addresses, certain, truth

from client.connection import connect

TOKENS = ("tokensentinelone", "tokensentineltwo")


def decoded(value: object) -> list[str]:
    """Every payload of a history in the clear, wherever in the document it stands."""
    if isinstance(value, dict):
        found = [text for part in value.values() for text in decoded(part)]
        if isinstance(data := value.get("data"), str):
            found.append(base64.b64decode(data).decode(errors="replace"))
        return found
    return [text for part in value for text in decoded(part)] if isinstance(value, list) else []


async def history_of(world: World, campaign_id: str) -> str:
    """All that Temporal keeps of the campaign, payloads in the clear."""
    raw = (await (await connect(world.settings)).get_workflow_handle(campaign_id).fetch_history()).to_json()
    return raw + "\n".join(decoded(json.loads(raw)))


def files_of(home: Path) -> bytes:
    """Everything in the directory of the world, the databases and the log among it."""
    return b"".join(path.read_bytes() for path in sorted(home.rglob("*")) if path.is_file())


@pytest.fixture
def world(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world whose workers have tokens and log everything; GitHub repeats in its errors what it was sent."""
    github = world.start_github("--people", "600", "--repositories", "400", "--focus", "0.7")
    monkeypatch.setenv("LOG_LEVEL", "DEBUG")
    monkeypatch.setenv("OUTRIDER_GITHUB_TOKEN", ",".join(TOKENS))
    monkeypatch.setenv("OUTRIDER_GITHUB_API_URL", github.url)
    return world


async def test_the_history_of_a_search_names_nobody_and_tokens_are_nowhere(world: World) -> None:
    github = world.github
    assert github is not None
    quoted = {"action": "reply", "text": f"token {TOKENS[0]}"}
    github.faults(
        {**quoted, "status": 500, "every": 5},
        {**quoted, "status": 401, "operation": "Discover", "first": 1},
        {"action": "too_slow", "operation": "Enrich", "first": 2},
        {"action": "partial", "operation": "Enrich", "first": 3},
    )
    world.start_worker()
    async with world.client() as client:
        started = await client.create(searching(), [])
        await client.result(started.campaign_id)
        people = certain(truth(github, await client.get(started.campaign_id)))
        progress = await client.progress(started.campaign_id)
    assert progress.leads["contacted"] == len(addresses(people))
    assert any(rule["applied"] for rule in github.get("/faults")[:1])
    history = (await history_of(world, started.campaign_id)).casefold()
    assert '"campaign_id"' in history, "payloads are decoded"
    log = world.log.casefold()
    for one in people:
        assert one["login"].casefold() not in history
        assert one["id"].casefold() not in history
        for said in (one["email"], one["name"] or "", *one["commits"]):
            if len(said) > 10:
                assert said.casefold() not in history
        if one["email"]:
            assert one["email"].casefold() not in log
    everything = files_of(world.home)
    for token in TOKENS:
        assert token not in history
        assert token.encode() not in everything


@pytest.mark.parametrize("status", [401, 422, 500])
async def test_a_token_that_github_repeats_is_in_no_wait_and_no_error(
    world: World, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    github = world.github
    assert github is not None
    monkeypatch.setenv("OUTRIDER_GITHUB_TOKEN", TOKENS[0])
    github.faults({"action": "reply", "text": f"bad token {TOKENS[0]}", "status": status})
    world.start_worker()
    async with world.client() as client:
        started = await client.create(searching(), [])

        async def waits() -> bool:
            return bool((await client.progress(started.campaign_id)).waiting_for)

        await until(waits)
        progress = await client.progress(started.campaign_id)
        history = await history_of(world, started.campaign_id)
        await client.cancel(started.campaign_id, "enough")
        report = await client.result(started.campaign_id)
    everything = files_of(world.home)
    assert TOKENS[0] not in progress.model_dump_json()
    assert TOKENS[0] not in history
    assert TOKENS[0] not in report.as_markdown()
    assert TOKENS[0].encode() not in everything
