# Row operations that go from elements to output at once, with no accumulators in memory.
#
# Floats of up to four rows, or four rows of pairs, are added up, multiplied and rounded: the sums
# are those of sum_fold and sum_pairs, bit by bit.  So are narrow integers, where the divisor is a
# power of two.  Where each row of a window has one index, the greatest elements are compared with
# nothing but each other, and the index goes along.

ctypedef fused once_t:
    float
    Half
    Brain

# What sums of half as many bits fit in.
ctypedef fused narrow_t:
    uint8_t
    int8_t
    uint16_t
    int16_t

ctypedef fused narrow_sum_t:
    uint16_t
    uint32_t

# Of which the greatest is found with its index.
ctypedef fused first_t:
    uint8_t
    int8_t
    uint16_t
    int16_t
    uint32_t
    int32_t
    uint64_t
    int64_t
    float
    double

ctypedef fused index_t:
    int32_t
    int64_t

cdef enum:
    CHUNK = 256         # elements that are kept with their indices
    SPAN = 39 << 23     # what is added up exactly spans so many exponents, in the bits of a float


cdef inline uint32_t magnitude(float x) noexcept nogil:
    """The bits without the sign: they are ordered as magnitudes are."""
    return (<uint32_t*> &x)[0] & <uint32_t> 0x7FFFFFFF


cdef inline void widen(
    const once_t* _, float x, uint32_t* most, uint32_t* least) noexcept nogil:
    """Widen a range of magnitudes to that of x.  Its least is that which is not 0, less 1."""
    cdef uint32_t size = magnitude(x)
    if once_t is float or once_t is Brain:
        most[0] = size if size > most[0] else most[0]
    if once_t is Brain:
        least[0] = size - 1 if size - 1 < least[0] else least[0]


cdef inline double term(
    const once_t* src, Py_ssize_t j, bint pairs, uint32_t* most, uint32_t* least) noexcept nogil:
    """src[j], or src[2 j] + src[2 j + 1]."""
    cdef float x, y
    cdef uint32_t both
    if not pairs:
        if once_t is float:
            x = src[j]
        else:
            x = half_value(src[j])
        widen(src, x, most, least)
        return <double> x
    if once_t is float:
        x = src[2 * j]
        y = src[2 * j + 1]
    else:
        # One lane holds both, in whatever order: nothing has to move to another.
        memcpy(&both, src + 2 * j, sizeof(both))
        x = half_value_of(<int32_t> (both << 16) >> 16, src)
        y = half_value_of(<int32_t> both >> 16, src)
    widen(src, x, most, least)
    widen(src, y, most, least)
    return <double> x + <double> y


cdef inline bint once_few(
    once_t* dst, const once_t* a, const once_t* b, const once_t* c, const once_t* d, Py_ssize_t n,
    int count, bint pairs, double factor, Ending ending, uint32_t* range_) noexcept nogil:
    """dst[j] = a factor times the sum of up to four terms.

    Returns whether it is so far below one of them, anywhere, that it may not be near enough.
    """
    cdef uint32_t doubtful = 0, most = range_[0], least = range_[1]
    cdef Py_ssize_t j
    cdef double x
    cdef float y
    for j in range(n):
        if once_t is float:
            most = 0
        x = term(a, j, pairs, &most, &least)
        if count > 1:
            x = x + term(b, j, pairs, &most, &least)
        if count > 2:
            x = x + term(c, j, pairs, &most, &least)
        if count > 3:
            x = x + term(d, j, pairs, &most, &least)
        if once_t is float:
            y = <float> (x * factor)
            doubtful |= <uint32_t> (magnitude(y) + ending.margin < most)
            dst[j] = one_nan(y)
        else:
            (<uint16_t*> dst)[j] = half_of(odd_float(x * factor, True), x != x, dst)
    range_[0] = most
    range_[1] = least
    return doubtful != 0


cdef inline bint once(
    once_t* dst, Py_ssize_t dst_pitch, const once_t** src, Py_ssize_t src_pitch, Py_ssize_t count,
    Py_ssize_t rows, Py_ssize_t n, bint pairs, const Once* how, Ending ending) noexcept nogil:
    cdef const once_t* at[4]
    cdef uint32_t range_[2]
    cdef bint doubtful = False
    cdef Py_ssize_t i, r
    range_[0] = 0
    range_[1] = <uint32_t> -1
    for r in range(rows):
        for i in range(4):
            at[i] = <const once_t*> (<const char*> src[min(i, count - 1)] + r * src_pitch)
        if count == 4:
            doubtful |= once_few(
                dst, at[0], at[1], at[2], at[3], n, 4, pairs, how.factor, ending, range_)
        elif count == 3:
            doubtful |= once_few(
                dst, at[0], at[1], at[2], at[3], n, 3, pairs, how.factor, ending, range_)
        elif count == 2:
            doubtful |= once_few(
                dst, at[0], at[1], at[2], at[3], n, 2, pairs, how.factor, ending, range_)
        else:
            doubtful |= once_few(
                dst, at[0], at[1], at[2], at[3], n, 1, pairs, how.factor, ending, range_)
        dst = <once_t*> (<char*> dst + dst_pitch)
    if once_t is Brain:
        # Sums are mostly exact; what is far below its terms may be, too.
        return range_[0] > range_[1] and range_[0] - range_[1] > <uint32_t> SPAN
    return doubtful


