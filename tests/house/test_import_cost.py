"""`import agnt5` must stay cheap: nothing that a user did not ask for comes along."""

from __future__ import annotations

import json
import subprocess
import sys

HEAVY = {
    *("IPython", "ipykernel", "ipywidgets", "jupyter_client"),
    *("pandas", "numpy", "pyarrow", "pydantic"),
    *("tokenizers", "safetensors", "wordllama", "huggingface_hub"),
    *("opentelemetry", "openai", "anthropic", "google", "httpx", "httpx2", "grpc"),
    *("click", "pytest", "hypothesis"),
}


def loaded_by(statement: str) -> set[str]:
    code = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in json.loads(answer.stdout)}


def test_importing_agnt5_imports_nothing_heavy() -> None:
    bare = loaded_by("")
    assert (loaded_by("import agnt5") - bare) & HEAVY == set()
    assert (loaded_by("import agnt5.memory") - bare) & HEAVY == set()


def test_help_of_the_command_line_imports_nothing_heavy() -> None:
    quiet = "with contextlib.redirect_stdout(io.StringIO()): agnt5.cli.main(['--help'])"
    asked = f"import agnt5.cli, contextlib, io\n{quiet}"
    assert (loaded_by(asked) - loaded_by("")) & (HEAVY - {"click"}) == set()
