"""The engine: a whole network in compiled form, which trains and predicts without Python between its batches."""

from fastmlp.kernels.engine.network import Network as Network
