"""What the engine runs: a network as plain C structs, so that no Python object is needed while it trains.

Offsets and strides count elements. Kernels are stored as the packed right operand of the forward product,
[panels][inputs][tile_columns]; nothing reads the unused columns of the last panel.
"""

from cython cimport floating
from libc.stdint cimport int64_t, uint64_t

from fastmlp.kernels.isa cimport Barrier, Isa, Optimizer, blocks, share, thread_count, thread_number, tile_rows

cdef enum:
    DENSE
    ACTIVATION
    DROPOUT
    RESCALING

cdef enum:
    NO_LOSS = -1

cdef enum:
    NO_METRIC
    BINARY_ACCURACY
    CATEGORICAL_ACCURACY
    SPARSE_CATEGORICAL_ACCURACY

cdef enum:
    UINT8
    FLOAT32
    FLOAT64


cdef struct Layer:
    int kind
    int activation
    int number             # place in the list the network was made from; dropout draws its masks by it
    Py_ssize_t inputs
    Py_ssize_t outputs
    Py_ssize_t kernel      # where the kernel starts in the arena
    Py_ssize_t bias        # and the bias, padded like a kernel's row
    bint use_bias
    double l2
    double rate
    uint64_t seed
    double scale
    double offset
    void *output           # [rows, outputs]
    void *gradient         # [rows, outputs], of the loss with respect to the output


cdef struct Plan:
    const Isa *isa
    Layer *layers
    int depth
    int first_dense        # the backward pass ends here
    Py_ssize_t inputs
    Py_ssize_t outputs
    int loss
    bint fused             # the loss reads the input of the last layer, and its gradient starts there
    bint penalized
    Optimizer optimizer
    uint64_t step          # updates done
    # memory
    Py_ssize_t parameters  # elements of one region of the arena: weights, then as many for every optimizer slot
    void *arena
    void *gradients        # a further region, where gradients are kept instead of used, or NULL
    void *batch            # [rows, inputs]
    void *rows_packed      # a layer's input, or dz, in blocks of rows [blocks][depth][tile_rows]
    void *columns_packed   # a layer's input in groups of columns [groups][rows][tile_rows]
    void *panels_packed    # dz in panels [panels][rows][tile_columns]
    void *kernel_packed    # a transposed kernel in panels [panels][outputs][tile_columns]
    void *losses           # [rows]
    void *squares          # sums of squares of each column of the kernels
    double *metrics        # [rows]
    # the epoch
    Barrier barrier
    Py_ssize_t steps_done
    uint64_t last_step     # no step after it; a number, so that all threads stop at the same one
    double loss_total
    double metric_total
    double penalty


cdef struct Data:
    const void *x          # [rows, inputs] of the type x_type
    int x_type
    const void *y          # [rows, outputs], or NULL
    const int *labels      # [rows], or NULL
    const int64_t *order   # the rows in the order they are visited, or NULL: as they are
    Py_ssize_t rows
    int metric


cdef inline Py_ssize_t row_number(const Data *data, Py_ssize_t i) noexcept nogil:
    return data.order[i] if data.order != NULL else i


# One thread's part of a batch.
cdef struct Part:
    int number
    int count
    Py_ssize_t rows         # of the whole batch
    Py_ssize_t first_row    # of this thread
    Py_ssize_t last_row     # exclusive


cdef inline Part part_of(const Plan *plan, Py_ssize_t rows, const floating *kind) noexcept nogil:
    cdef Py_ssize_t height = tile_rows(plan.isa, kind), row_blocks = blocks(rows, height)
    cdef Part part
    part.number = thread_number()
    part.count = thread_count()
    part.rows = rows
    part.first_row = min(rows, share(row_blocks, part.number, part.count) * height)
    part.last_row = min(rows, share(row_blocks, part.number + 1, part.count) * height)
    return part


cdef inline floating *output_of(const Plan *plan, int number, floating *batch) noexcept nogil:
    """The output of a layer; of the layer before the first, the batch."""
    return <floating *> plan.layers[number].output if number >= 0 else batch
