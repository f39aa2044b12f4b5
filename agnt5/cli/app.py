"""The `agnt5` command: its options, its error rules, its list of commands.

An error is one line on standard error and an exit code; AGNT5_DEBUG=1 shows the traceback instead.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from .. import __version__
from ..errors import AGNT5Error
from . import approving, comparing, doctor, forking, reading, replaying, testing, writing
from .text import shown

FAILED = 1
INTERRUPTED = 130


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="agnt5 %(version)s")
def agnt5() -> None:
    """Look at durable runs and steer them, also while a notebook or script owns their store.

    ID is a run's id, a unique beginning of it, or -1 for the newest run, -2 for the one before.

    Exit codes: 0 done, 1 it failed (one line on standard error says why), 2 called wrongly. AGNT5_DEBUG=1 shows
    tracebacks.
    """


for _command in (
    *reading.COMMANDS,
    *replaying.COMMANDS,
    *forking.COMMANDS,
    *comparing.COMMANDS,
    *testing.COMMANDS,
    *writing.COMMANDS,
    *approving.COMMANDS,
    doctor.doctor,
):
    agnt5.add_command(_command)


def run(arguments: Sequence[str] | None) -> int:
    """Run one command; returns its exit code instead of leaving the process."""
    try:
        code = agnt5.main(args=None if arguments is None else list(arguments), prog_name="agnt5", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.UsageError as error:
        where = f" (see `{error.ctx.command_path} --help`)" if error.ctx else ""
        return _say(f"{error.format_message()}{where}", error.exit_code)
    except click.Abort:
        return _say("interrupted", INTERRUPTED)
    except KeyboardInterrupt:
        return _say("interrupted", INTERRUPTED)
    except BrokenPipeError:
        # The reader of a pipe (head, less) has had enough; stdout points away so that the last flush is quiet.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (AGNT5Error, click.ClickException, OSError) as error:
        if os.environ.get("AGNT5_DEBUG"):
            raise
        return _say(error.format_message() if isinstance(error, click.ClickException) else str(error), FAILED)
    except Exception as error:
        if os.environ.get("AGNT5_DEBUG"):
            raise
        return _say(f"{type(error).__name__}: {error} (AGNT5_DEBUG=1 shows where)", FAILED)


def _say(message: str, code: int) -> int:
    print(f"agnt5: {shown(' '.join(message.split()))}", file=sys.stderr)
    return code
