"""What is wrong with a host, or with a record of the compute model."""

from domain.kernel.reasons import Reason

HOST_DOWN = Reason("host-down", "{host} is down")
SERVICE_NOT_FOUND = Reason("service-not-found", "{host} has no nova-compute service")
UNKNOWN_HOST = Reason("unknown-host", "{resource}: {host} was not collected")
DUPLICATE_HOST = Reason("duplicate-host", "host name {host} occurs {count} times", count="number")
BAD_VALUE = Reason("bad-value", "{field} of {resource} is {value}")
FLAVOR_MISSING = Reason("flavor-missing", "{resource} has no flavor")
