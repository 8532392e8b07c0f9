# Items: what there is to do, and where it lies.
#
# An item is a tile of output: `tile` rows by `lanes` positions of one index of the outer axes, or
# where that is little, of a stack of planes: as many indices of the last outer axis, not pooled.
#
#   outer axes   any number, in memory order; their taps are walked by an odometer
#   row axis     the axis just before the lanes: a tile holds some of its outputs
#   lane axis    the last axis in memory, or the last pooled one with `inner` elements per position
#
# An axis that is not pooled is one with k = s = 1.

cdef enum:
    FACTORS = 2048      # rows are finished together while they have so many elements or less

cdef struct Pool:
    Rows rows
    const Pool* sure        # the same for rows that are checked for NaN; may be NULL
    move_f stage            # input elements into a contiguous, aligned, native row
    move_f scatter          # output elements out of a contiguous row
    Axis outer[MAX_OUTER]
    Axis row
    Axis lane
    Axis shared[MAX_OUTER]  # windows that share out what is read, the gradients of their means
    int nshared
    int row_shared          # the one of them that lies along the row axis; -1 if none does
    int lane_shared         # and along the lanes
    double wholes[MAX_OUTER]    # what is multiplied by, over what they count, unless that divides
    int nouter
    bint averages           # divide by the window's count
    bint swap               # the input has the other byte order
    bint tangled            # the input's rows are not contiguous native elements
    bint plain              # the output's rows are contiguous
    bint leading            # the lane axis is not pooled: nothing horizontal to do
    bint reduces            # horizontal folds go run by run instead of sliding rows
    bint by_row             # or take rows one by one, where short ones slide together
    Py_ssize_t share        # an eighth of a run is folded as a row if it has so many elements
    bint ranges             # the greatest of long runs of doubles is found as they are read
    bint slides             # strided or adaptive horizontal folds slide by one, then pick
    bint lifts              # the rows of an item are lifted once and slide over each other
    bint joins              # they are joined of suffixes and prefixes of blocks of rows
    bint direct             # a row without padding may be read where it lies
    bint pairs              # the lane windows are pairs, folded with their rows at once
    int form                # of windows that become output at once
    bint bare               # scratch rows have no padding; the windows it cuts are folded apart
    bint unpadded           # no window needs any, and what is behind rows is in no window
    bint spreads            # lane windows are transposed: each phase of the lanes slides
    bint repeats_rows       # rows at once are repeated: row windows side by side were transposed
    bint roots              # sums of powers
    bint omits              # NaNs are left out
    bint fetches_rows       # those that are folded later are brought nearer meanwhile
    bint fetches_planes     # so are the next ones, while an item is worked at
    bint repeats            # an element may be folded into a window twice
    Mapping mapping
    Ending ending
    double patience         # so many elements may be added up again, before a call is given up
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
    Py_ssize_t block        # rows of a block that windows are joined of, for each phase
    Py_ssize_t strip        # rows that are finished before the next ones of an item are folded
    bint parts_rows         # parts split the row axis's taps (else the passes over lane taps)
    Py_ssize_t pitch        # cells per scratch row, a multiple of the stride if they slide as one
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
    Py_ssize_t at_picks     # which cells lanes take of those that slid
    Py_ssize_t at_shares    # what elements of a row are multiplied or divided by
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
    double mended           # so many elements were added up again
    Py_ssize_t picked       # the first lane that there are picks for
    Py_ssize_t first_share  # and the first position that there are shares for, and how many
    Py_ssize_t share_count
    Py_ssize_t lane         # and that the factors are for
    Py_ssize_t row          # and the first row, and how many
    Py_ssize_t rows
    double count            # and what the outer windows count

# The rows that windows are joined of, by their positions.
cdef struct Joined:
    Py_ssize_t end          # of the block that there are suffixes of; negative before the first
    Py_ssize_t next_        # the first row behind it that is in no prefix yet
    Py_ssize_t seen         # rows before it are in the item's range
    Py_ssize_t top          # there are no rows before it,
    Py_ssize_t bottom       # nor from here on
    bint direct             # rows are elements that lie in the input
    bint by_block           # what comes is read a block at a time, not row by row
    bint sure               # no row of this block, or behind it, has a NaN
    const char* src         # the row
    Py_ssize_t origin       # at this position
    Py_ssize_t pitch        # and from a row to the next
    char* given             # rows that are not in the input
    char* suffixes          # of the block, and what is common to its windows
    char* prefixes          # of the blocks behind it, as far as they reach
    char* prefix            # the last one

# One pass over an item's rows, of some taps along the lanes.
cdef struct Pass:
    Py_ssize_t tap      # the first of them
    Py_ssize_t taps     # and how many
    Py_ssize_t base     # the position of the first cell that these reach over
    Py_ssize_t cells    # and how many do they
    Py_ssize_t lo       # the first of them that is in the input
    Py_ssize_t hi       # and where the others end
    Py_ssize_t width    # how many, from the first on, are folded
    bint fresh          # it is the first pass, whose results are the only ones yet
    char* result        # where these go
    Py_ssize_t result_row   # and from a row to the next

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
    bint rounded            # sums of the item were
    bint scans              # the item's elements widen
    Range range_            # this range
    Py_ssize_t seen         # rows before this position are in it already
    const char* given       # all rows, staged; or NULL,
    Py_ssize_t given_row    # from this position on
    Py_ssize_t given_block  # bytes from a plane's, or an outer tap's, to the next
    Joined joined


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
    place.rounded = False
    place.joined.end = -1
    place.given = NULL
    place.given_block = 0
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
        place.given += planes * place.given_block


cdef inline const Pool* surest(
    const Pool* p, const char* src, Py_ssize_t pitch, Py_ssize_t rows, Py_ssize_t n) noexcept nogil:
    """What to go on with, when all that is still to be folded is in these rows.

    Floats are combined in one instruction, not three or four, where none is NaN.
    """
    if p.sure != NULL and p.rows.numbers(src, pitch, rows, n):
        return p.sure
    return p


# The taps of the outer axes, one after the other.
cdef struct Taps:
    const char* src         # the first element that a row has at them
    Py_ssize_t index        # and its index
    Py_ssize_t taken[MAX_OUTER]     # how many there were along each axis


cdef inline void first_taps(
    const Pool* p, const char* src, Py_ssize_t index, Taps* taps) noexcept nogil:
    cdef int i
    taps.src = src
    taps.index = index
    for i in range(p.nouter):
        taps.taken[i] = 0


cdef bint next_taps(const Pool* p, const Place* place, Taps* taps) noexcept nogil:
    """Step to the next taps; False after the last."""
    cdef int i
    cdef const Axis* axis
    for i in range(p.nouter - 1, -1, -1):
        axis = &p.outer[i]
        taps.taken[i] += 1
        taps.src += axis.d * axis.xs
        taps.index += axis.d * axis.step
        if taps.taken[i] < place.taps[i]:
            return True
        taps.src -= taps.taken[i] * axis.d * axis.xs
        taps.index -= taps.taken[i] * axis.d * axis.step
        taps.taken[i] = 0
    return False


cdef inline bint single(const Pool* p, const Place* place) noexcept nogil:
    """Whether the outer axes bring one row only."""
    cdef int i
    for i in range(p.nouter):
        if place.taps[i] != 1:
            return False
    return True


cdef inline double divisor_of(const Pool* p, const Place* place, const Span* row) noexcept nogil:
    """The divisor of the first lane's window, and of all if they are uncut."""
    if p.averages:
        return place.count * row.count * window(&p.lane, place.lane).count
    return p.divisor
