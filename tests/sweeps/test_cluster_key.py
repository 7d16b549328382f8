"""The secret of a cluster."""

import ssl
import stat

import pytest

from flsec.sweeps import cluster_key
from flsec.sweeps.cluster_key import ClusterError


def _context(purpose, key):
  context = ssl.create_default_context(purpose, cafile=str(key))
  context.load_cert_chain(str(key))
  context.verify_mode = ssl.CERT_REQUIRED
  context.check_hostname = False
  return context


def _shake_hands(ours, theirs):
  """Lets a client and a server with these keys speak; raises if they do not."""
  up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
  client = _context(ssl.Purpose.SERVER_AUTH, ours).wrap_bio(down, up)
  server = _context(ssl.Purpose.CLIENT_AUTH, theirs).wrap_bio(
    up, down, server_side=True
  )
  for _ in range(3):
    for end in (client, server):
      try:
        end.do_handshake()
      except ssl.SSLWantReadError:
        continue
  client.write(b'hello')
  return server.read()


@pytest.fixture
def key(tmp_path):
  path = tmp_path / 'cluster.pem'
  cluster_key.write(path)
  return path


def test_whoever_holds_it_is_let_in(key):
  assert _shake_hands(key, key) == b'hello'


def test_whoever_holds_another_is_not(key, tmp_path):
  other = tmp_path / 'other.pem'
  cluster_key.write(other)
  with pytest.raises(ssl.SSLCertVerificationError):
    _shake_hands(other, key)


def test_only_its_owner_reads_it(key):
  assert stat.S_IMODE(key.stat().st_mode) == 0o600
  assert cluster_key.check(key) == key.resolve()
  key.chmod(0o640)
  with pytest.raises(ClusterError, match=f'chmod 600 {key}'):
    cluster_key.check(key)


def test_one_that_is_there_is_not_written_over(key):
  before = key.read_bytes()
  with pytest.raises(ClusterError, match='is there already'):
    cluster_key.write(key)
  assert key.read_bytes() == before


def test_a_missing_one(tmp_path):
  with pytest.raises(ClusterError, match='`flsec cluster key` makes one'):
    cluster_key.check(tmp_path / 'none.pem')
