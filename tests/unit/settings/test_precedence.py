from dataclasses import replace
from pathlib import Path

import pytest

from infrastructure.plugins import PluginOptions, with_plugins
from infrastructure.settings import LoadedSettings, SettingsError, load, options
from infrastructure.settings.option_types import accepts_empty
from infrastructure.settings.pages import in_force
from infrastructure.settings.sources import FILES
from tests.world.plugins import REGISTRY


def written(folder: Path, text: str, name: str = "vigil.conf") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def chosen_weights(loaded: LoadedSettings) -> dict[str, int]:
    """Those of the weight planner."""
    options = PluginOptions(REGISTRY, loaded.settings.sources).of("planner")
    return dict(options["weight"].weights)


def source_of(loaded: LoadedSettings, section: str, name: str) -> str:
    return next(one.source for one in loaded.values if one.option.key == (section, name))


def test_a_flag_beats_the_environment_which_beats_a_file_which_beats_the_default(
    tmp_path: Path,
) -> None:
    file = written(tmp_path, "[api]\nport = 1001\nhost = ::1\nmax_limit = 5\n")
    environ = {"VIGIL_API_PORT": "1002", "VIGIL_API_HOST": "127.0.0.2"}
    loaded = load(flags={"api.port": "1003"}, environ=environ, files=[file])
    api = loaded.settings.api
    assert (api.port, api.host, api.max_limit, api.workers) == (1003, "127.0.0.2", 5, 2)
    assert source_of(loaded, "api", "port") == "command line"
    assert source_of(loaded, "api", "host") == "environment VIGIL_API_HOST"
    assert source_of(loaded, "api", "max_limit") == str(file)
    assert source_of(loaded, "api", "workers") == "default"


def test_a_later_file_beats_an_earlier_one(tmp_path: Path) -> None:
    first = written(tmp_path, "[api]\nport = 1001\nmax_limit = 7\n", "first.conf")
    second = written(tmp_path, "[api]\nport = 1002\n", "second.conf")
    api = load(files=[first, second]).settings.api
    assert (api.port, api.max_limit) == (1002, 7)


def test_an_operators_file_of_the_original_service_is_taken_as_it_is(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        """
[DEFAULT]
host = controller-1
debug = true
transport_url = rabbit://guest:guest@rabbit:5672/
[database]
connection = postgresql://vigil:s3cret@db/vigil
[watcher_decision_engine]
max_audit_workers = 3
action_plan_expiry = 48
notification_topics = nova.versioned_notifications
conductor_topic = watcher.decision.control
[watcher_applier]
workers = 4
[nova]
migration_interval = 5.0
[watcher_planners.weight]
weights = migrate:99
[prometheus_client]
host = prometheus.example
""",
    )
    loaded = load(files=[file])
    settings = loaded.settings
    assert (settings.host, settings.debug) == ("controller-1", True)
    assert settings.decision_engine.max_audit_workers == 3
    assert settings.decision_engine.action_plan_expiry == 48
    assert (settings.applier.workers, settings.applier.poll_interval) == (4, 5.0)
    assert settings.metrics.prometheus_url == "http://prometheus.example:9090"
    weights = chosen_weights(loaded)
    assert weights["migrate"] == 99
    assert weights["nop"] == 70, "types that are not named keep their weights"
    assert settings.notifications.url == "rabbit://guest:guest@rabbit:5672/"
    assert settings.notifications.topics == ("nova.versioned_notifications",)
    assert loaded.ignored == ((str(file), "watcher_decision_engine", "conductor_topic"),)


def test_the_kinds_of_models_that_are_kept_are_those_of_the_original(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        """
[collector]
collector_plugins = Compute, baremetal
[watcher_cluster_data_model_collectors.storage]
period = 3600
""",
    )
    assert load(files=[]).settings.collector.plugins == ("compute", "storage")
    chosen = load(files=[file])
    assert chosen.settings.collector.plugins == ("compute", "baremetal")
    assert chosen.settings.collector.storage_period == 3600.0
    assert load(environ=chosen.environment(), files=[]).settings.collector == (
        chosen.settings.collector
    )


def test_what_was_derived_follows_what_it_is_derived_from(tmp_path: Path) -> None:
    settings = load(flags={"vigil.data_dir": str(tmp_path)}, files=[]).settings
    assert settings.database.connection == f"sqlite:///{tmp_path}/vigil.sqlite"
    assert settings.api.enable_authentication is False
    assert load(flags={"api.host": "10.0.0.1"}, files=[]).settings.api.enable_authentication


