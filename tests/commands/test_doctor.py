import subprocess

import pytest

from flsec import main
from flsec.commands import doctor, imports
from flsec.commands.finding import broken, fine, note


class TestChecks:
  @pytest.mark.parametrize('version', [(3, 9), (3, 10), (3, 11)])
  def test_python_that_works(self, version):
    assert doctor.python(version).status == 'fine'

  @pytest.mark.parametrize('version', [(3, 8), (3, 12), (2, 7)])
  def test_python_that_does_not(self, version):
    found = doctor.python(version)
    assert found.status == 'broken' and 'python3.11' in found.way_out

  @pytest.mark.parametrize(
    'system, processor, status',
    [
      ('linux', 'x86_64', 'fine'),
      ('darwin', 'arm64', 'broken'),
      ('linux', 'aarch64', 'broken'),
    ],
  )
  def test_machine(self, system, processor, status):
    assert doctor.machine(system, processor).status == status

  def test_disk(self, tmp_path, monkeypatch):
    assert doctor.disk(str(tmp_path / 'a' / 'b')).status == 'fine'
    (tmp_path / 'file').write_text('')
    assert doctor.disk(str(tmp_path / 'file')).status == 'broken'
    monkeypatch.setattr(doctor, '_LEAST_DISK_GIB', 1e9)
    assert 'Make room' in doctor.disk(str(tmp_path)).way_out

  def test_folder_that_cannot_be_written(self, tmp_path, monkeypatch):
    monkeypatch.setattr('os.access', lambda path, mode: False)
    found = doctor.disk(str(tmp_path / 'runs'))
    assert found.status == 'broken' and '--output_dir' in found.way_out

  def test_data_sets(self, tmp_path, monkeypatch):
    monkeypatch.setenv('KERAS_HOME', str(tmp_path / 'keras'))
    (tmp_path / 'mnist.npz').write_bytes(b'')
    present, absent = doctor.data(str(tmp_path))
    assert 'digits' in present.what and 'mnist' in present.what
    assert absent.status == 'note' and 'cifar10' in absent.what

  def test_environment(self):
    assert list(doctor.environment({})) == []
    found = list(
      doctor.environment(
        {'TF_ENABLE_ONEDNN_OPTS': '0', 'TF_NUM_INTEROP_THREADS': '9'}
      )
    )
    assert [one.status for one in found] == ['note', 'note']
    assert '--threads' in found[1].way_out

  def test_cores(self):
    assert doctor.cores().what.startswith('cores: ')


class TestPackages:
  _LOCK = (
    '# made by a tool\n'
    'numpy=={numpy} ; python_version >= "3.9" \\\n'
    '    --hash=sha256:00\n'
    '    # via nothing==1\n'
    'only-windows==1.0 ; sys_platform == "win32" \\\n'
    '{more}'
  )

  def _check(self, tmp_path, numpy, more=''):
    lock = tmp_path / 'requirements.txt'
    lock.write_text(self._LOCK.format(numpy=numpy, more=more))
    return doctor.packages(lock)

  def test_as_in_the_lock(self, tmp_path):
    import numpy

    found = self._check(tmp_path, numpy.__version__)
    assert found == fine('packages: all 1 as in the lock')

  def test_other_version(self, tmp_path):
    found = self._check(tmp_path, '0.1')
    assert found.status == 'note' and '(lock: 0.1)' in found.what

  def test_missing_one(self, tmp_path):
    found = self._check(tmp_path, '0.1', 'no-such-package==1.0\n')
    assert found.status == 'broken'
    assert 'missing no-such-package' in found.what
    assert 'make setup' in found.way_out

  def test_tools_of_development_may_be_missing(self, tmp_path):
    more = 'no-such-tool==1.0 \\\n    # via pytest\n'
    found = self._check(tmp_path, '0.1', f'pytest==0.1\n{more}')
    assert found.status == 'note' and 'no-such-tool' not in found.what

  def test_no_lock(self, tmp_path):
    assert doctor.packages(tmp_path / 'absent').status == 'note'

  def test_this_environment_is_the_lock(self):
    assert doctor.packages(doctor.LOCK).status in ('fine', 'note')


class TestImports:
  def _answer(self, monkeypatch, code, out='', err=''):
    done = subprocess.CompletedProcess([], code, out, err)
    monkeypatch.setattr('subprocess.run', lambda *args, **options: done)

  def test_tensorflow_and_its_devices(self, monkeypatch):
    monkeypatch.setattr(imports, '_has_nvidia_card', lambda: False)
    answer = (
      'noise\n{"version": "2.14.1", "kinds": ["CPU", "GPU", "GPU"], '
      '"cuda": true}\n'
    )
    self._answer(monkeypatch, 0, answer)
    (found,) = imports.tensorflow()
    assert found == fine('TensorFlow 2.14.1; devices: 1 CPU, 2 GPU')

  def test_card_that_tensorflow_does_not_see(self, monkeypatch):
    monkeypatch.setattr(imports, '_has_nvidia_card', lambda: True)
    answer = '{"version": "2", "kinds": ["CPU"], "cuda": true}'
    self._answer(monkeypatch, 0, answer)
    _, found = imports.tensorflow()
    assert 'requirements-gpu.txt' in found.way_out

  @pytest.mark.parametrize(
    'code, err, message',
    [
      (1, 'Trace\nImportError: no module\n', 'ImportError: no module'),
      (-11, '', 'ended by signal 11'),
      (3, '', 'exit code 3'),
    ],
  )
  def test_import_that_fails_or_crashes(self, monkeypatch, code, err, message):
    self._answer(monkeypatch, code, '', err)
    (found,) = imports.tensorflow()
    assert found.status == 'broken' and message in found.what
    assert imports.federated().status == 'broken'

  def test_import_that_never_ends(self, monkeypatch):
    def run(*args, **options):
      raise subprocess.TimeoutExpired('python', 1)

    monkeypatch.setattr('subprocess.run', run)
    assert 'did not end' in imports.federated().what

  def test_worker_that_is_missing(self, monkeypatch):
    answer = '{"version": "0.87.0", "worker": "/absent"}'
    self._answer(monkeypatch, 0, answer)
    found = imports.federated()
    assert found.status == 'note' and 'in_process needs none' in found.way_out


class TestFinding:
  def test_text(self):
    assert fine('a').text() == '[ ok ] a'
    assert note('b').text() == '[note] b'
    lines = broken('c', 'do ' + 'word ' * 30).text().splitlines()
    assert lines[0] == '[FAIL] c'
    assert lines[1].startswith('       -> do word')
    assert lines[2].startswith('          word')


class TestCommand:
  @pytest.mark.parametrize('status, code', [('fine', 0), ('broken', 1)])
  def test_exit_code(self, capsys, monkeypatch, status, code):
    one = fine('x') if status == 'fine' else broken('x', 'y')
    monkeypatch.setattr(doctor, 'examine', lambda *args: iter([one]))
    with pytest.raises(SystemExit) as ended:
      main.run_app(['flsec', 'doctor'])
    assert (ended.value.code or 0) == code
    text = capsys.readouterr().out
    assert ('Ready to run.' in text) == (code == 0)

  def test_every_check_is_made(self, monkeypatch, tmp_path):
    monkeypatch.setattr(imports, 'tensorflow', lambda: iter([fine('tf')]))
    monkeypatch.setattr(imports, 'federated', lambda: fine('tff'))
    found = list(doctor.examine(str(tmp_path), str(tmp_path)))
    text = '\n'.join(one.text() for one in found)
    for word in ('Python', 'packages', 'cores', 'runs', 'data sets', 'tff'):
      assert word in text
