# Norms of order 2 of rows of float32, and of pairs along them: what is added up cannot cancel.


cdef inline double square_term(const float* src, Py_ssize_t j, bint pairs) noexcept nogil:
    cdef double x
    if not pairs:
        x = src[j]
        return x * x
    return (<double> src[2 * j] * <double> src[2 * j]
            + <double> src[2 * j + 1] * <double> src[2 * j + 1])


cdef inline void norms_few(
    float* dst, const float* a, const float* b, const float* c, const float* d, Py_ssize_t n,
    int count, bint pairs) noexcept nogil:
    """dst[j] = the root of the sum of squares of up to four terms: nothing cancels."""
    cdef Py_ssize_t j
    cdef double x
    for j in range(n):
        x = square_term(a, j, pairs)
        if count > 1:
            x = x + square_term(b, j, pairs)
        if count > 2:
            x = x + square_term(c, j, pairs)
        if count > 3:
            x = x + square_term(d, j, pairs)
        dst[j] = one_nan(<float> sqrt(x))


cdef inline void norms_all(
    float* dst, Py_ssize_t dst_pitch, const float** src, Py_ssize_t src_pitch, Py_ssize_t count,
    Py_ssize_t rows, Py_ssize_t n, bint pairs, const Ahead* ahead) noexcept nogil:
    cdef const float* at[FEW]
    cdef Py_ssize_t i, r
    for r in range(rows):
        fetch_row(ahead, <const char**> src, count, src_pitch, r)
        for i in range(FEW):
            at[i] = past(src[min(i, count - 1)], r * src_pitch)
        if count == 4:
            norms_few(dst, at[0], at[1], at[2], at[3], n, 4, pairs)
        elif count == 3:
            norms_few(dst, at[0], at[1], at[2], at[3], n, 3, pairs)
        elif count == 2:
            norms_few(dst, at[0], at[1], at[2], at[3], n, 2, pairs)
        else:
            norms_few(dst, at[0], at[1], at[2], at[3], n, 1, pairs)
        dst = <float*> (<char*> dst + dst_pitch)


cdef bint norm_rows(
    float* dst, Py_ssize_t dst_pitch, const float** src, Py_ssize_t src_pitch, Py_ssize_t count,
    Py_ssize_t rows, Py_ssize_t n, const Once* how, Ending ending,
    const Ahead* ahead) noexcept nogil:
    """dst[r, j] = the 2-norm of src[0][r, j] … src[count - 1][r, j]."""
    norms_all(dst, dst_pitch, src, src_pitch, count, rows, n, False, ahead)
    return False


cdef bint norm_pairs(
    float* dst, Py_ssize_t dst_pitch, const float** src, Py_ssize_t src_pitch, Py_ssize_t count,
    Py_ssize_t rows, Py_ssize_t n, const Once* how, Ending ending,
    const Ahead* ahead) noexcept nogil:
    """The same of pairs, src[i][r, 2 j] and src[i][r, 2 j + 1]."""
    norms_all(dst, dst_pitch, src, src_pitch, count, rows, n, True, ahead)
    return False
