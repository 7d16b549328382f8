"""What a run was made with."""

from flsec.experiment import versions


def test_versions_of_this_process():
  found = versions.of_this_process()
  assert found['numpy'].count('.') == 2 and found['flsec']


def test_a_package_that_is_not_there_is_named(monkeypatch):
  monkeypatch.setattr(versions, '_PACKAGES', ('no-such-package',))
  found = versions.of_this_process()
  assert found['no-such-package'] == 'not installed'
