"""What docker-compose.yml sets is known to whoever reads it, fits together, and holds no secret."""

import os
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

import compose_file
import pytest
import yaml
from compose_file import ROOT

from client.settings import Settings, load_settings
from providers.github.address import ApiAddress
from providers.relay_address import RelayAddress
from telemetry import switch

SERVICES = compose_file.services()
GUIDE = (ROOT / "docs" / "guides" / "observability.md").read_text(encoding="utf-8")
OURS = {name: service for name, service in SERVICES.items() if compose_file.is_ours(service)}
SECRET = re.compile(r"PASSWORD|PWD|SECRET|TOKEN|_KEY$")
STANDARD = {
    "LOG_LEVEL",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_PROTOCOL",
    "TEMPORAL_ADDRESS",
    "TEMPORAL_NAMESPACE",
}
SECRETS = {
    "OUTRIDER_SECRET_KEY": "a key of this test, long enough",
    "POSTGRES_PASSWORD": "one",
    "TEMPORAL_POSTGRES_PASSWORD": "two",
    "GRAFANA_PASSWORD": "three",
}


def ports_of(file: str) -> dict[str, str]:
    """The default of every port that a configuration takes from the environment."""
    text = (ROOT / file).read_text(encoding="utf-8")
    return dict(re.findall(r"\$\{env:(\w+_PORT):-(\d+)\}", text))


def settings_of(name: str, monkeypatch: pytest.MonkeyPatch, **given: str) -> Settings:
    """What a container of the service would read."""
    for variable, value in compose_file.environment(SERVICES[name], SECRETS | given).items():
        monkeypatch.setenv(variable, value)
    return load_settings()


@pytest.fixture(autouse=True)
def _no_env_file(monkeypatch: pytest.MonkeyPatch, tmp_path: os.PathLike[str]) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_one_that_outrider_reads(name: str) -> None:
    known = STANDARD | {f"OUTRIDER_{field}".upper() for field in Settings.model_fields}
    assert OURS[name].get("environment", {}).keys() <= known


def test_the_settings_are_read_without_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_of("worker", monkeypatch)
    assert settings.database() == "postgresql+asyncpg://outrider:one@postgres:5432/outrider"
    assert settings.secret() == SECRETS["OUTRIDER_SECRET_KEY"]


def test_left_alone_mails_and_searches_stay_on_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_of("worker", monkeypatch)
    relay = RelayAddress.parse(*settings.relay("any"))
    github = ApiAddress.parse(*settings.github())
    assert relay.loopback
    assert github.loopback
    assert (relay.port, github.base.port) == (2525, 8181)
    assert settings.opt_out_base() == "http://127.0.0.1:8026"


def test_a_relay_and_a_github_outside_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    outside = {"OUTRIDER_SMTP_URL": "smtps://relay.example.com", "OUTRIDER_GITHUB_TOKEN": "a-token"}
    outside["OUTRIDER_GITHUB_API_URL"] = "https://github.example.com/api"
    settings = settings_of("worker", monkeypatch, **outside)
    assert settings.relay("any")[0] == "smtps://relay.example.com"
    assert settings.github()[0] == "https://github.example.com/api"
    assert settings.github_tokens() == "a-token"


def test_all_our_processes_share_one_database_and_one_key() -> None:
    first, *others = [OURS[name]["environment"] for name in ("migrate", "outrider", "web", "worker")]
    assert all(other == first for other in others)


@pytest.mark.parametrize("name", SERVICES)
def test_secrets_come_from_the_environment_only(name: str) -> None:
    for variable, value in SERVICES[name].get("environment", {}).items():
        credentials = re.search(r"://\w+:(.*)@", value)
        if SECRET.search(variable) or credentials:
            secret = credentials[1] if credentials else value
            assert re.fullmatch(r"\$\{\w+:(\?see \.env\.example|-local)\}", secret), variable


def test_the_example_names_every_secret_and_knows_none() -> None:
    text = compose_file.PATH.read_text(encoding="utf-8")
    required = {found["name"] for found in compose_file.VARIABLE.finditer(text) if found["kind"] != "-"}
    example = compose_file.example_variables()
    assert required == example.keys() == SECRETS.keys()
    assert set(example.values()) == {"replace-me"}


