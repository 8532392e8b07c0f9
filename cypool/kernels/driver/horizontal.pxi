# Cells along rows, folded into lanes: slid over each other, run by run, or window by window.

cdef enum:
    OVERLAPPING = 32    # windows from this size on are made of two that overlap, if they may be
    LONG_SHARE = 64     # an eighth of a run is folded as a row from this many elements on, mostly


cdef void reduce_taps(
    const Pool* p, char* dst, const char* src, Py_ssize_t taps, Reading* raw, bint fresh,
    char* spare) noexcept nogil:
    """Fold `taps` neighbouring cells into one: long runs by folding eighths of them as rows.

    They are elements, read as `raw` has it, or accumulators if that is NULL.
    """
    cdef const char* batch[BATCH]
    cdef fold_f fold = p.rows.fold if raw == NULL else p.rows.lift
    cdef Py_ssize_t cell = p.inner * (p.rows.size if raw == NULL else p.size)
    cdef Py_ssize_t share = taps // 8, i
    if share * p.inner >= p.share or (p.inner > 1 and taps >= BATCH):
        for i in range(8):
            batch[i] = src + i * share * cell
        fold(spare, 0, batch, 0, 8, 1, share * p.inner, True, NULL)
        reduce_taps(p, dst, spare, share, NULL, fresh, spare + share * p.inner * p.rows.size)
        fresh = False
        src += 8 * share * cell
        taps -= 8 * share
    if taps == 0:
        return
    if p.inner == 1:
        (p.rows.fold_run if raw == NULL else p.rows.lift_run)(dst, 0, src, 0, 1, taps, fresh, raw)
        return
    for i in range(taps):
        batch[i] = src + i * cell
    fold(dst, 0, batch, 0, taps, 1, p.inner, fresh, NULL)


