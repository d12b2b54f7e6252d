"""Site files: variables from the environment and secrets, and errors that show no secret."""

from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from pydantic import Field, SecretStr, field_validator

import connectors.config.variables
from connectors.camera.components import Rtsp
from connectors.clickhouse.connection import ClickHouseConnection
from connectors.config.document import Document
from connectors.config.site import SiteError, build_site, check_connections, load_site
from connectors.email.connection import EmailConnection
from connectors.http.connection import HttpConnection
from connectors.kafka.connection import TopicConnection
from connectors.mqtt.connection import MqttConnection
from connectors.webhook.connection import WebhookConnection
from operators.component import Spec


class Connection(Spec):
    """A server."""

    url: str = Field(description="Address.")
    password: SecretStr | None = Field(None, description="Password.")
    port: int = Field(1, description="Port.")

    @field_validator("url")
    @classmethod
    def _address(cls, value):
        if "://" not in value:
            raise ValueError(f"{value!r} is not an address")
        return value


class Optional(Spec):
    """A server with defaults."""

    port: int = 9


@pytest.fixture
def secrets(tmp_path, monkeypatch):
    folder = tmp_path / "secrets"
    folder.mkdir()
    monkeypatch.setattr(connectors.config.variables, "SECRETS", folder)
    return folder


def site(tmp_path, connections, head="vigie: 1\nsite: plant\n"):
    path = tmp_path / "site.yaml"
    path.write_text(f"{head}connections:\n  server: {connections}\n", encoding="utf-8")
    return load_site(path)


def test_variables_come_from_the_environment_then_from_secrets_then_from_the_default(
    tmp_path, secrets, monkeypatch
):
    plant = site(tmp_path, "{url: 'http://${HOST}:${PORT:-80}', password: '${TOKEN}'}")
    monkeypatch.setenv("HOST", "a")
    (secrets / "TOKEN").write_text("s3cret\n")
    (secrets / "HOST").write_text("b")
    server = plant.connection("server", Connection)
    assert server.url == "http://a:80"
    assert server.password.get_secret_value() == "s3cret"
    assert "s3cret" not in repr(server)
    assert "s3cret" not in str(plant)
    monkeypatch.delenv("HOST")
    (secrets / "PORT").write_text("8080")
    assert plant.connection("server", Connection).url == "http://b:8080"


def test_an_empty_default_and_an_empty_variable_are_empty_texts(tmp_path, secrets, monkeypatch):
    monkeypatch.setenv("SET", "")
    assert load_site(None).filled("[${SET}][${UNSET:-}][${SET:-x}]", "here") == "[][][]"


def test_a_missing_variable_names_every_place_that_was_tried(tmp_path, secrets):
    plant = site(tmp_path, "{url: '${NO_URL}', password: '${NO_PASSWORD}'}")
    with pytest.raises(SiteError) as error:
        plant.connection("server", Connection)
    text = str(error.value)
    assert text.startswith(f"{tmp_path / 'site.yaml'}: connections.server: ")
    for name in ("NO_URL", "NO_PASSWORD"):
        assert f"{name}: neither the environment nor {secrets / name} has it" in text


def test_values_of_variables_are_not_shown_in_errors(tmp_path, secrets, monkeypatch):
    monkeypatch.setenv("ADDRESS", "hidden-password@host")
    plant = site(tmp_path, "{url: '${ADDRESS}', port: many}")
    with pytest.raises(SiteError) as error:
        plant.connection("server", Connection)
    assert "'${ADDRESS}' is not an address" in str(error.value)
    assert "needs a whole number, not 'many'" in str(error.value)
    assert "hidden-password" not in str(error.value)
    assert error.value.__cause__ is None


def test_an_unknown_connection_is_named_with_the_nearest(tmp_path, secrets):
    with pytest.raises(
        SiteError, match=r"no connection 'serve' under 'connections' .did you mean 'server'"
    ):
        site(tmp_path, "{url: 'http://a'}").connection("serve", Connection)


def test_a_connection_that_needs_nothing_may_be_left_out(tmp_path, secrets):
    assert site(tmp_path, "{url: 'http://a'}").connection("other", Optional).port == 9
    assert load_site(None).connection("other", Optional).port == 9
    with pytest.raises(SiteError, match="known: none"):
        load_site(None).connection("other", Connection)


