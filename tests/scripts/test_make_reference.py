"""What the API reference holds, with a stand-in for pdoc."""

import re
import sys
import types

import pytest
import script_file

import flsec

_ROOT = script_file.ROOT


@pytest.fixture
def script(monkeypatch):
  """The script; `script.asked` is what it asks pdoc for."""
  fake, render = types.ModuleType('pdoc'), types.ModuleType('pdoc.render')
  asked = {}
  fake.pdoc = lambda *modules, output_directory: asked.update(modules=modules)
  render.configure = lambda **options: asked.update(options)
  fake.render = render
  monkeypatch.setitem(sys.modules, 'pdoc', fake)
  monkeypatch.setitem(sys.modules, 'pdoc.render', render)
  module = script_file.load('make_reference')
  module.asked = asked
  return module


def test_every_room_that_programs_use_is_in_it(script, tmp_path):
  script.make(tmp_path)
  first, *rest = script.asked['modules']
  assert first == 'flsec' and script.asked['docformat'] == 'google'
  patterns = [one[1:] for one in rest]
  files = (_ROOT / 'flsec').rglob('*.py')
  for path in files:
    name = '.'.join(path.relative_to(_ROOT).with_suffix('').parts)
    room = name.split('.')[1]
    is_out = any(re.fullmatch(pattern, name) for pattern in patterns)
    assert is_out == (room in ('commands', 'main', 'sweeps')), name


def test_names_that_are_imported_late_are_there(script):
  script._resolve_names()
  for name in flsec.__all__:
    assert name in vars(flsec), name
