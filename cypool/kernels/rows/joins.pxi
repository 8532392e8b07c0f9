# Row operations that make suffixes and prefixes of blocks of rows, and join them.
#
# A window of k rows is a block of k rows, or ends in one such block and begins in the one before:
# it is the fold of a suffix and a prefix, so that a row takes three combines however large k is
# (van Herk, Pattern Recognition Letters 13, 1992; Gil and Werman, IEEE PAMI 15, 1993).  Blocks of
# long windows are shorter, and their suffixes begin with what the windows have in common.  Sums hold
# only what is in the window: nothing is taken away again.


cdef inline void best_further(
    elem_t* dst, elem_t* beyond, const elem_t* last, const elem_t* a, const elem_t* b,
    Py_ssize_t n, int count, int order) noexcept nogil:
    """dst = best of last and a; if count is 2, beyond = best of dst and b."""
    cdef Py_ssize_t j
    cdef elem_t x
    for j in range(n):
        x = better[elem_t](last[j], a[j], order)
        dst[j] = x
        if count > 1:
            beyond[j] = better[elem_t](x, b[j], order)


cdef inline void sum_further(
    sum_t* dst, sum_t* beyond, const sum_t* last, const char* a, const char* b, Py_ssize_t n,
    int count, int code) noexcept nogil:
    cdef Py_ssize_t j
    cdef sum_t x
    for j in range(n):
        x = added[sum_t](last[j], term(a, j, code, dst))
        dst[j] = x
        if count > 1:
            beyond[j] = added[sum_t](x, term(b, j, code, dst))


cdef inline void best_accumulate(
    elem_t* dst, Py_ssize_t dst_pitch, const elem_t* src, Py_ssize_t src_pitch, Py_ssize_t rows,
    Py_ssize_t n, bint fresh, int order) noexcept nogil:
    """dst[r, j] = best of src[0, j] … src[r, j], and of dst[-1, j] unless `fresh`."""
    cdef const elem_t* last = past(dst, -dst_pitch)
    if fresh:
        best_few(dst, src, src, src, n, 1, True, order)
        last = dst
        src = past(src, src_pitch)
        rows -= 1
    while rows > 0:
        dst = <elem_t*> past(last, dst_pitch)
        if rows == 1:
            best_further(dst, dst, last, src, src, n, 1, order)
            return
        best_further(
            dst, <elem_t*> past(dst, dst_pitch), last, src, past(src, src_pitch), n, 2, order)
        last = past(dst, dst_pitch)
        src = past(src, 2 * src_pitch)
        rows -= 2


cdef inline void sum_accumulate(
    sum_t* dst, Py_ssize_t dst_pitch, const char* src, Py_ssize_t src_pitch, Py_ssize_t rows,
    Py_ssize_t n, bint fresh, int code) noexcept nogil:
    """dst[r, j] = src[0, j] + … + src[r, j], and dst[-1, j] unless `fresh`."""
    cdef const sum_t* last = past(dst, -dst_pitch)
    if fresh:
        sum_few(dst, src, src, src, n, 1, True, code)
        last = dst
        src += src_pitch
        rows -= 1
    while rows > 0:
        dst = <sum_t*> past(last, dst_pitch)
        if rows == 1:
            sum_further(dst, dst, last, src, src, n, 1, code)
            return
        sum_further(dst, <sum_t*> past(dst, dst_pitch), last, src, src + src_pitch, n, 2, code)
        last = past(dst, dst_pitch)
        src += 2 * src_pitch
        rows -= 2


cdef inline void best_join(
    elem_t* dst, elem_t* prefix, const elem_t* suffix, const elem_t* src, Py_ssize_t n,
    int order) noexcept nogil:
    """prefix[j] = best of it and src[j]; dst[j] = best of suffix[j] and that."""
    cdef Py_ssize_t j
    cdef elem_t x
    for j in range(n):
        x = better[elem_t](prefix[j], src[j], order)
        prefix[j] = x
        dst[j] = better[elem_t](suffix[j], x, order)


cdef inline void sum_join(
    sum_t* dst, sum_t* prefix, const sum_t* suffix, const char* src, Py_ssize_t n,
    int code) noexcept nogil:
    """prefix[j] += src[j]; dst[j] = suffix[j] + prefix[j]."""
    cdef Py_ssize_t j
    cdef sum_t x
    for j in range(n):
        x = added[sum_t](prefix[j], term(src, j, code, dst))
        prefix[j] = x
        dst[j] = added[sum_t](suffix[j], x)
