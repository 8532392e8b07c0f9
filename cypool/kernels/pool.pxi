# The arithmetic of cypool: a pooling is a monoid over windows.
#
# One source, compiled once per instruction set (see baseline.pyx).  Every kind of pooling is an
# identity, an associative combine and a finish; the loops know nothing else of it:
#
#   1. the input rows of each output row's window are folded element by element into a scratch row
#      ("vertical": whole contiguous rows, so it vectorises for every dtype and kind);
#   2. the scratch rows are folded along the last pooled axis ("horizontal": either the rows slid
#      over themselves, or each long run of taps reduced);
#   3. the accumulators are finished (divided, rounded) into the output.
#
# The driver moves bytes and calls typed row operations through pointers, so that it exists once;
# the row operations, in `rows` and `at_once`, are small fused functions.  What is left here is the
# boundary: a plan, checked and run.

include "types.pxi"
include "rows/halves.pxi"
include "rows/maps.pxi"
include "rows/monoids.pxi"
include "rows/fetching.pxi"
include "rows/folds.pxi"
include "rows/pairs.pxi"
include "rows/joins.pxi"
include "rows/runs.pxi"
include "rows/mapped_finishes.pxi"
include "rows/finishes.pxi"
include "rows/exact.pxi"
include "rows/moves.pxi"
include "at_once/floats.pxi"
include "at_once/doubles.pxi"
include "at_once/runs.pxi"
include "at_once/halves.pxi"
include "at_once/sums.pxi"
include "at_once/weighed.pxi"
include "at_once/shared.pxi"
include "at_once/spread.pxi"
include "at_once/norms.pxi"
include "at_once/integers.pxi"
include "at_once/first.pxi"
include "at_once/choice.pxi"
include "rows/table.pxi"
include "driver/windows.pxi"
include "driver/items.pxi"
include "driver/shares.pxi"
include "driver/vertical.pxi"
include "driver/horizontal.pxi"
include "driver/overlaps.pxi"
include "driver/gather.pxi"
include "driver/doubts.pxi"
include "driver/finish.pxi"
include "driver/pooling.pxi"
include "driver/planning.pxi"


cdef Axis axis_from(object numbers):
    cdef Axis axis
    (axis.n, axis.out, axis.k, axis.s, axis.d, axis.before, axis.counted, axis.xs, axis.os,
     axis.step, axis.spacing, axis.turned_k, axis.turned_s, axis.turned_d,
     axis.turned_inverse) = numbers
    return axis


cdef enum:
    MAX_DIMS = 64       # NumPy's own limit

# The shape and the strides that an array is planned to have.
cdef struct Layout:
    int ndim
    Py_ssize_t shape[MAX_DIMS]
    Py_ssize_t strides[MAX_DIMS]


cdef Layout layout_from(tuple shape, tuple strides):
    cdef Layout layout
    cdef int i
    layout.ndim = len(shape)
    for i in range(layout.ndim):
        layout.shape[i] = shape[i]
        layout.strides[i] = strides[i]
    return layout


cdef bint matches(const Py_buffer* view, const Layout* layout, Py_ssize_t itemsize) noexcept:
    """Whether a buffer has the shape and, where they matter, the strides that are planned."""
    cdef int i
    if view.ndim != layout.ndim or view.itemsize != itemsize:
        return False
    for i in range(view.ndim):
        if view.shape[i] != layout.shape[i]:
            return False
        if view.shape[i] > 1 and view.strides[i] != layout.strides[i]:
            return False
    return True


cdef bint overlap(const Py_buffer* a, const Py_buffer* b) noexcept:
    """Whether two buffers may share memory: whether their extents do."""
    cdef const char* low[2]
    cdef const char* high[2]
    cdef const Py_buffer* view
    cdef Py_ssize_t reach
    cdef int i, j
    for j in range(2):
        view = b if j else a
        low[j] = <const char*> view.buf
        high[j] = low[j] + view.itemsize
        for i in range(view.ndim):
            reach = (view.shape[i] - 1) * view.strides[i]
            if reach < 0:
                low[j] += reach
            else:
                high[j] += reach
    return low[0] < high[1] and low[1] < high[0]


