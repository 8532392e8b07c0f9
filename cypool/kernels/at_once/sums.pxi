# Rows of floats of up to 32 bits, whichever they are; and pairs of cells of float32.

ctypedef fused once_t:
    float
    Half
    Brain


cdef inline bint once(
    once_t* dst, Py_ssize_t dst_pitch, const once_t** src, Py_ssize_t src_pitch, Py_ssize_t count,
    Py_ssize_t rows, Py_ssize_t n, bint pairs, const Once* how, Ending ending,
    const Ahead* ahead) noexcept nogil:
    if once_t is float:
        return floats_all(
            dst, dst_pitch, src, src_pitch, count, rows, n, pairs, how.factor, ending.margin, ahead)
    else:
        return halves_all(dst, dst_pitch, src, src_pitch, count, rows, n, pairs, how.factor, ahead)


cdef bint once_rows(
    once_t* dst, Py_ssize_t dst_pitch, const once_t** src, Py_ssize_t src_pitch, Py_ssize_t count,
    Py_ssize_t rows, Py_ssize_t n, const Once* how, Ending ending,
    const Ahead* ahead) noexcept nogil:
    """dst[r, j] = a factor times the sum of src[0][r, j] … src[count - 1][r, j].

    count is 1 to 4 or, of 16-bit floats, up to 9.  Returns whether that may not be as exact as it
    should be, anywhere.
    """
    return once(dst, dst_pitch, src, src_pitch, count, rows, n, False, how, ending, ahead)


cdef bint once_pairs(
    once_t* dst, Py_ssize_t dst_pitch, const once_t** src, Py_ssize_t src_pitch, Py_ssize_t count,
    Py_ssize_t rows, Py_ssize_t n, const Once* how, Ending ending,
    const Ahead* ahead) noexcept nogil:
    """The same of pairs, src[i][r, 2 j] and src[i][r, 2 j + 1]."""
    return once(dst, dst_pitch, src, src_pitch, count, rows, n, True, how, ending, ahead)


cdef enum:
    ROOM = 1024         # columns of sums that are kept for several windows

cdef struct Columns:
    double sums[ROOM]
    uint32_t most[ROOM]


cdef inline bint float_windows(
    float* dst, const Columns* columns, Py_ssize_t at, Py_ssize_t apart, Py_ssize_t n,
    Py_ssize_t count, double factor, uint32_t margin) noexcept nogil:
    """float_window() of one to three columns, `apart` from each other, from the one at `at` on."""
    cdef const double* a = columns.sums + at
    cdef const double* b = a + (apart if count > 1 else 0)
    cdef const double* c = a + (2 * apart if count > 2 else 0)
    cdef const uint32_t* a_most = columns.most + at
    cdef const uint32_t* b_most = a_most + (b - a)
    cdef const uint32_t* c_most = a_most + (c - a)
    if count == 3:
        return float_window(dst, a, b, c, a_most, b_most, c_most, n, 3, factor, margin)
    elif count == 2:
        return float_window(dst, a, b, c, a_most, b_most, c_most, n, 2, factor, margin)
    return float_window(dst, a, b, c, a_most, b_most, c_most, n, 1, factor, margin)


cdef bint once_couples(
    float* dst, Py_ssize_t dst_pitch, const float** src, Py_ssize_t src_pitch, Py_ssize_t count,
    Py_ssize_t rows, Py_ssize_t n, const Once* how, Ending ending,
    const Ahead* ahead) noexcept nogil:
    """once_rows() of a single row of results: of one source or two, and of the cells beside these.

    What the sources of a cell add up to is kept for the window where it is the one beside.
    """
    cdef Columns columns
    cdef Py_ssize_t begin = 0, apart, m
    cdef bint doubtful = False
    while begin < n:
        m = min(n - begin, max(ROOM - how.inner, <Py_ssize_t> ROOM // 2))
        apart = min(how.inner, m)
        add_couples(
            columns.sums, columns.most, src, begin, m + how.inner if apart < m else m, count)
        if apart == m:
            add_couples(columns.sums + m, columns.most + m, src, begin + how.inner, m, count)
        doubtful |= float_windows(
            dst + begin, &columns, 0, apart, m, 2, how.factor, ending.margin)
        begin += m
    return doubtful


cdef inline void add_couples(
    double* sums, uint32_t* greatest, const float** src, Py_ssize_t at, Py_ssize_t n,
    Py_ssize_t count) noexcept nogil:
    """float_column() of the first half of one or two couples, from the element at `at` on."""
    cdef const float* rows[FEW]
    rows[0] = src[0] + at
    rows[1] = src[1] + at
    if count == 4:
        float_column(sums, greatest, rows, n, 2)
    else:
        float_column(sums, greatest, rows, n, 1)
