"""The suite's own order: what pytest-xdist makes of tests/conftest.py."""

import pytest


def test_tests_of_a_file_run_in_one_worker(request):
  if not hasattr(request.config, 'workerinput'):
    pytest.skip('Only where pytest-xdist runs the suite in several processes.')
  # So pytest-xdist names the group that it keeps together.
  assert request.node.nodeid.endswith('@tests/test_workers.py')