cdef class Plan:
    """All that is known of a pooling before the data: made once, run often."""

    cdef Pool pool
    cdef Pool sure
    cdef Layout x_layout
    cdef Layout out_layout

    def __init__(
        self, int kind, int elem, int mapping, int acc, int out, *, tuple x_shape, tuple x_strides,
        tuple out_shape, tuple out_strides, list outer, row, lane, inner, bint swap,
        bint averages, double divisor, double terms, double depth, double patience, bint wraps,
        bint least, bint omits, bint scans, bint checks, int form, int margin, bint leading,
        bint reduces, bint slides, bint lifts, bint joins, bint bare, bint pairs, Py_ssize_t tile,
        Py_ssize_t lanes, Py_ssize_t stack, Py_ssize_t taps, Py_ssize_t pitch, Py_ssize_t room,
        Py_ssize_t block, Py_ssize_t strip, Py_ssize_t parts, bint parts_rows, object beside,
        list shared, list wholes, bint large,
    ):
        cdef Pool* p = &self.pool
        cdef Py_ssize_t i
        cdef int lifted
        memset(p, 0, sizeof(Pool))
        if (not choose_rows(elem, mapping, kind, acc, out, &lifted, &p.rows)
                or (pairs and p.rows.pairs == NULL)):
            raise ValueError(f"no kernel for kind {kind}, types {elem}, {acc}, {out}")
        if beside is not None:
            p.beside_size = size_of(beside)
            if not choose_beside(beside, mapping, acc, out, &p.rows):
                raise ValueError(f"no kernel for types {elem} and {beside}, {acc}, {out}")
        if not scans:
            p.rows.scan = NULL
        if len(outer) > MAX_OUTER:
            raise ValueError(f"{len(outer)} outer axes; at most {MAX_OUTER} are possible")
        self.x_layout = layout_from(x_shape, x_strides)
        self.out_layout = layout_from(out_shape, out_strides)
        p.nouter = len(outer)
        for i in range(p.nouter):
            p.outer[i] = axis_from(outer[i])
        p.row = axis_from(row)
        p.lane = axis_from(lane)
        if len(shared) > MAX_OUTER or bool(shared) != (mapping == MAP_SHARE):
            raise ValueError(f"{len(shared)} axes are shared out by mapping {mapping}")
        p.nshared = len(shared)
        p.mapping.divides = not wholes
        p.row_shared = p.lane_shared = -1
        for i in range(p.nshared):
            p.shared[i] = axis_from(shared[i])
            p.wholes[i] = wholes[i] if wholes else 0.0
            if p.shared[i].step == p.row.step:
                p.row_shared = <int> i
            if p.shared[i].step == p.lane.step:
                p.lane_shared = <int> i
        p.inner, p.inner_xs, p.inner_os, p.mapping.inner_step = inner
        p.mapping.step = p.lane.step
        p.mapping.flip = -1 if least else 0
        # The ends of the range of ranks are kept for NaN and, below all, for windows of nothing.
        p.mapping.nan = <int64_t> ((<uint64_t> 1 << (8 * size_of(elem) - 1)) - 1)
        if omits:
            p.mapping.nan = -p.mapping.nan
        p.mapping.exponent = divisor
        p.roots = mapping == MAP_POWER or mapping == MAP_SQUARE
        p.omits = omits
        p.repeats = kind != SUM
        p.x_size = size_of(elem)
        p.size = size_of(lifted)
        p.out_size = size_of(out)
        p.stage = mover(p.x_size)
        p.scatter = mover(p.out_size)
        p.swap = swap
        p.averages = averages
        p.divisor = divisor
        p.terms = terms
        p.depth = depth
        p.patience = patience
        p.leading = leading
        p.reduces = reduces
        # Runs of Twins are vectors, which rows of them are only in part.
        p.share = taps + 1 if p.rows.twins and not omits and p.inner == 1 else LONG_SHARE
        p.ranges = (p.rows.twins and lifted == DOUBLE and not omits and reduces
                    and taps < p.lane.k)
        p.by_row = reduces or tile == 1 or p.lane.spacing != REGULAR
        p.slides = slides
        p.lifts = lifts
        p.joins = joins
        p.bare = bare
        p.pairs = pairs
        p.tile = tile
        p.lanes = lanes
        p.stack = stack
        p.taps = taps
        p.pitch = pitch
        p.block = block
        p.strip = strip
        p.parts = parts
        p.parts_rows = parts_rows
        p.unit = p.inner if p.inner * p.rows.size in (1, 2, 4, 8, 16) else 1
        # Elements may be aligned for themselves only, and the sums of a row read where it lies
        # are sums of elements, so that one fold has to do.
        p.direct = p.unit == 1 and (p.rows.finish == NULL or reduces or p.lane.s > 1 or taps <= 3)
        p.unpadded = (
            p.lane.spacing == REGULAR and p.lane.before <= 0 and not (lifts or joins)
            and p.lane.out == lanes and p.lane.k == taps
            and (lanes - 1) * p.lane.s - p.lane.before + (taps - 1) * p.lane.d < p.lane.n)
        p.spreads = p.lane.spacing == TRANSPOSED and p.lane.turned_d == 1 and taps >= p.lane.k
        set_ending(p, elem, acc, out, wraps, least, margin)
        see_layout(p, x_shape, x_strides)
        if form != FORM_NONE and p.plain:
            choose_way(p, elem, mapping, acc, form)
        if p.rows.beside != NULL and not p.plain:
            raise ValueError("the output is not contiguous")
        count_items(p)
        if large:
            choose_fetches(p)
        lay_out_scratch(p, room)
        if checks and p.rows.numbers != NULL:
            self.sure = self.pool
            choose_numbers(lifted, kind == MIN, &self.sure.rows)
            p.sure = &self.sure

    def run(self, x, out, indices, int threads, beside=None):
        """Pool x into out: two arrays of exactly the shapes and strides planned for.

        `indices`, if not None, is an array of int64 with the layout of out; so is `beside`, of the
        type planned for.  False, with nothing done, if `out` is laid out otherwise or may share
        memory with x or `beside`; None if too many sums have to be added up again.
        """
        cdef const Pool* p = &self.pool
        cdef Call call
        cdef Py_buffer x_view, out_view
        cdef char[::1] index_view
        cdef const char[::1] beside_view
        cdef Py_ssize_t i, units = p.items * p.parts
        cdef char* memory = NULL
        cdef char* scratch
        cdef char* results
        cdef Memory* own
        cdef double mended = 0.0
        cdef fenv_t environment
        PyObject_GetBuffer(x, &x_view, PyBUF_STRIDES)
        try:
            PyObject_GetBuffer(out, &out_view, PyBUF_STRIDES | PyBUF_WRITABLE)
            try:
                if not matches(&x_view, &self.x_layout, p.x_size):
                    raise ValueError("x is not laid out as planned")
                if (not matches(&out_view, &self.out_layout, p.out_size)
                        or <uintptr_t> out_view.buf % p.out_size != 0
                        or overlap(&x_view, &out_view)):
                    return False
                call.beside = NULL
                if p.rows.beside != NULL:
                    # C-contiguous, as out has to be here.
                    beside_view = beside.reshape(-1).view("b")
                    if beside_view.shape[0] * p.out_size != out_view.len * p.beside_size:
                        raise ValueError("what lies beside out is not laid out as planned")
                    call.beside = &beside_view[0]
                    if (call.beside < <const char*> out_view.buf + out_view.len
                            and <const char*> out_view.buf < call.beside + beside_view.shape[0]):
                        return False
                if threads > units:
                    threads = <int> units
                call.x = <const char*> x_view.buf
                call.out = <char*> out_view.buf
                call.tangled = p.tangled or <uintptr_t> call.x % p.x_size != 0
                call.staged = call.tangled or p.rows.map != NULL
                call.end = NULL if call.staged or p.extent == 0 else call.x + p.extent
                call.indices = NULL
                if indices is not None:
                    # C-contiguous, as out has to be here.
                    index_view = indices.reshape(-1).view("b")
                    if (p.rows.indices == NULL
                            or index_view.shape[0] * p.out_size != out_view.len * 8):
                        raise ValueError("the indices are not laid out as planned")
                    call.indices = &index_view[0]
                memory = <char*> malloc(
                    64 + threads * p.scratch_bytes
                    + (units * (p.result_bytes + sizeof(Range)) if p.parts > 1 else 0))
                if memory == NULL:
                    raise MemoryError("no memory for the scratch rows")
                scratch = memory + (64 - <uintptr_t> memory % 64)
                results = scratch + threads * p.scratch_bytes
                for i in range(threads):
                    # No lane is -1, and no count the NaN of these bits.
                    memset(scratch + i * p.scratch_bytes + p.at_memory, -1,
                           p.scratch_bytes - p.at_memory)
                    own = <Memory*> (scratch + i * p.scratch_bytes + p.at_memory)
                    own.wary = False
                    own.detours = 0
                    own.last_detours = 0
                    own.mended = 0.0
                    # Around rows are cells that are summed, though never used.
                    memset(scratch + i * p.scratch_bytes, 0,
                           p.block_bytes if p.bare or (p.unpadded and not p.reduces) else 0)
                call.held = units > 1 and p.rows.scan != NULL
                if call.held:
                    feholdexcept(&environment)
                if threads == 1 and p.parts == 1:
                    with nogil:
                        for i in range(units):
                            pool_item(p, &call, i, scratch)
                elif p.parts == 1:
                    for i in prange(units, nogil=True, num_threads=threads, schedule="static"):
                        pool_item(p, &call, i, scratch + threadid() * p.scratch_bytes)
                else:
                    for i in prange(units, nogil=True, num_threads=threads, schedule="static"):
                        pool_part(p, &call, i, scratch + threadid() * p.scratch_bytes, results)
                    with nogil:
                        for i in range(p.items):
                            join_parts(p, &call, i, scratch, results)
                if call.held:
                    fesetenv(&environment)
                for i in range(threads):
                    own = <Memory*> (scratch + i * p.scratch_bytes + p.at_memory)
                    mended += own.mended    # the same over all, however many threads there are
            finally:
                free(memory)
                PyBuffer_Release(&out_view)
        finally:
            PyBuffer_Release(&x_view)
        return None if mended > p.patience else True


def openmp():
    """Whether the kernels were compiled with OpenMP."""
    return bool(cypool_openmp)


def max_threads():
    """How many threads OpenMP would use by itself (1 without OpenMP)."""
    return cypool_max_threads()
