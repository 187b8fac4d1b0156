"""The commands' entries, `fastmlp-train` and `fastmlp-predict`, and the exit status with which they end."""

from __future__ import annotations

import argparse
import io
import re
import sys
from collections.abc import Callable, Sequence

from fastmlp.commands import predict as prediction
from fastmlp.commands import train as training
from fastmlp.commands.options import Parser
from fastmlp.commands.output import Failed, deliver, discard, warnings_in_a_line
from fastmlp.commands.signals import Ended, answered


def main(argv: Sequence[str] | None = None) -> None:
    """Run fastmlp-train. An exit status other than 0 (1, 2, 129, 130, 143: see its help) is raised as SystemExit."""
    end_with_status(training.make_parser(), training.run, argv)


def predict(argv: Sequence[str] | None = None) -> None:
    """Run fastmlp-predict; it ends as fastmlp-train does."""
    end_with_status(prediction.make_parser(), prediction.run, argv)


def end_with_status(
    parser: Parser, run: Callable[[argparse.Namespace], str | None], argv: Sequence[str] | None = None
) -> None:
    """Print what `run` returns for the options, if anything, or say on stderr in one line what was wrong."""
    try:
        with answered(), warnings_in_a_line(parser.prog):
            result = run(parser.parse_args(argv))
            if result is not None:
                deliver(result)
    except Failed as error:
        parser.exit(1, f"{parser.prog}: error: {error}\n")
    except BrokenPipeError:  # stderr's, so there is nobody to tell
        discard(2)
        parser.exit(1)
    except (ValueError, OSError) as error:
        parser.error(by_options(parser, str(error)))
    except MemoryError as error:
        parser.error(f"not enough memory: {error}")
    except KeyboardInterrupt as error:
        ended = error if isinstance(error, Ended) else Ended()
        try:
            print(f"{parser.prog}: {ended.word}", file=sys.stderr or io.StringIO(), flush=True)
        except OSError:  # of a terminal that is gone
            discard(2)
        parser.exit(ended.status)


def by_options(parser: Parser, message: str) -> str:
    """Return a message about arguments of functions with the names of the options that gave them."""
    for action in parser._actions:
        if action.option_strings:
            name = rf"\b{action.dest}\b" if "_" in action.dest else rf"^{action.dest}(?=:)"
            message = re.sub(name, action.option_strings[-1], message)
    return message


if __name__ == "__main__":
    main()
