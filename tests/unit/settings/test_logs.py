import io
import json
import logging
import threading
from collections.abc import Iterator

import pytest

from infrastructure import logs

STAMP = "2026-11-28T17:07:20.280Z"


@pytest.fixture(autouse=True)
def root_logger() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)


def written(form: str, level: str = "info") -> io.StringIO:
    stream = io.StringIO()
    logs.configure(role="applier", instance="a/1", level=level, form=form, stream=stream)
    return stream


def test_a_json_line_carries_role_instance_and_the_ids_of_the_task() -> None:
    stream = written("json")
    with logs.about(request_id="req-1", correlation_id="run-1"):
        logging.getLogger("x.y").warning("moved %s", "vm-1")
    line = json.loads(stream.getvalue())
    line.pop("time")
    line.pop("pid")
    assert line == {
        "level": "warning",
        "role": "applier",
        "instance": "a/1",
        "logger": "x.y",
        "message": "moved vm-1",
        "request_id": "req-1",
        "correlation_id": "run-1",
    }


def test_ids_end_with_their_task_and_do_not_leak_into_other_threads() -> None:
    stream = written("json")
    log = logging.getLogger("x")
    with logs.about(request_id="req-1"):
        thread = threading.Thread(target=log.info, args=("other",))
        thread.start()
        thread.join()
        with logs.about(correlation_id="run-1"):
            log.info("inner")
    log.info("after")
    other, inner, after = (json.loads(line) for line in stream.getvalue().splitlines())
    assert "request_id" not in other
    assert (inner["request_id"], inner["correlation_id"]) == ("req-1", "run-1")
    assert "request_id" not in after


def test_a_human_line_is_one_line_with_the_ids_at_its_end() -> None:
    stream = written("human")
    with logs.about(request_id="req-1", correlation_id="run-1"):
        logging.getLogger("x").info("hello")
    assert stream.getvalue().endswith("INFO    applier x: hello [req-1 run-1]\n")


def test_a_second_configuration_replaces_the_first() -> None:
    first, second = written("human"), written("human")
    logging.getLogger("x").info("once")
    assert first.getvalue() == ""
    assert second.getvalue().count("once") == 1


def test_the_level_decides_what_is_written() -> None:
    stream = written("human", level="warning")
    logging.getLogger("x").info("quiet")
    logging.getLogger("x").warning("loud")
    assert "quiet" not in stream.getvalue()
    assert "loud" in stream.getvalue()


@pytest.mark.parametrize("form", ["human", "json"])
def test_a_traceback_is_written_without_its_secrets(form: str) -> None:
    stream = written(form)
    with pytest.raises(RuntimeError) as caught:
        raise RuntimeError("cannot connect to postgresql://vigil:hunter2@db/x")
    logging.getLogger("x").error("failed", exc_info=caught.value)
    assert "Traceback" in stream.getvalue()
    assert "hunter2" not in stream.getvalue()
    assert "postgresql://vigil:***@db/x" in stream.getvalue()


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("postgresql://u:p%40ss@h:5432/d", "postgresql://u:***@h:5432/d"),
        ("nats://s3cr3t@127.0.0.1:4222", "nats://***@127.0.0.1:4222"),
        ("X-Auth-Token: gAAAAABk", "X-Auth-Token: ***"),
        ("{'X-Subject-Token': 'abc.def'}", "{'X-Subject-Token': '***'}"),
        ('{"password": "hunter2", "user": "me"}', '{"password": "***", "user": "me"}'),
        ("Token gAAAAABnX_k-2y9T0cUqv5bLr7Wm4s== is gone", "Token *** is gone"),
        ("nats_token=abc123 port=4222", "nats_token=*** port=4222"),
        ("Authorization: Bearer abcdefgh.ijk", "Authorization: Bearer ***"),
        ("http://h/?api_key=abc&x=1", "http://h/?api_key=***&x=1"),
        ("moved vm-1 from a:b to http://host:80/x", "moved vm-1 from a:b to http://host:80/x"),
        ("a token was renewed", "a token was renewed"),
        (
            "Unable to validate token: Identity server rejected authorization necessary",
            "Unable to validate token: Identity server rejected authorization necessary",
        ),
        ("Invalid token: abc123 is no", "Invalid token: *** is no"),
        ("token: geheim", "token: ***"),
        ("the nats_token: geheim is wrong", "the nats_token: *** is wrong"),
        ("postgresql://vigil:pa/ss@db/vigil", "postgresql://vigil:***@db/vigil"),
        ("rabbit://a:b@one,c:d@two/", "rabbit://a:***@one,c:***@two/"),
        ("http://host:8080/a@b", "http://host:8080/a@b"),
    ],
)
def test_secrets_are_scrubbed_and_everything_else_is_left_alone(text: str, clean: str) -> None:
    assert logs.scrubbed(text) == clean


def test_a_loggers_name_is_not_taken_for_the_name_of_a_secret() -> None:
    """keystonemiddleware.auth_token said "*** request" instead of "Rejecting request"."""
    name = "keystonemiddleware.auth_token"
    record = logging.LogRecord(name, logging.INFO, "", 0, "Rejecting request", (), None)
    assert f"{name}: Rejecting request" in logs.HumanFormatter().format(record)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (f"{STAMP} ERROR   api vigil.access: Keystone does not answer", True),
        (f"{STAMP} CRITICAL vigil: no", True),
        (f"{STAMP} WARNING keystonemiddleware.auth_token: ERROR in a word", False),
        (f'{{"time": "{STAMP}", "level": "error", "role": "api"}}', True),
        (f'{{"time": "{STAMP}", "level": "info", "message": "error"}}', False),
        ("[14] 2026/11/28 17:07:10.948 [FTL] cannot open the store", True),
        ("[14] 2026/11/28 17:07:10.948 [WRN] slow consumer", False),
        ("vigil: error: [api] port: port 1 of ::1 is taken", True),
        ("Traceback (most recent call last):", None),
        ("http://127.0.0.1:37397", None),
    ],
)
def test_the_level_of_a_line_is_read_as_each_process_writes_it(line: str, expected: object) -> None:
    assert logs.is_error(line) is expected


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "a-",
        "a:",
        ",a:",
        "x://",
        "x://a:",
        "token",
        "token: ",
        "bearer ",
        "gAAAA",
        "nats://",
        "@",
    ],
)
def test_a_long_text_of_a_client_is_scrubbed_in_time(piece: str) -> None:
    """A request line of 8 KiB of letters, which anybody may send, cost seconds of CPU in the log;
    twice as many letters cost four times as much. This text is 30 times as long."""
    text = piece * (250_000 // len(piece))
    assert logs.scrubbed(text)


@pytest.mark.parametrize("form", ["human", "json"])
def test_a_name_in_a_message_forges_no_record_and_controls_no_terminal(form: str) -> None:
    """Users of the cloud choose the names of servers, which messages contain."""
    stream = written(form)
    name = f"vm\r\n{STAMP} ERROR   api vigil: forged\x1b[2J\x9b31m\u202e"
    logging.getLogger("x").warning("moved %s", name)
    logging.getLogger("x").warning("failed", exc_info=RuntimeError(name))
    said = stream.getvalue()
    assert "forged" in said
    assert not set(said) & set("\r\x1b\x9b\u202e")
    records = [line for line in said.splitlines() if logs.is_error(line) is not None]
    assert len(records) == 2
    assert not any(logs.is_error(line) for line in records)
