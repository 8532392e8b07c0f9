# Row operations: floats added up, multiplied and rounded at once.
#
# Where a window is made of up to four rows, or four rows of pairs, sums need not be stored: what
# comes from memory goes straight back there.  They are those of sum_fold and sum_pairs, bit by bit.

ctypedef fused once_t:
    float
    Half
    Brain

cdef enum:
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
    """dst[j] = factor times the sum of up to four terms.

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
    Py_ssize_t rows, Py_ssize_t n, bint pairs, double factor, Ending ending) noexcept nogil:
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
                dst, at[0], at[1], at[2], at[3], n, 4, pairs, factor, ending, range_)
        elif count == 3:
            doubtful |= once_few(
                dst, at[0], at[1], at[2], at[3], n, 3, pairs, factor, ending, range_)
        elif count == 2:
            doubtful |= once_few(
                dst, at[0], at[1], at[2], at[3], n, 2, pairs, factor, ending, range_)
        else:
            doubtful |= once_few(
                dst, at[0], at[1], at[2], at[3], n, 1, pairs, factor, ending, range_)
        dst = <once_t*> (<char*> dst + dst_pitch)
    if once_t is Brain:
        # Sums are mostly exact; what is far below its terms may be, too.
        return range_[0] > range_[1] and range_[0] - range_[1] > <uint32_t> SPAN
    return doubtful


cdef bint once_rows(
    once_t* dst, Py_ssize_t dst_pitch, const once_t** src, Py_ssize_t src_pitch, Py_ssize_t count,
    Py_ssize_t rows, Py_ssize_t n, double factor, Ending ending) noexcept nogil:
    """dst[r, j] = factor times the sum of src[0][r, j] … src[count - 1][r, j]; count is 1 to 4.

    Returns whether that may not be as exact as it should be, anywhere.
    """
    return once(dst, dst_pitch, src, src_pitch, count, rows, n, False, factor, ending)


cdef bint once_pairs(
    once_t* dst, Py_ssize_t dst_pitch, const once_t** src, Py_ssize_t src_pitch, Py_ssize_t count,
    Py_ssize_t rows, Py_ssize_t n, double factor, Ending ending) noexcept nogil:
    """The same of pairs, src[i][r, 2 j] and src[i][r, 2 j + 1]."""
    return once(dst, dst_pitch, src, src_pitch, count, rows, n, True, factor, ending)


cdef at_once_f choose_once(int elem, bint pairs) noexcept:
    """The operation for elements of a code and results of the same; NULL if there is none."""
    if elem == 8:
        return <at_once_f> once_pairs[float] if pairs else <at_once_f> once_rows[float]
    elif elem == 10:
        return <at_once_f> once_pairs[Half] if pairs else <at_once_f> once_rows[Half]
    elif elem == 11:
        return <at_once_f> once_pairs[Brain] if pairs else <at_once_f> once_rows[Brain]
    return NULL
