#!/usr/bin/env bash
# Installs the wheel in dist/ into an empty environment outside the checkout, and trains digits there: what is
# missing in the wheel, or found only because the checkout lies beside it, shows here.
# Usage: tools/try_wheel.sh PYTHON [pip's options, such as --constraint FILE]
set -euo pipefail
wheel="$(ls "$PWD"/dist/loupe_bench-*.whl)"
python="$1"
options=()
for option in "${@:2}"; do
  if [[ -f "$option" ]]; then option="$(realpath "$option")"; fi
  options+=("$option")
done
elsewhere="$(mktemp -d)"
trap 'rm -rf "$elsewhere"' EXIT
cd "$elsewhere"
"$python" -m venv environment
install() { environment/bin/pip install --quiet --disable-pip-version-check ${options[@]+"${options[@]}"} "$@"; }
install torch # first and by itself: under the constraint, so that no other build of it is taken
install "$wheel"
unset PYTHONPATH
export PATH="$elsewhere/environment/bin:$PATH"
found="$(python -c 'import loupe; print(loupe.__file__)')"
case "$found" in
  "$elsewhere"/*) ;;
  *) echo "not the wheel's own package: $found" >&2; exit 1 ;;
esac
loupe train digits run.threads=1 # two would wait for each other on a busy machine
report="$(echo runs/digits-*/report.html)"
test -s "$report"
loupe parts > /dev/null
loupe list
echo "the wheel trains: $(basename "$wheel")"
