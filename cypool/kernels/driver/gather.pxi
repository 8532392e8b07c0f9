# An item's windows, folded into rows of accumulators, vertically and then horizontally.

cdef enum:
    ROW_PIECE = 2048    # bytes of a row that is folded with no others, fetched together
    FEW_TAPS = 16       # windows along them have no more
    VECTOR = 32         # bytes that the remainder of a row is worth reaching


cdef void gather(
    const Pool* p, const Call* call, Place* place, Py_ssize_t part, char* scratch,
    char* result, Py_ssize_t result_row) noexcept nogil:
    """Fold the windows of one item (or one part of them) into rows of accumulators."""
    cdef Py_ssize_t stop, passes
    cdef Pass pass_
    pass_.tap = window(&p.lane, place.lane + place.lanes - 1).first
    stop = window(&p.lane, place.lane).stop
    if p.lane.spacing != REGULAR and place.lanes > 1:
        stop = p.lane.k     # in one pass
    if p.parts > 1 and not p.parts_rows:
        passes = (stop - pass_.tap + p.taps - 1) // p.taps
        stop = clamped(pass_.tap + passes * (part + 1) // p.parts * p.taps, 0, stop)
        pass_.tap += passes * part // p.parts * p.taps
    pass_.fresh = True
    pass_.result = result
    pass_.result_row = result_row
    while pass_.tap < stop:
        begin_pass(p, call, place, stop, &pass_)
        place.seen = 0
        stage_item(p, call, place, pass_.base + pass_.lo, pass_.hi - pass_.lo, scratch)
        if not p.joins:
            fold_pass(p, call, place, part, &pass_, scratch)
        else:
            if p.taps < p.lane.k:
                place.joined.end = -1   # other rows than those of the last pass
            join_rows(p, call, place, &pass_, scratch)
        pass_.fresh = False
        pass_.tap += p.taps
    if pass_.fresh and place.at_once:
        place.doubtful = True
    elif pass_.fresh:
        p.rows.clear(result, result_row, rows_of(p, place), place.lanes * p.inner)


cdef void begin_pass(
    const Pool* p, const Call* call, Place* place, Py_ssize_t stop, Pass* pass_) noexcept nogil:
    """Say which cells a pass is over, that begins at its first tap and ends before another."""
    pass_.taps = clamped(stop - pass_.tap, 0, p.taps)
    pass_.base = place.lane * p.lane.s - p.lane.before + pass_.tap * p.lane.d
    pass_.cells = (place.lanes - 1) * p.lane.s + (pass_.taps - 1) * p.lane.d + 1
    if p.lane.spacing != REGULAR:
        lane_reach(p, place, pass_.tap, pass_.taps, &pass_.base, &pass_.cells)
    pass_.lo = clamped(-pass_.base, 0, pass_.cells)
    pass_.hi = clamped(p.lane.n - pass_.base, pass_.lo, pass_.cells)
    if p.bare:
        pass_.lo = -pass_.base
        pass_.hi = pass_.lo + p.lane.n
    pass_.width = pass_.hi - pass_.lo
    if pass_.hi == pass_.cells and not (p.bare or place.at_once):
        pass_.width = whole_vectors(p, call, place, pass_.base, pass_.hi) - pass_.lo


cdef void fold_pass(
    const Pool* p, const Call* call, Place* place, Py_ssize_t part, const Pass* pass_,
    char* scratch) noexcept nogil:
    """Fold the rows of windows, and then along them, for one pass."""
    cdef Py_ssize_t block_row = p.pitch * p.inner * p.rows.size, rows = rows_of(p, place)
    cdef Py_ssize_t taps = pass_.taps, base = pass_.base, lo = pass_.lo
    cdef char* spare = scratch + p.block_bytes
    if p.lifts and not place.at_once:
        p = lift_rows(p, call, place, base, lo, pass_.hi, scratch, scratch + p.at_raw,
                      pass_.result if p.leading else scratch,
                      pass_.result_row if p.leading else block_row,
                      pass_.cells if p.leading else p.pitch)
        if p.by_row and not p.leading:
            across(p, pass_.result, pass_.result_row, scratch, block_row, rows, place.lanes, taps,
                   NULL, pass_.fresh, spare)
    else:
        fold_windows(p, call, place, part, pass_, scratch)
    if place.at_once:
        return
    if p.spreads and place.lanes > 1:
        spread_phases(p, place, pass_.result, pass_.result_row, scratch, block_row, base, spare)
    elif p.lane.spacing != REGULAR:
        uneven(p, place, pass_.result, pass_.result_row, scratch, block_row, base, pass_.tap, taps,
               pass_.fresh, scratch)
    elif not (p.leading or p.pairs or p.by_row):
        horizontal(
            p, pass_.result, scratch, block_row, rows, place.lanes, taps, NULL, pass_.fresh, spare)
    if p.bare:
        fold_cut(p, place, pass_.result, pass_.result_row, scratch + lo * p.inner * p.rows.size,
                 block_row)


cdef void fold_windows(
    const Pool* p, const Call* call, Place* place, Py_ssize_t part, const Pass* pass_,
    char* scratch) noexcept nogil:
    """Fold the rows of windows, those that are alike together.

    Planes come one after the other or, if rows differ but planes do not, side by side.
    """
    cdef Py_ssize_t acc_cell = p.inner * p.rows.size, block_row = p.pitch * acc_cell
    cdef Py_ssize_t r = 0, phase = 0, plane = 0, run, down, at, position = pass_.base + pass_.lo
    # Of rows that are in windows, those a stride apart are in neighbouring ones: a phase at a time.
    cdef bint repeats = place.at_once and p.repeats_rows
    cdef Py_ssize_t skip = p.row.turned_s if p.row.spacing == TRANSPOSED and not repeats else 1
    cdef Py_ssize_t between = rows_between(
        p, call, place, pass_.hi - pass_.lo, scratch + p.block_bytes)
    cdef bint abreast = between > 0
    cdef Py_ssize_t stride = between if abreast else p.row.s
    cdef Py_ssize_t apart = p.plane_rows if abreast else skip
    cdef Py_ssize_t pitch = apart * pass_.result_row
    # Rows get their padding all at once, if they are not filled one after the other.
    cdef bint padded = p.leading or p.pairs or p.bare or p.unpadded or place.at_once
    cdef bint uncut = pass_.lo == 0 and pass_.hi == pass_.cells
    cdef bint alone = (p.by_row and p.direct and not call.staged and p.lane.spacing == REGULAR
                       and uncut and single(p, place))
    cdef char* raw = scratch + p.at_raw
    cdef char* block
    cdef char* result
    cdef Span row
    if not padded and (skip > 1 or abreast):
        pad(p, scratch, rows_of(p, place), pass_.lo, pass_.hi)
        padded = True
    while r < place.rows:
        at = plane * p.plane_rows + r
        block = scratch + at * block_row
        result = pass_.result + at * pass_.result_row
        row = window(&p.row, place.row + r)
        down = 1
        if abreast:
            run = place.planes
        elif repeats:
            run = rows_repeated(p, place, r, &down)
        elif p.parts > 1 and p.parts_rows:
            run = 1
            take_part(p, &row, part)
        else:
            run = rows_alike(p, call, place, r, &row, skip)
        if place.at_once:
            set_once(p, place, r, &row, scratch)
            place.once.down = down
            place.once.below = pass_.result_row
        place.results = (call.out + place.out_at + (place.row + r) * p.row.os
                         + place.lane * p.lane.os)
        place.results_step = p.outer[p.nouter - 1].os if abreast else apart * down * p.row.os
        if p.pairs or p.leading or place.at_once:
            vertical(p, call, place, &row, run, stride, result, down * pitch, position,
                     pass_.hi - pass_.lo, raw)
        elif alone and row.stop - row.first == 1:
            fold_as_they_lie(p, call, place, pass_, &row, run, stride, result, pitch,
                             scratch + p.block_bytes)
        else:
            if not padded:
                pad(p, block, run, pass_.lo, pass_.hi)
            vertical(p, call, place, &row, run, stride, block + pass_.lo * acc_cell,
                     apart * block_row, position, pass_.width, raw)
            if p.lane.spacing == REGULAR and p.by_row:
                across(p, result, pitch, block, apart * block_row, run, place.lanes, pass_.taps,
                       NULL, pass_.fresh, scratch + p.block_bytes)
        r += 1 if abreast else run * down * skip
        if r >= place.rows and phase + 1 < skip:
            phase += 1
            r = phase
        if r >= place.rows and plane + 1 < place.planes and not abreast:
            plane += 1
            move_on(p, place, 1)
            r = phase = 0
    move_on(p, place, -plane)


cdef void fold_as_they_lie(
    const Pool* p, const Call* call, Place* place, const Pass* pass_, const Span* row,
    Py_ssize_t rows, Py_ssize_t stride, char* result, Py_ssize_t pitch,
    char* spare) noexcept nogil:
    """Fold along rows, of windows that take a single one each and no padding, where they lie."""
    cdef const char* src = (call.x + place.x_at + pass_.base * p.lane.xs
                            + (row.start + row.first * p.row.d) * p.row.xs)
    cdef Reading reading
    reading.lead = LEAD_RUNS if p.fetches_rows and p.reduces else 0
    reading.ranged = p.ranges and place.scans
    reading.peak = -1
    if (p.fetches_rows and not p.reduces and pass_.taps <= FEW_TAPS
            and pass_.cells * p.inner * p.size > 2 * ROW_PIECE):
        across_pieces(p, place, result, pitch, src, stride * p.row.xs, rows, pass_.taps, &reading,
                      pass_.fresh, spare)
    else:
        across(p, result, pitch, src, stride * p.row.xs, rows, place.lanes, pass_.taps, &reading,
               pass_.fresh, spare)
    if 0 <= reading.peak < <int64_t> infinite_bits(<double*> NULL):
        # Nothing is known of the least.
        place.range_.peak = max(place.range_.peak, <uint64_t> reading.peak)
        place.range_.low = 0
    elif place.scans:
        scan_runs(p, place, src, rows, pass_.cells * p.inner)


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


cdef Py_ssize_t rows_between(
    const Pool* p, const Call* call, const Place* place, Py_ssize_t n, char* spare) noexcept nogil:
    """How many rows what is read has from a plane to the next, if planes are folded side by side.

    Or 0.  Adaptive windows differ from row to row, but not from plane to plane.  What lies in order
    in memory is brought nearer.
    """
    cdef Py_ssize_t row = p.row.xs, plane, i
    if p.row.spacing != ADAPTIVE or place.planes == 1 or place.scans or n == 0:
        return 0
    if place.given != NULL:
        return place.given_block // (n * p.inner * p.size)
    plane = p.outer[p.nouter - 1].xs
    if call.staged or row == 0 or plane % row != 0:
        return 0
    if row == p.lane.n * p.inner * p.x_size:
        for i in range(place.planes):
            touch(call.x + place.x_at + i * plane, p.row.n * row, spare)
    return plane // row


cdef void take_part(const Pool* p, Span* row, Py_ssize_t part) noexcept nogil:
    """Leave a window one part of its taps."""
    cdef Py_ssize_t taps = max(row.stop - row.first, 0)
    row.stop = row.first + taps * (part + 1) // p.parts
    row.first += taps * part // p.parts


cdef Py_ssize_t rows_alike(
    const Pool* p, const Call* call, const Place* place, Py_ssize_t r, const Span* row,
    Py_ssize_t skip) noexcept nogil:
    """How many of the item's rows r, r + skip, … can be folded together."""
    cdef Py_ssize_t run = (place.rows - r + skip - 1) // skip
    if p.row.spacing == TRANSPOSED:
        run = alike_turned(&p.row, place.row + r, run)
    else:
        run = alike(&p.row, row, run)
    if place.at_once:
        return rows_weighed(p, row, run) if p.form == FORM_WEIGHED else run
    return min(run, p.staged_run) if call.staged else run


cdef inline Py_ssize_t rows_weighed(const Pool* p, const Span* row, Py_ssize_t run) noexcept nogil:
    """How many of `run` rows have sources with the same weights as those of the first."""
    cdef Span first
    cdef Py_ssize_t same, reach = (row.stop - row.first - 1) * p.row.d + 1
    if p.row_shared < 0 or run < 2 or reach < 1:
        return run
    first = window(&p.shared[p.row_shared], row.start + row.first * p.row.d)
    same = alike(&p.shared[p.row_shared], &first, reach + (run - 1) * p.row.s)
    return clamped((same - reach) // p.row.s + 1, 1, run)


cdef Py_ssize_t rows_repeated(
    const Pool* p, const Place* place, Py_ssize_t r, Py_ssize_t* down) noexcept nogil:
    """How many windows, from that of the item's row r on, are repeated `down` times each."""
    cdef Py_ssize_t s = p.row.turned_s, o = place.row + r, left = place.rows - r
    cdef Py_ssize_t phase = (o + p.row.before) % s
    down[0] = min(s - phase, left)
    return alike_turned(&p.row, o, left // s) if phase == 0 and left >= s else 1


cdef void begin_once(const Pool* p, Once* once) noexcept nogil:
    """Say what no row changes of how windows become output at once."""
    once.wide = <Py_ssize_t> sizeof(int64_t) // p.out_size
    once.along = p.lane.step
    once.inner = p.inner
    once.k = p.lane.turned_k if p.spreads else p.lane.k
    once.s = p.lane.turned_s if p.spreads else p.lane.s
    once.d = p.lane.d
    once.stride = p.row.s
    once.apart = p.row.xs


cdef void set_once(
    const Pool* p, Place* place, Py_ssize_t r, const Span* row, char* scratch) noexcept nogil:
    """Say how the windows of an item's row r, and of those alike, become output at once."""
    cdef Once* once = &place.once
    once.factor = 1.0 / divisor_of(p, place, row)
    if p.rows.twins:
        once.divisors = factors_of(p, place, r, 1, scratch)
        once.inverses = once.divisors + p.factors
    once.first = row.first
    once.taps = row.stop - row.first


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


cdef void gather_warily(
    const Pool* p, const Call* call, Place* place, char* scratch, char* result,
    Py_ssize_t result_row) noexcept nogil:
    """Gather, and see whether any sum was rounded; those of Twins always are."""
    cdef fenv_t forgotten
    if p.rows.scan == NULL or p.rows.twins:
        gather(p, call, place, 0, scratch, result, result_row)
        return
    if call.held:
        feholdexcept(&forgotten)     # takes half the time
    else:
        feclearexcept(FE_INEXACT)
    gather(p, call, place, 0, scratch, result, result_row)
    place.rounded = place.rounded or cypool_rounded()
