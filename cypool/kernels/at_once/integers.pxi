# Rows of narrow integers, and pairs along them, over a power of two.

# Integers that are added up in twice their bits.
ctypedef fused narrow_t:
    uint8_t
    int8_t
    uint16_t
    int16_t

# What sums of half as many bits fit in.
ctypedef fused narrow_sum_t:
    uint16_t
    uint32_t

# The same bits, without a sign.
ctypedef fused unsigned_t:
    uint8_t
    uint16_t


cdef inline narrow_sum_t narrow_term(
    const narrow_t* src, Py_ssize_t j, bint pairs, narrow_sum_t* tag) noexcept nogil:
    if pairs:
        return pair(<const char*> src, j, code_of(src), tag)
    return <narrow_sum_t> src[j]


cdef inline void shifted_few(
    narrow_t* dst, const narrow_t* a, const narrow_t* b, const narrow_t* c, const narrow_t* d,
    Py_ssize_t n, int count, bint pairs, int shift, bint is_signed,
    narrow_sum_t* tag) noexcept nogil:
    """dst[j] = the sum of up to four terms, over 2**shift."""
    cdef narrow_sum_t up = <narrow_sum_t> ((<uint64_t> is_signed) << (8 * sizeof(narrow_sum_t) - 1))
    cdef narrow_sum_t moved = <narrow_sum_t> (up >> shift), x
    cdef Py_ssize_t j
    for j in range(n):
        x = <narrow_sum_t> (narrow_term(a, j, pairs, tag) + up)
        if count > 1:
            x = <narrow_sum_t> (x + narrow_term(b, j, pairs, tag))
        if count > 2:
            x = <narrow_sum_t> (x + narrow_term(c, j, pairs, tag))
        if count > 3:
            x = <narrow_sum_t> (x + narrow_term(d, j, pairs, tag))
        dst[j] = <narrow_t> (shifted(x, shift) - moved)


cdef inline unsigned_t middle(unsigned_t a, unsigned_t b) noexcept nogil:
    """(a + b) / 2, half up, for which processors have an instruction."""
    return <unsigned_t> ((<uint32_t> a + <uint32_t> b + 1) >> 1)


cdef inline void quarters(
    unsigned_t* dst, const unsigned_t* a, const unsigned_t* b, const unsigned_t* c,
    const unsigned_t* d, Py_ssize_t n, unsigned_t flip) noexcept nogil:
    """dst[j] = the mean of four, half to even, without wider lanes; `flip` is the sign, if any.

    The middle of middles is off by as many as three roundings up, of which the lowest bits tell,
    by 1 at most: if the last one was of a half, then if there was another or the result is odd;
    else if there were two others and the result is odd.
    """
    cdef unsigned_t x, y, z, first, second, last, much
    cdef Py_ssize_t j
    for j in range(n):
        x = middle(<unsigned_t> (a[j] ^ flip), <unsigned_t> (b[j] ^ flip))
        y = middle(<unsigned_t> (c[j] ^ flip), <unsigned_t> (d[j] ^ flip))
        z = middle(x, y)
        first = a[j] ^ b[j]
        second = c[j] ^ d[j]
        last = x ^ y
        much = (last & (first | second | z)) | (~last & first & second & z)
        dst[j] = <unsigned_t> (z - (much & 1)) ^ flip


cdef inline void shifted_all(
    narrow_t* dst, Py_ssize_t dst_pitch, const narrow_t** src, Py_ssize_t src_pitch,
    Py_ssize_t count, Py_ssize_t rows, Py_ssize_t n, bint pairs, Ending ending,
    const Ahead* ahead, narrow_sum_t* tag) noexcept nogil:
    # No more than there are bits, or compilers would shift in wider lanes.
    cdef int shift = ending.shift & <int> (8 * sizeof(narrow_sum_t) - 1)
    cdef const narrow_t* at[FEW]
    cdef Py_ssize_t i, r
    for r in range(rows):
        fetch_row(ahead, <const char**> src, count, src_pitch, r)
        for i in range(FEW):
            at[i] = past(src[min(i, count - 1)], r * src_pitch)
        if count == 4 and not pairs and shift == 2:
            if narrow_t is uint8_t or narrow_t is int8_t:
                quarters(
                    <uint8_t*> dst, <const uint8_t*> at[0], <const uint8_t*> at[1],
                    <const uint8_t*> at[2], <const uint8_t*> at[3], n,
                    0 if narrow_t is uint8_t else 0x80)
            else:
                quarters(
                    <uint16_t*> dst, <const uint16_t*> at[0], <const uint16_t*> at[1],
                    <const uint16_t*> at[2], <const uint16_t*> at[3], n,
                    0 if narrow_t is uint16_t else 0x8000)
        elif count == 4:
            shifted_few(dst, at[0], at[1], at[2], at[3], n, 4, pairs, shift, ending.is_signed, tag)
        elif count == 2 and pairs and shift == 2:
            shifted_few(dst, at[0], at[1], at[2], at[3], n, 2, pairs, 2, ending.is_signed, tag)
        elif count == 3:
            shifted_few(dst, at[0], at[1], at[2], at[3], n, 3, pairs, shift, ending.is_signed, tag)
        elif count == 2:
            shifted_few(dst, at[0], at[1], at[2], at[3], n, 2, pairs, shift, ending.is_signed, tag)
        else:
            shifted_few(dst, at[0], at[1], at[2], at[3], n, 1, pairs, shift, ending.is_signed, tag)
        dst = <narrow_t*> (<char*> dst + dst_pitch)


cdef bint shifted_rows(
    narrow_t* dst, Py_ssize_t dst_pitch, const narrow_t** src, Py_ssize_t src_pitch,
    Py_ssize_t count, Py_ssize_t rows, Py_ssize_t n, const Once* how,
    Ending ending, const Ahead* ahead, narrow_sum_t* tag) noexcept nogil:
    """dst[r, j] = the sum of src[0][r, j] … src[count - 1][r, j] over a power of two."""
    shifted_all(dst, dst_pitch, src, src_pitch, count, rows, n, False, ending, ahead, tag)
    return False


cdef bint shifted_pairs(
    narrow_t* dst, Py_ssize_t dst_pitch, const narrow_t** src, Py_ssize_t src_pitch,
    Py_ssize_t count, Py_ssize_t rows, Py_ssize_t n, const Once* how,
    Ending ending, const Ahead* ahead, narrow_sum_t* tag) noexcept nogil:
    """The same of pairs, src[i][r, 2 j] and src[i][r, 2 j + 1]."""
    shifted_all(dst, dst_pitch, src, src_pitch, count, rows, n, True, ending, ahead, tag)
    return False


cdef at_once_f choose_shifted(int elem, bint pairs) noexcept:
    """The operation for elements of a code and results of the same; NULL if there is none."""
    if elem == UINT8:
        return (<at_once_f> shifted_pairs[uint8_t, uint16_t] if pairs
                else <at_once_f> shifted_rows[uint8_t, uint16_t])
    elif elem == INT8:
        return (<at_once_f> shifted_pairs[int8_t, uint16_t] if pairs
                else <at_once_f> shifted_rows[int8_t, uint16_t])
    elif elem == UINT16:
        return (<at_once_f> shifted_pairs[uint16_t, uint32_t] if pairs
                else <at_once_f> shifted_rows[uint16_t, uint32_t])
    elif elem == INT16:
        return (<at_once_f> shifted_pairs[int16_t, uint32_t] if pairs
                else <at_once_f> shifted_rows[int16_t, uint32_t])
    return NULL
