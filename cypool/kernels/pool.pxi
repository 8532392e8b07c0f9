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
# The driver below moves bytes and calls typed row operations through pointers, so that it exists
# once; the row operations, in the files that are included first, are small fused functions.

include "types.pxi"
include "maps.pxi"
include "folds.pxi"
include "finishes.pxi"
include "at_once.pxi"
include "exact.pxi"
include "rows.pxi"


# ---------------------------------------------------------------------------------------------
# The driver: axes, items, tiles
# ---------------------------------------------------------------------------------------------
# An item is a tile of output: `tile` rows by `lanes` positions of one index of the outer axes, or
# where that is little, of a stack of planes: as many indices of the last outer axis, not pooled.
#
#   outer axes   any number, in memory order; their taps are walked by an odometer
#   row axis     the axis just before the lanes: a tile holds some of its outputs
#   lane axis    the last axis in memory, or the last pooled one with `inner` elements per position
#
# An axis that is not pooled is one with k = s = 1.

cdef enum:
    MAX_OUTER = 64
    DETOURS = 15        # items at most, one that is doubtful and others, that are not done at once
    OVERLAPPING = 32    # windows from this size on are made of two that overlap, if they may be
    SLOTS = 3           # the same of rows that are staged tap by tap
    LARGE_INPUT = 1 << 23   # smaller inputs are likely to be in a cache
    LONG_ROWS = 8192    # bytes of a window's rows: longer ones are folded in pieces
    PIECE = 1024        # of so many bytes of all rows together
    LEAD = 8192         # what is fetched lies so many bytes further on, or twice for pieces
    LEAD_ROWS = 65536   # but whole rows of windows, if these are no farther apart
    LEAD_OUT = 2048     # and output that is not written at the end
    MOST_FETCHED = 65536    # bytes of sources that are worth it
    PLANES_FETCHED = 8192   # and of planes; the rows of larger ones are fetched one by one
    ROW_PIECE = 2048    # the same of rows that are not folded with others
    FEW_TAPS = 16       # windows along them have no more
    LONG_SOURCE = 128   # in which rows have so many, where all of a window's lie end to end
    FAR_SOURCE = 1024   # or so many, where windows lie far from each other
    NARROW = 16         # adaptive windows of up to so many cells slide along the lanes
    SHORT_PAIRS = 100   # rows of fewer pairs are finished together
    VECTOR = 32         # bytes that the remainder of a row is worth reaching
    SHORT_ROW = 512     # a row of up to so many bytes is cleared whole, or copied without a call
    LONG_SHARE = 64     # an eighth of a run is folded as a row from this many elements on, mostly
    FACTORS = 2048      # rows are finished together while they have so many elements or less

# How the windows of an axis follow each other.
cdef enum:
    REGULAR = 0
    ADAPTIVE = 1        # they share out the axis: from floor(o n / out) to ceil((o + 1) n / out)
    TRANSPOSED = 2      # they are the regular windows that an input position is in

cdef struct Axis:
    Py_ssize_t n        # input positions
    Py_ssize_t out      # output positions
    Py_ssize_t k        # window size, or the most of them
    Py_ssize_t s        # stride
    Py_ssize_t d        # dilation
    Py_ssize_t before   # padding in front
    Py_ssize_t counted  # padding counts, up to this position; negative: it does not
    Py_ssize_t xs       # stride of the input, bytes
    Py_ssize_t os       # stride of the output, bytes
    Py_ssize_t step     # of the index from a position to the next
    int spacing
    Py_ssize_t turned_k     # size, stride and dilation of the windows that were transposed
    Py_ssize_t turned_s
    Py_ssize_t turned_d

# One window along one axis: its taps first … stop - 1 lie on input positions start + tap * d.
cdef struct Span:
    Py_ssize_t start
    Py_ssize_t first
    Py_ssize_t stop
    Py_ssize_t count

cdef struct Pool:
    Rows rows
    const Pool* sure        # the same for rows that are checked for NaN; may be NULL
    move_f stage            # input elements into a contiguous, aligned, native row
    move_f scatter          # output elements out of a contiguous row
    Axis outer[MAX_OUTER]
    Axis row
    Axis lane
    int nouter
    bint averages           # divide by the window's count
    bint swap               # the input has the other byte order
    bint tangled            # the input's rows are not contiguous native elements
    bint plain              # the output's rows are contiguous
    bint leading            # the lane axis is not pooled: nothing horizontal to do
    bint reduces            # horizontal folds go run by run instead of sliding rows
    Py_ssize_t share        # an eighth of a run is folded as a row if it has so many elements
    bint slides             # strided horizontal folds slide by one, then pick
    bint lifts              # the rows of an item are lifted once and slide over each other
    bint joins              # they are joined of suffixes and prefixes of blocks of rows
    bint direct             # a row without padding may be read where it lies
    bint pairs              # the lane windows are pairs, folded with their rows at once
    bint couples            # they are pairs of cells of several elements, which become output at once
    bint windows            # they are a few cells of doubles, which become output at once
    bint bare               # scratch rows have no padding; the windows it cuts are folded apart
    bint unpadded           # no window needs any, and what is behind rows is in no window
    bint spreads            # lane windows are transposed: each phase of the lanes slides
    bint roots              # sums of powers
    bint omits              # NaNs are left out
    bint fetches_rows       # those that are folded later are brought nearer meanwhile
    bint fetches_planes     # so are the next ones, while an item is worked at
    bint repeats            # an element may be folded into a window twice
    Mapping mapping
    Ending ending
    double divisor          # for all windows, unless they are averages
    double terms            # the most elements a window adds up
    double depth            # the most additions an element goes through
    Py_ssize_t inner        # elements per position of the lane axis
    Py_ssize_t inner_xs
    Py_ssize_t inner_os
    Py_ssize_t unit         # elements that a split moves as one
    Py_ssize_t x_size       # bytes of an input element
    Py_ssize_t extent       # from the first to the end of the last; 0 if they are not in order
    Py_ssize_t size         # bytes of what is lifted, elements or carriers
    Py_ssize_t out_size     # bytes of an output element
    Py_ssize_t beside_size  # bytes of an element of what lies beside the output
    Py_ssize_t tile         # rows per item
    Py_ssize_t lanes        # lane positions per item
    Py_ssize_t stack        # planes per item
    Py_ssize_t plane_rows   # rows of accumulators from a plane to the next
    Py_ssize_t taps         # lane taps per pass
    Py_ssize_t parts        # pieces a window is split into, to share out few large windows
    bint parts_rows         # parts split the row axis's taps (else the passes over lane taps)
    Py_ssize_t pitch        # cells per scratch row, a multiple of the lane stride
    Py_ssize_t res_pitch    # cells per row of results
    Py_ssize_t lane_blocks
    Py_ssize_t row_blocks
    Py_ssize_t items
    Py_ssize_t block_bytes  # the room for a tile's rows
    Py_ssize_t at_joined    # the rows that windows are joined of
    Py_ssize_t at_result    # offsets into a thread's scratch
    Py_ssize_t at_raw       # room for staged rows
    Py_ssize_t staged_rows  # how many there may be
    Py_ssize_t staged_run   # how many rows of windows may take theirs from them
    Py_ssize_t at_native    # a row in the native layout, to be mapped
    Py_ssize_t at_done
    Py_ssize_t at_factors
    Py_ssize_t factors      # how many
    Py_ssize_t at_memory
    Py_ssize_t result_bytes
    Py_ssize_t scratch_bytes

# One call: the arrays, and what is to be done with the rows of this input.
cdef struct Call:
    const char* x
    const char* end         # of the input; NULL if it is staged, or not in order
    char* out
    char* indices
    const char* beside      # what factors are made of; it lies as the output does
    bint tangled            # they are not contiguous native elements
    bint staged             # they are tangled or mapped, and go through scratch
    bint held               # the caller's floating-point environment is kept, to be restored

# What a thread remembers from item to item; behind it, what the rows of factors count.
cdef struct Memory:
    bint wary               # sums of the last item were rounded
    int detours             # so many items are not to be done at once
    int last_detours        # what that began with: it doubles while doubtful items come
    Py_ssize_t lane         # the first lane that the factors are for
    Py_ssize_t row          # and the first row, and how many
    Py_ssize_t rows
    double count            # and what the outer windows count

# Where an item lies.
cdef struct Place:
    Py_ssize_t x_at         # byte offset of the first tap of the outer axes
    Py_ssize_t index        # and its index
    Py_ssize_t out_at
    double count            # product of the outer windows' counts
    bint empty              # an outer window without input
    Py_ssize_t taps[MAX_OUTER]
    Py_ssize_t planes       # how many, from the one at x_at on
    Py_ssize_t row          # first output row, and how many
    Py_ssize_t rows
    Py_ssize_t lane         # first lane, and how many
    Py_ssize_t lanes
    bint at_once            # the item goes straight into the output
    bint doubtful           # and is not to be trusted
    Once once               # how
    bint fetches            # rows are read where they lie, and fetched before
    const char* results     # of the first of the rows that are folded, in the output
    Py_ssize_t results_step     # and from a row's to the next
    bint scans              # the item's elements widen
    Range range_            # this range
    Py_ssize_t seen         # rows before this position are in it already


cdef inline Py_ssize_t clamped(Py_ssize_t x, Py_ssize_t least, Py_ssize_t most) noexcept nogil:
    return least if x < least else (most if x > most else x)


cdef inline Py_ssize_t taps_below(
    const Axis* axis, Py_ssize_t start, Py_ssize_t limit) noexcept nogil:
    """How many of the window's taps lie below `limit`."""
    cdef Py_ssize_t room = limit - start
    if axis.d > 1 and room > 0:
        room = (room + axis.d - 1) // axis.d
    return clamped(room, 0, axis.k)