cdef void horizontal(
    const Pool* p, char* dst, const char* src, Py_ssize_t src_pitch, Py_ssize_t rows,
    Py_ssize_t lanes, Py_ssize_t taps, Reading* raw, bint fresh, char* spare) noexcept nogil:
    """Fold `taps` cells along each row of src into each of its lanes in dst.

    They are elements, read as `raw` has it, or accumulators if that is NULL.
    """
    cdef run_f run
    cdef const char* batch[BATCH]
    cdef fold_f fold = p.rows.fold if raw == NULL else p.rows.lift
    cdef Py_ssize_t s = p.lane.s, d = p.lane.d
    cdef Py_ssize_t cell = p.inner * (p.rows.size if raw == NULL else p.size)
    cdef Py_ssize_t acc_cell = p.inner * p.rows.size
    cdef Py_ssize_t cells, at, count = 0, t, j, r, n
    if p.reduces:
        if p.inner == 1 and taps < 8 * p.share:
            # Short runs, a row of them in one call: along the lanes, or one in each row.
            run = p.rows.fold_run if raw == NULL else p.rows.lift_run
            if lanes == 1:
                run(dst, p.res_pitch * acc_cell, src, src_pitch, rows, taps, fresh, raw)
                return
            for r in range(rows):
                run(dst + r * p.res_pitch * acc_cell, acc_cell, src + r * src_pitch, s * cell,
                    lanes, taps, fresh, raw)
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
        slide(p, fold, dst, fresh, src, raw != NULL, n, d * p.inner, taps, spare)
        return
    cells = (rows - 1) * p.pitch + (lanes - 1) * s + (taps - 1) * d + 1
    if p.slides and raw == NULL:
        # Every window of the row, then every s-th of them.
        at = p.block_bytes
        slide(p, fold, spare, True, src, False, cells - (taps - 1) * d, d * p.inner, taps,
              spare + at)
        batch[0] = dst if fresh else spare + at
        splitter(p.unit * p.rows.size)(
            <char*> batch[0], spare, cells - (taps - 1) * d, s, 0, p.inner // p.unit, False)
        if not fresh:
            p.rows.fold(dst, 0, batch, 0, 1, 1, n * p.inner, False, NULL)
        return
    at = (cells + s - 1) // s
    splitter(p.unit * (p.rows.size if raw == NULL else p.size))(
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


cdef void lane_reach(
    const Pool* p, const Place* place, Py_ssize_t tap, Py_ssize_t taps, Py_ssize_t* base,
    Py_ssize_t* cells) noexcept nogil:
    """The first position, and how many, that uneven lane windows take their taps from."""
    cdef Py_ssize_t end
    if place.lanes == 1:
        base[0] = window(&p.lane, place.lane).start + tap * p.lane.d
        cells[0] = (taps - 1) * p.lane.d + 1
        return
    uneven_reach(&p.lane, place.lane, place.lanes, base, &end)
    if not p.spreads:
        base[0] = clamped(base[0], 0, p.lane.n)
        end = min(end, p.lane.n)
    cells[0] = max(end - base[0], 0)


cdef void uneven(
    const Pool* p, const Place* place, char* dst, Py_ssize_t dst_pitch, const char* src,
    Py_ssize_t src_pitch, Py_ssize_t base, Py_ssize_t tap, Py_ssize_t taps, bint fresh,
    char* scratch) noexcept nogil:
    """Fold uneven lane windows along rows whose first cells are position `base`."""
    cdef const char* batch[BATCH]
    cdef Py_ssize_t cell = p.inner * p.rows.size, j, r, t, n, count
    cdef Py_ssize_t rows = rows_of(p, place)
    cdef Windows windows = windows_from(&p.lane, place.lane)
    cdef char* spare = scratch + p.block_bytes
    cdef const char* at
    cdef bint begun
    cdef Span lane
    if p.slides:
        slide_adaptive(p, place, dst, dst_pitch, src, src_pitch, base, scratch)
        return
    for j in range(place.lanes):
        lane = next_window(&windows)
        begun = not fresh
        n = clamped(lane.stop - tap, 0, taps)
        at = src + (lane.start + tap * p.lane.d - base) * cell
        if n > 0 and p.lane.d == 1:
            if p.inner == 1 and n < 8 * p.share:
                p.rows.fold_run(dst, dst_pitch, at, src_pitch, rows, n, fresh, NULL)
            else:
                for r in range(rows):
                    reduce_taps(p, dst + r * dst_pitch, at + r * src_pitch, n, NULL, fresh, spare)
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
    Py_ssize_t src_pitch, Py_ssize_t base, char* scratch) noexcept nogil:
    """Fold adaptive lane windows, which have k cells or one less.

    Windows of both sizes slide along all rows as one, and each lane takes its cell.
    """
    cdef Py_ssize_t rows = rows_of(p, place), size = p.rows.size, k = p.lane.k, n
    cdef Memory* memory = <Memory*> (scratch + p.at_memory)
    cdef int32_t* at = <int32_t*> (scratch + p.at_picks)
    cdef char* spare = scratch + p.block_bytes
    cdef char* less = spare + 2 * p.block_bytes
    cdef const char* batch[2]
    cdef Span lane = window(&p.lane, place.lane + place.lanes - 1)
    n = (rows - 1) * p.pitch + lane.start + lane.stop - base
    batch[0] = src
    if k > 2:
        slide(p, p.rows.fold, less, True, src, False, n - k + 2, p.inner, k - 1, spare)
        batch[0] = less
    batch[1] = src + (k - 1) * p.inner * size
    p.rows.fold(spare, 0, batch, 0, 2, 1, (n - k + 1) * p.inner, True, NULL)
    if memory.picked != place.lane:
        memory.picked = place.lane
        find_picks(p, place, base, at, (spare - src) // size, (batch[0] - src) // size)
    picker(size)(dst, dst_pitch, src, src_pitch, rows, at, place.lanes * p.inner)


cdef void find_picks(
    const Pool* p, const Place* place, Py_ssize_t base, int32_t* at, Py_ssize_t whole,
    Py_ssize_t less) noexcept nogil:
    """Say which elements lanes take, from `whole` on if a window has k cells, or from `less`."""
    cdef Windows windows = windows_from(&p.lane, place.lane)
    cdef Py_ssize_t j, c, first
    cdef Span lane
    for j in range(place.lanes):
        lane = next_window(&windows)
        first = (lane.start - base) * p.inner + (whole if lane.stop == p.lane.k else less)
        for c in range(p.inner):
            at[j * p.inner + c] = <int32_t> (first + c)


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
                        block_row, rows_of(p, place), span.stop - span.first, True, NULL)
        lane += 1


cdef void across(
    const Pool* p, char* dst, Py_ssize_t dst_pitch, const char* src, Py_ssize_t src_pitch,
    Py_ssize_t rows, Py_ssize_t lanes, Py_ssize_t taps, Reading* raw, bint fresh,
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
    Py_ssize_t src_pitch, Py_ssize_t rows, Py_ssize_t taps, Reading* raw, bint fresh,
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
            fetch(src + j * cell + LEAD_PIECES, m * cell)
            fetch(ahead.out + j * out_cell, min(m * out_cell, ahead.out_size))
            horizontal(p, dst + j * acc_cell, src + j * cell, src_pitch, 1, m, taps, raw, fresh,
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