cdef bint once_rows(
    once_t* dst, Py_ssize_t dst_pitch, const once_t** src, Py_ssize_t src_pitch, Py_ssize_t count,
    Py_ssize_t rows, Py_ssize_t n, const Once* how, Ending ending) noexcept nogil:
    """dst[r, j] = a factor times the sum of src[0][r, j] … src[count - 1][r, j]; count is 1 to 4.

    Returns whether that may not be as exact as it should be, anywhere.
    """
    return once(dst, dst_pitch, src, src_pitch, count, rows, n, False, how, ending)


cdef bint once_pairs(
    once_t* dst, Py_ssize_t dst_pitch, const once_t** src, Py_ssize_t src_pitch, Py_ssize_t count,
    Py_ssize_t rows, Py_ssize_t n, const Once* how, Ending ending) noexcept nogil:
    """The same of pairs, src[i][r, 2 j] and src[i][r, 2 j + 1]."""
    return once(dst, dst_pitch, src, src_pitch, count, rows, n, True, how, ending)


cdef at_once_f choose_once(int elem, bint pairs) noexcept:
    """The operation for elements of a code and results of the same; NULL if there is none."""
    if elem == 8:
        return <at_once_f> once_pairs[float] if pairs else <at_once_f> once_rows[float]
    elif elem == 10:
        return <at_once_f> once_pairs[Half] if pairs else <at_once_f> once_rows[Half]
    elif elem == 11:
        return <at_once_f> once_pairs[Brain] if pairs else <at_once_f> once_rows[Brain]
    return NULL


cdef inline narrow_sum_t narrow_term(
    const narrow_t* src, Py_ssize_t j, bint pairs, narrow_sum_t* tag) noexcept nogil:
    if pairs:
        return pair(src, j, tag)
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


cdef inline void shifted_all(
    narrow_t* dst, Py_ssize_t dst_pitch, const narrow_t** src, Py_ssize_t src_pitch,
    Py_ssize_t count, Py_ssize_t rows, Py_ssize_t n, bint pairs, Ending ending,
    narrow_sum_t* tag) noexcept nogil:
    # No more than there are bits, or compilers would shift in wider lanes.
    cdef int shift = ending.shift & <int> (8 * sizeof(narrow_sum_t) - 1)
    cdef const narrow_t* at[4]
    cdef Py_ssize_t i, r
    for r in range(rows):
        for i in range(4):
            at[i] = <const narrow_t*> (<const char*> src[min(i, count - 1)] + r * src_pitch)
        if count == 4:
            shifted_few(dst, at[0], at[1], at[2], at[3], n, 4, pairs, shift, ending.is_signed, tag)
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
    Ending ending, narrow_sum_t* tag) noexcept nogil:
    """dst[r, j] = the sum of src[0][r, j] … src[count - 1][r, j] over a power of two."""
    shifted_all(dst, dst_pitch, src, src_pitch, count, rows, n, False, ending, tag)
    return False


cdef bint shifted_pairs(
    narrow_t* dst, Py_ssize_t dst_pitch, const narrow_t** src, Py_ssize_t src_pitch,
    Py_ssize_t count, Py_ssize_t rows, Py_ssize_t n, const Once* how,
    Ending ending, narrow_sum_t* tag) noexcept nogil:
    """The same of pairs, src[i][r, 2 j] and src[i][r, 2 j + 1]."""
    shifted_all(dst, dst_pitch, src, src_pitch, count, rows, n, True, ending, tag)
    return False


cdef at_once_f choose_shifted(int elem, bint pairs) noexcept:
    """The operation for elements of a code and results of the same; NULL if there is none."""
    if elem == 0:
        return (<at_once_f> shifted_pairs[uint8_t, uint16_t] if pairs
                else <at_once_f> shifted_rows[uint8_t, uint16_t])
    elif elem == 1:
        return (<at_once_f> shifted_pairs[int8_t, uint16_t] if pairs
                else <at_once_f> shifted_rows[int8_t, uint16_t])
    elif elem == 2:
        return (<at_once_f> shifted_pairs[uint16_t, uint32_t] if pairs
                else <at_once_f> shifted_rows[uint16_t, uint32_t])
    elif elem == 3:
        return (<at_once_f> shifted_pairs[int16_t, uint32_t] if pairs
                else <at_once_f> shifted_rows[int16_t, uint32_t])
    return NULL


