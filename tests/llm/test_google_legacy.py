"""Google's older SDK alone in an environment of its own: pip installs it there, a script asks a loopback server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest

from agnt5.errors import ConfigurationError
from agnt5.llm.google_legacy import older_schema
from agnt5.llm.schema import Schema
from llm.canary import KEY
from llm.wire import Answer, Call, Cut, Failure, Vectors, WireServer, broken, garbage, hang, limited
from llm.wire.google import GoogleDialect

ROOT = Path(__file__).parents[2]
SDK = "google-generativeai==0.8.6"  # the last one
SCRIPT = Path(__file__).with_name("legacy_google.py")


@pytest.fixture(scope="module")
def python() -> Path:
    """The interpreter of an environment with that SDK and what agnt5 itself needs; kept in target/ for next time."""
    folder = ROOT / "target" / "google-legacy"
    program = folder / "bin" / "python"
    made_of = SDK + (ROOT / "requirements" / "runtime.txt").read_text(encoding="utf-8") + sys.version
    mark = folder / "made-of.txt"
    if not mark.exists() or mark.read_text(encoding="utf-8") != made_of:
        venv.create(folder, clear=True, with_pip=True)
        pip = [program, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, SDK, "-r", ROOT / "requirements" / "runtime.txt"], check=True, timeout=600)
        mark.write_text(made_of, encoding="utf-8")
    return program


@pytest.fixture(scope="module")
def found(python: Path) -> dict[str, Any]:
    acts = [
        Answer("Let me see.", (Call("weather", {"city": "Bern", "days": 2, "share": 0.5}, id=""),)),
        Answer("It is sunny."),
        Answer('{"name": "Bern", "people": null}', input=30, output=9),
        Vectors(((1.0, 2.0), (3.0, 4.0))),
        limited(2.5, "You exceeded your current quota. {key}"),
        Failure(400, "API key not valid. {key}", code="API_KEY_INVALID"),
        broken(),
        Cut(Answer("hello there"), 2),
        garbage(),
        hang(),
    ]
    with WireServer(GoogleDialect(), *acts) as server:
        done = subprocess.run(
            [python, "-W", "ignore::FutureWarning", SCRIPT, server.url, KEY],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        # pip's wheel of agnt5 is not there, only its sources are: the warning of a missing core may be, nothing else.
        assert "Traceback" not in done.stderr
        assert KEY not in done.stdout + done.stderr
        return {**json.loads(done.stdout), "asked": [one.json for one in server.requests]}


def test_the_older_sdk_is_taken_where_it_is_alone(found: dict[str, Any]) -> None:
    assert found["genai"] is False
    assert len(found["asked"]) == 10  # one for each act: nobody asked twice


def test_calls_and_their_results(found: dict[str, Any]) -> None:
    assert found["calls"] == [["weather", {"city": "Bern", "days": 2, "share": 0.5}]]
    assert found["days"] == "int"  # not 2.0, which this SDK makes of it
    first, second = found["asked"][:2]
    assert first["systemInstruction"]["parts"] == [{"text": "Be brief."}]
    assert first["generationConfig"] == {"temperature": 0.5}
    assert first["contents"][0]["parts"][1]["inlineData"]["mimeType"] == "image/gif"
    declared = first["tools"][0]["functionDeclarations"][0]
    assert (declared["name"], declared["parameters"]["required"]) == ("weather", ["city"])
    assert second["contents"][2]["parts"][0]["functionResponse"]["response"] == {"output": "sunny"}


def test_streams_forms_and_vectors(found: dict[str, Any]) -> None:
    assert found["pieces"] > 2
    assert found["answer"] == "It is sunny."
    assert found["output"] == ["Bern", None]
    assert found["usage"][:3] == [30, 9, "stop"]
    assert found["usage"][3] > 0
    assert found["asked"][2]["generationConfig"]["responseSchema"]["properties"]["people"]["nullable"] is True
    assert found["vectors"] == [[1.0, 2.0], [3.0, 4.0]]


def test_failures(found: dict[str, Any]) -> None:
    kinds = [(one["kind"], one["status"], one["possibly_billed"]) for one in found["failures"]]
    assert kinds == [
        ("RateLimited", 429, False),
        ("ProviderAuthError", 401, False),
        ("ProviderUnavailable", 500, False),
        ("ProviderUnavailable", 0, True),
        ("ProviderUnavailable", 200, True),
    ]
    assert found["failures"][0]["retry_after"] == 2.5
    assert "within 0.4 s" in found["silence"]["text"]
    assert found["waited"] < 60  # the silent answer is left alone, and does not hold up the end of the program


def test_what_it_cannot_say_names_the_newer_sdk(found: dict[str, Any]) -> None:
    for what, text in (("options", "no_such_option"), ("schema", "has no word for an object with keys")):
        assert found[what]["kind"] == "ConfigurationError"
        assert text in found[what]["text"]
        assert 'pip install "agnt5[google]"' in found[what]["text"]


def test_a_missing_sdk_names_its_extra(found: dict[str, Any]) -> None:
    assert [one["kind"] for one in found["missing"]] == ["ConfigurationError"] * 3
    for one, extra in zip(found["missing"], ("anthropic", "openai", "local"), strict=True):
        assert f'pip install "agnt5[{extra}]"' in one["text"]


def test_schemas_in_the_older_form() -> None:
    schema = {
        "$defs": {"Stop": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}},
        "type": "object",
        "properties": {
            "stops": {"type": "array", "items": {"$ref": "#/$defs/Stop"}, "description": "In order."},
            "mood": {"enum": ["sunny", "grey"]},
            "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "price": {"type": ["number", "null"]},
        },
        "required": ["stops"],
    }
    stop = {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}, "required": ["city"]}
    assert older_schema(schema) == {
        "type": "OBJECT",
        "properties": {
            "stops": {"type": "ARRAY", "items": stop, "description": "In order."},
            "mood": {"type": "STRING", "enum": ["sunny", "grey"], "format": "enum"},
            "note": {"type": "STRING", "nullable": True},
            "price": {"type": "NUMBER", "nullable": True},
        },
        "required": ["stops"],
    }


@pytest.mark.parametrize("kind", [list[int | str], dict[str, int], list[Any]])
def test_schemas_without_an_older_form(kind: Any) -> None:
    with pytest.raises(ConfigurationError, match="no word for"):
        older_schema(Schema.of(kind).json_schema)
