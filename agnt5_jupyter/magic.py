"""`%agnt5 VERB ...` and `%%agnt5 VERB ...`: finds the verb, reads its words, and lets it act.

A mistake of the person is one line. What a run raised keeps its traceback, unless outputs is summary: then its words
stay out of the notebook.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.getipython import get_ipython
from IPython.core.magic import no_var_expand

from .usage import HelpShown, meant
from .words import split

if TYPE_CHECKING:
    from .verbs import Verb


@no_var_expand  # braces and dollars are the person's: `{"a": 1}` is an argument
def agnt5_magic(line: str, cell: str | None = None) -> Any:
    """%agnt5 VERB ...: run, look at, replay and steer durable runs; `%agnt5 --help` lists the verbs."""
    import agnt5

    try:
        return _do(line, cell)
    except HelpShown:
        return None
    except agnt5.RunFailed as error:
        if agnt5.settings().outputs == "full":
            raise
        kind = error.cause_type.rpartition(":")[2] or "an error"
        raise UsageError(f"%agnt5: run {error.run_id} failed: {kind}, not told in full: outputs is summary") from None
    except agnt5.RunCancelled:
        raise
    except agnt5.AGNT5Error as error:
        raise UsageError(f"%agnt5: {error}") from error


def _do(line: str, cell: str | None) -> Any:
    from .verbs import Call, verbs

    shell: Any = get_ipython()
    if shell is None:
        raise UsageError("%agnt5 works in a running IPython")
    name, _, rest = line.strip().partition(" ")
    if name in ("", "-h", "--help", "help"):
        print(help_text(verbs()))
        return None
    verb = verbs().get(name)
    if verb is None:
        raise UsageError(f"%agnt5: there is no verb {name!r}{meant(name, verbs())} (see %agnt5 --help)")
    if cell is not None and not verb.cell:
        heads = " and ".join(f"%%agnt5 {one.name}" for one in verbs().values() if one.cell)
        raise UsageError(f"%%agnt5 {name}: only {heads} head a cell; write %agnt5 {name}")
    chosen = verb.parser(cell=cell is not None).read(split(rest))
    return verb.do(Call(shell.user_ns, chosen, cell))


def help_text(verbs: dict[str, Verb]) -> str:
    """What `%agnt5 --help` prints."""
    width = max(map(len, verbs))
    listed = "\n".join(f"  {verb.name:<{width}}  {verb.says}" for verb in verbs.values())
    cells = ", ".join(f"%%agnt5 {verb.name}" for verb in verbs.values() if verb.cell)
    return (
        f"usage: %agnt5 VERB ...\n\n{listed}\n\n{cells} head a cell. An ID is the beginning of a run's id, a variable "
        f"that holds a run, or -1 (or _) for the last one.\n%agnt5 VERB --help tells what a verb takes."
    )
