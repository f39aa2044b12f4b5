"""JupyterLab on loopback and notebooks in a real Chromium: what the browser tests stand on.

One server and one browser serve a whole session. Pages may speak to no other host, and say so when they try.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import Browser, Locator, Page, Playwright, expect

READY = """async (name) => {
    const app = window.jupyterapp;
    await app.started;
    await app.restored;
    for (;;) {
        const widget = [...app.shell.widgets('main')].find((one) => one.context?.path === name);
        if (widget) {
            await widget.context.ready;
            await widget.revealed;
            await widget.sessionContext.ready;
            await widget.sessionContext.session.kernel.info;
            return;
        }
        await new Promise((done) => setTimeout(done, 50));
    }
}"""
CLEAR = """() => {
    for (const widget of [...window.jupyterapp.shell.widgets('main')]) {
        if (widget.context) widget.context.model.dirty = false;
        widget.dispose();
    }
}"""
OPEN = "(name) => void window.jupyterapp.commands.execute('docmanager:open', { path: name })"
WINDOW = {"width": 1200, "height": 1000}
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]
# JupyterLab gives up what it had asked of a kernel that is restarted, and complains of it where the machine is slow.
JUPYTERS_OWN = ("Canceled future for create_subshell_request",)
SECONDS = 30_000
"""Milliseconds after which a wait has failed."""

expect.set_options(timeout=SECONDS)


def chromium() -> str:
    found = os.environ.get("AGNT5_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    assert found, "the browser tests need Chromium (Debian: apt-get install chromium); AGNT5_CHROMIUM may name it"
    return found


class Lab:
    """A server of its own: its settings, notebooks and kernels live below `home`."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.root = home / "notebooks"
        self.root.mkdir(parents=True)
        self.token = secrets.token_hex(16)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        settings = home / "lab-settings/@jupyterlab/apputils-extension"
        settings.mkdir(parents=True)
        quiet = {"fetchNews": "false", "checkForUpdates": False}
        (settings / "notification.jupyterlab-settings").write_text(json.dumps(quiet))
        config = home / "jupyter_config_dir/labconfig"
        config.mkdir(parents=True)
        # The debugger complains on the console when a kernel restarts.
        (config / "page_config.json").write_text('{"disabledExtensions": {"@jupyterlab/debugger-extension": true}}')
        places = {
            **{name: str(home / name.lower()) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR")},
            **{name: str(home / name.lower()) for name in ("JUPYTER_RUNTIME_DIR", "IPYTHONDIR")},
            "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
            "JUPYTERLAB_SETTINGS_DIR": str(home / "lab-settings"),
            "AGNT5_HOME": str(home / "agnt5"),
            "HOME": str(home),
        }
        self._log = (home / "lab.log").open("wb")
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1"),
                *(f"--ServerApp.port={self.port}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={self.root}"),
                *(f"--IdentityProvider.token={self.token}", "--LabApp.expose_app_in_browser=True"),
            ],
            env={**os.environ, **places},
            cwd=self.root,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._wait_until_it_answers()

    def url(self, path: str) -> str:
        joint = "&" if "?" in path else "?"
        return f"http://127.0.0.1:{self.port}{path}{joint}token={self.token}"

    def _wait_until_it_answers(self) -> None:
        until = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(self.url("/api/status"), timeout=5):
                    return
            except OSError:
                assert self._process.poll() is None, f"JupyterLab ended: {(self.home / 'lab.log').read_text()[-3000:]}"
                assert time.monotonic() < until, "JupyterLab did not answer in a minute"
                time.sleep(0.1)

    def end_kernels(self) -> None:
        with urllib.request.urlopen(self.url("/api/sessions"), timeout=30) as answer:
            for session in json.load(answer):
                end = urllib.request.Request(self.url(f"/api/sessions/{session['id']}"), method="DELETE")
                urllib.request.urlopen(end, timeout=30).close()

    def close(self) -> None:
        """Ask it to end, then end its group: kernels that outlive the server included."""
        try:
            urllib.request.urlopen(urllib.request.Request(self.url("/api/shutdown"), method="POST"), timeout=5).close()
            self._process.wait(15)
        except (OSError, subprocess.TimeoutExpired):
            pass
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._log.close()

    def write(self, name: str, cells: Sequence[str]) -> None:
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        )
        nbformat.write(notebook, self.root / name)


