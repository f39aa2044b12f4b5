#!/bin/sh
# JupyterLab of .venv on the quickstart notebook: what `make lab` runs. Arguments go to JupyterLab.
# It asks nothing of the network: no news, no look for updates, no list of extensions to install.
set -eu
cd "$(dirname "$0")/.."
if [ "$(id -u)" = 0 ]; then set -- --allow-root "$@"; fi # in containers; the server listens on loopback only
exec .venv/bin/python -m jupyterlab \
    --ServerApp.root_dir=. \
    --LabApp.default_url=/lab/tree/notebooks/01_quickstart.ipynb \
    --ServerApp.ip=127.0.0.1 \
    --LabApp.news_url=None \
    --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate \
    --LabApp.extension_manager=readonly \
    "$@"
