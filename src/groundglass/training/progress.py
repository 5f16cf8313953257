"""The progress bar of a training."""

from __future__ import annotations

from typing import Any

from lightning import Callback
from lightning import Trainer
from rich.console import Console
from rich.progress import BarColumn
from rich.progress import MofNCompleteColumn
from rich.progress import Progress
from rich.progress import ProgressColumn
from rich.progress import TextColumn
from rich.progress import TimeRemainingColumn

from groundglass.prediction.validation import MONITORS
from groundglass.prediction.validation import SHORT
from groundglass.prediction.validation import as_shown


class ProgressLine(Callback):
    """A progress bar over all epochs: loss, the validation score that chooses and the time left, in 80 columns.

    Args:
        console: Where it is shown.
        title: What is trained; a line of its own above the bar.
        monitor: A key of :data:`MONITORS`: the score that is shown.
    """

    def __init__(self, console: Console, title: str, monitor: str) -> None:
        columns: list[ProgressColumn] = [BarColumn(bar_width=16), MofNCompleteColumn()]
        columns += [TextColumn("{task.fields[figures]}"), TimeRemainingColumn(), TextColumn("left")]
        self.progress = Progress(*columns, console=console)
        self.title = title
        self.monitor = monitor
        self.task = self.progress.add_task("", figures="", visible=False)

    def on_train_start(self, trainer: Trainer, pl_module: Any) -> None:
        """Show what is trained, and below it the bar, where the run stands."""
        done = trainer.current_epoch
        self.progress.console.print(self.title, highlight=False)
        self.progress.update(self.task, total=trainer.max_epochs, completed=done, visible=True)
        self.progress.start()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: Any) -> None:
        """Advance."""
        metrics, score = trainer.callback_metrics, f"val_{MONITORS[self.monitor]}"
        figures = [f"loss {float(metrics['train_loss']):.3f}"] if "train_loss" in metrics else []
        if score in metrics:
            figures.append(SHORT[self.monitor].format(as_shown(self.monitor, float(metrics[score]))))
        self.progress.update(self.task, advance=1, figures="  ".join(figures))

    def teardown(self, trainer: Trainer, pl_module: Any, stage: str) -> None:
        """Leave the finished bar on the screen."""
        self.progress.stop()

    def on_exception(self, trainer: Trainer, pl_module: Any, exception: BaseException) -> None:
        """Leave the bar where the run was stopped, and give the cursor back."""
        self.progress.stop()
