#!/usr/bin/env bash
# Makes .venv from requirements.txt, unless it was made from this very lock.
set -euo pipefail
cd "$(dirname "$0")/.."

stamp=.venv/made-from
# A moved checkout counts as a change: the environment holds absolute paths.
wanted="$(sha256sum <requirements.txt) $PWD"

version() {
  "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null
}

is_current() {
  [[ -f $stamp && $(<"$stamp") == "$wanted" ]] || return 1
  local present
  present=$(version .venv/bin/python) || return 1
  [[ -z ${PYTHON:-} || $(version "$PYTHON") == "$present" ]]
}

# Two at once would write over each other.
exec 9<requirements.txt
flock 9
if is_current; then exit 0; fi
# Clearing it would empty what other checkouts work with.
if [[ -L .venv ]]; then
  echo ".venv is a link to $(readlink .venv), the environment of another" \
    'checkout, which has to stay as it is. `rm .venv` removes the link; then' \
    'this checkout gets an environment of its own.' >&2
  exit 1
fi

python=$(scripts/find_python.sh)
trap '[[ -f $stamp ]] || echo "The environment is not complete; the next" \
  "\`make\` begins it again." >&2' EXIT
echo "Making the environment in .venv with Python $(version "$python"):" \
  'about 2.7 GB, one to two minutes.'
rm -f "$stamp"
# An environment of another lock holds packages that this one does not want.
"$python" -m venv --clear .venv
pip=(.venv/bin/python -m pip --disable-pip-version-check -qq install --no-deps)
"${pip[@]}" --require-hashes --only-binary :all: -r requirements.txt
"${pip[@]}" --no-build-isolation -e .
# Written last, so that an interrupted installation is not taken for a whole.
echo "$wanted" >"$stamp.part"
mv "$stamp.part" "$stamp"
