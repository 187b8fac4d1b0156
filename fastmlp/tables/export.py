"""Files that predict from rows of a table elsewhere, by how their names end."""

from __future__ import annotations

import os

from fastmlp.models import formats
from fastmlp.tables import c_source, onnx
from fastmlp.tables.predictor import Predictor


def export(predictor: Predictor, filepath: str | os.PathLike[str], format: str | None) -> None:
    """Write such a file, whole or not at all; arguments and errors as of `Model.export`."""
    path, kind = formats.export_kind(filepath, format)
    (onnx.export if kind == "onnx" else c_source.export)(predictor, path)
