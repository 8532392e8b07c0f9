# Rows of accumulators, finished into the output.


cdef void finish(
    const Pool* p, const Call* call, const Place* place, char* scratch,
    const char* result) noexcept nogil:
    """Turn an item's rows of accumulators into output."""
    cdef Py_ssize_t width = p.res_pitch * p.inner, row_bytes = width * p.rows.size
    cdef Py_ssize_t n = place.lanes * p.inner, r = 0, i, run, cells, dst_row
    cdef Py_ssize_t group = clamped(FACTORS // width, 1, p.tile) if p.plain else 1
    cdef double bound = 0.0
    cdef double* factors = NULL
    cdef Memory* memory = <Memory*> (scratch + p.at_memory)
    cdef bint overflows = False, gaps
    cdef const char* src
    cdef char* out
    cdef char* dst
    if place.rounded:
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
                factors = <double*> (scratch + p.at_factors)
                factors_beside(p, call, place, r, run, n, factors)
            elif p.ending.shift == 0:
                factors = factors_of(p, place, r, run, scratch)
            if gaps:    # short rows are finished with what is between them, as one
                p.rows.finish(dst, 0, src, 0, 1, cells, factors, p.ending)
            else:
                p.rows.finish(dst, dst_row, src, row_bytes, run, n, factors, p.ending)
            if bound > 0.0 or overflows:
                for i in range(run):
                    mend_row(p, call, place, r + i, dst + i * dst_row, src + i * row_bytes, bound,
                             overflows, scratch)
                if memory.mended > p.patience:
                    return
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


cdef double* factors_of(
    const Pool* p, const Place* place, Py_ssize_t r, Py_ssize_t rows, char* scratch) noexcept nogil:
    """The divisors (or their inverses) of an item's rows from r on, made unless they are there.

    Where Twins become output at once, the divisors and, `p.factors` behind them, the inverses.
    """
    cdef double* factors = <double*> (scratch + p.at_factors)
    cdef Memory* memory = <Memory*> (scratch + p.at_memory)
    cdef Py_ssize_t width = p.res_pitch * p.inner, i = 0, stop
    cdef Span row
    if not p.averages:
        if memory.lane < 0:
            fill_row(p, p.divisor, factors, 0, p.factors)
        memory.lane = 0
        return factors
    if memory.lane != place.lane:
        memset(memory + 1, -1, p.scratch_bytes - p.at_memory - sizeof(Memory))
        memory.lane = place.lane
    elif (memory.row == place.row + r and memory.rows >= rows
            and memory.count == place.count):
        return factors
    memory.row = place.row + r
    memory.rows = rows if rows > 1 else 0
    memory.count = place.count
    if rows == 1:
        # Windows that follow each other have one of two counts, mostly.
        row = window(&p.row, place.row + r)
        i = <Py_ssize_t> row.count % 2
        fill_counted(p, place, row.count, i, scratch)
        return factors + i * width
    while i < rows:
        row = window(&p.row, place.row + r + i)
        stop = i + alike(&p.row, &row, rows - i)
        for i in range(i, stop):
            fill_counted(p, place, row.count, i, scratch)
        i = stop
    return factors


cdef void fill_counted(
    const Pool* p, const Place* place, Py_ssize_t count, Py_ssize_t i, char* scratch) noexcept nogil:
    """Make row i of the factors those of row windows that count so much, unless it has them."""
    cdef double* counts = <double*> (scratch + p.at_memory + sizeof(Memory))
    cdef double* factors = <double*> (scratch + p.at_factors)
    cdef Py_ssize_t width = p.res_pitch * p.inner, first = i * width, lanes = 0, run, other
    cdef Windows windows
    cdef Span lane
    if counts[i] == place.count * count:
        return
    counts[i] = place.count * count
    for other in range(p.factors // width):
        if counts[other] == counts[i] and other != i:
            memcpy(factors + first, factors + other * width, width * sizeof(double))
            if inverted_too(p):
                factors += p.factors
                memcpy(factors + first, factors + other * width, width * sizeof(double))
            return
    windows = windows_from(&p.lane, place.lane)
    while lanes < place.lanes:
        lane = next_window(&windows)
        run = alike(&p.lane, &lane, place.lanes - lanes)
        windows.o += run - 1
        fill_row(p, counts[i] * lane.count, factors, first + lanes * p.inner, run * p.inner)
        lanes += run
    lanes *= p.inner
    fill_row(p, 1.0, factors, first + lanes, width - lanes)     # numbers


cdef inline void fill_row(
    const Pool* p, double divisor, double* factors, Py_ssize_t first, Py_ssize_t n) noexcept nogil:
    """Make n factors from the first one on those of one divisor."""
    cdef bint both = inverted_too(p)
    cdef double factor = p.rows.scale / divisor if p.rows.inverts else divisor
    cdef double inverse = 1.0 / divisor if both else 0.0
    cdef Py_ssize_t k
    for k in range(first, first + n):
        factors[k] = factor
        if both:
            factors[p.factors + k] = inverse


cdef inline bint inverted_too(const Pool* p) noexcept nogil:
    """Whether there are inverses behind the divisors."""
    return p.rows.twins and p.rows.at_once != NULL
