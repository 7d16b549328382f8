"""Builds sdist and wheel into dist/, the same bytes from the same commit.

usage: python scripts/make_dist.py [FOLDER]

Needs setuptools, as the environment has it, and no network. What git tracks is
copied first: nothing else that lies in the checkout gets in.
"""

import gzip
import hashlib
import io
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent


def build(folder: pathlib.Path) -> list[pathlib.Path]:
  """Builds both into a folder; returns the files."""
  folder.mkdir(parents=True, exist_ok=True)
  seconds = _git('log', '-1', '--format=%ct').strip()
  with tempfile.TemporaryDirectory() as scratch:
    source = pathlib.Path(scratch) / 'source'
    _export(source)
    environment = {**os.environ, 'SOURCE_DATE_EPOCH': seconds}
    names = []
    for kind in ('sdist', 'wheel'):
      program = (
        'import os, sys; os.umask(0o022); from setuptools import build_meta; '
        'folder, answer = sys.argv[1:]; '
        f'name = build_meta.build_{kind}(folder); '
        'print(name, file=open(answer, "w"))'
      )
      answer = pathlib.Path(scratch) / kind
      subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', program, str(scratch), answer],
        cwd=source,
        env=environment,
        stdout=subprocess.DEVNULL,
        check=True,
      )
      names.append(answer.read_text(encoding='utf-8').strip())
    _normalize(pathlib.Path(scratch) / names[0], int(seconds))
    for name in names:
      shutil.copyfile(pathlib.Path(scratch) / name, folder / name)
  return [folder / name for name in names]


def _git(*words: str) -> str:
  return subprocess.run(
    ['git', '-C', str(ROOT), *words],
    capture_output=True,
    text=True,
    check=True,
  ).stdout


def _export(target: pathlib.Path) -> None:
  """Copies the tracked files, links followed, with one mode for all."""
  for name in _git('ls-files', '-z').split('\0')[:-1]:
    origin, copy = ROOT / name, target / name
    if not origin.exists():
      continue  # Removed, and not yet committed.
    copy.parent.mkdir(parents=True, exist_ok=True)
    if origin.is_dir():
      shutil.copytree(origin, copy, copy_function=shutil.copyfile)
    else:
      shutil.copyfile(origin, copy)
  for path in target.rglob('*'):
    is_program = path.suffix == '.sh'
    path.chmod(0o755 if path.is_dir() or is_program else 0o644)


def _normalize(sdist: pathlib.Path, seconds: int) -> None:
  """Writes an archive anew: in order, without owners, with one time."""
  packed = io.BytesIO()
  with (
    tarfile.open(sdist) as old,
    tarfile.open(fileobj=packed, mode='w', format=tarfile.PAX_FORMAT) as new,
  ):
    for member in sorted(old.getmembers(), key=lambda one: one.name):
      content = old.extractfile(member) if member.isfile() else None
      member.uid = member.gid = 0
      member.uname = member.gname = ''
      member.mtime = seconds
      member.pax_headers = {}
      new.addfile(member, content)
  with (
    open(sdist, 'wb') as file,
    gzip.GzipFile(
      filename='', mode='wb', fileobj=file, mtime=seconds
    ) as zipped,
  ):
    zipped.write(packed.getvalue())


if __name__ == '__main__':
  chosen = sys.argv[1] if len(sys.argv) > 1 else ROOT / 'dist'
  for built in build(pathlib.Path(chosen)):
    print(hashlib.sha256(built.read_bytes()).hexdigest(), built)
