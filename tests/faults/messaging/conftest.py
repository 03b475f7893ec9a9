from tests.integration.messaging.conftest import event_log, log_path, nats_server

__all__ = ["event_log", "log_path", "nats_server"]
