"""What the engine runs: a network as plain C structs, so that no Python object is needed while it trains.

Every matrix, of the batch, of each stage's outputs and gradients, and of the weights, lies in panels (c/kernels.h): any
of them is an operand of a product as it is.

The oracle's names, in reference/network.py, and the engine's:

    forward         propagate.forward
    row_losses      objective.compare
    backprop        propagate.backward
    update          weights.apply, on the way of backward; weights.update_clipped where gradients are clipped
    train_epoch     epoch.train
"""

from cython cimport floating
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

from fastmlp.kernels.activations cimport Settings
from fastmlp.kernels.isa cimport Barrier, Counter, Flag, Isa, Optimizer, blocks, panel_columns, partition, thread_count
from fastmlp.kernels.isa cimport thread_number
from fastmlp.kernels.engine.team cimport Team
from fastmlp.kernels.row_losses cimport Loss

cdef enum:  # beside LossKind and MetricKind
    NO_LOSS = -1
    CUSTOM_LOSS = -2  # a Python callable
    NO_METRIC = -1


# Rows of a batch, in panels; offsets and strides count elements.
cdef struct Matrix:
    void *data
    Py_ssize_t stride       # from one panel to the next
    Py_ssize_t columns


# The numbers of a matrix that are not 0, in lists for pairs of its rows, or of its columns; see c/nonzero.h.
cdef struct Lists:
    Py_ssize_t capacity     # of one list
    int32_t *counts         # [lists]; NOT_LISTED in the first one of a block or panel that is used as it is
    uint32_t *index         # [lists][capacity]
    void *values            # [lists][capacity][2]

cdef enum:
    NOT_LISTED = -1
    NO_ROW = -1
    POOL = 70               # the most rows among which pairs are sought


# Rows that are given as their numbers that are not 0 with their columns, which increase in each row.
cdef struct SparseRows:
    const uint32_t *index   # of columns; NULL where rows are given whole
    const void *values
    int64_t *starts         # for each row of the batch where its numbers start
    int64_t *ends           # and end


# The same numbers sorted by their columns, those of a column by their rows in the batch; and room to sort them.
cdef struct SparseColumns:
    uint32_t *columns[2]
    uint32_t *rows[2]
    void *values[2]


# An array of weights: panels without gaps in its block; a vector is one row. What is said of rows and columns is about
# what is stored, which may be the transpose.
cdef struct Parameter:
    void *data
    Flag *finite            # raised while all numbers are; of all networks that have the array
    Py_ssize_t start        # of what belongs to it, in each slot and among the gradients
    Py_ssize_t rows
    Py_ssize_t columns
    bint transposed
    bint is_vector
    bint trained
    bint reached            # by the gradient of a loss
    double l1               # what the sum of its absolute values
    double l2               # and that of its squares add to the loss
    bint undecayed          # without weight decay
    bint non_negative
    double min_norm         # of what norm_axis says
    double max_norm         # 0: any
    double norm_rate        # how far norms are moved there
    int norm_axis


# Along what norms are taken; a vector is taken as a whole.
cdef enum:
    COLUMNS
    ROWS
    WHOLE


# What a stage reads, and where the gradient of that goes. A value that is read several times has as many gradients:
# the first that backward comes to is written where they are gathered, each later one beside it and then added.
cdef struct Edge:
    int source              # the number of the stage that is read
    const Matrix *input     # its output
    const Matrix *gradient  # where the gradient is written
    bint adds               # to those of other readers
    bint completes          # is the last to be added
    Stage *epilogue         # the dense stage through whose activation the written gradient is to be taken, or NULL


# Which use of its weights a stage is, in the order of backward, where stages share them.
cdef enum Use:
    ONLY
    FIRST
    BETWEEN
    LAST


# For what the gradient of a stage's output is wanted.
cdef enum:
    FOR_WEIGHTS = 1
    FOR_INPUTS = 2