cdef Span uneven_window(const Axis* axis, Py_ssize_t o) noexcept nogil:
    cdef Span span
    cdef Py_ssize_t at, high, i
    span.first = 0
    if axis.spacing == ADAPTIVE:
        span.start = o * axis.n // axis.out
        span.stop = ((o + 1) * axis.n + axis.out - 1) // axis.out - span.start
    else:
        # The windows q that have o = q * s - before + t * d for some t from 0 to k - 1.
        at = o + axis.before
        high = min(axis.n, at // axis.turned_s + 1)
        span.start = max(first_window(axis, o), 0)
        span.stop = 0
        for i in range(axis.d):
            if span.start >= high:
                break
            if (at - span.start * axis.turned_s) % axis.turned_d == 0:
                span.stop = (high - span.start + axis.d - 1) // axis.d
                break
            span.start += 1
    span.count = span.stop
    return span


cdef inline Py_ssize_t first_window(const Axis* axis, Py_ssize_t o) noexcept nogil:
    """The first window that may have position o among its taps, be there one or not."""
    cdef Py_ssize_t room = o + axis.before - (axis.turned_k - 1) * axis.turned_d
    return -(-room // axis.turned_s) if room <= 0 else (room - 1) // axis.turned_s + 1


cdef inline Span window(const Axis* axis, Py_ssize_t o) noexcept nogil:
    cdef Span span
    if axis.spacing != REGULAR:
        return uneven_window(axis, o)
    span.start = o * axis.s - axis.before
    span.first = taps_below(axis, span.start, 0)
    span.stop = taps_below(axis, span.start, axis.n)
    if axis.counted < 0:
        span.count = span.stop - span.first
    else:
        span.count = taps_below(axis, span.start, axis.counted)
    return span


cdef inline Py_ssize_t alike(const Axis* axis, const Span* span, Py_ssize_t most) noexcept nogil:
    """How many windows from this one on (at most `most`) have all their taps, as this one has.

    1 if this one has not.
    """
    cdef Py_ssize_t reach = axis.n - 1 - span.start - (axis.k - 1) * axis.d
    if span.start < 0 or reach < 0 or axis.spacing != REGULAR:
        return 1
    return min(reach // axis.s + 1, most)


cdef inline Py_ssize_t alike_turned(
    const Axis* axis, Py_ssize_t o, Py_ssize_t most) noexcept nogil:
    """How many of the positions o, o + turned_s, … (at most `most`) are in windows next to those of
    the one before; 1 if o itself is in fewer than it might be."""
    if first_window(axis, o) < 0:
        return 1
    return clamped(axis.n - (o + axis.before) // axis.turned_s, 1, most)


cdef void locate(const Pool* p, Py_ssize_t item, Place* place) noexcept nogil:
    cdef Py_ssize_t o, i, n
    cdef Span span
    cdef const Axis* axis
    place.lane = 0
    if p.lane_blocks > 1:       # divisions are dear
        place.lane = item % p.lane_blocks * p.lanes
        item //= p.lane_blocks
    place.lanes = min(p.lane.out - place.lane, p.lanes)
    place.row = 0
    if p.row_blocks > 1:
        place.row = item % p.row_blocks * p.tile
        item //= p.row_blocks
    place.rows = min(p.row.out - place.row, p.tile)
    place.planes = 1
    place.x_at = 0
    place.index = 0
    place.out_at = 0
    place.count = 1
    place.empty = False
    place.at_once = False
    place.doubtful = False
    place.range_.peak = 0
    place.range_.low = <uint64_t> -1
    for i in range(p.nouter - 1, -1, -1):
        axis = &p.outer[i]
        n = axis.out
        if p.stack > 1 and i == p.nouter - 1:
            n = (n + p.stack - 1) // p.stack
        o = item
        if i > 0:
            o = item % n
            item //= n
        if n < axis.out:
            o *= p.stack
            place.planes = min(axis.out - o, p.stack)
        span = window(axis, o)
        place.x_at += (span.start + span.first * axis.d) * axis.xs
        place.index += (span.start + span.first * axis.d) * axis.step
        place.out_at += o * axis.os
        place.count *= span.count
        place.taps[i] = span.stop - span.first
        if span.stop <= span.first:
            place.empty = True


cdef inline Py_ssize_t rows_of(const Pool* p, const Place* place) noexcept nogil:
    """The rows of accumulators of all planes, and those between them."""
    return (place.planes - 1) * p.plane_rows + place.rows


cdef inline void move_on(const Pool* p, Place* place, Py_ssize_t planes) noexcept nogil:
    """Move to another plane of an item that has several."""
    if place.planes > 1:
        place.x_at += planes * p.outer[p.nouter - 1].xs
        place.index += planes * p.outer[p.nouter - 1].step
        place.out_at += planes * p.outer[p.nouter - 1].os
        place.seen = 0


cdef inline const Pool* surest(
    const Pool* p, const char* src, Py_ssize_t pitch, Py_ssize_t rows, Py_ssize_t n) noexcept nogil:
    """What to go on with, when all that is still to be folded is in these rows.

    Floats are combined in one instruction, not three or four, where none is NaN.
    """
    if p.sure != NULL and p.rows.numbers(src, pitch, rows, n):
        return p.sure
    return p


cdef bint next_taps(
    const Pool* p, const Place* place, Py_ssize_t* taken, const char** src,
    Py_ssize_t* index) noexcept nogil:
    """Step to the next taps of the outer axes; False after the last."""
    cdef int i
    cdef const Axis* axis
    for i in range(p.nouter - 1, -1, -1):
        axis = &p.outer[i]
        taken[i] += 1
        src[0] += axis.d * axis.xs
        index[0] += axis.d * axis.step
        if taken[i] < place.taps[i]:
            return True
        src[0] -= taken[i] * axis.d * axis.xs
        index[0] -= taken[i] * axis.d * axis.step
        taken[i] = 0
    return False


cdef inline void touch(const char* src, Py_ssize_t n, char* spare) noexcept nogil:
    """Read a byte of each cache line: memory is fast in order, and what follows is not in order."""
    cdef char bits = 0
    cdef Py_ssize_t i = 0
    while i < n:
        bits |= src[i]
        i += 64
    spare[0] = bits


cdef Py_ssize_t end_to_end(
    const char** batch, Py_ssize_t step, Py_ssize_t count, Py_ssize_t rows,
    Py_ssize_t n) noexcept nogil:
    """How many sources of n bytes lie end to end each time, or reach into the next.

    0 if they are not worth fetching.
    """
    cdef Py_ssize_t i, near = 1
    cdef bint pays = True
    while near < count and 0 < batch[near] - batch[near - 1] <= n:
        near += 1
    for i in range(near, count):
        if i % near > 0 and not 0 < batch[i] - batch[i - 1] <= n:
            return 0
    if rows == 1 or step > near * n:
        pays = n >= FAR_SOURCE
    elif near == count:
        pays = n >= LONG_SOURCE     # shorter ones, in order, come by themselves
    return near if pays and step >= 0 and count * n <= MOST_FETCHED else 0


cdef inline void results_of(
    const Pool* p, const Place* place, Ahead* ahead, bint fresh) noexcept nogil:
    """Where the results of rows go, when these are folded first.

    Those of pairs are few, and with the indices of windows along the lanes it is no faster.
    """
    cdef bint pays = not p.pairs and (p.leading or p.rows.indices == NULL)
    pays = pays and (place.at_once or not p.lifts)      # what is lifted belongs to no row yet
    ahead.out = place.results
    ahead.out_step = place.results_step
    ahead.out_size = 0
    if pays and fresh and p.plain and p.parts == 1:
        ahead.out_size = place.lanes * p.inner * p.out_size
        if place.at_once or (p.rows.finish == NULL and p.leading):
            ahead.out += LEAD_OUT   # they are written at the same time


cdef void lift_couples(
    const Pool* p, Place* place, char* dst, Py_ssize_t pitch, const char** batch, Py_ssize_t step,
    Py_ssize_t count, Py_ssize_t rows, Py_ssize_t cells, char* spare,
    const Ahead* ahead) noexcept nogil:
    """Make output of source rows and the cells beside: of all cells, of which every other stays."""
    cdef const char* beside[FEW]
    cdef Py_ssize_t n = cells // p.inner - 1, cell = p.inner * p.out_size, i, r
    cdef Py_ssize_t unit = p.inner if cell in (1, 2, 4, 8, 16) else 1
    for r in range(rows):
        fetch_row(ahead, batch, count, step, r)
        for i in range(count):
            beside[i] = batch[i] + r * step
            beside[count + i] = beside[i] + cell
        place.doubtful |= p.rows.at_once(
            spare, 0, beside, 0, 2 * count, 1, n * p.inner, &place.once, p.ending, NULL)
        splitter(unit * p.out_size)(dst, spare, n, 2, 0, p.inner // unit, False)
        dst += pitch


cdef inline void copy_blocks(char* dst, const char* src, Py_ssize_t n, int size) noexcept nogil:
    """Copy n bytes, `size` or more, in blocks of `size`; the last reaches back into the others."""
    cdef Py_ssize_t i = 0
    while i < n - size:
        memcpy(dst + i, src + i, size)
        i += size
    memcpy(dst + n - size, src + n - size, size)


cdef void copy_rows(
    char* dst, Py_ssize_t dst_pitch, const char* src, Py_ssize_t src_pitch, Py_ssize_t rows,
    Py_ssize_t n) noexcept nogil:
    """Copy rows of n bytes; a call of memcpy() for each takes longer, where they are short."""
    cdef Py_ssize_t r
    if 32 <= n <= SHORT_ROW:
        for r in range(rows):
            copy_blocks(dst + r * dst_pitch, src + r * src_pitch, n, 32)
    elif 8 <= n < 32:
        for r in range(rows):
            copy_blocks(dst + r * dst_pitch, src + r * src_pitch, n, 8)
    elif n == 4:
        for r in range(rows):
            memcpy(dst + r * dst_pitch, src + r * src_pitch, 4)
    else:
        for r in range(rows):
            memcpy(dst + r * dst_pitch, src + r * src_pitch, n)


cdef void lift_at_once(
    const Pool* p, Place* place, char* dst, Py_ssize_t pitch, const char** batch,
    Py_ssize_t step, Py_ssize_t count, Py_ssize_t rows, Py_ssize_t position, Py_ssize_t cells,
    char* raw, const Ahead* ahead) noexcept nogil:
    """Make output of source rows; short ones are laid end to end first, to be one."""
    cdef const char* joined[FEW]
    cdef Py_ssize_t n = place.lanes * p.inner, size = 2 * place.lanes * p.x_size
    cdef Py_ssize_t begin = 0, run = 1, i
    if p.rows.indices != NULL or p.windows:
        place.once.start = place.lane * p.lane.s - p.lane.before - position
        place.once.cells = cells // p.inner
    elif p.couples:
        lift_couples(p, place, dst, pitch, batch, step, count, rows, cells, raw, ahead)
        return
    elif p.spreads:
        place.once.start = place.lane + p.lane.before - position * p.lane.turned_s
        place.once.cells = cells // p.inner
    elif p.pairs and p.lane.out < SHORT_PAIRS and pitch == n * p.out_size and count <= FEW:
        run = min(rows, p.staged_rows // count)
    if run < 2:
        place.doubtful |= p.rows.at_once(
            dst, pitch, batch, step, count, rows, n, &place.once, p.ending, ahead)
        return
    while begin < rows:
        run = min(rows - begin, run)
        for i in range(count):
            joined[i] = raw + i * run * size
            copy_rows(raw + i * run * size, size, batch[i] + begin * step, step, run, size)
        place.doubtful |= p.rows.at_once(
            dst + begin * pitch, 0, joined, 0, count, 1, run * n, &place.once, p.ending, NULL)
        begin += run


cdef void lift_sources(
    const Pool* p, Place* place, char* dst, Py_ssize_t pitch, const char** batch,
    Py_ssize_t step, Py_ssize_t count, Py_ssize_t rows, Py_ssize_t position, Py_ssize_t cells,
    bint fresh, char* raw, const Ahead* ahead) noexcept nogil:
    """Fold source rows that begin at an input position into dst, as cells or as lanes of pairs."""
    if place.at_once:
        lift_at_once(p, place, dst, pitch, batch, step, count, rows, position, cells, raw, ahead)
    elif p.pairs:
        lift_pairs(p, place, dst, pitch, batch, step, count, rows, position, fresh, ahead)
    else:
        p.rows.lift(dst, pitch, batch, step, count, rows, cells, fresh, ahead)


cdef void lift_pieces(
    const Pool* p, Place* place, char* dst, Py_ssize_t pitch, const char** batch,
    Py_ssize_t step, Py_ssize_t count, Py_ssize_t rows, Py_ssize_t position, Py_ssize_t cells,
    bint fresh, char* raw) noexcept nogil:
    """lift_sources() of long rows, whose pieces are folded, and fetched, as if they were rows."""
    cdef const char* part[SOURCES]
    cdef Ahead ahead
    cdef bint couples = place.at_once and p.couples
    cdef Py_ssize_t lanes = place.lanes, first = place.lane, lead = 2 * LEAD // count
    cdef Py_ssize_t n = cells * (p.x_size if place.at_once else p.size)
    cdef bint by_lane = place.at_once or p.pairs, by_rows = n <= step <= LEAD_ROWS
    cdef Py_ssize_t most = lanes if by_lane else cells, each = p.lane.s * p.inner if by_lane else 1
    cdef Py_ssize_t size = each * (p.x_size if place.at_once else p.size)
    cdef Py_ssize_t acc_size = p.inner * p.out_size if place.at_once else p.rows.size
    # Of couples, each piece is a call, and dearer.
    cdef Py_ssize_t whole = max(
        (2 * PIECE if couples else PIECE) // (count * size), <Py_ssize_t> 32 // each, 1)
    cdef Py_ssize_t uncut = most, i, j, r, run, pieces
    cdef Span lane
    if whole > 64 or each == 1:
        whole = max(whole & -64, <Py_ssize_t> 64)   # a remainder is dear
    if p.pairs and not place.at_once:
        lane = window(&p.lane, first)
        uncut = alike(&p.lane, &lane, most)
    ahead.first = 0
    ahead.near = 1
    if single(p, place) and count > p.row.s:
        # The others were read for the row before.
        ahead.first = count - p.row.s
        lead = 2 * LEAD // p.row.s
    if by_rows:
        lead = max(lead // step, 1) * step
    for r in range(rows):
        j = 0
        while j < most:
            run = whole
            pieces = (min(uncut, most - 1) - j) // run      # there is some of the row behind them
            ahead.lead = lead
            if not by_rows:
                if j * size + lead < n:
                    pieces = min(pieces, (n - lead - j * size) // (run * size) + 1)
                else:
                    ahead.lead += step - n      # into the next row
            if pieces <= 0:
                pieces = 1
                run = most - j
            ahead.size = run * size
            results_of(p, place, &ahead, fresh)
            ahead.out += r * ahead.out_step + (j * p.inner if by_lane else j // p.lane.s) * p.out_size
            ahead.out_step = (run * p.inner if by_lane else run // p.lane.s) * p.out_size
            ahead.out_size = min(ahead.out_size, ahead.out_step)
            for i in range(count):
                part[i] = batch[i]
                if place.at_once or not p.pairs:    # which find their elements by themselves
                    part[i] += j * size
            place.lane = first + j
            place.lanes = run
            i = run * each
            if couples and j + run < most:
                i += p.inner        # all vectors are whole with one cell more
            lift_sources(p, place, dst + j * acc_size, run * acc_size, part, run * size, count,
                         pieces, position, i, fresh, raw, &ahead)
            j += pieces * run
        dst += pitch
        for i in range(count):
            batch[i] += step
    place.lane = first
    place.lanes = lanes


cdef void lift_batch(
    const Pool* p, Place* place, char* dst, Py_ssize_t pitch, const char** batch,
    Py_ssize_t step, Py_ssize_t count, Py_ssize_t rows, Py_ssize_t position, Py_ssize_t cells,
    bint fresh, char* raw) noexcept nogil:
    """Fold source rows that begin at an input position into dst; what comes is fetched meanwhile.

    Sources of a row are read side by side, which is slow from memory.
    """
    cdef Ahead ahead
    cdef Py_ssize_t n = cells * (p.x_size if place.at_once else p.size), near = 0, i = 0
    # Rows that are dealt out, or that windows share, are to stay whole.
    cdef bint whole = place.at_once and (
        p.spreads or p.lifts or p.windows or p.rows.indices != NULL)
    if place.fetches and count > 1:
        near = end_to_end(batch, step, count, rows, n)
    if near > 0 and rows == 1 and n < LONG_ROWS // 2:
        # Nothing is known of what comes; in pieces, processors do not foresee it either.
        if whole:
            while i < count:
                fetch(batch[i], near * n)
                i += near
    elif near > 0 and rows > 1 and (count * n <= LONG_ROWS or whole):
        results_of(p, place, &ahead, fresh)
        ahead.first = count if p.fetches_planes else 0
        ahead.near = near
        ahead.lead = max(LEAD * near // count // (step + 1), 1) * step
        ahead.size = min(step, near * n)
        i = ahead.first + near
        while i < count:    # the first ones are what was fetched last
            fetch(batch[i], ahead.lead)
            i += near
        lift_sources(p, place, dst, pitch, batch, step, count, rows, position, cells, fresh, raw,
                     &ahead)
        return
    elif near > 0 and not whole:
        lift_pieces(p, place, dst, pitch, batch, step, count, rows, position, cells, fresh, raw)
        return
    lift_sources(
        p, place, dst, pitch, batch, step, count, rows, position, cells, fresh, raw, NULL)


cdef void lift_pairs(
    const Pool* p, const Place* place, char* dst, Py_ssize_t pitch, const char** batch,
    Py_ssize_t step, Py_ssize_t count, Py_ssize_t rows, Py_ssize_t position, bint fresh,
    const Ahead* ahead) noexcept nogil:
    """Fold source rows that begin at an input position into lanes of pairs."""
    cdef const char* inside[BATCH]
    cdef Py_ssize_t j = 0, i, run
    cdef Span lane
    while j < place.lanes:
        lane = window(&p.lane, place.lane + j)
        for i in range(count):
            inside[i] = batch[i] + (lane.start + lane.first - position) * p.size
        if lane.stop - lane.first == p.lane.k:
            run = alike(&p.lane, &lane, place.lanes - j)
            p.rows.pairs(
                dst + j * p.rows.size, pitch, inside, step, count, rows, run, fresh, ahead)
        else:
            # One of the pair, or none.
            run = 1
            if lane.first < lane.stop:
                p.rows.lift(
                    dst + j * p.rows.size, pitch, inside, step, count, rows, 1, fresh, NULL)
            elif fresh:
                p.rows.clear(dst + j * p.rows.size, pitch, rows, 1)
        j += run


cdef void stage_rows(
    const Pool* p, const Call* call, char* dst, const char* src, Py_ssize_t index,
    Py_ssize_t rows, Py_ssize_t stride, Py_ssize_t n, char* native) noexcept nogil:
    """Put n lane positions of `rows` input rows end to end, as native elements or carriers."""
    cdef const char* row
    cdef Py_ssize_t r
    if (not call.tangled and stride * p.row.xs == n * p.inner * p.x_size
            and stride * p.row.step == n * p.lane.step):
        n *= rows       # they are end to end already
        rows = 1
    for r in range(rows):
        row = src
        if call.tangled:
            if p.rows.map == NULL:
                native = dst
            p.stage(NULL, native, p.inner * p.x_size, p.x_size, src, p.lane.xs, p.inner_xs, n,
                    p.inner, p.swap)
            row = native
        if p.rows.map != NULL:
            p.rows.map(dst, row, n, p.inner, index, &p.mapping)
        dst += n * p.inner * p.size
        src += stride * p.row.xs
        index += stride * p.row.step


cdef void vertical(
    const Pool* p, const Call* call, Place* place, const Span* row, Py_ssize_t rows,
    Py_ssize_t stride, char* dst, Py_ssize_t pitch, Py_ssize_t position, Py_ssize_t n,
    char* raw) noexcept nogil:
    """Fold lane positions `position` … + n of `rows` windows along the row axis into dst.

    `row` is the first window; the others, `stride` further each, have the same taps; there are
    at most `staged_run` where rows are staged.  Where lanes are pairs, dst is a row of lanes.
    """
    cdef const char* batch[SOURCES]
    cdef Py_ssize_t taken[MAX_OUTER]
    cdef bint fresh = True
    cdef Py_ssize_t count = 0, i, t, r, cells = n * p.inner, xs = p.row.xs, step = stride * xs
    cdef Py_ssize_t first = row.start + row.first * p.row.d
    cdef Py_ssize_t stop = row.start + (row.stop - 1) * p.row.d + 1
    cdef Py_ssize_t index = place.index + position * p.lane.step + first * p.row.step
    cdef Py_ssize_t reach = stop - first + (rows - 1) * stride
    cdef Py_ssize_t batches = SOURCES if place.at_once else BATCH
    cdef bint staged = call.staged and not place.at_once
    # Input rows are staged together if they are not more than what the windows take.
    cdef bint whole = (staged and reach <= p.staged_rows
                       and reach <= rows * (row.stop - row.first))
    cdef const char* src = call.x + place.x_at + position * p.lane.xs + first * xs
    cdef const char* at
    cdef char* native = raw - p.at_raw + p.at_native
    place.fetches = p.fetches_rows and not staged
    if place.at_once and call.indices != NULL:
        place.once.indices = call.indices + place.once.wide * (dst - call.out)
        place.once.step = stride * p.row.step
    if staged:
        xs = cells * p.size
        step = stride * xs if whole else xs
        if not whole:
            batches = SLOTS
    for i in range(p.nouter):
        taken[i] = 0
    while row.first < row.stop and not place.empty:
        at = src
        if whole:
            stage_rows(p, call, raw, src, index, reach, 1, n, native)
            at = raw
        for t in range(row.stop - row.first):
            batch[count] = at + t * p.row.d * xs
            if place.at_once:
                place.once.index[count] = index + t * p.row.d * p.row.step
            if staged and not whole:
                at = raw + count * (p.staged_rows // SLOTS) * xs
                stage_rows(p, call, <char*> at, src + t * p.row.d * p.row.xs,
                           index + t * p.row.d * p.row.step, rows, stride, n, native)
                batch[count] = at
                if place.scans and first + t * p.row.d >= place.seen:
                    p.rows.scan(at, xs, rows, cells, &place.range_)
            count += 1
            if count == batches:
                lift_batch(
                    p, place, dst, pitch, batch, step, count, rows, position, cells, fresh, raw)
                fresh = False
                count = 0
        if whole and count > 0:
            lift_batch(
                p, place, dst, pitch, batch, step, count, rows, position, cells, fresh, raw)
            fresh = False
            count = 0
        if place.scans and (whole or not staged):
            for r in range(rows):
                i = max(first + r * stride, place.seen)
                t = stop + r * stride
                if r == 0 and (whole or stride <= stop - first):
                    t = stop + (rows - 1) * stride     # all rows at once: they leave no gap
                if i < t:
                    p.rows.scan(at + (i - first) * xs, xs, t - i, cells, &place.range_)
                if t > stop + r * stride:
                    break
        if not next_taps(p, place, taken, &src, &index):
            break
    if count > 0:
        lift_batch(
            p, place, dst, pitch, batch, step, count, rows, position, cells, fresh, raw)
    elif fresh and place.at_once:
        place.doubtful = True       # there is nothing to add up
    elif fresh:
        p.rows.clear(dst, pitch, rows, place.lanes if p.pairs else cells)
    # The rows of a dilated window interleave with the next one's.
    if p.row.d == 1 and row.first < row.stop and stop + (rows - 1) * stride > place.seen:
        place.seen = stop + (rows - 1) * stride


cdef void scan_runs(
    const Pool* p, Place* place, const char* src, Py_ssize_t rows, Py_ssize_t n) noexcept nogil:
    """Scan rows of n elements that were folded; of one from memory, what goes on is fetched."""
    cdef Py_ssize_t i = 0, m
    if rows > 1 or not p.fetches_rows:
        p.rows.scan(src, p.row.s * p.row.xs, rows, n, &place.range_)
        return
    while i < n:
        m = min(n - i, ROW_PIECE // p.size)
        fetch(src + (n + i) * p.size, m * p.size)
        p.rows.scan(src + i * p.size, 0, 1, m, &place.range_)
        i += m


cdef void reduce_taps(
    const Pool* p, char* dst, const char* src, Py_ssize_t taps, bint raw, bint fresh,
    char* spare) noexcept nogil:
    """Fold `taps` neighbouring cells into one: long runs by folding eighths of them as rows."""
    cdef const char* batch[BATCH]
    cdef fold_f fold = p.rows.lift if raw else p.rows.fold
    cdef Py_ssize_t cell = p.inner * (p.size if raw else p.rows.size)
    cdef Py_ssize_t share = taps // 8, i
    if share * p.inner >= p.share or (p.inner > 1 and taps >= BATCH):
        for i in range(8):
            batch[i] = src + i * share * cell
        fold(spare, 0, batch, 0, 8, 1, share * p.inner, True, NULL)
        reduce_taps(p, dst, spare, share, False, fresh, spare + share * p.inner * p.rows.size)
        fresh = False
        src += 8 * share * cell
        taps -= 8 * share
    if taps == 0:
        return
    if p.inner == 1:
        (p.rows.lift_run if raw else p.rows.fold_run)(dst, 0, src, 0, 1, taps, fresh)
        return
    for i in range(taps):
        batch[i] = src + i * cell
    fold(dst, 0, batch, 0, taps, 1, p.inner, fresh, NULL)


cdef void horizontal(
    const Pool* p, char* dst, const char* src, Py_ssize_t src_pitch, Py_ssize_t rows,
    Py_ssize_t lanes, Py_ssize_t taps, bint raw, bint fresh, char* spare) noexcept nogil:
    """Fold `taps` cells along each row of src into each of its lanes in dst."""
    cdef reduce_f run
    cdef const char* batch[BATCH]
    cdef fold_f fold = p.rows.lift if raw else p.rows.fold
    cdef Py_ssize_t s = p.lane.s, d = p.lane.d
    cdef Py_ssize_t cell = p.inner * (p.size if raw else p.rows.size)
    cdef Py_ssize_t acc_cell = p.inner * p.rows.size
    cdef Py_ssize_t cells, at, count = 0, t, j, r, n
    if p.reduces:
        if p.inner == 1 and taps < 8 * p.share:
            # Short runs, a row of them in one call: along the lanes, or one in each row.
            run = p.rows.lift_run if raw else p.rows.fold_run
            if lanes == 1:
                run(dst, p.res_pitch * acc_cell, src, src_pitch, rows, taps, fresh)
                return
            for r in range(rows):
                run(dst + r * p.res_pitch * acc_cell, acc_cell, src + r * src_pitch, s * cell,
                    lanes, taps, fresh)
            return
        for r in range(rows):
            for j in range(lanes):
                reduce_taps(p, dst + (r * p.res_pitch + j) * acc_cell,
                            src + r * src_pitch + j * s * cell, taps, raw, fresh, spare)
        return
    # Several rows slide as one: what crosses from a row into the next lands in cells of the
    # result that no lane reads.
    n = (rows - 1) * p.res_pitch + lanes
    if s == 1:
        slide(p, fold, dst, fresh, src, raw, n, d * p.inner, taps, spare)
        return
    cells = (rows - 1) * p.pitch + (lanes - 1) * s + (taps - 1) * d + 1
    if p.slides and not raw:
        # Every window of the row, then every s-th of them.
        at = p.block_bytes
        slide(p, fold, spare, True, src, raw, cells - (taps - 1) * d, d * p.inner, taps,
              spare + at)
        batch[0] = dst if fresh else spare + at
        splitter(p.unit * p.rows.size)(
            <char*> batch[0], spare, cells - (taps - 1) * d, s, 0, p.inner // p.unit, False)
        if not fresh:
            p.rows.fold(dst, 0, batch, 0, 1, 1, n * p.inner, False, NULL)
        return
    at = (cells + s - 1) // s
    splitter(p.unit * (p.size if raw else p.rows.size))(
        spare, src, cells, s, at, p.inner // p.unit, True)
    for t in range(taps):
        batch[count] = spare + (t * d % s * at + t * d // s) * cell
        count += 1
        if count == BATCH or t == taps - 1:
            fold(dst, 0, batch, 0, count, 1, n * p.inner, fresh, NULL)
            fresh = False
            count = 0


cdef void slide(
    const Pool* p, fold_f fold, char* dst, bint fresh, const char* src, bint raw, Py_ssize_t n,
    Py_ssize_t distance, Py_ssize_t taps, char* spare) noexcept nogil:
    """dst[j] = fold of src[j + t * distance] for t < taps, for n cells of `inner` elements.

    Windows of width w make those of 2 w, or of 2 w + 1 with the cells themselves: a window of k
    takes about log2(k) folds.  `distance` is in elements; `raw` says that src is elements, not
    accumulators.
    """
    cdef const char* batch[3]
    cdef Py_ssize_t w = 1, bit = 1, count = 1, cells, wider
    cdef Py_ssize_t step = distance * (p.size if raw else p.rows.size)
    # An element may go into a maximum twice.  One pass more is dear where there are few.
    cdef bint overlaps = p.repeats and taps >= OVERLAPPING
    cdef const char* widest = src
    cdef char* target
    n *= p.inner
    while 2 * bit <= taps:
        bit *= 2
    batch[0] = src
    while w < taps:
        bit //= 2
        wider = min(2 * w, taps) if overlaps else 2 * w
        batch[0] = widest
        batch[1] = widest + (wider - w) * step
        count = 2
        if taps & bit and not overlaps:
            batch[2] = src + wider * step
            wider += 1
            count = 3
        w = wider
        if w == taps:
            break
        target = spare if widest != spare else spare + p.block_bytes
        cells = n + (taps - w) * distance
        fold(target, 0, batch, 0, count, 1, cells, True, NULL)
        widest = target
    fold(dst, 0, batch, 0, count, 1, n, fresh, NULL)


cdef inline double divisor_of(const Pool* p, const Place* place, const Span* row) noexcept nogil:
    """The divisor of the first lane's window, and of all if they are uncut."""
    if p.averages:
        return place.count * row.count * window(&p.lane, place.lane).count
    return p.divisor


cdef void gather(
    const Pool* p, const Call* call, Place* place, Py_ssize_t part, char* scratch,
    char* result, Py_ssize_t result_row) noexcept nogil:
    """Fold the windows of one item (or one part of them) into rows of accumulators."""
    cdef Py_ssize_t acc_cell = p.inner * p.rows.size, block_row = p.pitch * acc_cell
    cdef Py_ssize_t tap = window(&p.lane, place.lane + place.lanes - 1).first
    cdef Py_ssize_t stop = window(&p.lane, place.lane).stop
    cdef Py_ssize_t passes, taps, base, cells, lo, hi, width, r, m, run, phase, plane, at, i
    cdef Py_ssize_t rows = rows_of(p, place)
    cdef bint fresh = True
    # Of rows that are in windows, those a stride apart are in neighbouring ones: a phase at a time.
    cdef Py_ssize_t skip = p.row.turned_s if p.row.spacing == TRANSPOSED else 1
    # Runs are reduced row by row; short rows slide together.
    cdef bint by_row = p.reduces or p.tile == 1 or p.lane.spacing != REGULAR
    cdef bint lifts = p.lifts and not place.at_once
    cdef bint alone = (by_row and p.direct and not lifts and not call.staged
                       and p.lane.spacing == REGULAR and single(p, place))
    # Adaptive windows differ from row to row, but not from plane to plane.
    cdef bint abreast = (p.row.spacing == ADAPTIVE and place.planes > 1 and not call.staged
                         and not place.scans and p.row.xs != 0
                         and p.outer[p.nouter - 1].xs % p.row.xs == 0)
    cdef Py_ssize_t stride = p.row.s, apart = skip
    cdef Span row, lane
    cdef const char* src
    cdef char* block
    cdef char* spare = scratch + p.block_bytes
    cdef char* raw = scratch + p.at_raw
    cdef double* factors = <double*> (scratch + p.at_factors)
    if abreast:
        if p.row.xs == p.lane.n * p.inner * p.x_size:
            for plane in range(place.planes):
                touch(call.x + place.x_at + plane * p.outer[p.nouter - 1].xs,
                      p.row.n * p.row.xs, spare)
        stride = p.outer[p.nouter - 1].xs // p.row.xs
        apart = p.plane_rows
    if p.lane.spacing != REGULAR and place.lanes > 1:
        stop = p.lane.k     # in one pass
    if p.parts > 1 and not p.parts_rows:
        passes = (stop - tap + p.taps - 1) // p.taps
        stop = clamped(tap + passes * (part + 1) // p.parts * p.taps, 0, stop)
        tap += passes * part // p.parts * p.taps
    while tap < stop:
        taps = clamped(stop - tap, 0, p.taps)
        base = place.lane * p.lane.s - p.lane.before + tap * p.lane.d
        cells = (place.lanes - 1) * p.lane.s + (taps - 1) * p.lane.d + 1
        if p.lane.spacing != REGULAR:
            lane_reach(p, place, tap, taps, &base, &cells)
        lo = clamped(-base, 0, cells)
        hi = clamped(p.lane.n - base, lo, cells)
        if p.bare:
            lo = -base
            hi = lo + p.lane.n
        width = hi - lo
        if hi == cells and not (p.bare or place.at_once):
            width = whole_vectors(p, call, place, base, hi) - lo
        place.seen = 0
        block = scratch
        if p.joins:
            join_rows(p, call, place, base, lo, hi, taps, fresh, result, result_row, scratch)
            fresh = False
            tap += p.taps
            continue
        if lifts:
            p = lift_rows(p, call, place, base, lo, hi, scratch, raw,
                          result if p.leading else block,
                          result_row if p.leading else block_row,
                          cells if p.leading else p.pitch)
        elif (skip > 1 or abreast) and not (p.leading or p.pairs or p.bare or p.unpadded):
            pad(p, block, rows, lo, hi)
        if lifts and by_row and not p.leading:
            across(p, result, result_row, block, block_row, rows, place.lanes, taps, False, fresh,
                   spare)
        r = phase = plane = 0
        while r < place.rows and not lifts:
            at = plane * p.plane_rows + r
            row = window(&p.row, place.row + r)
            run = 1
            if abreast:
                run = place.planes
            elif p.parts > 1 and p.parts_rows:
                m = row.stop - row.first if row.stop > row.first else 0
                row.stop = row.first + m * (part + 1) // p.parts
                row.first += m * part // p.parts
            else:
                run = (place.rows - r + skip - 1) // skip
                if p.row.spacing == TRANSPOSED:
                    run = alike_turned(&p.row, place.row + r, run)
                else:
                    run = alike(&p.row, &row, run)
                if call.staged and not place.at_once:
                    run = min(run, p.staged_run)
            if place.at_once:
                place.once.factor = 1.0 / divisor_of(p, place, &row)
                if p.rows.twins:
                    fill_factors(p, place, r, 1, factors, <Memory*> (scratch + p.at_memory))
                    for i in range(place.lanes * p.inner if p.windows else 1):
                        factors[p.factors + i] = 1.0 / factors[i]
                    place.once.divisors = factors
                    place.once.inverses = factors + p.factors
                place.once.first = row.first
                place.once.taps = row.stop - row.first
            place.results = (call.out + place.out_at + (place.row + r) * p.row.os
                             + place.lane * p.lane.os)
            place.results_step = apart * p.row.os
            if abreast:
                place.results_step = p.outer[p.nouter - 1].os
            if p.pairs or p.leading or place.at_once:
                vertical(p, call, place, &row, run, stride, result + at * result_row,
                         apart * result_row, base + lo, hi - lo, raw)
            elif alone and row.stop - row.first == 1 and lo == 0 and hi == cells:
                # Windows that take a single row, without padding, are read where they lie.
                src = (call.x + place.x_at + base * p.lane.xs
                       + (row.start + row.first * p.row.d) * p.row.xs)
                if p.fetches_rows and taps <= FEW_TAPS and cells * p.inner * p.size > 2 * ROW_PIECE:
                    across_pieces(p, place, result + at * result_row, apart * result_row, src,
                                  stride * p.row.xs, run, taps, fresh, spare)
                else:
                    across(p, result + at * result_row, apart * result_row, src,
                           stride * p.row.xs, run, place.lanes, taps, True, fresh, spare)
                if place.scans:
                    scan_runs(p, place, src, run, cells * p.inner)
            else:
                if not (p.bare or p.unpadded or skip > 1 or abreast):
                    pad(p, block + at * block_row, run, lo, hi)
                vertical(p, call, place, &row, run, stride,
                         block + at * block_row + lo * acc_cell, apart * block_row, base + lo,
                         width, raw)
                if p.lane.spacing == REGULAR and by_row:
                    across(p, result + at * result_row, apart * result_row, block + at * block_row,
                           apart * block_row, run, place.lanes, taps, False, fresh, spare)
            r += 1 if abreast else run * skip
            if r >= place.rows and phase + 1 < skip:
                phase += 1
                r = phase
            if r >= place.rows and plane + 1 < place.planes and not abreast:
                plane += 1
                move_on(p, place, 1)
                r = phase = 0
        move_on(p, place, -plane)
        if place.at_once:
            pass
        elif p.spreads and place.lanes > 1:
            spread_phases(p, place, result, result_row, block, block_row, base, spare)
        elif p.lane.spacing != REGULAR:
            uneven(p, place, result, result_row, block, block_row, base, tap, taps, fresh, spare)
        elif not (p.leading or p.pairs or by_row):
            horizontal(p, result, block, block_row, rows, place.lanes, taps, False, fresh, spare)
        if p.bare and not place.at_once:
            fold_cut(p, place, result, result_row, block + lo * acc_cell, block_row)
        fresh = False
        tap += p.taps
    if fresh and place.at_once:
        place.doubtful = True
    elif fresh:
        p.rows.clear(result, result_row, rows, place.lanes * p.inner)


cdef Py_ssize_t whole_vectors(
    const Pool* p, const Call* call, const Place* place, Py_ssize_t base,
    Py_ssize_t n) noexcept nogil:
    """How many cells to fold, of rows of n from position `base` on, so that vectors are whole.

    What lies behind a row goes where no lane comes from, and is but compared.
    """
    cdef const char* last = call.x + place.x_at + (p.row.n - 1) * p.row.xs
    cdef Py_ssize_t each = VECTOR // p.size, more, i
    if call.end == NULL or p.rows.finish != NULL or p.lane.spacing != REGULAR or p.inner > 1:
        return n
    if place.planes > 1:
        last += (place.planes - 1) * p.outer[p.nouter - 1].xs
    more = (n + each - 1) // each * each
    for i in range(p.nouter):
        last += (place.taps[i] - 1) * p.outer[i].d * p.outer[i].xs
    return more if more <= p.pitch and last + (base + more) * p.size <= call.end else n


cdef void lane_reach(
    const Pool* p, const Place* place, Py_ssize_t tap, Py_ssize_t taps, Py_ssize_t* base,
    Py_ssize_t* cells) noexcept nogil:
    """The first position, and how many, that uneven lane windows take their taps from."""
    cdef Py_ssize_t last = place.lane + place.lanes - 1, end
    cdef Span span
    if place.lanes == 1:
        base[0] = window(&p.lane, last).start + tap * p.lane.d
        cells[0] = (taps - 1) * p.lane.d + 1
        return
    if p.lane.spacing == ADAPTIVE:
        base[0] = window(&p.lane, place.lane).start
        span = window(&p.lane, last)
        end = span.start + span.stop
    else:
        base[0] = first_window(&p.lane, place.lane)
        end = (last + p.lane.before) // p.lane.turned_s + 1
        if not p.spreads:
            base[0] = clamped(base[0], 0, p.lane.n)
            end = min(end, p.lane.n)
    cells[0] = max(end - base[0], 0)


cdef void uneven(
    const Pool* p, const Place* place, char* dst, Py_ssize_t dst_pitch, const char* src,
    Py_ssize_t src_pitch, Py_ssize_t base, Py_ssize_t tap, Py_ssize_t taps, bint fresh,
    char* spare) noexcept nogil:
    """Fold uneven lane windows along rows whose first cells are position `base`."""
    cdef const char* batch[BATCH]
    cdef Py_ssize_t cell = p.inner * p.rows.size, j, r, t, n, count
    cdef Py_ssize_t rows = rows_of(p, place)
    cdef const char* at
    cdef bint begun
    cdef Span lane
    if p.lane.spacing == ADAPTIVE and place.lanes > 1 and p.inner == 1 and 1 < p.lane.k <= NARROW:
        slide_adaptive(p, place, dst, dst_pitch, src, src_pitch, base, spare)
        return
    for j in range(place.lanes):
        lane = window(&p.lane, place.lane + j)
        begun = not fresh
        n = clamped(lane.stop - tap, 0, taps)
        at = src + (lane.start + tap * p.lane.d - base) * cell
        if n > 0 and p.lane.d == 1:
            if p.inner == 1 and n < 8 * p.share:
                p.rows.fold_run(dst, dst_pitch, at, src_pitch, rows, n, fresh)
            else:
                for r in range(rows):
                    reduce_taps(p, dst + r * dst_pitch, at + r * src_pitch, n, False, fresh, spare)
            begun = True
            n = 0
        count = 0
        for t in range(n):
            batch[count] = at + t * p.lane.d * cell
            count += 1
            if count == BATCH or t == n - 1:
                p.rows.fold(dst, dst_pitch, batch, src_pitch, count, rows, p.inner, not begun, NULL)
                begun = True
                count = 0
        if not begun:
            p.rows.clear(dst, dst_pitch, rows, p.inner)
        dst += cell


cdef void slide_adaptive(
    const Pool* p, const Place* place, char* dst, Py_ssize_t dst_pitch, const char* src,
    Py_ssize_t src_pitch, Py_ssize_t base, char* spare) noexcept nogil:
    """Fold adaptive lane windows, which have k cells or one less.

    Windows of both sizes slide along all rows as one, and each lane takes its cell.
    """
    cdef Py_ssize_t rows = rows_of(p, place), size = p.rows.size, k = p.lane.k, n, j
    cdef const char* batch[2]
    cdef const char* at
    cdef char* less = spare + 2 * p.block_bytes
    cdef Span lane = window(&p.lane, place.lane + place.lanes - 1)
    n = (rows - 1) * (src_pitch // size) + lane.start + lane.stop - base
    slide(p, p.rows.fold, less, True, src, False, n - k + 2, 1, k - 1, spare)
    batch[0] = less
    batch[1] = src + (k - 1) * size
    p.rows.fold(spare, 0, batch, 0, 2, 1, n - k + 1, True, NULL)
    for j in range(place.lanes):
        lane = window(&p.lane, place.lane + j)
        at = (spare if lane.stop == k else less) + (lane.start - base) * size
        copy_rows(dst + j * size, dst_pitch, at, src_pitch, rows, size)


cdef void spread_phases(
    const Pool* p, const Place* place, char* dst, Py_ssize_t dst_pitch, const char* src,
    Py_ssize_t src_pitch, Py_ssize_t base, char* spare) noexcept nogil:
    """Fold transposed lane windows along rows whose first cell is position `base`.

    Positions s apart are in neighbouring windows: each phase slides by one, all rows together.
    """
    cdef Py_ssize_t cell = p.inner * p.rows.size, s = p.lane.turned_s, j, n, r, low, lanes, first
    cdef Py_ssize_t rows = rows_of(p, place)
    cdef char* phase = spare + 2 * p.block_bytes
    cdef bint woven = s == 2 and cell == sizeof(uint64_t) and place.lanes > 1
    for j in range(min(s, place.lanes)):
        first = place.lane + j
        low = first_window(&p.lane, first)
        n = (first + p.lane.before) // s + 1 - low
        lanes = (place.lanes - j + s - 1) // s
        if n > 0:
            slide(p, p.rows.fold, phase, True, src + (low - base) * cell, False,
                  (rows - 1) * p.pitch + lanes, p.inner, n, spare)
        else:
            p.rows.clear(phase, src_pitch, rows, lanes * p.inner)
        if woven:
            phase += p.block_bytes
            continue
        for r in range(rows):
            spread(dst + r * dst_pitch + j * cell, phase + r * src_pitch, lanes, s * cell, cell)
    phase = spare + 2 * p.block_bytes
    for r in range(rows if woven else 0):
        weave(<uint64_t*> (dst + r * dst_pitch), <const uint64_t*> (phase + r * src_pitch),
              <const uint64_t*> (phase + p.block_bytes + r * src_pitch), place.lanes)


cdef void spread(
    char* dst, const char* src, Py_ssize_t n, Py_ssize_t step, Py_ssize_t cell) noexcept nogil:
    """Lay out cells end to end `step` bytes apart."""
    cdef Py_ssize_t j
    if cell == 8:
        for j in range(n):
            memcpy(dst + j * step, src + j * 8, 8)
    elif cell == 16:
        for j in range(n):
            memcpy(dst + j * step, src + j * 16, 16)
    else:
        for j in range(n):
            memcpy(dst + j * step, src + j * cell, cell)


cdef void gather_warily(
    const Pool* p, const Call* call, Place* place, char* scratch, char* result,
    Py_ssize_t result_row) noexcept nogil:
    """Gather, with the range of the elements if any sum was rounded.

    Most items are spared the scan; where one needs it, the next is likely to, too.  Sums of Twins
    are always rounded.
    """
    cdef Memory* memory = <Memory*> (scratch + p.at_memory)
    cdef fenv_t forgotten
    place.scans = p.rows.scan != NULL and (p.rows.twins or memory.wary)
    if p.rows.scan == NULL or p.rows.twins:
        gather(p, call, place, 0, scratch, result, result_row)
        return
    if call.held:
        feholdexcept(&forgotten)     # takes half the time
    else:
        feclearexcept(FE_INEXACT)
    gather(p, call, place, 0, scratch, result, result_row)
    memory.wary = cypool_rounded()
    if not memory.wary:
        place.range_.peak = 0
    elif not place.scans:
        place.scans = True
        gather(p, call, place, 0, scratch, result, result_row)


cdef void fold_cut(
    const Pool* p, const Place* place, char* result, Py_ssize_t result_row, const char* block,
    Py_ssize_t block_row) noexcept nogil:
    """Fold the windows that stick out of bare rows, which slid into their neighbours' cells."""
    cdef Py_ssize_t lane = 0, cell = p.rows.size
    cdef Span span
    while lane < place.lanes:
        span = window(&p.lane, lane)
        if span.stop - span.first == p.lane.k:
            lane += alike(&p.lane, &span, place.lanes - lane)
            continue
        p.rows.fold_run(result + lane * cell, result_row, block + (span.start + span.first) * cell,
                        block_row, rows_of(p, place), span.stop - span.first, True)
        lane += 1


cdef void across(
    const Pool* p, char* dst, Py_ssize_t dst_pitch, const char* src, Py_ssize_t src_pitch,
    Py_ssize_t rows, Py_ssize_t lanes, Py_ssize_t taps, bint raw, bint fresh,
    char* spare) noexcept nogil:
    """Fold along rows that do not slide together: at once if they are runs, or one by one."""
    cdef Py_ssize_t r
    if p.reduces and dst_pitch == p.res_pitch * p.inner * p.rows.size:
        horizontal(p, dst, src, src_pitch, rows, lanes, taps, raw, fresh, spare)
        return
    for r in range(rows):
        horizontal(p, dst + r * dst_pitch, src + r * src_pitch, src_pitch, 1, lanes, taps, raw,
                   fresh, spare)


cdef void across_pieces(
    const Pool* p, const Place* place, char* dst, Py_ssize_t dst_pitch, const char* src,
    Py_ssize_t src_pitch, Py_ssize_t rows, Py_ssize_t taps, bint fresh,
    char* spare) noexcept nogil:
    """across() of long rows of elements, piece by piece; what comes is fetched meanwhile."""
    cdef Py_ssize_t cell = p.lane.s * p.inner * p.size, acc_cell = p.inner * p.rows.size
    cdef Py_ssize_t out_cell = p.inner * p.out_size, r, j, m
    cdef Ahead ahead
    results_of(p, place, &ahead, fresh)
    if p.rows.finish == NULL:
        ahead.out += LEAD_OUT
    for r in range(rows):
        j = 0
        while j < place.lanes:
            m = min(place.lanes - j, max(ROW_PIECE // cell & -16, <Py_ssize_t> 16))
            fetch(src + j * cell + LEAD, m * cell)
            fetch(ahead.out + j * out_cell, min(m * out_cell, ahead.out_size))
            horizontal(p, dst + j * acc_cell, src + j * cell, src_pitch, 1, m, taps, True, fresh,
                       spare)
            j += m
        dst += dst_pitch
        src += src_pitch
        ahead.out += ahead.out_step


cdef void pad(
    const Pool* p, char* block, Py_ssize_t rows, Py_ssize_t lo, Py_ssize_t hi) noexcept nogil:
    """Put the identity into the cells of a block's rows that are before lo or from hi on.

    The others may get it too: it is for rows that are yet to be filled.
    """
    cdef Py_ssize_t acc_cell = p.inner * p.rows.size, row = p.pitch * acc_cell
    if lo == 0 and hi == p.pitch:
        return
    if row <= SHORT_ROW:
        p.rows.clear(block, 0, 1, rows * p.pitch * p.inner)
        return
    p.rows.clear(block, row, rows, lo * p.inner)
    p.rows.clear(block + hi * acc_cell, row, rows, (p.pitch - hi) * p.inner)


cdef const Pool* lift_rows(
    const Pool* p, const Call* call, Place* place, Py_ssize_t base, Py_ssize_t lo, Py_ssize_t hi,
    char* scratch, char* raw, char* dst, Py_ssize_t dst_row, Py_ssize_t width) noexcept nogil:
    """Fold the windows of an item along all axes but the lanes, where row windows overlap much.

    All the rows are lifted once, into the last block of the scratch, and slid over each other
    into rows of `width` cells.  Returns what to go on with.
    """
    cdef Py_ssize_t acc_cell = p.inner * p.rows.size, block_row = p.pitch * acc_cell, i, run, plane
    cdef Py_ssize_t reach = (p.row.k - 1) * p.row.d, outputs = rows_of(p, place)
    cdef Py_ssize_t n = (outputs - 1) * p.row.s + 1
    cdef Py_ssize_t rows = (place.rows - 1) * p.row.s + 1 + reach
    cdef Py_ssize_t start = place.row * p.row.s - p.row.before
    cdef Py_ssize_t top = clamped(-start, 0, rows), bottom = clamped(p.row.n - start, top, rows)
    cdef char* lifted_rows = scratch + 3 * p.block_bytes
    cdef char* at = lifted_rows
    cdef const char* src = dst
    cdef bint picks = p.row.s > 1 or dst_row != block_row
    cdef Py_ssize_t step = p.plane_rows * p.row.s
    cdef bint narrow = block_row <= SHORT_ROW
    cdef bint direct = single(p, place) and not (call.staged or place.scans)
    cdef const char* given
    cdef Span row
    row.first = 0
    row.stop = 1
    row.count = 1
    if narrow:
        p.rows.clear(lifted_rows, 0, 1, (n + reach) * p.pitch * p.inner)
    for plane in range(place.planes):
        # The padding below a plane is also above the next.
        if not narrow:
            p.rows.clear(at, 0, 1, top * p.pitch * p.inner)
            pad(p, at + top * block_row, bottom - top, lo, hi)
            run = max(rows, step) if plane + 1 < place.planes else rows
            p.rows.clear(at + bottom * block_row, 0, 1, (run - bottom) * p.pitch * p.inner)
        i = top
        if direct:
            given = call.x + place.x_at + (base + lo) * p.lane.xs + (start + top) * p.row.xs
            p.rows.lift(at + top * block_row + lo * acc_cell, block_row, &given, p.row.xs, 1,
                        bottom - top, (hi - lo) * p.inner, True, NULL)
            i = bottom
        while i < bottom:
            row.start = start + i
            run = min(bottom - i, p.staged_rows) if call.staged else bottom - i
            vertical(p, call, place, &row, run, 1, at + i * block_row + lo * acc_cell, block_row,
                     base + lo, hi - lo, raw)
            i += run
        at += step * block_row
        move_on(p, place, 1)
    move_on(p, place, -place.planes)
    if (direct and bottom - top == p.row.n and p.row.xs == (hi - lo) * p.inner * p.size
            and (place.planes == 1 or p.outer[p.nouter - 1].xs == p.row.n * p.row.xs)):
        p = surest(p, call.x + place.x_at, 0, 1, place.planes * p.row.n * (hi - lo) * p.inner)
    else:
        p = surest(p, lifted_rows, 0, 1, (n + reach) * p.pitch * p.inner)
    if picks:
        src = scratch
    slide(p, p.rows.fold, <char*> src, True, lifted_rows, False, n * p.pitch,
          p.row.d * p.pitch * p.inner, p.row.k, scratch + p.block_bytes)
    if picks:
        # Every s-th row moves, and maybe up: none is written before it was read.
        p.rows.fold(dst, dst_row, &src, p.row.s * block_row, 1, outputs, width * p.inner, True, NULL)
    return p


cdef void join_rows(
    const Pool* p, const Call* call, Place* place, Py_ssize_t base, Py_ssize_t lo, Py_ssize_t hi,
    Py_ssize_t taps, bint fresh, char* result, Py_ssize_t result_row, char* scratch) noexcept nogil:
    """Fold the windows of an item, where row windows overlap much and rows are long.

    Positions are counted from the start of the first window of the axis, and so are the blocks
    that windows are joined of: a sum is the same in every tile.
    """
    cdef Py_ssize_t acc_cell = p.inner * p.rows.size, block_row = p.pitch * acc_cell
    cdef Py_ssize_t n = (hi - lo) * p.inner, d = p.row.d, whole = p.row.k * d
    cdef Py_ssize_t first = place.row * p.row.s, last_at = first + (place.rows - 1) * p.row.s
    cdef Py_ssize_t stop = last_at + whole - d + 1
    cdef Py_ssize_t top = clamped(p.row.before, first, stop)
    cdef Py_ssize_t bottom = clamped(p.row.before + p.row.n, top, stop)
    cdef char* suffixes = scratch + p.at_joined
    cdef char* next_suffixes = suffixes + whole * block_row
    cdef char* prefixes = next_suffixes + whole * block_row
    cdef char* lifted_rows = prefixes + d * block_row
    cdef const char* src = lifted_rows     # the row at `first`
    cdef const char* out = call.out + place.out_at + place.row * p.row.os + place.lane * p.lane.os
    cdef const char* batch[2]
    cdef char* window_row = scratch + lo * acc_cell
    cdef char* prefix
    cdef Py_ssize_t pitch = block_row, begin, end = -1, at, last, next_ = 0, i, r, ahead
    cdef bint direct = single(p, place) and not call.staged and p.rows.lift_join != NULL
    cdef bint sure = False, next_sure
    cdef const Pool* q = p
    cdef fold_f fold
    cdef join_f join
    cdef Span row
    if direct:
        pitch = p.row.xs
        src = call.x + place.x_at + (base + lo) * p.lane.xs + (first - p.row.before) * pitch
        if place.scans and top < bottom:
            p.rows.scan(src + (top - first) * pitch, pitch, bottom - top, n, &place.range_)
    else:
        row.first = 0
        row.stop = 1
        row.count = 1
        i = top
        while i < bottom:
            row.start = i - p.row.before
            r = min(bottom - i, p.staged_rows) if call.staged else bottom - i
            vertical(p, call, place, &row, r, 1, lifted_rows + (i - first) * block_row, block_row,
                     base + lo, hi - lo, scratch + p.at_raw)
            i += r
    if not p.leading:
        pad(p, scratch, 1, lo, hi)
    for r in range(place.rows):
        at = first + r * p.row.s
        if at >= end:
            begin = at // whole * whole
            if begin == end and p.sure != NULL:
                suffixes, next_suffixes = next_suffixes, suffixes
                sure = next_sure
            else:
                sure = fold_block(p, direct, suffixes, block_row, src + (begin - first) * pitch,
                                  pitch, at - begin, top - begin, bottom - begin, n, end < 0)
            end = begin + whole
            q = p
            if p.sure != NULL:
                # Windows from here on reach into the next block, which may have a NaN.
                if last_at >= end:
                    next_sure = fold_block(p, direct, next_suffixes, block_row,
                                           src + (end - first) * pitch, pitch, 0, top - end,
                                           bottom - end, n, begin <= first)
                else:
                    i = min(max(end, top), bottom)
                    next_sure = surest(p, src + (i - first) * pitch, pitch, bottom - i, n) != p
                q = p.sure if sure and next_sure else p
            fold = q.rows.lift if direct else q.rows.fold
            join = q.rows.lift_join if direct else q.rows.fold_join
            p.rows.clear(prefixes, block_row, d, n)
            next_ = end
        # What the next block is folded of after this one, or what is read two rows later.
        ahead = at + 2 * whole if p.sure != NULL else at + whole - d + 1 + 2 * p.row.s
        for i in range(ahead, min(ahead + p.row.s, bottom) if direct else 0):
            fetch(src + (i - first) * pitch, n * p.size)
        if direct and p.plain and p.rows.finish == NULL:
            fetch(out + r * p.row.os, place.lanes * p.inner * p.out_size)
        if p.leading:
            window_row = result + r * result_row
        batch[0] = suffixes + (at - begin) * block_row
        if at < begin + d:
            p.rows.fold(window_row, 0, batch, 0, 1, 1, n, True, NULL)
        else:
            last = at + whole - d
            for i in range(next_, last + 1):
                prefix = prefixes + i % d * block_row
                batch[1] = src + (i - first) * pitch
                if not top <= i < bottom:
                    continue
                if i == last:
                    join(window_row, prefix, batch[0], batch[1], n)
                else:
                    fold(prefix, 0, batch + 1, 0, 1, 1, n, False, NULL)
            next_ = last + 1
            if not top <= last < bottom:
                batch[1] = prefixes + last % d * block_row
                p.rows.fold(window_row, 0, batch, 0, 2, 1, n, True, NULL)
        if not p.leading:
            across(q, result + r * result_row, result_row, scratch, block_row, 1, place.lanes,
                   taps, False, fresh, scratch + p.block_bytes)


cdef bint fold_block(
    const Pool* p, bint direct, char* dst, Py_ssize_t dst_pitch, const char* src,
    Py_ssize_t src_pitch, Py_ssize_t begin, Py_ssize_t top, Py_ssize_t bottom,
    Py_ssize_t n, bint touches) noexcept nogil:
    """Fold each row of a block of k from `begin` on with those below it, d rows further each.

    There are rows only from `top` on and before `bottom`, which are touched first if they come from
    memory.  Returns whether it is sure that none of them has a NaN: the first of the results would
    have it.
    """
    cdef Py_ssize_t d = p.row.d, whole = p.row.k * d, i
    for i in range(max(begin, top), min(whole, bottom) if direct and touches else 0):
        touch(src + i * src_pitch, n * p.size, dst)
    for i in range(whole - d, whole):
        accumulate(p, direct, dst + i * dst_pitch, dst_pitch, src + i * src_pitch, src_pitch,
                   (i - begin) // d + 1 if i >= begin else 0, top - i, bottom - i, n)
    return surest(p, dst + begin * dst_pitch, dst_pitch, min(d, whole - begin), n) != p


cdef void accumulate(
    const Pool* p, bint direct, char* dst, Py_ssize_t dst_pitch, const char* src,
    Py_ssize_t src_pitch, Py_ssize_t count, Py_ssize_t top, Py_ssize_t bottom,
    Py_ssize_t n) noexcept nogil:
    """Fold up every d-th of the rows up to src, each with those below it, into those up to dst.

    There are rows only from `top` on and before `bottom`, as counted from src.
    """
    cdef Py_ssize_t i = 0, d = p.row.d, run
    cdef const char* last
    while i < count:
        run = 1
        if top <= -i * d < bottom:
            run = min(count - i, (-i * d - top) // d + 1)
            (p.rows.lift_accumulate if direct else p.rows.fold_accumulate)(
                dst - i * d * dst_pitch, -d * dst_pitch, src - i * d * src_pitch, -d * src_pitch,
                run, n, i == 0)
        elif i == 0:
            p.rows.clear(dst, 0, 1, n)
        else:
            last = dst - (i - 1) * d * dst_pitch
            p.rows.fold(dst - i * d * dst_pitch, 0, &last, 0, 1, 1, n, True, NULL)
        i += run


cdef inline bint single(const Pool* p, const Place* place) noexcept nogil:
    """Whether the outer axes bring one row only."""
    cdef int i
    for i in range(p.nouter):
        if place.taps[i] != 1:
            return False
    return True


cdef double doubt(const Pool* p, const Range* range_, bint* overflows) noexcept nogil:
    """The magnitude below which an item's sums cannot be trusted; 0 if all are near enough.

    A sum of n terms below m, each rounded at most `depth` times to 53 bits, is off by less than
    n * m * depth * 2**-53; what the sums of Twins round is off by depth**2 * 2**-106 of n * m
    (Ogita, Rump and Oishi, "Accurate sum and dot product", SIAM J. Sci. Comput. 26, 2005).
    """
    cdef int mantissa = p.rows.digits - 1, log_terms, peak, low
    if range_.peak == 0:
        return 0.0
    peak = <int> clamped(range_.peak >> mantissa, 1, 2046)
    low = <int> clamped((range_.low + 1) >> mantissa, 1, 2046)
    frexp(p.terms, &log_terms)
    # Every magnitude is below 2**(peak + 1 - bias).
    overflows[0] = peak + 2 - p.rows.bias + log_terms >= 1024
    if p.roots:
        # Powers do not cancel, but they overflow, and are rounded away below 2**-1022.
        return 2.0**-900 if overflows[0] or low - p.rows.bias < -960 else 0.0
    if p.rows.twins:
        if not overflows[0] and peak - low + p.rows.digits + 2 * log_terms <= 104:
            return 0.0
        return ldexp(p.terms * p.depth * p.depth, peak + 1 - p.rows.bias - 50)
    if peak - low + p.rows.digits + log_terms <= 53:
        return 0.0
    return ldexp(p.terms * p.depth, peak + 1 - p.rows.bias - 27)


cdef void each_tap(
    const Pool* p, const Call* call, const Place* place, Py_ssize_t r, Py_ssize_t i,
    const Mapping* how, visit_f visit, void* state, char* scratch) noexcept nogil:
    """Visit what is lifted of the window of element i of an item's row r, piece by piece."""
    cdef Span row = window(&p.row, place.row + r)
    cdef Span lane = window(&p.lane, place.lane + i // p.inner)
    cdef Py_ssize_t taken[MAX_OUTER]
    cdef Py_ssize_t a, t, tap, n, index = 0
    cdef char* raw = scratch + p.at_raw
    cdef char* native = scratch + p.at_native if p.rows.map != NULL else raw
    cdef const char* src = (call.x + place.x_at + row.start * p.row.xs + lane.start * p.lane.xs
                            + i % p.inner * p.inner_xs)
    for a in range(p.nouter):
        taken[a] = 0
    while not place.empty:
        for t in range(row.first, row.stop):
            tap = lane.first
            while tap < lane.stop:
                n = clamped(lane.stop - tap, 0, p.pitch)
                p.stage(NULL, native, p.x_size, p.x_size,
                        src + t * p.row.d * p.row.xs + tap * p.lane.d * p.lane.xs,
                        p.lane.d * p.lane.xs, 0, n, 1, p.swap)
                if p.rows.map != NULL:
                    p.rows.map(raw, native, n, 1, 0, how)
                visit(state, raw, n)
                tap += n
        if not next_taps(p, place, taken, &src, &index):
            break


# What a window's elements are: of doubt() for one sum.
cdef struct Probe:
    scan_f scan
    Range range_


cdef void probe(Probe* state, const char* src, Py_ssize_t n) noexcept nogil:
    state.scan(src, 0, 1, n, &state.range_)


cdef void mend(
    const Pool* p, const Call* call, const Place* place, Py_ssize_t r, Py_ssize_t i, char* dst,
    const char* given, char* scratch) noexcept nogil:
    """Put the right result in the place of element i of an item's row r.

    Unless the given sum is not suspect by what its own window holds, rather than the item.
    """
    cdef Mapping how = p.mapping
    cdef Probe own
    cdef Exact sum_
    cdef Norm norm
    cdef Sparse total       # begins as a Twin does, and that as a double
    cdef Twin twin
    cdef int scale
    cdef bint overflows = False
    cdef double divisor = p.divisor, bound
    own.scan = p.rows.scan
    own.range_.peak = 0
    own.range_.low = <uint64_t> -1
    each_tap(p, call, place, r, i, &how, <visit_f> probe, &own, scratch)
    bound = doubt(p, &own.range_, &overflows)
    if p.rows.suspect(given, 0, 1, bound, overflows) == 1:
        return
    if p.roots:
        memset(&norm, 0, sizeof(Norm))
        norm.exponent = how.exponent
        norm.omits = p.omits
        how.exponent = 1.0
        each_tap(p, call, place, r, i, &how, <visit_f> widest, &norm, scratch)
        each_tap(p, call, place, r, i, &how, <visit_f> norm_add, &norm, scratch)
        twin.hi = norm_of(&norm)
        twin.lo = 0.0
        divisor = 1.0
        p.rows.norm_finish(dst, 0, <const char*> &twin, 0, 1, 1, &divisor, p.ending)
        return
    memset(&sum_, 0, sizeof(Exact))
    sum_.omits = p.omits
    each_tap(p, call, place, r, i, &how, p.rows.exact, &sum_, scratch)
    twin = exact_twin(&sum_, &scale)
    total.hi = twin.hi
    total.lo = twin.lo
    total.seen = sum_.seen
    total.nans = sum_.nans
    if p.averages:
        divisor = place.count * window(&p.row, place.row + r).count
        divisor *= window(&p.lane, place.lane + i // p.inner).count
    if p.omits and scale != 0:
        # The finish takes the NaNs from the divisor; here they have to go before it is scaled.
        divisor -= total.nans if p.averages else 0
        total.nans = 0
    divisor = ldexp(divisor, scale)
    if not p.rows.twins:
        # As an exact sum is finished: that of an item with another, rounded one is the same.
        total.hi += total.lo
        divisor = p.rows.scale / divisor
    p.rows.finish(dst, 0, <const char*> &total, 0, 1, 1, &divisor, p.ending)


cdef void finish(
    const Pool* p, const Call* call, const Place* place, char* scratch,
    const char* result) noexcept nogil:
    """Turn an item's rows of accumulators into output."""
    cdef Py_ssize_t width = p.res_pitch * p.inner, row_bytes = width * p.rows.size
    cdef Py_ssize_t n = place.lanes * p.inner, r = 0, i, run, cells, dst_row
    cdef Py_ssize_t group = clamped(FACTORS // width, 1, p.tile) if p.plain else 1
    cdef double bound = 0.0
    cdef double* factors = <double*> (scratch + p.at_factors)
    cdef bint overflows = False, gaps
    cdef const char* src
    cdef char* out
    cdef char* dst
    if p.rows.scan != NULL:
        bound = doubt(p, &place.range_, &overflows)
    while r < place.rows:
        src = result + r * row_bytes
        out = call.out + place.out_at + (place.row + r) * p.row.os + place.lane * p.lane.os
        run = min(place.rows - r, group)
        cells = (run - 1) * width + n
        gaps = run > 1 and width > n
        if call.indices != NULL:
            finish_indices(p, call, place, r, run, src, row_bytes, n, scratch + p.at_done)
        if p.rows.finish == NULL:
            dst_row = row_bytes
        else:
            dst = scratch + p.at_done if gaps or not p.plain else out
            dst_row = width * p.out_size if gaps else p.row.os
            if call.beside != NULL:
                factors_beside(p, call, place, r, run, n, factors)
            elif p.ending.shift == 0:
                fill_factors(p, place, r, run, factors, <Memory*> (scratch + p.at_memory))
            if gaps:    # short rows are finished with what is between them, as one
                p.rows.finish(dst, 0, src, 0, 1, cells, factors, p.ending)
            else:
                p.rows.finish(dst, dst_row, src, row_bytes, run, n, factors, p.ending)
            i = 0
            while bound > 0.0 or overflows:
                i = p.rows.suspect(src, i, cells, bound, overflows)
                if i >= cells:
                    break
                if i % width < n:
                    mend(p, call, place, r + i // width, i % width,
                         dst + i // width * dst_row + i % width * p.out_size,
                         src + i * p.rows.size, scratch)
                i += 1
            src = dst
        if not p.plain:
            p.scatter(NULL, out, p.lane.os, p.inner_os, src, p.inner * p.out_size, p.out_size,
                      place.lanes, p.inner, False)
        elif src != out:
            copy_rows(out, p.row.os, src, dst_row, run, n * p.out_size)
        r += run


cdef void factors_beside(
    const Pool* p, const Call* call, const Place* place, Py_ssize_t r, Py_ssize_t rows,
    Py_ssize_t n, double* factors) noexcept nogil:
    """Make factors of what lies beside an item's rows of output."""
    cdef Py_ssize_t at = place.out_at + (place.row + r) * p.row.os + place.lane * p.lane.os, i
    cdef const char* beside
    for i in range(rows):
        beside = call.beside + at // p.out_size * p.beside_size
        fetch(beside + LEAD, n * p.beside_size)
        p.rows.beside(<char*> factors, beside, n, 1, 0, &p.mapping)
        factors += p.res_pitch * p.inner
        at += p.row.os


cdef void finish_indices(
    const Pool* p, const Call* call, const Place* place, Py_ssize_t r, Py_ssize_t rows,
    const char* src, Py_ssize_t row_bytes, Py_ssize_t n, char* done) noexcept nogil:
    """Put out the indices of rows of accumulators; they lie as the output does."""
    cdef Py_ssize_t wide = <Py_ssize_t> sizeof(int64_t) // p.out_size
    cdef char* dst = call.indices + wide * (
        place.out_at + (place.row + r) * p.row.os + place.lane * p.lane.os)
    if p.plain:
        p.rows.indices(dst, wide * p.row.os, src, row_bytes, rows, n, NULL, p.ending)
        return
    p.rows.indices(done, 0, src, 0, 1, n, NULL, p.ending)
    move(<uint64_t*> NULL, dst, wide * p.lane.os, wide * p.inner_os, done,
         p.inner * sizeof(int64_t), sizeof(int64_t), place.lanes, p.inner, False)


cdef void fill_factors(
    const Pool* p, const Place* place, Py_ssize_t r, Py_ssize_t rows, double* factors,
    Memory* memory) noexcept nogil:
    """The divisors (or their inverses) of an item's rows from r on, unless they are there."""
    cdef double* counts = <double*> (memory + 1)
    cdef Py_ssize_t width = p.res_pitch * p.inner, i, stop, j, k, run
    cdef double divisor
    cdef Span row, lane
    if not p.averages:
        for i in range(p.factors if memory.lane < 0 else 0):
            factors[i] = p.rows.scale / p.divisor if p.rows.inverts else p.divisor
        memory.lane = 0
        return
    if memory.lane != place.lane:
        memset(counts, -1, p.scratch_bytes - p.at_memory - sizeof(Memory))
        memory.lane = place.lane
    elif (memory.row == place.row + r and memory.rows >= rows
            and memory.count == place.count):
        return
    memory.row = place.row + r
    memory.rows = rows
    memory.count = place.count
    i = 0
    while i < rows:
        row = window(&p.row, place.row + r + i)
        stop = i + alike(&p.row, &row, rows - i)
        for i in range(i, stop):
            if counts[i] == place.count * row.count:
                continue
            counts[i] = place.count * row.count
            j = 0
            while j < place.lanes:
                lane = window(&p.lane, place.lane + j)
                run = alike(&p.lane, &lane, place.lanes - j)
                divisor = counts[i] * lane.count
                if p.rows.inverts:
                    divisor = p.rows.scale / divisor
                for k in range(i * width + j * p.inner, i * width + (j + run) * p.inner):
                    factors[k] = divisor
                j += run
            for k in range(i * width + j * p.inner, (i + 1) * width if rows > 1 else 0):
                factors[k] = divisor    # a number
        i = stop


cdef void pool_item(
    const Pool* p, const Call* call, Py_ssize_t item, char* scratch) noexcept nogil:
    """Everything for one item whose windows are not split."""
    cdef Place place
    cdef char* result = scratch + p.at_result
    cdef Py_ssize_t result_row = p.res_pitch * p.inner * p.rows.size
    cdef Memory* memory = <Memory*> (scratch + p.at_memory)
    cdef char* out
    cdef const char* next_
    cdef Py_ssize_t plane, nbytes, half
    cdef bint straight, together = True
    locate(p, item, &place)
    out = call.out + place.out_at + place.row * p.row.os + place.lane * p.lane.os
    if place.planes > 1:    # without rows between them, which are nobody's
        together = (p.plane_rows == place.rows
                    and p.outer[p.nouter - 1].os == place.rows * p.row.os)
    if p.fetches_planes:
        # The next planes, of which the second half while this item's are finished, and the output.
        nbytes = place.planes * p.outer[p.nouter - 1].xs
        half = nbytes if p.rows.at_once != NULL else nbytes // 2
        next_ = call.x + place.x_at + nbytes
        fetch(next_, half)
        if (p.outer[p.nouter - 1].os == p.row.out * p.lane.out * p.inner * p.out_size
                and p.lane.n * p.inner * p.size < LONG_SOURCE):
            # It is contiguous, and comes with no rows.
            fetch(out, place.planes * p.outer[p.nouter - 1].os)
    if p.rows.at_once != NULL and together and not call.tangled:
        # Next to halfway, Twins may be rounded the other way: not for what came before in a thread.
        if memory.detours == 0 or p.rows.twins:
            place.at_once = True
            place.scans = False
            place.once.wide = <Py_ssize_t> sizeof(int64_t) // p.out_size
            place.once.along = p.lane.step
            place.once.inner = p.inner
            place.once.k = p.lane.turned_k if p.spreads else p.lane.k
            place.once.s = p.lane.turned_s if p.spreads else p.lane.s
            place.once.d = p.lane.d
            place.once.stride = p.row.s
            place.once.apart = p.row.xs
            gather(p, call, &place, 0, scratch, out, p.row.os)
            if not place.doubtful:
                memory.last_detours = 0
                return
            place.at_once = False
            memory.last_detours = min(2 * memory.last_detours + 1, DETOURS)
            memory.detours = memory.last_detours
        memory.detours -= 1
    # Accumulators that are the output may be folded straight into it.
    straight = p.rows.finish == NULL and p.plain and (
        p.leading or p.pairs or p.joins or rows_of(p, &place) == 1
        or (p.res_pitch == place.lanes and p.row.os == result_row))
    straight = straight and together
    if straight:
        result = out
        result_row = p.row.os
    gather_warily(p, call, &place, scratch, result, result_row)
    if p.fetches_planes:
        fetch(next_ + half, nbytes - half)
    for plane in range(0 if straight else place.planes):
        finish(p, call, &place, scratch, result + plane * p.plane_rows * result_row)
        move_on(p, &place, 1)


cdef void pool_part(
    const Pool* p, const Call* call, Py_ssize_t i, char* scratch, char* results) noexcept nogil:
    """The accumulators of one part of an item."""
    cdef Place place
    locate(p, i // p.parts, &place)
    results += i * (p.result_bytes + sizeof(Range))
    place.scans = p.rows.scan != NULL
    gather(p, call, &place, i % p.parts, scratch, results, p.res_pitch * p.inner * p.rows.size)
    memcpy(results + p.result_bytes, &place.range_, sizeof(Range))


cdef void join_parts(
    const Pool* p, const Call* call, Py_ssize_t item, char* scratch, char* results) noexcept nogil:
    """Fold the parts of an item in their order, and finish it."""
    cdef Place place
    cdef Range range_
    cdef Py_ssize_t unit = p.result_bytes + sizeof(Range)
    cdef char* first = results + item * p.parts * unit
    cdef const char* src
    cdef Py_ssize_t part, row = p.res_pitch * p.inner * p.rows.size, r
    locate(p, item, &place)
    for part in range(p.parts):
        memcpy(&range_, first + part * unit + p.result_bytes, sizeof(Range))
        place.range_.peak = max(place.range_.peak, range_.peak)
        place.range_.low = min(place.range_.low, range_.low)
        for r in range(place.rows if part > 0 else 0):
            src = first + part * unit + r * row
            p.rows.fold(first + r * row, 0, &src, 0, 1, 1, place.lanes * p.inner, False, NULL)
    finish(p, call, &place, scratch, first)


# ---------------------------------------------------------------------------------------------
# The boundary
# ---------------------------------------------------------------------------------------------

cdef Axis axis_from(object numbers):
    cdef Axis axis
    (axis.n, axis.out, axis.k, axis.s, axis.d, axis.before, axis.counted, axis.xs, axis.os,
     axis.step, axis.spacing, axis.turned_k, axis.turned_s, axis.turned_d) = numbers
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
        bint averages, double divisor, double terms, double depth, bint wraps, bint least,
        bint omits, bint scans, bint checks, bint at_once, int margin, bint leading, bint reduces,
        bint slides, bint lifts, bint joins, bint bare, bint pairs, Py_ssize_t tile,
        Py_ssize_t lanes, Py_ssize_t stack, Py_ssize_t taps, Py_ssize_t pitch, Py_ssize_t room,
        Py_ssize_t parts,
        bint parts_rows, object beside,
    ):
        cdef Pool* p = &self.pool
        cdef Py_ssize_t i, rows, most, acc_cell
        cdef int lifted
        cdef bint overlap
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
        p.inner, p.inner_xs, p.inner_os, p.mapping.inner_step = inner
        p.mapping.step = p.lane.step
        p.mapping.flip = -1 if least else 0
        # The ends of the range of ranks are kept for NaN and, below all, for windows of nothing.
        bits = 8 * size_of(elem)
        p.mapping.nan = (1 - 2 ** (bits - 1)) if omits else 2 ** (bits - 1) - 1
        p.mapping.exponent = divisor
        p.roots = mapping == MAP_POWER or mapping == MAP_SQUARE
        p.omits = omits
        p.repeats = kind < 2
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
        p.ending.is_signed = elem % 2 == 1 and elem < FLOAT
        p.ending.wraps = wraps
        p.ending.averages = averages
        p.ending.least = least
        p.ending.exponent = divisor
        # Sums are wider than elements, in 16 to 64 bits, and have one divisor.
        if acc < 3 and out < FLOAT and p.out_size < p.rows.size and not (wraps or averages):
            for i in range(1, 8 * p.out_size):
                if divisor == <double> ((<uint64_t> 1) << i):
                    p.ending.shift = <int> i
        p.ending.saturates = elem != out or divisor < terms
        p.ending.margin = <uint32_t> margin << 23
        p.reduces = reduces
        # Runs of Twins are vectors, which rows of them are only in part.
        p.share = taps + 1 if p.rows.twins and not omits and p.inner == 1 else LONG_SHARE
        p.slides = slides
        p.lifts = lifts
        p.joins = joins
        p.bare = bare
        p.unpadded = (
            p.lane.spacing == REGULAR and p.lane.before <= 0 and not (lifts or joins)
            and p.lane.out == lanes and p.lane.k == taps
            and (lanes - 1) * p.lane.s - p.lane.before + (taps - 1) * p.lane.d < p.lane.n)
        p.tile = tile
        p.lanes = lanes
        p.stack = stack
        p.taps = taps
        p.parts = parts
        p.parts_rows = parts_rows
        acc_cell = p.inner * p.rows.size
        p.tangled = swap or p.lane.xs != p.inner * p.x_size or p.inner_xs != p.x_size
        # Steps that are no multiple of an element's size lead to elements that are not aligned.
        p.tangled = p.tangled or p.row.xs % p.x_size != 0
        for i in range(p.nouter):
            p.tangled = p.tangled or p.outer[i].xs % p.x_size != 0
        p.plain = p.lane.os == p.inner * p.out_size and p.inner_os == p.out_size
        p.spreads = p.lane.spacing == TRANSPOSED and p.lane.turned_d == 1 and taps >= p.lane.k
        p.couples = (at_once and p.inner > 1 and p.lane.k == p.lane.s == 2 and not joins
                     and p.rows.indices == NULL and mapping == MAP_NONE)
        overlap = p.lane.turned_k > p.lane.turned_s
        if p.spreads and overlap and not phases_fit(&p.lane, p.inner):
            at_once = False
        p.windows = (at_once and acc == 4 and p.lane.k > 1 and not (joins or lifts or pairs)
                     and p.rows.indices == NULL)
        if p.windows and not (p.lane.k <= 3 and p.lane.d == 1 and (
                p.lane.s == 1 or (p.lane.s == 2 < p.lane.k and p.inner == 1))):
            raise ValueError(f"no kernel for windows of {p.lane.k} at once")
        if (at_once and p.plain and elem == out and not joins
                and (leading or pairs or p.spreads or p.couples or p.windows
                     or p.rows.indices != NULL)):
            # Windows along the lanes have as many sources as taps.
            rows = p.row.k * (p.lane.k if p.rows.indices != NULL else 1)
            for i in range(p.nouter):
                rows *= p.outer[i].k
            p.rows.at_once = choose_at_once(
                elem, mapping, acc, p.rows.indices != NULL, p.lane.k > 1, p.spreads,
                overlap, p.row.k if lifts else 0, pairs, p.couples, p.windows,
                p.ending.shift > 0 and not p.ending.saturates, &most)
            if rows > most and p.rows.at_once != NULL:
                raise ValueError(f"{rows} sources at once; at most {most} are possible")
        if p.rows.beside != NULL and not p.plain:
            raise ValueError("the output is not contiguous")
        # What is staged is read in order; what is lifted was mostly read for the windows before.
        nbytes = p.extent = size_of(elem)
        for length, step in zip(x_shape, x_strides):
            nbytes *= length
            p.extent += (length - 1) * step
        if min(x_strides, default=0) < 0:
            p.extent = 0
        p.fetches_rows = nbytes >= LARGE_INPUT and not (
            p.tangled or joins or (lifts and p.rows.at_once == NULL))
        p.leading = leading
        p.unit = p.inner if acc_cell in (1, 2, 4, 8, 16) else 1
        # Elements may be aligned for themselves only, and the sums of a row read where it lies
        # are sums of elements, so that one fold has to do.
        p.direct = p.unit == 1 and (p.rows.finish == NULL or reduces or p.lane.s > 1 or taps <= 3)
        p.pairs = pairs
        p.pitch = pitch
        p.res_pitch = pitch // p.lane.s
        if p.leading or p.pairs or reduces or joins or tile == 1 or p.lane.spacing != REGULAR:
            p.res_pitch = lanes
        rows = (tile - 1) * p.row.s + (p.row.k - 1) * p.row.d + 1   # that a tile is made of
        p.plane_rows = tile
        if lifts:
            i = rows - clamped(p.row.before, 0, max(rows - p.row.before - p.row.n, 0))
            p.plane_rows = (i + p.row.s - 1) // p.row.s
        p.lane_blocks = (p.lane.out + lanes - 1) // lanes
        p.row_blocks = (p.row.out + tile - 1) // tile
        p.items = p.lane_blocks * p.row_blocks
        for i in range(p.nouter):
            p.items *= p.outer[i].out
        if stack > 1:
            i = p.outer[p.nouter - 1].out
            p.items = p.items // i * ((i + stack - 1) // stack)
        # Sums take long enough for the next planes to come meanwhile.
        p.fetches_planes = (nbytes >= LARGE_INPUT and p.rows.finish != NULL and p.nouter > 0
                            and p.row_blocks == p.lane_blocks == 1
                            and p.outer[p.nouter - 1].k == 1
                            and p.row.spacing == p.lane.spacing == REGULAR
                            and 0 < stack * p.outer[p.nouter - 1].xs <= PLANES_FETCHED)
        # The scratch of a thread: four blocks (five where phases are spread), result, staged rows,
        # native row, finished row, divisors.
        if lifts:
            rows += (stack - 1) * p.plane_rows * p.row.s
        else:
            rows = 1 if joins else stack * tile
        p.block_bytes = rounded_up((rows * pitch + (2 * p.lane.k if bare else 0)) * acc_cell)
        if (p.leading or p.pairs) and not lifts:
            p.block_bytes = 0
        p.at_joined = (5 if p.spreads else 4) * p.block_bytes
        p.at_result = p.at_joined
        if joins:
            rows = (2 * p.row.k + 1) * p.row.d + (tile - 1) * p.row.s + (p.row.k - 1) * p.row.d + 1
            p.at_result += rounded_up(rows * pitch * acc_cell)
        p.result_bytes = rounded_up(
            ((stack - 1) * p.plane_rows + tile) * p.res_pitch * acc_cell)
        p.at_raw = p.at_result + p.result_bytes
        rows = max((tile - 1) * p.row.s + (p.row.k - 1) * p.row.d + 1, SLOTS)
        p.staged_rows = clamped(room // (p.pitch * p.inner * p.size), SLOTS, rows)
        p.staged_run = p.staged_rows // SLOTS
        if p.row.s <= p.row.k <= p.staged_rows and (p.row.d == 1 or p.row.k == 1):
            p.staged_run = (p.staged_rows - p.row.k) // p.row.s + 1
        p.at_native = p.at_raw + rounded_up(p.staged_rows * p.pitch * p.inner * p.size)
        p.at_done = p.at_native + rounded_up(p.pitch * p.inner * p.x_size)
        p.factors = max(lanes * p.inner, min(tile * p.res_pitch * p.inner, FACTORS))
        p.at_factors = p.at_done + rounded_up(
            p.factors * max(p.out_size, <Py_ssize_t> sizeof(int64_t)))
        p.at_memory = p.at_factors + rounded_up(
            (2 if p.rows.twins and at_once else 1) * p.factors * sizeof(double))
        p.scratch_bytes = p.at_memory + rounded_up(
            sizeof(Memory) + min(tile, FACTORS) * sizeof(double))
        if checks and p.rows.numbers != NULL:
            self.sure = self.pool
            choose_numbers(lifted, kind == 1, &self.sure.rows)
            p.sure = &self.sure

    def run(self, x, out, indices, int threads, beside=None):
        """Pool x into out: two arrays of exactly the shapes and strides planned for.

        `indices`, if not None, is an array of int64 with the layout of out; so is `beside`, of the
        type planned for.  False, with nothing done, if `out` is laid out otherwise or may share
        memory with x or `beside`.
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
                    (<Memory*> (scratch + i * p.scratch_bytes + p.at_memory)).wary = False
                    (<Memory*> (scratch + i * p.scratch_bytes + p.at_memory)).detours = 0
                    (<Memory*> (scratch + i * p.scratch_bytes + p.at_memory)).last_detours = 0
                    # Around rows are cells that are summed, though never used.
                    memset(scratch + i * p.scratch_bytes, 0,
                           p.block_bytes if p.bare or p.unpadded else 0)
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
            finally:
                free(memory)
                PyBuffer_Release(&out_view)
        finally:
            PyBuffer_Release(&x_view)
        return True


cdef bint phases_fit(const Axis* lane, Py_ssize_t inner) noexcept:
    """Whether once_phases() has room for transposed windows that overlap."""
    cdef Py_ssize_t taps = (lane.turned_k + lane.turned_s - 1) // lane.turned_s
    return taps <= COLUMNS and inner <= ROOM // (2 * COLUMNS)


cdef Py_ssize_t rounded_up(Py_ssize_t size) noexcept:
    """To whole cache lines, so that no two threads share one."""
    return (size + 63) // 64 * 64


def openmp():
    """Whether the kernels were compiled with OpenMP."""
    return bool(cypool_openmp)


def max_threads():
    """How many threads OpenMP would use by itself (1 without OpenMP)."""
    return cypool_max_threads()
