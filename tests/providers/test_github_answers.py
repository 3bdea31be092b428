"""Every answer that GitHub documents means one thing, whatever the transport calls it."""

import json
from datetime import UTC, datetime

import pytest

from providers.github.answers import Answer, Budget, Outcome, classify

RESET = 1_793_530_800
JSON = {"content-type": "application/json; charset=utf-8", "server": "github.com"}
PLENTY = {
    **JSON,
    "x-ratelimit-limit": "5000",
    "x-ratelimit-remaining": "4987",
    "x-ratelimit-used": "13",
    "x-ratelimit-reset": str(RESET),
    "x-ratelimit-resource": "graphql",
}
NOTHING = {**PLENTY, "x-ratelimit-remaining": "0", "x-ratelimit-used": "5000"}

DATA = {"rateLimit": {"cost": 1, "limit": 5000, "remaining": 4987, "resetAt": "2026-11-01T11:00:00Z"}, "nodes": []}
SECONDARY = {
    "documentation_url": "https://docs.github.com/graphql/overview/rate-limits-and-node-limits-for-the-graphql-api",
    "message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
}
PRIMARY = {
    "message": "API rate limit exceeded for user ID 1.",
    "documentation_url": "https://docs.github.com/rest/overview/rate-limits-for-the-rest-api",
}
TIMED_OUT = {
    "data": None,
    "errors": [
        {
            "message": "Something went wrong while executing your query. This may be the result of a timeout, or it "
            "could be a GitHub bug. Please include `C0DE:1234` when reporting this issue."
        }
    ],
}
NO_RESPONSE = {"message": "We couldn't respond to your request in time. Sorry about that."}
RESOURCES = {
    "type": "RESOURCE_LIMITS_EXCEEDED",
    "path": ["search", "edges", 3, "node", "defaultBranchRef"],
    "message": "Resource limits for this query exceeded.",
}
NOT_FOUND = {
    "type": "NOT_FOUND",
    "path": ["repository"],
    "message": "Could not resolve to a Repository with the name 'example/gone'.",
}
UNKNOWN_FIELD = {
    "path": ["query Discover", "search", "nope"],
    "extensions": {"code": "undefinedField", "typeName": "Query", "fieldName": "nope"},
    "locations": [{"line": 1, "column": 9}],
    "message": "Field 'nope' doesn't exist on type 'Query'",
}


def answer(status: int, headers: dict[str, str], body: object) -> Answer:
    return classify(status, headers, body if isinstance(body, bytes) else json.dumps(body).encode())