cdef struct Stage:
    int kind                # of description.StageKind
    int activation
    Settings settings       # of the activation
    int place               # in the list the network was made from; dropout draws its masks by it
    Edge *edges
    int edge_count
    const Matrix *input     # of the first edge
    Py_ssize_t inputs       # columns of that
    Py_ssize_t outputs
    Py_ssize_t groups       # rows of the output for each row of the batch
    int last_reader         # the last in the order of backward; `depth` where only losses read the output
    bint reached            # whether a loss depends on it
    bint gathers            # several gradients of its output
    bint apart              # no loss depends on the output, which is penalized
    int wanted              # for what
    bint trained            # its weights
    Use use
    const Parameter *kernel
    const Parameter *bias   # as all these NULL where there is none
    const Parameter *gamma
    const Parameter *beta
    const Parameter *mean
    const Parameter *variance
    const Parameter *embeddings
    const Parameter *alpha
    bint frozen             # normalizes by the moving statistics, which stay, in training too
    double l1
    double l2
    double rate             # of dropout
    double stddev           # of noise
    double epsilon
    double momentum
    uint64_t seed
    double scale
    double offset
    SparseRows sparse       # of an input, in place of the output
    SparseColumns entries   # of the input, where that is sparse
    Matrix output
    Matrix gradient         # of the loss with respect to the output, of a dense stage before its activation
    Matrix addend           # a further gradient, where several are gathered
    Lists by_columns        # of the input
    void *statistics        # of a normalization: of columns four vectors a panel, of rows a mean and a deviation each
    void *table_gradient    # of an embedding


# An output of the network, with its loss.
cdef struct Output:
    int stage               # that gives it
    int top                 # where the gradient starts: there, or where fused at the stage before
    Py_ssize_t columns
    Loss loss
    double loss_weight
    bint fused              # the loss reads the input of the last activation
    bint sums               # the loss of a batch is the sum over its rows, not the mean
    bint adds               # the gradient, to those of other outputs
    bint completes
    void *losses            # [rows]
    double *metrics         # [rows]
    void *custom_predictions    # [rows, columns], for a custom loss
    void *custom_gradient   # [rows, columns], what it gives back
    double loss_total
    double metric_total


cdef struct Plan:
    const Isa *isa
    Stage *stages           # the inputs first
    int input_count
    int depth               # the number of stages
    Output *outputs
    int output_count
    bint has_loss           # else the gradients of the outputs are given
    Parameter *weights
    int weight_count
    bint unreached          # weights that are to be trained are
    bint penalized
    bint active             # stages penalize their outputs
    bint constrained
    bint skip_zeros
    bint checks_finite      # and does not skip those that meet what is not finite
    Py_ssize_t few_inputs   # of a stage, whose zeros are not looked for
    Py_ssize_t cache_size   # of the first level, in bytes
    Py_ssize_t large_cache_size  # of the second level; see portion in running.pyx
    Py_ssize_t portion_rows  # of a batch, that go through all stages before the next ones; 0: all of them
    double clipnorm         # the largest norm of a gradient, or 0
    double global_clipnorm  # the largest norm of all of them together, or 0
    long long accumulation_steps    # each of so many changes the weights, by the mean of their gradients; 0: each one
    int accumulation_slot   # with the sum of those before
    Optimizer optimizer
    Counter step            # updates done; a counter, as others may ask for it during a run
    # memory
    Py_ssize_t region_size  # elements of a slot of the optimizer, of which there is one for each trained weight
    void *slots             # [slots][region_size]
    void *gradients         # [region_size], where gradients are kept instead of used, or NULL
    Lists by_rows           # of the input of the stage whose forward product is being computed
    int32_t *pairs          # [lists][2], the rows of each list; NO_ROW twice where there is none, once for a row alone
    int32_t *starts         # [lists][words + 1], of each 64 columns in each list, and its end
    Py_ssize_t words
    void *scratch           # for each thread: a tile or two squares of panels, then memory for rows and panels
    Py_ssize_t scratch_size
    Py_ssize_t tile_size
    void *losses            # [rows], of all outputs; those of the only one, where that is the same
    void *activity          # [rows], penalties of outputs
    void *sums              # of each column of the weights, or of their gradients
    # the run
    Team *team              # of this kind of run
    Barrier barrier
    Counter steps_done      # others may ask for it meanwhile, too
    Counter steps_finite    # until the loss of one, or a weight after it, was not
    Counter last_step       # of the run, counted from 1; no step after it, so that all threads stop at the same one
    double loss_total
    double penalty
    Counter chunks          # of rows that threads have taken to predict
    Py_ssize_t next_row     # to evaluate
    bint regrouped          # all threads leave, and come back more or fewer, to evaluate the other rows
    Flag stopped            # all threads leave, as an exception waits to be raised
    Counter *waiting        # threads of Python, for this run to let them go first between two steps; or NULL
    long long left          # when the first thread has left the loop over the batches
    void *exception         # the Python object, or NULL
    long long looked        # when signals were looked for, in milliseconds


