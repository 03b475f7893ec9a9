"""Lets pytest explain the failed assertions of the suites."""

import pytest

pytest.register_assert_rewrite("vigil.testing")
