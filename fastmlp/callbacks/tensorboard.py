"""TensorBoard: event files in Keras' layout, written by tensorboardX."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from fastmlp.callbacks.base import Callback, Logs
from fastmlp.settings import boolean, file_path, integer, is_among, only


class NamedModel(Protocol):
    """What TensorBoard asks of the model besides what every callback may."""

    name: str

    @property
    def layers(self) -> list[Any]: ...
    @property
    def dtype(self) -> str: ...
    @property
    def weight_names(self) -> dict[str, Any]: ...
    @property
    def network(self) -> Any: ...


class TensorBoard(Callback):
    """Writes results, and histograms of the weights, for `tensorboard --logdir`; needs the extra `[tensorboard]`.

    `<log_dir>/train` has `epoch_loss`, `epoch_<metric>` and `epoch_learning_rate` by epoch, `<log_dir>/validation` the
    first two of the validation, and `evaluation_<name>_vs_iterations` by the number of updates.

    Parameters
    ----------
    log_dir : path
        Default "logs".
    histogram_freq : int
        Histograms `<model>/<layer>/<weight>/histogram` every so many epochs; default 0, none.
    write_graph : bool
        Whether to write the layers for TensorBoard's graph page ("Keras" there); default True.
    update_freq : "epoch", "batch" or int
        Also write `batch_<name>` after each batch, or every so many batches; that makes training slower.
    write_images, write_steps_per_second : False
    profile_batch, embeddings_freq : 0
    embeddings_metadata : None

    Raises
    ------
    ImportError
        When tensorboardX is not installed.
    """

    needs_sequential = True

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: Any = "epoch",
        profile_batch: Any = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: Any = None,
    ):
        super().__init__()
        self.log_dir = Path(file_path("log_dir", log_dir))
        self.histogram_freq = integer("histogram_freq", histogram_freq, at_least=0)
        self.write_graph = boolean("write_graph", write_graph)
        only("write_images", write_images, (False,), "weights are shown as histograms")
        only("write_steps_per_second", write_steps_per_second, (False,), "fit prints the time of a step")
        only("profile_batch", profile_batch, (0,), "there is no profiler")
        only("embeddings_freq", embeddings_freq, (0,), "there are no embeddings")
        only("embeddings_metadata", embeddings_metadata, (None,), "there are no embeddings")
        self.update_freq = 1 if is_among(update_freq, ("batch",)) else update_freq
        if not is_among(update_freq, ("epoch",)):
            self.update_freq = integer("update_freq", self.update_freq, at_least=1)
            vars(self)["on_train_batch_end"] = self.write_batch  # without it an epoch stays one call of the engine
        self.batches = 0
        self.writers: dict[str, Any] = {}
        writer_class()  # for its error, before any training

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.batches = 0
        if self.write_graph:
            write_layers(self.writer("train"), self.trained_model)

    def get_state(self) -> dict[str, int]:
        return {"batches": self.batches}

    def set_state(self, state: Any) -> None:
        self.batches = state["batches"]

    def write_batch(self, batch: int, logs: Logs | None = None) -> None:
        """Write the means since the start of the epoch, every `update_freq` batches."""
        self.batches += 1
        if self.batches % self.update_freq == 0:
            self.write("train", "batch_{}", logs or {}, self.batches)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = logs or {}
        optimizer: Any = self.trained_model.optimizer
        training = {name: value for name, value in logs.items() if not name.startswith("val_")}
        validation = {name[len("val_") :]: value for name, value in logs.items() if name.startswith("val_")}
        self.write("train", "epoch_{}", {**training, "learning_rate": optimizer.learning_rate}, epoch)
        self.write("validation", "epoch_{}", validation, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            model = self.trained_model
            for name, weight in zip(model.weight_names, model.get_weights(), strict=True):
                self.writer("train").add_histogram(f"{model.name}/{name}/histogram", weight, epoch)
        for writer in self.writers.values():  # so that a running training can be watched
            writer.flush()

    def on_test_end(self, logs: Logs | None = None) -> None:
        self.write("validation", "evaluation_{}_vs_iterations", logs or {}, self.trained_model.network.step)
        if "epochs" not in self.params:  # called by evaluate, after which nothing comes
            self.close()

    def on_train_end(self, logs: Logs | None = None) -> None:
        self.close()

    def write(self, part: str, tag: str, values: Logs, step: int) -> None:
        for name, value in values.items():
            for place, number in enumerate(np.ravel(value)):
                tail = f"_{place}" if np.ndim(value) else ""
                self.writer(part).add_scalar(tag.format(name) + tail, float(number), step)

    def writer(self, part: str) -> Any:
        """Return the writer of "train" or "validation"; its file is made on first use, as in Keras."""
        if part not in self.writers:
            self.writers[part] = writer_class()(str(self.log_dir / part))
        return self.writers[part]

    def close(self) -> None:
        for writer in self.writers.values():
            writer.close()
        self.writers = {}


def writer_class() -> Any:
    """Return tensorboardX's writer, or raise an ImportError that says how to get it."""
    try:
        from tensorboardX import SummaryWriter
    except ImportError as error:
        raise ImportError("TensorBoard: needs tensorboardX: pip install 'fastmlp[tensorboard]'") from error
    return SummaryWriter


def write_layers(writer: Any, model: NamedModel) -> None:
    """Write the layers as Keras does: JSON in a summary "keras", of the plugin "graph_keras_model".

    A chain of operations goes with it: without one, TensorBoard's page opens with an error until one chooses its
    conceptual graph.
    """
    from tensorboardX.proto.event_pb2 import Event
    from tensorboardX.proto.graph_pb2 import GraphDef
    from tensorboardX.proto.summary_pb2 import Summary, SummaryMetadata
    from tensorboardX.proto.tensor_pb2 import TensorProto

    layers = [
        {"class_name": type(layer).__name__, "config": {**layer.get_config(), "dtype": model.dtype}}
        for layer in model.layers
    ]
    content = json.dumps({"class_name": "Sequential", "config": {"name": model.name, "layers": layers}})
    plugin = SummaryMetadata.PluginData(plugin_name="graph_keras_model", content=b"1")
    tensor = TensorProto(dtype="DT_STRING", string_val=[content.encode()])
    value = Summary.Value(tag="keras", metadata=SummaryMetadata(plugin_data=plugin), tensor=tensor)
    writer.file_writer.add_summary(Summary(value=[value]), 0)
    graph = GraphDef()
    before: list[str] = []
    graph.versions.producer = 22
    for layer in model.layers:
        graph.node.add(name=layer.name, op=type(layer).__name__, input=before)
        before = [str(layer.name)]
    writer.file_writer.add_event(Event(graph_def=graph.SerializeToString()))
