# Rows of float32 that are multiplied before they are added up: the gradients of means of windows
# that do not count the same.


cdef enum:
    MOST_WEIGHED = 9    # sources
    LEAD_WEIGHED = 2048     # results are fetched so many bytes further on, if nothing else is


cdef inline double weighed_sum(
    const double* sums, const float* a, const float* b, const float* c, double wa, double wb,
    double wc, Py_ssize_t j, int count, bint fresh, bint plain) noexcept nogil:
    """The j-th of the sums and one to three more terms, in their order."""
    cdef double x = <double> a[j] if plain else <double> a[j] * wa
    if not fresh:
        x = sums[j] + x
    if count > 1:
        x = x + (<double> b[j] if plain else <double> b[j] * wb)
    if count > 2:
        x = x + (<double> c[j] if plain else <double> c[j] * wc)
    return x


cdef inline void weigh(
    double* sums, const float** at, const double* weights, Py_ssize_t n, int count, bint fresh,
    bint plain) noexcept nogil:
    """weighed_sum() of n, by vectors as in sum_few()."""
    cdef const float* a = at[0]
    cdef const float* b = at[1 if count > 1 else 0]
    cdef const float* c = at[2 if count > 2 else 0]
    cdef double wa = weights[0], wb = weights[1 if count > 1 else 0]
    cdef double wc = weights[2 if count > 2 else 0]
    cdef double x[CYPOOL_DOUBLES]
    cdef Py_ssize_t whole = n - n % CYPOOL_DOUBLES, i, j = 0
    while j < whole:
        for i in range(CYPOOL_DOUBLES):
            x[i] = weighed_sum(sums, a, b, c, wa, wb, wc, j + i, count, fresh, plain)
        for i in range(CYPOOL_DOUBLES):
            sums[j + i] = x[i]
        cypool_apart()
        j += CYPOOL_DOUBLES
    for j in range(whole, n):
        sums[j] = weighed_sum(sums, a, b, c, wa, wb, wc, j, count, fresh, plain)


cdef inline void weigh_all(
    double* sums, const float** at, const double* weights, Py_ssize_t n, Py_ssize_t count,
    bint plain) noexcept nogil:
    """The same of any number of terms."""
    cdef Py_ssize_t i
    if count % 3 == 1:
        weigh(sums, at, weights, n, 1, True, plain)
    elif count % 3 == 2:
        weigh(sums, at, weights, n, 2, True, plain)
    else:
        weigh(sums, at, weights, n, 3, True, plain)
    for i in range((count - 1) % 3 + 1, count, 3):
        weigh(sums, at + i, weights + i, n, 3, False, plain)


cdef inline void weighed_column(
    double* sums, uint32_t* greatest, const float** at, const double* weights, double share,
    Py_ssize_t n, int count) noexcept nogil:
    """float_column() of one to three rows that are multiplied before."""
    cdef double own[3]
    cdef Py_ssize_t i, j
    for i in range(count):
        own[i] = weights[i] * share
    weigh(sums, at, own, n, count, True, False)
    for j in range(n):
        greatest[j] = float_most(
            at[0], at[1 if count > 1 else 0], at[2 if count > 2 else 0], at[0], j, count)


cdef inline uint32_t greatest_of(const float* a, Py_ssize_t n, uint32_t most) noexcept nogil:
    cdef Py_ssize_t j
    for j in range(n):
        most = max(most, magnitude(a[j]))
    return most


cdef inline void widen_tops(uint32_t* tops, const float* a, Py_ssize_t n) noexcept nogil:
    """The greater magnitudes, each for itself."""
    cdef Py_ssize_t j
    for j in range(n):
        tops[j] = max(tops[j], magnitude(a[j]))


cdef inline bint weighed_block(
    float* dst, const float** at, const double* weights, Py_ssize_t n, Py_ssize_t count,
    double factor, bint plain, uint32_t margin) noexcept nogil:
    """dst[j] = a factor times the sum of weighed terms, of which no weight is above 1.

    Returns what floats_row() does.
    """
    cdef double sums[CHUNK]
    cdef uint32_t tops[CHUNK]
    cdef uint32_t most = 0, least = <uint32_t> -1, doubtful = 0
    cdef Py_ssize_t i, j
    cdef float y
    if plain:
        weigh_all(sums, at, weights, n, count, True)
        factor *= weights[0]
    else:
        weigh_all(sums, at, weights, n, count, False)
    for j in range(n):
        y = <float> (sums[j] * factor)
        least = min(least, magnitude(y))
        dst[j] = one_nan(y)
    if count == 1:
        return False    # one term cancels with nothing
    for i in range(count):
        most = greatest_of(at[i], n, most)
    if least + margin >= most:
        return False
    # No sum is too small beside its own terms, maybe.
    for j in range(n):
        tops[j] = magnitude(at[0][j])
    for i in range(1, count):
        widen_tops(tops, at[i], n)
    for j in range(n):
        doubtful |= <uint32_t> (magnitude(dst[j]) + margin < tops[j])
    return doubtful != 0


cdef inline bint are_plain(const double* weights, Py_ssize_t count) noexcept nogil:
    """Whether weights are one power of two, by which their sum may be multiplied as well."""
    cdef int exponent
    cdef Py_ssize_t i
    for i in range(1, count):
        if weights[i] != weights[0]:
            return False
    return frexp(weights[0], &exponent) == 0.5


cdef bint once_weighed(
    float* dst, Py_ssize_t dst_pitch, const float** src, Py_ssize_t src_pitch, Py_ssize_t count,
    Py_ssize_t rows, Py_ssize_t n, const Once* how, Ending ending,
    const Ahead* ahead) noexcept nogil:
    """dst[r, j] = a factor times the sum of how.weights[i] * src[i][r, j] for i < count."""
    cdef const float* at[MOST_WEIGHED]
    cdef Py_ssize_t begin, i, m, r
    cdef bint doubtful = False, plain = are_plain(how.weights, count)
    for r in range(rows):
        fetch_row(ahead, <const char**> src, count, src_pitch, r)
        if ahead == NULL:
            fetch(<char*> dst + LEAD_WEIGHED, n * <Py_ssize_t> sizeof(float))
        begin = 0
        while begin < n:
            m = min(n - begin, <Py_ssize_t> CHUNK)
            for i in range(count):
                at[i] = past(src[i], r * src_pitch) + begin
            doubtful |= weighed_block(
                dst + begin, at, how.weights, m, count, how.factor, plain, ending.margin)
            begin += m
        dst = <float*> (<char*> dst + dst_pitch)
    return doubtful