cdef inline first_t turned(first_t x, bint turns) noexcept nogil:
    """x or, so that the least becomes the greatest, its negative or complement."""
    if first_t is float:
        (<uint32_t*> &x)[0] ^= <uint32_t> turns << 31
        return x
    elif first_t is double:
        (<uint64_t*> &x)[0] ^= <uint64_t> turns << 63
        return x
    else:
        return <first_t> (x ^ <first_t> -turns)


cdef inline index_t index_of_first(
    first_t best, first_t x, index_t where, index_t index) noexcept nogil:
    """The index of the greater; of equals the first stays, and the first NaN."""
    # Masks vectorise to half of what selects do.
    cdef index_t stays = -<index_t> (x <= best) | -<index_t> (best != best)
    return (where & stays) | (index & ~stays)


cdef inline void first_few(
    first_t* best, index_t* where, const first_t* a, const first_t* b, const first_t* c,
    const index_t* index, Py_ssize_t n, bint fresh, bint least) noexcept nogil:
    """Find the best of three rows, and of those before unless `fresh`, and where it was."""
    cdef index_t ia = index[0], ib = index[1], ic = index[2], i
    cdef Most* most = NULL
    cdef first_t x, y
    cdef Py_ssize_t j
    for j in range(n):
        y = turned(a[j], least)
        if fresh:
            x = y
            i = ia
        else:
            x = best[j]
            i = index_of_first(x, y, where[j], ia)
            x = better[first_t, Most](x, y, most)
        y = turned(b[j], least)
        i = index_of_first(x, y, i, ib)
        x = better[first_t, Most](x, y, most)
        y = turned(c[j], least)
        where[j] = index_of_first(x, y, i, ic)
        best[j] = better[first_t, Most](x, y, most)


cdef bint first_rows(
    first_t* dst, Py_ssize_t dst_pitch, const first_t** src, Py_ssize_t src_pitch,
    Py_ssize_t count, Py_ssize_t rows, Py_ssize_t n, const Once* how, Ending ending,
    index_t* _) noexcept nogil:
    """dst[r, j] = the greatest of src[0][r, j] … src[count - 1][r, j], and its index beside it."""
    cdef first_t best[CHUNK]
    cdef index_t where[CHUNK]
    cdef const first_t* at[3]
    cdef index_t index[3]
    cdef int64_t* indices
    cdef bint least = ending.least
    cdef Py_ssize_t begin, i, j, m, r, t, s
    for r in range(rows):
        indices = <int64_t*> (how.indices + r * how.wide * dst_pitch)
        begin = 0
        while begin < n:
            m = min(n - begin, <Py_ssize_t> CHUNK)
            for t in range(0, count, 3):
                for s in range(3):      # the last source may come again: it changes nothing
                    i = min(t + s, count - 1)
                    at[s] = <const first_t*> (<const char*> src[i] + r * src_pitch) + begin
                    index[s] = <index_t> (how.index[i] + r * how.step)
                if t == 0:
                    first_few(best, where, at[0], at[1], at[2], index, m, True, least)
                else:
                    first_few(best, where, at[0], at[1], at[2], index, m, False, least)
            for j in range(m):
                dst[begin + j] = turned(best[j], least)
                indices[begin + j] = where[j]
            begin += m
        dst = <first_t*> (<char*> dst + dst_pitch)
    return False


cdef at_once_f choose_first(int elem) noexcept:
    """The operation that finds the greatest elements of a code, and their indices."""
    if elem == 0:
        return <at_once_f> first_rows[uint8_t, int32_t]
    elif elem == 1:
        return <at_once_f> first_rows[int8_t, int32_t]
    elif elem == 2:
        return <at_once_f> first_rows[uint16_t, int32_t]
    elif elem == 3:
        return <at_once_f> first_rows[int16_t, int32_t]
    elif elem == 4:
        return <at_once_f> first_rows[uint32_t, int32_t]
    elif elem == 5:
        return <at_once_f> first_rows[int32_t, int32_t]
    elif elem == 6:
        return <at_once_f> first_rows[uint64_t, int64_t]
    elif elem == 7:
        return <at_once_f> first_rows[int64_t, int64_t]
    elif elem == 8:
        return <at_once_f> first_rows[float, int32_t]
    elif elem == 9:
        return <at_once_f> first_rows[double, int64_t]
    return NULL