# What is given for an input.
cdef struct Source:
    const void *x           # [rows, columns] of the type
    int x_type
    const int64_t *starts   # [rows + 1], of each row in x, where that has only the numbers that are not 0; else NULL
    const uint32_t *index   # and the columns of these numbers
    void *gradient          # [rows, columns], for the gradient by x, or NULL


# What is given for an output.
cdef struct Target:
    const void *y           # [rows, columns], or NULL
    const int *labels       # [rows], or NULL
    const void *weights     # [rows], what their losses are multiplied by, or NULL
    const void *gradient    # [rows, columns], where that is given in place of a loss, or NULL: 0
    void *predictions       # [rows, columns], to be filled, or NULL
    Py_ssize_t next_epoch   # bytes from the predictions of an epoch to those of the next; 0 where they have one place
    int metric
    void *custom_loss       # the Python object that is called for each batch where the loss is CUSTOM_LOSS


cdef struct Data:
    const Source *sources
    const Target *targets
    const double *learning_rates    # [steps], or NULL: the optimizer's
    const double *penalty_scales    # [steps], or NULL: 1
    bint training           # whether gradients are those of a step of training
    bint by_inputs          # whether gradients by inputs are wanted
    void *asked             # the Python object that gives the outputs' gradients when it has the outputs, or NULL
    const int64_t *order    # the rows in the order they are visited, epoch by epoch, or NULL: as they are
    Py_ssize_t rows         # of an epoch
    Py_ssize_t epochs
    double *totals          # [epochs][2 + 2 * outputs], to be filled: 1 when the epoch is done, then its; or NULL
    const Data *held_out    # rows that are predicted after each epoch, or NULL
    void *weights           # [epochs][numbers of all arrays as they are packed], to be filled after each epoch; or NULL


cdef inline Py_ssize_t row_number(const Data *data, Py_ssize_t i) noexcept nogil:
    return data.order[i] if data.order != NULL else i


# How many rows before its turn a row is fetched: about what comes from memory while it takes to answer.
cdef inline Py_ssize_t rows_ahead(Py_ssize_t row_size) noexcept nogil:
    return 2 + 1024 // row_size


# What a pass through the stages is for.
cdef struct Pass:
    bint gradients          # backward follows forward
    bint training           # with dropout, and the statistics of the batch
    uint64_t step           # which dropout draws its masks by
    int wanted              # what gradients are for
    bint penalized          # with penalties of weights and of outputs
    double penalty_scale
    bint updates            # whether the step changes the weights, and does not only add to the sums of gradients
    int portion             # of the batch, of enum Portion: gradients are summed in their region until the last one
    Py_ssize_t first_row    # of the portion in the batch
    Py_ssize_t rows         # of the batch, over which losses are averaged
    Optimizer optimizer


# Rows of the batch, the threads that partition them, and this thread with its own rows.
cdef struct Part:
    int thread
    int threads
    Py_ssize_t first
    Py_ssize_t last         # exclusive, as all that follow
    Py_ssize_t blocks       # tiles that cover the rows, of nearly equal heights
    Py_ssize_t own_first
    Py_ssize_t own_last
    Py_ssize_t first_block  # of all rows, where lists are concerned
    int memory              # whose memory for products and rows this thread uses


