# Rows of floats of up to 32 bits, whichever they are.

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