@pytest.mark.parametrize(
    ("status", "headers", "body", "outcome"),
    [
        pytest.param(200, PLENTY, {"data": DATA}, Outcome.OK, id="an answer"),
        pytest.param(200, NOTHING, {"data": DATA}, Outcome.OK, id="the answer that took the last point"),
        pytest.param(403, NOTHING, PRIMARY, Outcome.PRIMARY, id="403 with nothing left"),
        pytest.param(429, NOTHING, PRIMARY, Outcome.PRIMARY, id="429 with nothing left"),
        pytest.param(403, JSON, PRIMARY, Outcome.PRIMARY, id="403 that only its text explains"),
        pytest.param(
            200,
            NOTHING,
            {"errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded for user ID 1."}]},
            Outcome.PRIMARY,
            id="200 with RATE_LIMITED",
        ),
        pytest.param(
            200, NOTHING, {"errors": [{"message": "no more today"}]}, Outcome.PRIMARY, id="200 with nothing left"
        ),
        pytest.param(403, {**PLENTY, "retry-after": "60"}, SECONDARY, Outcome.SECONDARY, id="403 with retry-after"),
        pytest.param(429, {**PLENTY, "retry-after": "7"}, {}, Outcome.SECONDARY, id="429 with retry-after"),
        pytest.param(403, PLENTY, SECONDARY, Outcome.SECONDARY, id="403 with the text only"),
        pytest.param(429, PLENTY, {"message": "slow down"}, Outcome.SECONDARY, id="429 without a reason"),
        pytest.param(200, PLENTY, SECONDARY, Outcome.SECONDARY, id="200 with the text only"),
        pytest.param(
            200, PLENTY, {"errors": [{"message": SECONDARY["message"]}]}, Outcome.SECONDARY, id="200 with the text"
        ),
        pytest.param(
            403,
            PLENTY,
            {"message": "You have triggered an abuse detection mechanism. Please wait a few minutes."},
            Outcome.SECONDARY,
            id="403 with the old text",
        ),
        pytest.param(401, JSON, {"message": "Bad credentials"}, Outcome.TOKEN_REFUSED, id="401"),
        pytest.param(
            403,
            PLENTY,
            {"message": "Resource protected by organization SAML enforcement."},
            Outcome.TOKEN_REFUSED,
            id="403 for single sign-on",
        ),
        pytest.param(
            200,
            PLENTY,
            {
                "errors": [
                    {
                        "type": "INSUFFICIENT_SCOPES",
                        "message": "Your token has not been granted the required scopes to execute this query. The "
                        "'email' field requires one of the following scopes: ['user:email', 'read:user'].",
                    }
                ]
            },
            Outcome.TOKEN_REFUSED,
            id="a token that may not see addresses",
        ),
        pytest.param(200, PLENTY, TIMED_OUT, Outcome.TOO_BIG, id="200 for a query that ran too long"),
        pytest.param(502, JSON, NO_RESPONSE, Outcome.TOO_BIG, id="502 with the text"),
        pytest.param(502, {}, b"<html>Bad Gateway</html>", Outcome.TOO_BIG, id="502"),
        pytest.param(504, {}, b"", Outcome.TOO_BIG, id="504"),
        pytest.param(500, JSON, NO_RESPONSE, Outcome.TOO_BIG, id="500 with the text"),
        pytest.param(200, PLENTY, {"errors": [RESOURCES]}, Outcome.TOO_BIG, id="resource limits and no data"),
        pytest.param(200, PLENTY, {"data": DATA, "errors": [RESOURCES]}, Outcome.PARTIAL, id="resource limits"),
        pytest.param(200, PLENTY, {**TIMED_OUT, "data": DATA}, Outcome.PARTIAL, id="cut short"),
        pytest.param(301, {"location": "/graphql/2"}, b"", Outcome.MOVED, id="301"),
        pytest.param(302, {"location": "/graphql/2"}, b"", Outcome.MOVED, id="302"),
        pytest.param(307, {"location": "/graphql/2"}, b"", Outcome.MOVED, id="307"),
        pytest.param(308, {"location": "/graphql/2"}, b"", Outcome.MOVED, id="308"),
        pytest.param(302, {}, b"", Outcome.BROKEN, id="302 to nowhere"),
        pytest.param(200, PLENTY, {"data": {"repository": None}, "errors": [NOT_FOUND]}, Outcome.OK, id="NOT_FOUND"),
        pytest.param(409, PLENTY, {"message": "Git Repository is empty."}, Outcome.GONE, id="409"),
        pytest.param(451, PLENTY, {"message": "Repository access blocked"}, Outcome.GONE, id="451"),
        pytest.param(400, PLENTY, {"message": "Problems parsing JSON"}, Outcome.INVALID, id="400"),
        pytest.param(422, PLENTY, {"message": "Validation Failed"}, Outcome.INVALID, id="422"),
        pytest.param(404, PLENTY, {"message": "Not Found"}, Outcome.INVALID, id="404: no API here"),
        pytest.param(200, PLENTY, {"errors": [UNKNOWN_FIELD]}, Outcome.INVALID, id="a query that is none"),
        pytest.param(500, JSON, {"message": "Server Error"}, Outcome.BROKEN, id="500"),
        pytest.param(503, {}, b"<html>Unicorn!</html>", Outcome.BROKEN, id="503"),
        pytest.param(200, JSON, b"<html>captive portal</html>", Outcome.BROKEN, id="200 of somebody else"),
        pytest.param(200, PLENTY, b"", Outcome.BROKEN, id="200 with nothing"),
        pytest.param(204, PLENTY, b"", Outcome.BROKEN, id="204"),
    ],
)
def test_what_an_answer_means(status: int, headers: dict[str, str], body: object, outcome: Outcome) -> None:
    assert answer(status, headers, body).outcome is outcome


def test_points_are_read_from_every_answer() -> None:
    budget = Budget(limit=5000, remaining=4987, resets_at=datetime.fromtimestamp(RESET, UTC))
    for status, body in ((200, {"data": DATA}), (502, b""), (403, SECONDARY)):
        assert answer(status, PLENTY, body).budget == budget


def test_a_reset_in_milliseconds_is_the_same_instant() -> None:
    read = answer(200, {**PLENTY, "x-ratelimit-reset": f"{RESET}000"}, {"data": DATA}).budget
    assert read is not None
    assert read.resets_at == datetime.fromtimestamp(RESET, UTC)


@pytest.mark.parametrize("reset", ["", "soon", "1e9", "9" * 40])
def test_a_reset_that_is_no_time_is_none(reset: str) -> None:
    assert answer(403, {**NOTHING, "x-ratelimit-reset": reset}, PRIMARY) == Answer(
        Outcome.PRIMARY, line="API rate limit exceeded for user ID 1."
    )


@pytest.mark.parametrize(
    ("text", "retry_after"),
    [
        ("60", 60.0),
        ("0", 0.0),
        ("1.5", 1.5),
        ("Sun, 01 Nov 2026 11:00:00 GMT", datetime(2026, 11, 1, 11, tzinfo=UTC)),
        ("later", None),
        ("-5", None),
        ("", None),
    ],
)
def test_retry_after_in_seconds_and_as_a_date(text: str, retry_after: float | datetime | None) -> None:
    assert answer(403, {**PLENTY, "retry-after": text}, SECONDARY).retry_after == retry_after


def test_what_github_said_is_one_line() -> None:
    said = answer(422, PLENTY, {"message": "first\r\nsecond\x1b[31m\u2028third" + "x" * 500})
    assert said.line.startswith("first second [31m third")


def test_a_moved_address_says_where_and_for_how_long() -> None:
    assert answer(301, {"location": "/2"}, b"") == Answer(Outcome.MOVED, line="HTTP 301", location="/2", permanent=True)
    assert answer(307, {"location": "/2"}, b"") == Answer(Outcome.MOVED, line="HTTP 307", location="/2")
