# Rows of accumulators, finished into the output.


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
    """The divisors (or their inverses) of an item's rows from r on, unless they are there.

    Where Twins become output at once, the divisors and, behind them, the inverses.
    """
    cdef double* counts = <double*> (memory + 1)
    cdef double* inverses = factors + p.factors
    cdef Py_ssize_t width = p.res_pitch * p.inner, i, stop, j, k, run
    cdef double divisor, inverse
    cdef bint both = p.rows.twins and p.rows.at_once != NULL
    cdef Span row, lane
    if not p.averages:
        for i in range(p.factors if memory.lane < 0 else 0):
            factors[i] = p.rows.scale / p.divisor if p.rows.inverts else p.divisor
            if both:
                inverses[i] = 1.0 / p.divisor
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
                inverse = 1.0 / divisor if both else 0.0
                if p.rows.inverts:
                    divisor = p.rows.scale / divisor
                for k in range(i * width + j * p.inner, i * width + (j + run) * p.inner):
                    factors[k] = divisor
                    if both:
                        inverses[k] = inverse
                j += run
            for k in range(i * width + j * p.inner, (i + 1) * width if rows > 1 else 0):
                factors[k] = divisor    # a number
        i = stop
