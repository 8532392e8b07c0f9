# Rows of float64, and windows along them: added up as Twins, some hundred columns at a time.


cdef inline double divided_by(
    Twin x, double total, double divisor, double inverse) noexcept nogil:
    """quotient() by the inverse of a divisor: each step leaves a remainder, for the next to divide.

    What lies halfway is there after the second one, and rounded half to even.
    """
    cdef double y = total * inverse
    cdef double rest = fma(-y, divisor, total) + ((x.hi - total) + x.lo)
    cdef double more = rest * inverse
    return y + (more + fma(-more, divisor, rest) * inverse)


cdef inline bint twin_means(
    double* dst, const double* hi, const double* lo, const double* most, Py_ssize_t n, int k, int s,
    Py_ssize_t apart, const double* divisors, const double* inverses, bint each, bint exact,
    double share) noexcept nogil:
    """dst[j] = the sum of k columns, from s * j on, over a divisor; returns as double_rows() does.

    There is a divisor for `each`, or one for all.  If that is a power of two, to multiply by its
    inverse is `exact`; else remainders are not where quotients may be subnormal.
    """
    cdef double divisor = divisors[0], inverse = inverses[0], total, top, y
    cdef uint64_t doubtful = 0
    cdef Py_ssize_t i, j
    cdef Twin x
    for j in range(n):
        i = s * j
        x = twin(hi[i], lo[i])
        top = most[i]
        if k > 1:
            x = added[Twin](x, twin(hi[i + apart], lo[i + apart]))
            top = larger(most[i + apart], top)
        if k > 2:
            x = added[Twin](x, twin(hi[i + 2 * apart], lo[i + 2 * apart]))
            top = larger(most[i + 2 * apart], top)
        total = x.hi + x.lo
        if exact:
            y = total * inverse
        else:
            y = divided_by(x, total, divisors[j] if each else divisor,
                           inverses[j] if each else inverse)
            doubtful |= <uint64_t> (top < 2.0**-800) & <uint64_t> (top > 0.0)
        # No farther below a term a sum is near enough, and of no greater ones it does not overflow.
        doubtful |= <uint64_t> (fabs(total) < top * share) | <uint64_t> (top > 2.0**1000)
        dst[j] = one_nan(y)
    return doubtful != 0


cdef inline bint doubles_all(
    double* dst, Py_ssize_t dst_pitch, const double** src, Py_ssize_t src_pitch, Py_ssize_t count,
    Py_ssize_t rows, Py_ssize_t n, int k, int s, Py_ssize_t apart, Py_ssize_t start,
    Py_ssize_t cells, bint each, bint exact, const Once* how, const Ahead* ahead) noexcept nogil:
    """dst[r, j] = the sum of `count` rows of k elements `apart`, from start + s * j on.

    It is divided, too.  Rows have as many cells, and there is nothing around them.
    """
    cdef double hi[CHUNK]
    cdef double lo[CHUNK]
    cdef double most[CHUNK]
    cdef const char* at[SOURCES]
    cdef bint doubtful = False
    cdef Py_ssize_t run = (CHUNK - (k - 1) * apart - 1) // s + 1 & -8   # a remainder is dear
    cdef Py_ssize_t begin, first, reach, low, high, i, m, r
    for r in range(rows):
        for i in range(count):
            at[i] = <const char*> src[i] + r * src_pitch
        begin = 0
        while begin < n:
            m = min(n - begin, run)
            # Half is fetched while columns are added up, half while they are finished.
            fetch_share(ahead, <const char**> src, count, src_pitch, r, begin, m // 2, n)
            first = start + begin * s
            reach = (m - 1) * s + (k - 1) * apart + 1
            low = min(max(-first, 0), reach)
            high = min(max(cells - first, low), reach)
            for i in range(low):
                hi[i] = lo[i] = most[i] = 0.0
            for i in range(high, reach):
                hi[i] = lo[i] = most[i] = 0.0
            twin_columns(hi + low, lo + low, most + low, at, 8 * (first + low), high - low, count,
                         DOUBLE, True)
            fetch_share(ahead, <const char**> src, count, src_pitch, r, begin + m // 2,
                        m - m // 2, n)
            # `Ending.share` of three times SOURCES terms would be less.
            doubtful |= twin_means(
                dst + begin, hi, lo, most, m, k, s, apart, how.divisors + (begin if each else 0),
                how.inverses + (begin if each else 0), each, exact, 2.0**-30)
            begin += m
        dst = <double*> (<char*> dst + dst_pitch)
    return doubtful


cdef inline bint is_power_of_two(double x) noexcept nogil:
    cdef int exponent
    return fabs(frexp(x, &exponent)) == 0.5


cdef bint double_rows(
    double* dst, Py_ssize_t dst_pitch, const double** src, Py_ssize_t src_pitch, Py_ssize_t count,
    Py_ssize_t rows, Py_ssize_t n, const Once* how, Ending ending,
    const Ahead* ahead) noexcept nogil:
    """dst[r, j] = the sum of src[0][r, j] … src[count - 1][r, j] over a divisor; count <= SOURCES.

    Returns whether it is so far below one of its terms, anywhere, that it may not be near enough,
    or one is so great that the sum may overflow, or so small that the mean may be subnormal.
    """
    if is_power_of_two(how.divisors[0]):
        return doubles_all(dst, dst_pitch, src, src_pitch, count, rows, n, 1, 1, 1, 0, n,
                           False, True, how, ahead)
    return doubles_all(dst, dst_pitch, src, src_pitch, count, rows, n, 1, 1, 1, 0, n, False,
                       False, how, ahead)


cdef bint double_pairs(
    double* dst, Py_ssize_t dst_pitch, const double** src, Py_ssize_t src_pitch, Py_ssize_t count,
    Py_ssize_t rows, Py_ssize_t n, const Once* how, Ending ending,
    const Ahead* ahead) noexcept nogil:
    """The same of pairs, src[i][r, 2 j] and src[i][r, 2 j + 1]."""
    if is_power_of_two(how.divisors[0]):
        return doubles_all(dst, dst_pitch, src, src_pitch, count, rows, n, 2, 2, 1, 0, 2 * n,
                           False, True, how, ahead)
    return doubles_all(dst, dst_pitch, src, src_pitch, count, rows, n, 2, 2, 1, 0, 2 * n, False,
                       False, how, ahead)


cdef bint double_windows(
    double* dst, Py_ssize_t dst_pitch, const double** src, Py_ssize_t src_pitch, Py_ssize_t count,
    Py_ssize_t rows, Py_ssize_t n, const Once* how, Ending ending,
    const Ahead* ahead) noexcept nogil:
    """The same of windows of two or three cells a cell apart, or of three elements two apart.

    They may stick out of the rows, and have a divisor each.
    """
    cdef Py_ssize_t apart = how.inner, start = how.start * apart, cells = how.cells * apart
    if how.k == 2:
        return doubles_all(dst, dst_pitch, src, src_pitch, count, rows, n, 2, 1, apart, start,
                           cells, True, False, how, ahead)
    elif how.s == 1:
        return doubles_all(dst, dst_pitch, src, src_pitch, count, rows, n, 3, 1, apart, start,
                           cells, True, False, how, ahead)
    return doubles_all(dst, dst_pitch, src, src_pitch, count, rows, n, 3, 2, 1, start, cells, True,
                       False, how, ahead)
