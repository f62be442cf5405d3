#!/bin/sh
# Install MuseScore 3 for the round-trip tests, where apt and the rights are there.
# It never fails: without MuseScore those tests are skipped, visibly.

if command -v musescore3 >/dev/null 2>&1 || command -v mscore3 >/dev/null 2>&1; then
    exit 0
fi

skipped() {
    echo "MuseScore 3 is not installed ($1): the tests marked notation_app will be skipped."
    exit 0
}

command -v apt-get >/dev/null 2>&1 || skipped 'no apt-get here'
if [ "$(id -u)" -eq 0 ]; then
    as_root=''
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    as_root='sudo -n'
else
    skipped 'neither root nor passwordless sudo'
fi

export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -qq >/dev/null 2>&1 || skipped 'apt-get update failed'
$as_root apt-get install -y -qq --no-install-recommends musescore3 >/dev/null 2>&1 ||
    skipped 'apt-get install musescore3 failed'
exit 0