def test_the_environment_of_a_child_gives_it_the_same_settings(tmp_path: Path) -> None:
    flags = {
        "vigil.data_dir": str(tmp_path),
        "watcher_planners.weight.weights": "migrate:1,resize:2",
        "vigil.nats_token": "t0ken",
        "api.port": "1234",
    }
    loaded = load(flags=flags, files=[])
    assert load(environ=loaded.environment(), files=[]).settings == loaded.settings


def test_every_option_has_a_variable_of_its_own() -> None:
    variables = [one.variable for one in options()]
    assert len(set(variables)) == len(variables)
    assert len({one.key for one in options()}) == len(variables)


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        ({"api.port": "http"}, r"\[api\] port \(command line\): must be a whole number from 1 to"),
        ({"api.port": "70000"}, r"\[api\] port .* from 1 to 65535, which '70000' is not"),
        ({"vigil.log_format": "xml"}, r"\[vigil\] log_format .*: must be one of human, json"),
        ({"DEFAULT.debug": "maybe"}, r"\[DEFAULT\] debug .*: must be true or false"),
        (
            {"database.connection": "mysql://root:hunter2@db/x"},
            r"\[database\] connection .* or postgresql://…, which the value given is not",
        ),
        (
            {"watcher_planners.weight.weights": "migrate"},
            r"\[watcher_planners.weight\] weights .*: must be name:number pairs",
        ),
        ({"vigil.simulator_speed": "nan"}, r"\[vigil\] simulator_speed .*: must be a number"),
        ({"api.port": " "}, r"\[api\] port .*: must be a whole number from 1 to 65535"),
        ({"api.host": "not a host"}, r"\[api\] host .*: must be a host name or an IP address"),
        ({"watcher_planners.weight.weights": "migrate:"}, r"weights .*: must be name:number pairs"),
        ({"vigil.prometheus_url": "ftp://p"}, r"prometheus_url .*: must be a URL that starts with"),
        *(
            (
                {"collector.collector_plugins": text},
                r"collector_plugins .*: must be some of compute, storage, baremetal separated by",
            )
            for text in ("storage", "compute,compute", "compute,network", ",")
        ),
        ({"api.prot": "1"}, r"there is no option api.prot"),
        ({"DEFAULT.service_down_time": "6"}, r"service_down_time: must be at least twice"),
        (
            {"api.host": "10.0.0.1", "DEFAULT.enable_authentication": "false"},
            r"enable_authentication: must be true when \[api\] host \(10.0.0.1\)",
        ),
        ({"prometheus_client.username": "me"}, r"\[prometheus_client\] username: must be set"),
        (
            {"vigil.event_streams": "8"},
            r"event_streams: must be less than \[vigil\] api_threads \(8",
        ),
    ],
)
def test_an_error_names_the_option_and_the_rule(flags: dict[str, str], complaint: str) -> None:
    with pytest.raises(SettingsError, match=complaint):
        with_plugins(load(flags=flags, files=[]), REGISTRY)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("api.host", "vigil_api", "vigil_api"),
        ("prometheus_client.host", "prometheus_server", "prometheus_server"),
        ("vigil.prometheus_url", "HTTP://prometheus:9090", "HTTP://prometheus:9090"),
        (
            "watcher_decision_engine.notification_topics",
            "nova.a,,cinder.b,",
            ("nova.a", "cinder.b"),
        ),
        ("collector.collector_plugins", "compute,", ("compute",)),
    ],
)
def test_names_with_underscores_and_empty_parts_of_lists_are_accepted(
    name: str, text: str, value: object
) -> None:
    loaded = load(flags={name: text}, files=[])
    section, _, option = name.rpartition(".")
    assert next(one.value for one in loaded.values if one.option.key == (section, option)) == value


def test_an_option_with_nothing_behind_it_is_not_set(tmp_path: Path) -> None:
    """Deployment tools write `cafile =` for what they leave to the default."""
    lines = [
        f"[{one.section}]\n{one.name} ="
        for one in options()
        if one.key != FILES and not accepts_empty(one.kind)
    ]
    loaded = load(files=[written(tmp_path, "\n".join(lines))])
    assert replace(loaded.settings, config_files=()) == load(files=[]).settings
    assert not any(one.chosen for one in loaded.values if one.option.key != FILES)


