# What a plan makes of what it is told: how output is made, what is fetched, where scratch lies.

cdef enum:
    PLANES_FETCHED = 8192   # bytes of planes that are fetched; of larger ones rows are, one by one


cdef void set_ending(
    Pool* p, int elem, int acc, int out, bint wraps, bint least, int margin) noexcept:
    """Say how sums become output."""
    cdef int i
    p.ending.is_signed = elem % 2 == 1 and elem < FLOAT
    p.ending.wraps = wraps
    p.ending.averages = p.averages
    p.ending.least = least
    p.ending.exponent = p.divisor
    # Sums are wider than elements, in 16 to 64 bits, and have one divisor.
    if acc < IN_DOUBLE and out < FLOAT and p.out_size < p.rows.size and not (wraps or p.averages):
        for i in range(1, 8 * p.out_size):
            if p.divisor == <double> ((<uint64_t> 1) << i):
                p.ending.shift = i
    p.ending.saturates = elem != out or not (p.averages or p.divisor >= p.terms)
    # Sums in 16 bits have divisors of no more than 8 bits, and those in 32 of no more than 24.
    if acc == IN_UINT16:
        p.ending.inverts = not p.ending.saturates
    elif acc == IN_UINT32 and p.terms * 2.0**(8 * p.x_size) <= 2.0**24:
        p.ending.inverts = out == FLOAT or not p.ending.saturates
    if wraps or p.ending.shift > 0:
        p.ending.inverts = False
    p.rows.inverts = p.rows.inverts or p.ending.inverts
    p.ending.margin = <uint32_t> margin << 23
    p.ending.share = p.terms * p.depth * p.depth * 2.0**-48


cdef void see_layout(Pool* p, tuple x_shape, tuple x_strides):
    """See whether rows are contiguous, and how far an input that lies in order goes."""
    cdef int i
    p.tangled = p.swap or p.lane.xs != p.inner * p.x_size or p.inner_xs != p.x_size
    # Steps that are no multiple of an element's size lead to elements that are not aligned.
    p.tangled = p.tangled or p.row.xs % p.x_size != 0
    for i in range(p.nouter):
        p.tangled = p.tangled or p.outer[i].xs % p.x_size != 0
    p.plain = p.lane.os == p.inner * p.out_size and p.inner_os == p.out_size
    if min(x_strides, default=0) >= 0:
        p.extent = p.x_size
        for length, step in zip(x_shape, x_strides):
            p.extent += (length - 1) * step


cdef int choose_way(Pool* p, int elem, int mapping, int acc, int form) except -1:
    """Choose how windows of a form become output at once."""
    cdef Py_ssize_t most, rows, i
    if not suits(p, form):
        raise ValueError(f"windows of {p.lane.k} are not of form {form}")
    # Elements that are compared along the lanes are a source each.
    rows = p.row.k * (p.lane.k if form == FORM_ALONG else 1)
    for i in range(p.nouter):
        rows *= p.outer[i].k
    p.rows.at_once = choose_at_once(
        elem, mapping, acc, form, p.ending.shift > 0 and not p.ending.saturates, &most)
    if rows > most and p.rows.at_once != NULL:
        raise ValueError(f"{rows} sources at once; at most {most} are possible")
    p.form = form if p.rows.at_once != NULL else FORM_NONE
    p.repeats_rows = (p.form == FORM_REPEATED and p.row.spacing == TRANSPOSED
                      and p.row.turned_k == p.row.turned_s and p.row.turned_d == 1)
    return 0


cdef bint suits(const Pool* p, int form) noexcept:
    """Whether an item's rows and lanes are as the operations of a form take them."""
    cdef const Axis* lane = &p.lane
    cdef bint inside = lane.before == 0 and (lane.out - 1) * lane.s + lane.k <= lane.n
    if p.joins or p.lifts != (form == FORM_SHARED):
        return False
    elif form == FORM_ROWS or form == FORM_WEIGHED:
        return p.leading
    elif form == FORM_PAIRS:
        return p.pairs
    elif form == FORM_COUPLES:
        return p.inner > 1 and lane.k == lane.s == 2 and inside
    elif form == FORM_WINDOWS:
        return lane.d == 1 < lane.k <= 3 and (
            lane.s == 1 or (lane.s == 2 < lane.k and p.inner == 1))
    elif form == FORM_RUNS:
        return p.reduces and p.inner == 1 and inside
    elif form == FORM_SHARED:
        return p.leading and p.row.k == COLUMNS and (
            p.nshared == 0 or tile_rows(p) <= MOST_SHARES)
    elif form == FORM_REPEATED:
        return p.spreads and lane.turned_k <= lane.turned_s
    elif form == FORM_PHASES:
        return (p.spreads and p.inner <= ROOM // (2 * COLUMNS)
                and lane.turned_k <= COLUMNS * lane.turned_s)
    return p.rows.indices != NULL and (lane.k > 1) == (form == FORM_ALONG)


