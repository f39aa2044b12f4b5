#!/bin/sh
# Renews requirements/*.txt from pyproject.toml. Needs uv; run it by hand when a dependency changes, and commit the result.
set -eu
cd "$(dirname "$0")/.."
command -v uv >/dev/null 2>&1 || { echo "agnt5 pins: uv is missing: pip install uv" >&2; exit 1; }

pin() { # pin NAME [uv arguments]: the pins of the base dependencies, and of what the arguments add
    name=$1
    shift
    {
        echo "# Pins, made by scripts/pins.sh from pyproject.toml. No registry addresses: pip's own configuration says where to look."
        uv pip compile pyproject.toml "$@" --universal --python-version 3.11 --upgrade \
            --no-emit-index-url --no-emit-find-links --no-emit-package agnt5 --no-header --no-annotate --quiet
    } >"requirements/$name.txt.new"
    mv "requirements/$name.txt.new" "requirements/$name.txt"
    echo "requirements/$name.txt"
}

pin runtime
pin dev --extra dev
pin docs --extra docs --constraint requirements/dev.txt
