#!/bin/sh
# Prints the first Python that flsec runs on, or one line that says what to do.
# PYTHON=... names the only one to try. Candidates are run, not just looked up:
# pyenv leaves a command for versions that are not there.
set -u

check='
import platform, sys
version = "Python %d.%d" % sys.version_info[:2]
if not (3, 9) <= sys.version_info[:2] <= (3, 11):
  sys.exit(version)
if not sys.platform.startswith("linux") or platform.machine() != "x86_64":
  sys.exit("%s for %s on %s" % (version, sys.platform, platform.machine()))
if sys.maxsize < 2**32:
  sys.exit(version + " of 32 bits")
try:
  import ensurepip, venv
except ImportError:
  sys.exit(version + " without its venv module")
print(sys.executable)
'

found=''
set -- python3.11 python3.10 python3.9 python3
[ -z "${PYTHON:-}" ] || set -- "$PYTHON"
for candidate in "$@"; do
  command -v "$candidate" >/dev/null 2>&1 || continue
  if answer=$("$candidate" -c "$check" 2>&1); then
    echo "$answer"
    exit 0
  fi
  case $answer in
    'Python '*) found="$found, $candidate is $answer" ;;
    *) found="$found, $candidate does not run" ;;
  esac
done
found=${found#, }
echo "flsec needs Python 3.9, 3.10 or 3.11 with its venv module on x86-64" \
  "Linux; found: ${found:-no ${PYTHON:-python3}}. Install Python 3.11 (Debian," \
  "Ubuntu: apt install python3.11-venv; elsewhere: uv python install 3.11 or" \
  "pyenv install 3.11), or name one: make setup PYTHON=/path/to/python3.11" >&2
exit 1