@dataclass
class Notebook:
    """A notebook in a page. `strays` are requests off the host, `complaints` what the console says as errors."""

    page: Page
    lab: Lab
    name: str
    strays: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def open(self) -> None:
        self.page.goto(self.lab.url(f"/lab/tree/{self.name}?reset"))
        self.page.wait_for_selector(".jp-Notebook")
        self.page.evaluate(READY, self.name)

    def replace_all(self) -> None:
        """Open it where others were: loading JupyterLab takes longer than most tests."""
        self.page.evaluate(CLEAR)
        self.lab.end_kernels()
        self.strays.clear()
        self.complaints.clear()
        self.page.set_viewport_size({"width": WINDOW["width"], "height": WINDOW["height"]})
        self.page.evaluate(OPEN, self.name)
        self.page.evaluate(READY, self.name)

    def command(self, name: str, *, wait: bool = True) -> None:
        """One of JupyterLab's commands. `wait=False`: it may last until a person clicks."""
        given = "" if wait else "void "
        self.page.evaluate(f"(name) => {given}window.jupyterapp.commands.execute(name)", name)

    def run_all(self, *, wait: bool = True) -> None:
        self.command("notebook:run-all-cells", wait=wait)

    def run(self, cell: int) -> None:
        choose = """([name, cell]) => {
            const widget = [...window.jupyterapp.shell.widgets('main')].find((one) => one.context?.path === name);
            widget.content.activeCellIndex = cell;
        }"""
        self.page.evaluate(choose, [self.name, cell])
        self.command("notebook:run-cell")

    def panel(self, kind: str) -> Locator:
        """The newest panel of a kind."""
        return self.page.get_by_test_id(f"agnt5-{kind}").last

    def replace(self, cell: int, source: str) -> None:
        """Give a cell another text."""
        change = """([name, cell, source]) => {
            const widget = [...window.jupyterapp.shell.widgets('main')].find((one) => one.context?.path === name);
            widget.content.widgets[cell].model.sharedModel.setSource(source);
        }"""
        self.page.evaluate(change, [self.name, cell, source])

    def restart(self) -> None:
        """A new kernel for the same page; its outputs stay."""
        again = """async (name) => {
            const widget = [...window.jupyterapp.shell.widgets('main')].find((one) => one.context?.path === name);
            await widget.sessionContext.session.kernel.restart();
            await widget.sessionContext.session.kernel.info;
        }"""
        self.page.evaluate(again, self.name)

    def magic(self, verb: str, panel: Locator) -> str:
        """The magic that does what a button of a run's panel does."""
        return f"%agnt5 {verb} {panel.locator('code').first.inner_text()}"

    def is_clean(self) -> None:
        """No traceback, no complaint in the console, no request off the host."""
        assert self.errors() == []
        assert self.complaints == []
        assert self.strays == []

    def heard(self, complaint: str) -> None:
        if not any(one in complaint for one in JUPYTERS_OWN):
            self.complaints.append(complaint)

    def errors(self) -> list[str]:
        """Errors of cells; what was written to stderr is none, since a slow machine makes the engine warn."""
        look = """(name) => {
            const widget = [...window.jupyterapp.shell.widgets('main')].find((one) => one.context?.path === name);
            return widget.content.model.toJSON().cells
                .flatMap((cell) => cell.outputs ?? [])
                .filter((output) => output.output_type === 'error')
                .map((output) => `${output.ename}: ${output.evalue}`);
        }"""
        return self.page.evaluate(look, self.name)

    def theme(self, dark: bool) -> None:
        name = "JupyterLab Dark" if dark else "JupyterLab Light"
        self.page.evaluate("(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", name)
        self.page.wait_for_selector(f'body[data-jp-theme-light="{str(not dark).lower()}"]', state="attached")

    def picture(self, name: str, target: Locator | None = None) -> None:
        """A screenshot, where AGNT5_PICTURES names a directory for them."""
        if folder := os.environ.get("AGNT5_PICTURES"):
            (target or self.page).screenshot(path=f"{folder}/{name}.png")


class Chromium:
    """A browser whose pages reach the lab only."""

    def __init__(self, playwright: Playwright, lab: Lab) -> None:
        self._browser: Browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        self._lab = lab
        self._count = 0
        self._shared: Notebook | None = None

    def notebook(self, cells: Sequence[str], *, alone: bool = False, **context: Any) -> Notebook:
        """Write a notebook and open it with a kernel of its own, in the page that notebooks share; the one before it
        ends. `alone`: in a page of its own, which a test that changes its page needs."""
        self._count += 1
        name = f"test{self._count}.ipynb"
        self._lab.write(name, cells)
        return self.open(name, alone=alone, **context)

    def story(self, path: Path, **context: Any) -> Notebook:
        """The same with (a copy of) a notebook that exists."""
        shutil.copy(path, self._lab.root / path.name)
        return self.open(path.name, **context)

    def open(self, name: str, *, alone: bool = False, **context: Any) -> Notebook:
        """Open a notebook of the lab."""
        if self._shared is not None and not alone and not context:
            notebook = self._shared
            notebook.name = name
            notebook.replace_all()
            return notebook
        page = self._browser.new_context(**{"viewport": WINDOW, **context}).new_page()
        page.set_default_timeout(SECONDS)
        notebook = Notebook(page, self._lab, name)
        ours = f"127.0.0.1:{self._lab.port}"
        page.on("request", lambda sent: None if _is_local(sent.url, ours) else notebook.strays.append(sent.url))
        page.on("console", lambda said: notebook.heard(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: notebook.heard(str(error)))
        notebook.open()
        if not alone and not context:
            self._shared = notebook
        return notebook

    def close(self) -> None:
        self._browser.close()


def _is_local(url: str, ours: str) -> bool:
    return url.startswith((f"http://{ours}/", f"ws://{ours}/", "data:", "blob:", "about:"))