def test_an_empty_option_hides_that_of_an_earlier_file(tmp_path: Path) -> None:
    first = written(tmp_path, "[api]\nport = 1001\n", "first.conf")
    second = written(tmp_path, "[api]\nport =\n", "second.conf")
    assert load(files=[first, second]).settings.api.port == 9322


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("internalURL", "internal"),
        ("publicURL", "public"),
        ("adminURL", "admin"),
        ("PUBLIC", "public"),
    ],
)
def test_interfaces_are_accepted_as_deployment_tools_write_them(text: str, value: str) -> None:
    for place in ("gnocchi_client.endpoint_type", "aetos_client.interface"):
        loaded = load(flags={place: text}, files=[])
        found = {f"{one.option.section}.{one.option.name}": one.value for one in loaded.values}
        assert found[place] == value


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2", "asyncpg"])
def test_a_url_that_names_a_driver_of_sqlalchemy_is_accepted(driver: str) -> None:
    loaded = load(flags={"database.connection": f"postgresql+{driver}://v@db/vigil"}, files=[])
    assert loaded.settings.database.connection == "postgresql://v@db/vigil"


@pytest.mark.parametrize(
    "url", ["mysql+pymysql://watcher:hunter2@db/watcher", "mysql://root:hunter2@db/x"]
)
def test_the_database_of_the_original_service_is_refused_with_the_way_over(url: str) -> None:
    """An operator who starts Vigil with the file that he has."""
    with pytest.raises(SettingsError) as caught:
        load(flags={"database.connection": url}, files=[])
    text = str(caught.value)
    assert "hunter2" not in text
    assert "[database] connection" in text
    assert "postgresql://" in text
    assert "docs/moving.md" in text


@pytest.mark.parametrize(
    ("text", "same"), [("nop:70, migrate:30,", "nop:70,migrate:30"), (",", "")]
)
def test_empty_parts_of_a_table_are_ignored(text: str, same: str) -> None:
    weights, expected = (
        chosen_weights(load(flags={"watcher_planners.weight.weights": one}, files=[]))
        for one in (text, same)
    )
    assert weights == expected


def test_a_secret_is_not_repeated_in_an_error() -> None:
    with pytest.raises(SettingsError) as caught:
        load(flags={"database.connection": "mysql://root:hunter2@db/x"}, files=[])
    assert "hunter2" not in str(caught.value)


def test_a_misspelt_option_in_our_own_section_is_an_error(tmp_path: Path) -> None:
    file = written(tmp_path, "[vigil]\nsimulator_host = 3\n")
    with pytest.raises(SettingsError, match=r"\[vigil\] simulator_host .*no such option"):
        load(files=[file])


def test_a_bad_value_in_a_file_names_the_file(tmp_path: Path) -> None:
    file = written(tmp_path, "[api]\nport = many\n")
    with pytest.raises(SettingsError, match=rf"\[api\] port \({file}\): must be"):
        load(files=[file])


@pytest.mark.parametrize("text", ["port = 1\n", "[api\nport = 1\n", "[api]\nport\n"])
def test_a_file_that_is_not_a_configuration_file_is_named(tmp_path: Path, text: str) -> None:
    file = written(tmp_path, text)
    with pytest.raises(SettingsError, match=str(file)):
        load(files=[file])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"configuration file .*absent\.conf cannot be read"):
        load(files=[tmp_path / "absent.conf"])


def test_the_listing_shows_each_value_with_its_source_and_no_secret() -> None:
    environ = {
        "VIGIL_DATABASE_CONNECTION": "postgresql://vigil:s3cret@db/vigil",
        "VIGIL_NATS_TOKEN": "t0psecret",
    }
    listing = "\n".join(in_force(load(environ=environ, flags={"api.port": "99"}, files=[])))
    assert "port = 99  # command line" in listing
    assert "connection = postgresql://vigil:***@db/vigil  # environment VIGIL_DATABASE" in listing
    assert "nats_token = ***  # environment VIGIL_NATS_TOKEN" in listing
    assert "s3cret" not in listing
    assert "t0psecret" not in listing
    assert all(one.name in listing for one in options())


def test_a_secret_that_looks_like_a_url_is_masked() -> None:
    """`vigil config` printed a secret with :// in it: only passwords of URLs were masked."""
    environ = {
        "VIGIL_NATS_TOKEN": "hunter2://x",
        "VIGIL_DATABASE_CONNECTION": "postgresql://vigil:hunter2/3@db/vigil",
    }
    shown = "\n".join(in_force(load(environ=environ, files=[])))
    assert "hunter2" not in shown
    assert "connection = postgresql://vigil:***@db/vigil" in shown
    assert "nats_token = ***" in shown