def test_nothing_starts_with_a_secret_left_out() -> None:
    with pytest.raises(KeyError, match="POSTGRES_PASSWORD"):
        compose_file.environment(SERVICES["postgres"], {})


@pytest.mark.parametrize(
    ("service", "prefix", "file"),
    [("collector", ("COLLECTOR_", "JAEGER_"), "otel-collector.yaml"), ("jaeger", ("JAEGER_",), "deploy/jaeger.yaml")],
)
def test_the_telemetry_reads_what_is_set_for_it(service: str, prefix: tuple[str, ...], file: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    for variable in SERVICES[service]["environment"]:
        assert variable.startswith(prefix)
        assert f"${{env:{variable}:-" in text


def test_the_telemetry_is_asked_where_it_listens() -> None:
    collector, jaeger = ports_of("otel-collector.yaml"), ports_of("deploy/jaeger.yaml")
    jaeger |= {name: value for name, value in SERVICES["jaeger"]["environment"].items() if name.endswith("_PORT")}
    assert urlsplit(OURS["worker"]["environment"]["OTEL_EXPORTER_OTLP_ENDPOINT"]).port == int(
        collector["COLLECTOR_GRPC_PORT"]
    )
    assert SERVICES["collector"]["environment"]["JAEGER_OTLP_URL"] == f"http://jaeger:{jaeger['JAEGER_OTLP_PORT']}"
    assert f":{collector['COLLECTOR_HEALTH_PORT']}/" in compose_file.healthcheck(SERVICES["collector"])
    assert f":{jaeger['JAEGER_HEALTH_PORT']}/status" in compose_file.healthcheck(SERVICES["jaeger"])
    published = {name: {inside for who, _, _, inside in compose_file.host_ports() if who == name} for name in SERVICES}
    assert published["collector"] == {collector["COLLECTOR_GRPC_PORT"], collector["COLLECTOR_HTTP_PORT"]}
    assert published["jaeger"] == {jaeger["JAEGER_QUERY_PORT"]}


def test_links_to_traces_lead_to_the_jaeger_that_is_published(monkeypatch: pytest.MonkeyPatch) -> None:
    (published,) = [f"{address}:{port}" for who, address, port, _ in compose_file.host_ports() if who == "jaeger"]
    assert settings_of("outrider", monkeypatch).jaeger() == f"http://{published}"


def test_the_guide_exports_to_a_port_that_speaks_what_is_exported() -> None:
    collector = ports_of("otel-collector.yaml")
    listens = {switch.HTTP: collector["COLLECTOR_HTTP_PORT"], switch.GRPC: collector["COLLECTOR_GRPC_PORT"]}
    blocks = [dict(re.findall(r"(?m)^export (\w+)=(\S+)$", block)) for block in GUIDE.split("```")[1::2]]
    exporting = [block for block in blocks if block]
    assert exporting
    for block in exporting:
        for asked in (switch.traces(block), switch.metrics(block)):
            assert isinstance(asked, switch.Target)
            assert urlsplit(asked.endpoint).port == int(listens[asked.protocol])


def test_prometheus_and_grafana_ask_services_where_they_listen() -> None:
    collector = ports_of("otel-collector.yaml")
    listens: Mapping[str, set[str]] = {
        "collector": {collector["COLLECTOR_PROMETHEUS_PORT"], collector["COLLECTOR_SELF_PORT"]},
        "temporal": {SERVICES["temporal"]["environment"]["PROMETHEUS_ENDPOINT"].rpartition(":")[2]},
        "jaeger": {ports_of("deploy/jaeger.yaml")["JAEGER_QUERY_PORT"]},
        "prometheus": {"9090"},
    }
    prometheus = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text(encoding="utf-8"))
    targets = [
        target for job in prometheus["scrape_configs"] for group in job["static_configs"] for target in group["targets"]
    ]
    sources = yaml.safe_load((ROOT / "deploy/grafana/datasources.yml").read_text(encoding="utf-8"))["datasources"]
    targets += [urlsplit(source["url"]).netloc for source in sources]
    for host, _, port in (target.partition(":") for target in targets):
        assert port in listens["prometheus" if host == "127.0.0.1" else host]