def test_an_error_in_a_connection_has_its_line(tmp_path, secrets):
    with pytest.raises(
        SiteError, match=r"site.yaml:4:12: error: unknown key 'urll'\n.*\n.*did you mean 'url'"
    ):
        site(tmp_path, "{urll: 'http://a'}").connection("server", Connection)


def test_a_site_file_with_errors_is_refused_with_all_of_them(tmp_path, secrets):
    with pytest.raises(SiteError) as error:
        site(tmp_path, "{url: '${A B}'}", head="vigie: 2\nsite: plant\ntimezone: Mars/Base\n")
    for words in (
        "version 2 is newer than",
        "'Mars/Base' is not a time zone",
        "'${A B}' names no variable",
    ):
        assert words in str(error.value)
    with pytest.raises(SiteError, match=r"there is no site file .*nowhere.yaml; write one"):
        load_site(tmp_path / "nowhere.yaml")


def test_a_secret_that_is_no_text_is_an_error(tmp_path, secrets):
    (secrets / "BYTES").write_bytes(b"\xff")
    (secrets / "FOLDER").mkdir()
    for name in ("BYTES", "FOLDER"):
        with pytest.raises(SiteError, match=f"{name} cannot be read"):
            load_site(None).filled(f"${{{name}}}", "here")


def test_a_source_gets_its_variables(tmp_path, secrets, monkeypatch):
    monkeypatch.setenv("RTSP_USER", "anna")
    camera = Rtsp(each="cameras", url="rtsp://${RTSP_USER}:${RTSP_PASSWORD:-}@{host}:554/{path}")
    assert load_site(None).fill(camera).url == "rtsp://anna:@{host}:554/{path}"
    assert camera.url.startswith("rtsp://${")
    plain = Rtsp(each="cameras", url="rtsp://{host}")
    assert load_site(None).fill(plain) is plain


def test_known_connections_are_checked_as_far_as_they_hold_no_variable(tmp_path):
    document = Document(tmp_path / "site.yaml")
    document.root = document.parse(
        "vigie: 1\nsite: a\nconnections:\n  server: {url: '${URL}', port: x, zz: 1}\n  more: {zz:"
        " 1}\n"
    )
    plant = build_site(document)
    check_connections(document, plant, {"server": Connection})
    assert [problem.message for problem in document.sorted()] == [
        "needs a whole number, not 'x'",
        "unknown key 'zz'",
    ]


def test_a_connection_that_is_not_there_is_named_when_its_defaults_are_not_enough(tmp_path):
    path = tmp_path / "site.yaml"
    path.write_text("vigie: 1\nsite: a\nconnections:\n  redpanda: {brokers: [localhost:9092]}\n")
    with pytest.raises(SiteError) as refused:
        load_site(path).connection("http", HttpConnection)
    assert str(refused.value).startswith(
        f"{path}: no connection 'http' under 'connections': nobody may post: give 'tokens'"
    )


@pytest.mark.parametrize(
    "value",
    ["a: b", "x # no comment", 'say "yes"', "it's", "- [{&*!|>%@`", "a\nb: c", "p@s/s?w:d&"],
)
def test_a7_a_secret_with_signs_of_yaml_or_of_addresses_stays_a_value(
    tmp_path, secrets, monkeypatch, value
):
    plant = site(tmp_path, "{url: 'http://ada:${WORD}@host/?key=${WORD}', password: '${WORD}'}")
    monkeypatch.setenv("WORD", value)
    server = plant.connection("server", Connection)
    assert server.password.get_secret_value() == value
    parts = urlsplit(server.url)
    assert (unquote(parts.password or ""), parts.hostname) == (value, "host")
    assert parse_qs(parts.query) == {"key": [value]}


@pytest.mark.parametrize("port", ["0", "65536", "99999", "abc", "", "s3cret"])
@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (TopicConnection, "{{brokers: ['h:{}']}}"),
        (MqttConnection, "{{url: 'mqtt://h:{}'}}"),
        (EmailConnection, "{{url: 'smtp://[::1]:{}'}}"),
        (WebhookConnection, "{{url: 'http://h:{}/path'}}"),
        (ClickHouseConnection, "{{url: 'http://h:{}/site'}}"),
    ],
)
def test_a_port_that_is_none_is_refused_and_not_shown(tmp_path, kind, settings, port):
    with pytest.raises(SiteError) as refused:
        site(tmp_path, settings.format(port)).connection("server", kind)
    assert "port must be a number" in str(refused.value) or "HOST:PORT" in str(refused.value)
    assert site(tmp_path, settings.format(8883)).connection("server", kind)
