"""What training prints, in Keras' format: the progress line of each epoch.

On a terminal the bar moves while the engine trains; elsewhere (a file, a pipe, a notebook) only the finished line of
each epoch is printed, where Keras prints a line for every refresh.
"""

from __future__ import annotations

import _thread
import contextlib
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fastmlp.errors import told

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

BAR_WIDTH = 20
REFRESH_PER_SECOND = 20


def verbosity(verbose: Any) -> int:
    """Return 0, 1 or 2 for fit's `verbose`; "auto" is 1."""
    if isinstance(verbose, str) and verbose == "auto":
        return 1
    if isinstance(verbose, (bool, int)) and verbose in (0, 1, 2):
        return int(verbose)
    raise ValueError(f"verbose: got {told(verbose)}, needs 0 (silent), 1 (bar), 2 (one line) or 'auto'")


class Bar:
    """A bar that draws itself while it is `moving`.

    It does so in a thread, where no signal keeps it from showing the cursor again; and one that was not begun by
    `threading`, whose locks an interrupt may leave held.
    """

    def __init__(self) -> None:
        self.moving = True
        self.pause, self.drawing = _thread.allocate_lock(), _thread.allocate_lock()
        self.pause.acquire()

    def draw(self, console: Console, line: Callable[[], Text]) -> None:
        """Draw the line until the end."""
        from rich.live import Live

        # Other prints stay as they are: replacing sys.stdout would concern all the threads of the process.
        with self.drawing, contextlib.suppress(OSError):  # who prints next is told that the terminal is gone
            if self.moving:
                with Live(
                    get_renderable=line,
                    console=console,
                    auto_refresh=False,
                    transient=True,
                    redirect_stdout=False,
                    redirect_stderr=False,
                ) as live:
                    while self.moving:
                        live.refresh()
                        self.pause.acquire(timeout=1 / REFRESH_PER_SECOND)

    def end(self) -> None:
        """Return when nothing is drawn any more."""
        self.moving = False
        if self.pause.locked():
            self.pause.release()
        with self.drawing:
            pass


class Progress:
    """Prints the line of an epoch, an evaluation or a prediction.

    Parameters
    ----------
    steps : int, optional
        Mini-batches in all; None when that shows at the end.
    verbose : int
        0, 1 or 2 as in `fit`.

    Attributes
    ----------
    bar : Bar
        Of a terminal.
    """

    def __init__(self, steps: int | None, verbose: int):
        self.steps, self.verbose = steps, verbose
        self.console = make_console() if verbose == 1 else None
        self.started = self.trained = time.perf_counter()
        self.bar = Bar()

    def begin(self, done: Callable[[], int] | None = None) -> None:
        """Measure the time from here. On a terminal show a bar that moves with `done`, the steps until now."""
        self.started = time.perf_counter()
        console = self.console
        if console is not None and done and self.steps and console.is_terminal and not console.is_jupyter:
            self.bar = Bar()
            _thread.start_new_thread(self.bar.draw, (console, lambda: self.moving_line(done())))

    def end(self) -> None:
        """Measure the time until here. Nothing moves any more."""
        self.bar.end()
        self.trained = time.perf_counter()

    def moving_line(self, done: int) -> Text:
        """Return the line while training; called by the thread of the bar."""
        assert self.steps is not None
        elapsed, done = time.perf_counter() - self.started, min(done, self.steps)
        per_step = elapsed / done if done else 0.0
        return bar_line(done, self.steps, remaining_time(per_step * (self.steps - done)), per_step, {})

    def finish(self, logs: Mapping[str, Any], done: int | None = None) -> None:
        """Print the finished line, of `done` steps where those are not all of them."""
        elapsed = time.perf_counter() - self.started
        done = self.steps if done is None else done
        steps = self.steps or done
        assert done and steps
        per_step = (self.trained - self.started) / done
        if self.console is not None:
            ascii_only = self.console.options.ascii_only
            line = bar_line(done, steps, f"{elapsed:.0f}s", per_step, logs, "=" if ascii_only else "━")
            self.console.print(line, soft_wrap=True)
        elif self.verbose == 2:
            print(f"{done}/{steps} - {elapsed:.0f}s - {step_time(per_step)}{values(logs)}", flush=True)


def make_console(file: Any = None, width: int | None = None) -> Console:
    """Return a console for a file, by default the standard output of this moment."""
    import sys

    from rich.console import Console

    class LettingErrorsOut(Console):
        """Where nobody reads the pipe any more, rich would end the program; that is not for a library to do."""

        def on_broken_pipe(self) -> None:
            raise  # the BrokenPipeError that is being handled

    return LettingErrorsOut(file=file or sys.stdout, width=width, highlight=False)


def bar_line(done: int, steps: int, clock: str, per_step: float, logs: Mapping[str, Any], character: str = "━") -> Text:
    """Return Keras' line: `469/469 ━━━━━━━━━━━━━━━━━━━━ 2s 4ms/step - accuracy: 0.9250 - loss: 0.2500`."""
    from rich.text import Text

    full = BAR_WIDTH * done // steps
    return Text.assemble(
        (f"{done:{len(str(steps))}d}/{steps}", "bold"),
        " ",
        (character * full, "green"),
        (character * (BAR_WIDTH - full), "white"),
        " ",
        (clock, "bold"),
        f" {step_time(per_step)}{values(logs)}",
    )


def remaining_time(seconds: float) -> str:
    """Return an estimate of the time left as Keras writes it: "5s", "1:05", "1:00:05"."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02d}:{rest:02d}"
    return f"{minutes}:{rest:02d}" if minutes else f"{rest}s"


def step_time(seconds: float) -> str:
    """Return the time of a step as Keras writes it: "2s/step", "4ms/step", "12us/step"."""
    if seconds >= 1.0 or seconds == 0.0:
        return f"{seconds:.0f}s/step"
    return f"{seconds * 1e3:.0f}ms/step" if seconds >= 1e-3 else f"{seconds * 1e6:.0f}us/step"


def values(logs: Mapping[str, Any]) -> str:
    """Return " - name: value" for each entry, of an array its mean; small values in scientific notation."""
    means = {name: float(np.mean(value)) for name, value in logs.items()}
    return "".join(f" - {name}: {value:.4{'e' if abs(value) <= 1e-3 else 'f'}}" for name, value in means.items())