# All threads partition the rows up to `rows`.
cdef inline Part part_of(const Plan *plan, Py_ssize_t rows) noexcept nogil:
    cdef Part part
    part.thread = thread_number()
    part.threads = thread_count()
    part.first = 0
    part.last = rows
    part.blocks = blocks(rows, plan.isa.tile_rows)
    part.own_first = block_row(&part, partition(part.blocks, part.thread, part.threads))
    part.own_last = block_row(&part, partition(part.blocks, part.thread + 1, part.threads))
    part.first_block = 0
    part.memory = part.thread
    return part


# Thread number `thread` has the rows from `first` to `last` for itself.
cdef inline Part part_alone(const Plan *plan, int thread, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    cdef Part part
    part.thread = 0
    part.threads = 1
    part.first = part.own_first = first
    part.last = part.own_last = last
    part.blocks = blocks(last - first, plan.isa.tile_rows)
    part.first_block = blocks(first, plan.isa.tile_rows) + thread
    part.memory = thread
    return part


# The same threads and rows, where each row of the batch has become `groups` rows.
cdef inline Part grouped(const Plan *plan, const Part *whole, Py_ssize_t groups) noexcept nogil:
    cdef Part part = whole[0]
    if groups == 1:
        return part
    part.first = whole.first * groups
    part.last = whole.last * groups
    part.blocks = blocks(part.last - part.first, plan.isa.tile_rows)
    part.own_first = block_row(&part, partition(part.blocks, part.thread, part.threads))
    part.own_last = block_row(&part, partition(part.blocks, part.thread + 1, part.threads))
    if part.threads == 1:
        part.first_block = blocks(part.first, plan.isa.tile_rows) + part.memory
    return part


cdef inline Py_ssize_t block_row(const Part *part, Py_ssize_t block) noexcept nogil:
    """The first row of a block."""
    return part.first + partition(part.last - part.first, block, part.blocks)


cdef inline int vectors_of(Py_ssize_t columns, Py_ssize_t panel, Py_ssize_t count, int width) noexcept nogil:
    """The vectors that hold the used columns of `count` panels from one on: two each, or one in the last of all."""
    return <int> (2 * count - (2 * (columns - (panel + count - 1) * width) <= width))


cdef inline floating *element(const Matrix *matrix, Py_ssize_t row, Py_ssize_t panel, int width,
                              const floating *tag) noexcept nogil:
    """The first element of a row in a panel."""
    return <floating *> matrix.data + panel * matrix.stride + row * width


cdef inline floating *kernel_of(const Plan *plan, const Stage *stage, Py_ssize_t panel,
                                const floating *tag) noexcept nogil:
    """A panel of the kernel."""
    return <floating *> stage.kernel.data + panel * panel_columns(plan.isa, tag) * stage.inputs


cdef inline const floating *bias_of(const Plan *plan, const Stage *stage, Py_ssize_t panel,
                                    const floating *tag) noexcept nogil:
    if stage.bias == NULL:
        return NULL
    return <const floating *> stage.bias.data + panel * panel_columns(plan.isa, tag)


cdef inline const SparseRows *sparse_input(const Plan *plan, const Stage *stage) noexcept nogil:
    """The rows that a stage reads where they are given as lists of their numbers that are not 0; else NULL."""
    cdef const SparseRows *rows = &plan.stages[stage.edges[0].source].sparse
    return rows if rows.index != NULL else NULL


cdef inline bint wants_input(const Plan *plan, const Edge *edge, const Pass *run) noexcept nogil:
    """Whether the gradient of what is read there is wanted."""
    cdef const Stage *source = &plan.stages[edge.source]
    return source.wanted & run.wanted != 0 and source.sparse.index == NULL


cdef inline floating *tile_of(const Plan *plan, const Part *part, const floating *tag) noexcept nogil:
    """This thread's own memory for a product."""
    return <floating *> plan.scratch + part.memory * plan.scratch_size


cdef inline floating *memory_of(const Plan *plan, const Part *part, const floating *tag) noexcept nogil:
    """This thread's own memory for rows side by side, or for a panel of a kernel."""
    return tile_of(plan, part, tag) + plan.tile_size
