"""Keras on TensorFlow: compile and fit. The rows are put in order beforehand, else fit draws an order of its own."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import numpy as np
import tensorflow as tf

version = f"{keras.__version__} on TensorFlow {tf.__version__}"

OPTIMIZERS = {"sgd": keras.optimizers.SGD, "rmsprop": keras.optimizers.RMSprop, "adam": keras.optimizers.Adam}


class Trainer:
    def __init__(self, job):
        self.job, self.model = job, network(job)
        self.x, self.y = job.x_train[job.order], job.y_train[job.order]
        settings = dict(job.settings.optimizer)
        optimizer = OPTIMIZERS[settings.pop("name")](**settings)
        optimizer.build(self.model.trainable_variables)
        self.model.compile(optimizer, "sparse_categorical_crossentropy")
        self.start = [(variable, variable.numpy()) for variable in optimizer.variables]

    def reset(self):
        self.model.set_weights(self.job.weights)
        for variable, value in self.start:  # a new optimizer would be compiled anew
            variable.assign(value)

    def train(self):
        self.model.fit(self.x, self.y, batch_size=self.job.settings.batch_size, shuffle=False, verbose=0)

    def predict(self, x):
        return self.model.predict_on_batch(x)


class Predictor:
    def __init__(self, job):
        self.predict = network(job).predict_on_batch  # faster than model(x, training=False), which is not compiled


def network(job):
    """A Sequential with the initial weights."""
    tf.config.threading.set_intra_op_parallelism_threads(job.settings.threads)
    inputs, *hidden, classes = job.settings.widths
    dense = [keras.layers.Dense(units, activation="relu") for units in hidden]
    model = keras.Sequential([keras.Input((inputs,)), *dense, keras.layers.Dense(classes, activation="softmax")])
    model.set_weights([np.asarray(array) for array in job.weights])
    return model
