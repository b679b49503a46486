#!/bin/sh
# The browser tests drive the system's Chromium. Where there is none, it is installed by the system's package manager.
set -eu

find_browser() {
    for name in chromium chromium-browser google-chrome google-chrome-stable; do
        command -v "$name" && return 0
    done
    [ -x "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" ] && echo "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
}

find_browser >/dev/null && exit 0

if command -v apt-get >/dev/null; then
    as_root=""
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || { echo "Chromium is missing, and installing it needs root: run 'apt-get install chromium' as root." >&2; exit 1; }
        as_root="sudo"
    fi
    echo "Installing Chromium for the browser tests"
    $as_root apt-get update -qq
    DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends chromium >/dev/null
fi

find_browser >/dev/null || { echo "Chromium is missing: install Chromium or Google Chrome so that 'chromium' or 'google-chrome' can be found." >&2; exit 1; }
