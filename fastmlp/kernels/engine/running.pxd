from fastmlp.kernels.engine.team cimport Team
from fastmlp.kernels.engine.turns cimport Turns
from fastmlp.kernels.engine.workspace cimport Workspace

cdef enum:
    TRAIN
    PREDICT
    EVALUATE
    PREDICT_IN_TRAINING
    DIFFERENTIATE
    DIFFERENTIATE_IN_TRAINING
    RUNS  # so many kinds

cdef enum:
    CHUNK = 128  # rows that evaluate takes at a time, and every thread of predict


cdef class Running(Workspace):
    cdef public Turns turns
    cdef int thread_limit
    cdef Team[RUNS] teams  # what each kind of run has found out about its threads
    cdef run(self, int what, x, y, order, Py_ssize_t batch_size, metric, sample_weight, learning_rates, penalty_scales,
             predictions, input_gradient, output_gradients, asked=*, totals=*, held_out=*, kept=*)
    cdef Py_ssize_t portion(self, Py_ssize_t batch, xs) except -1
    cdef Py_ssize_t most_entries(self, int what, xs, order, Py_ssize_t batch, Py_ssize_t epochs) except -1
    cdef set_source(self, int number, x, gradient)
    cdef bint is_narrow(self, Py_ssize_t number)
    cdef set_target(self, Py_ssize_t number, y, metric, weights, predictions, gradient, order)
