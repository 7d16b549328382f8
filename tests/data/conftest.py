"""Keeps the tests of data away from this machine's own caches."""

import pytest


@pytest.fixture(autouse=True)
def _no_keras_cache(tmp_path, monkeypatch):
  monkeypatch.setenv('KERAS_HOME', str(tmp_path / 'keras'))
