"""What another machine must have in common with this one."""

import hashlib
import platform

import numpy as np
import pytest

import flsec
from flsec.sweeps import same_code


def test_what_is_described(tmp_path):
  plugin = tmp_path / 'mine.py'
  plugin.write_text('one = 1\n')
  missing = str(tmp_path / 'gone.py')
  found = same_code.describe([str(plugin), missing])
  assert found['flsec'] == flsec.__version__
  assert found['numpy'] == np.__version__
  assert found['Python'] == '.'.join(platform.python_version_tuple()[:2])
  digest = hashlib.sha256(b'one = 1\n').hexdigest()
  assert found[f'the plug-in {plugin}'] == digest
  assert found[f'the plug-in {missing}'] == 'no such file'
  assert len(found['the text of flsec']) == 64


def test_every_source_of_flsec_counts(tmp_path, monkeypatch):
  def digest():
    same_code._own_text.cache_clear()
    return same_code._own_text()

  before = digest()
  monkeypatch.setattr(same_code, '_ROOT', tmp_path)
  (tmp_path / 'deep').mkdir()
  (tmp_path / 'deep' / 'a.py').write_text('1')
  texts = [before, digest()]
  (tmp_path / 'deep' / 'a.py').write_text('2')
  texts.append(digest())
  (tmp_path / 'deep' / 'a.py').rename(tmp_path / 'deep' / 'b.py')
  texts.append(digest())
  assert len(set(texts)) == 4
  same_code._own_text.cache_clear()


_HERE = {'flsec': '1.0', 'numpy': '1.25', 'the plug-in a.py': 'a' * 64}


@pytest.mark.parametrize(
  ('changes', 'line'),
  [
    ({}, None),
    ({'numpy': '1.26'}, 'it has another version of numpy: 1.25, not 1.26'),
    (
      {'the plug-in a.py': 'b' * 64},
      'it has another version of the plug-in a.py: aaaaaaaaaaaa, not '
      'bbbbbbbbbbbb',
    ),
    ({'scipy': '1.9'}, 'it has another version of scipy: none, not 1.9'),
  ],
)
def test_the_first_difference_is_said(changes, line):
  assert same_code.difference(_HERE, {**_HERE, **changes}) == line
