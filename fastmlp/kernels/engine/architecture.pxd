from fastmlp.kernels.engine.parameters cimport Parameters
from fastmlp.kernels.engine.plan cimport Source, Stage, Target


cdef class Architecture(Parameters):
    cdef readonly object loss, input_columns, output_columns
    cdef readonly bint several_inputs, several_outputs
    cdef readonly tuple takes_sparse  # of each input, whether its rows may be sparse
    cdef readonly Py_ssize_t multiply_adds
    cdef bint has_barriers  # in forward; without them a pass is too little work for several threads
    cdef object stage_memory, custom_losses
    cdef Source *sources
    cdef Target *targets
    cdef set_stages(self, described)
    cdef set_edges(self, Stage *stage, described)
    cdef set_outputs(self, described, losses, loss_weights)
    cdef for_outputs(self, name, values)


cdef listed(name, values, Py_ssize_t count, bint several)