cdef void count_items(Pool* p) noexcept:
    """Cut the output into items, and say how far apart rows of results lie."""
    cdef Py_ssize_t i, rows
    p.res_pitch = p.pitch // p.lane.s
    if (p.leading or p.pairs or p.reduces or p.joins or p.tile == 1
            or p.lane.spacing != REGULAR):
        p.res_pitch = p.lanes
    p.plane_rows = p.tile
    if p.lifts:
        rows = tile_rows(p)
        rows -= clamped(p.row.before, 0, max(rows - p.row.before - p.row.n, 0))
        p.plane_rows = (rows + p.row.s - 1) // p.row.s
    p.lane_blocks = (p.lane.out + p.lanes - 1) // p.lanes
    p.row_blocks = (p.row.out + p.tile - 1) // p.tile
    p.items = p.lane_blocks * p.row_blocks
    for i in range(p.nouter):
        p.items *= p.outer[i].out
    if p.stack > 1:
        i = p.outer[p.nouter - 1].out
        p.items = p.items // i * ((i + p.stack - 1) // p.stack)


cdef Py_ssize_t tile_rows(const Pool* p) noexcept:
    """How many rows of input the windows of a tile reach over."""
    return (p.tile - 1) * p.row.s + (p.row.k - 1) * p.row.d + 1


cdef void choose_fetches(Pool* p) noexcept:
    """Choose what of an input that is likely to come from memory is brought nearer."""
    # What is staged is read in order; what is lifted was mostly read for the windows before.
    p.fetches_rows = not (p.tangled or p.joins or (p.lifts and p.rows.at_once == NULL))
    # Sums take long enough for the next planes to come meanwhile.
    p.fetches_planes = (p.rows.finish != NULL and p.nouter > 0
                        and p.row_blocks == p.lane_blocks == 1
                        and p.outer[p.nouter - 1].k == 1
                        and p.row.spacing == p.lane.spacing == REGULAR
                        and 0 < p.stack * p.outer[p.nouter - 1].xs <= PLANES_FETCHED)


cdef void lay_out_scratch(Pool* p, Py_ssize_t room) noexcept:
    """Place what a thread needs: four blocks of rows, or five where phases are spread; joined rows;
    results; staged rows, which have about `room` bytes; a native row; a finished one; divisors;
    what lanes pick; shares."""
    cdef Py_ssize_t acc_cell = p.inner * p.rows.size, rows = p.stack * p.tile, i
    if p.lifts:
        rows = tile_rows(p) + (p.stack - 1) * p.plane_rows * p.row.s
    elif p.joins:
        rows = 1
    p.block_bytes = rounded_up((rows * p.pitch + (2 * p.lane.k if p.bare else 0)) * acc_cell)
    if (p.leading or p.pairs) and not p.lifts:
        p.block_bytes = 0
    p.at_joined = (5 if p.spreads else 4) * p.block_bytes
    p.at_result = p.at_joined
    if p.joins:
        # Suffixes, what windows have in common, prefixes, and rows that are not in the input.
        rows = (2 * p.block + 1 + p.row.k // p.block) * p.row.d
        p.at_result += rounded_up(rows * p.pitch * acc_cell)
    p.result_bytes = rounded_up(
        ((p.stack - 1) * p.plane_rows + p.strip) * p.res_pitch * acc_cell)
    p.at_raw = p.at_result + p.result_bytes
    rows = p.stack * min(tile_rows(p), room)
    for i in range(p.nouter if p.row.spacing != REGULAR else 0):
        rows *= min(p.outer[i].k, room)     # what outer taps have is staged side by side, too
        rows = min(rows, room)
    rows = max(rows, SLOTS)
    p.staged_rows = clamped(room // (p.pitch * p.inner * p.size), SLOTS, rows)
    p.staged_run = p.staged_rows // SLOTS
    if p.row.s <= p.row.k <= p.staged_rows and (p.row.d == 1 or p.row.k == 1):
        p.staged_run = (p.staged_rows - p.row.k) // p.row.s + 1
    p.at_native = p.at_raw + rounded_up(p.staged_rows * p.pitch * p.inner * p.size)
    p.at_done = p.at_native + rounded_up(p.pitch * p.inner * p.x_size)
    rows = max(1, min(p.tile, FACTORS // (p.res_pitch * p.inner)))
    p.at_factors = p.at_done + rounded_up(
        rows * p.res_pitch * p.inner * max(p.out_size, <Py_ssize_t> sizeof(int64_t)))
    p.factors = max(rows, 2) * p.res_pitch * p.inner
    p.at_picks = p.at_factors + rounded_up(
        (2 if inverted_too(p) else 1) * p.factors * sizeof(double))
    p.at_shares = p.at_picks + rounded_up(
        p.lanes * p.inner * sizeof(int32_t) if p.slides and p.lane.spacing == ADAPTIVE else 0)
    p.at_memory = p.at_shares + rounded_up(
        p.pitch * p.inner * sizeof(double) if p.nshared > 0 else 0)
    p.scratch_bytes = p.at_memory + rounded_up(
        sizeof(Memory) + max(rows, 2) * sizeof(double))


cdef Py_ssize_t rounded_up(Py_ssize_t size) noexcept:
    """To whole cache lines, so that no two threads share one."""
    return (size + 63) // 64 * 64
