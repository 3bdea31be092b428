"""Looking how many points are left says what stands in the way, and never a token."""

import pytest
from pydantic import SecretStr
from scripted_github import Asked, Say, ScriptedGitHub, scripted_github

from domain.errors import Unreachable
from providers.github.address import ApiAddress
from providers.github.points import Points, points_left

TOKENS = [SecretStr("first-token"), SecretStr("second-token")]


def address(github: ScriptedGitHub, path: str = "") -> ApiAddress:
    return ApiAddress.parse(github.url + path, "OUTRIDER_GITHUB_API_URL")


def budgets(remaining: int) -> Say:
    """As GitHub tells its limits."""
    graphql = {"limit": 5000, "used": 5000 - remaining, "remaining": remaining, "reset": 1}
    return Say({"resources": {"core": {**graphql, "remaining": 1}, "graphql": graphql}, "rate": graphql})


async def test_every_token_is_asked_and_a_refused_one_is_said_by_its_number() -> None:
    def script(asked: Asked) -> Say:
        return budgets(4321) if asked.headers["authorization"].endswith("first-token") else Say({}, status=401)

    async with scripted_github(script) as github:
        found = await points_left(address(github), TOKENS)
        assert found == [Points(1, accepted=True, remaining=4321, limit=5000), Points(2, accepted=False)]
        assert [one.path for one in github.asked] == ["/rate_limit"] * 2


@pytest.mark.parametrize(("path", "asked"), [("/api", "/api/v3/rate_limit"), ("/api/graphql", "/api/v3/rate_limit")])
async def test_an_enterprise_server_without_limits_is_reached(path: str, asked: str) -> None:
    async with scripted_github(lambda _: Say({"message": "Rate limiting is not enabled."}, status=404)) as github:
        assert await points_left(address(github, path), TOKENS[:1]) == [Points(1, accepted=True)]
        assert [one.path for one in github.asked] == [asked]


@pytest.mark.parametrize("say", [Say(status=0), Say(b"<html>", status=200), Say({}, status=502)])
async def test_what_cannot_be_read_is_unreachable_and_no_token_is_told(say: Say) -> None:
    async with scripted_github(lambda _: say) as github:
        with pytest.raises(Unreachable) as raised:
            await points_left(address(github), TOKENS)
        told = f"{raised.value!r} {raised.value} {raised.value.__context__!r}"
        assert github.url in told
        assert "token" not in told


async def test_somebody_who_moved_us_elsewhere_gets_no_token() -> None:
    async with scripted_github(lambda _: budgets(1)) as elsewhere:
        moved = Say(status=301, headers={"location": f"{elsewhere.url}/rate_limit"})
        async with scripted_github(lambda _: moved) as github:
            with pytest.raises(Unreachable):
                await points_left(address(github), TOKENS)
        assert elsewhere.asked == []
