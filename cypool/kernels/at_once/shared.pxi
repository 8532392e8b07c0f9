# Windows of three rows each that overlap: what a row adds up to, with those above and below it, is
# kept for all the windows that it is in.  Of 16-bit floats, lanes of 32 bits hold two: the sums of
# the lower ones come first, and from the middle on those of the others.

cdef enum:
    COLUMNS = 3         # of as many rows, that windows share
    LEAD_SHARED = 4     # so many windows further on their place is fetched

cdef struct Column:
    double sums[CHUNK]
    uint32_t most[CHUNK]    # of floats only: the greatest magnitude


cdef inline void float_column(
    double* sums, uint32_t* greatest, const float** src, Py_ssize_t n, int count) noexcept nogil:
    """Add up one to four rows, and keep the greatest magnitudes."""
    cdef const float* a = src[0]
    cdef const float* b = src[1 if count > 1 else 0]
    cdef const float* c = src[2 if count > 2 else 0]
    cdef const float* d = src[3 if count > 3 else 0]
    cdef Py_ssize_t j
    float_sums(sums, a, b, c, d, n, count)
    for j in range(n):
        greatest[j] = float_most(a, b, c, d, j, count)


cdef inline void half_column(
    Column* to, const half_t* a, const half_t* b, const half_t* c, Py_ssize_t n,
    int count) noexcept nogil:
    """float_column() of 16-bit floats, without the magnitudes."""
    cdef uint32_t la, lb, lc
    cdef Py_ssize_t j
    cdef double low, high
    for j in range(n // 2):
        memcpy(&la, a + 2 * j, 4)
        memcpy(&lb, b + 2 * j, 4)
        memcpy(&lc, c + 2 * j, 4)
        low = half_term(la, 0, a)
        high = half_term(la, 1, a)
        if count > 1:
            low = low + half_term(lb, 0, a)
            high = high + half_term(lb, 1, a)
        if count > 2:
            low = low + half_term(lc, 0, a)
            high = high + half_term(lc, 1, a)
        to.sums[j] = low
        to.sums[CHUNK // 2 + j] = high
    if n % 2:
        low = half_term(a[n - 1].bits, 0, a)
        if count > 1:
            low = low + half_term(b[n - 1].bits, 0, a)
        if count > 2:
            low = low + half_term(c[n - 1].bits, 0, a)
        to.sums[n // 2] = low


cdef inline uint32_t half_product(
    double x, bint exactly, uint32_t* doubtful, const half_t* tag) noexcept nogil:
    """The bits of the nearest 16-bit float, by half_of() or half_near(), which may be doubtful."""
    if exactly:
        return <uint32_t> half_of(x * 2.0**127, True, tag)
    return half_near(<float> x, <uint32_t> (<uint64_t*> &x)[0], doubtful, tag)


cdef inline bint half_window(
    half_t* dst, const Column* a, const Column* b, const Column* c, Py_ssize_t n, double factor,
    bint exactly) noexcept nogil:
    """float_window() of 16-bit floats, which are not doubtful if they are made `exactly`."""
    cdef const double* high_a = a.sums + CHUNK // 2
    cdef const double* high_b = b.sums + CHUNK // 2
    cdef const double* high_c = c.sums + CHUNK // 2
    cdef Py_ssize_t j
    cdef double low, high
    cdef uint32_t done, doubtful = 0
    for j in range(n // 2):
        low = a.sums[j] + b.sums[j] + c.sums[j]
        high = high_a[j] + high_b[j] + high_c[j]
        done = half_product(low * factor, exactly, &doubtful, dst)
        done |= half_product(high * factor, exactly, &doubtful, dst) << 16
        memcpy(dst + 2 * j, &done, 4)
    if n % 2:
        low = a.sums[n // 2] + b.sums[n // 2] + c.sums[n // 2]
        dst[n - 1].bits = <uint16_t> half_product(low * factor, True, &doubtful, dst)
    return doubtful != 0


cdef inline void column(
    Column* to, const once_t** at, Py_ssize_t n, int count, const double* weights,
    double share) noexcept nogil:
    """A column of one to three rows, which are multiplied before if there are weights."""
    if once_t is float:
        if weights != NULL:
            weighed_column(to.sums, to.most, at, weights, share, n, count)
        else:
            float_column(to.sums, to.most, at, n, count)
    else:
        half_column(to, at[0], at[1], at[2], n, count)


cdef bint once_shared(
    once_t* dst, Py_ssize_t dst_pitch, const once_t** src, Py_ssize_t src_pitch, Py_ssize_t count,
    Py_ssize_t rows, Py_ssize_t n, const Once* how, Ending ending,
    const Ahead* ahead) noexcept nogil:
    """once_rows() of windows that share rows; src has the taps of each row above one by one.

    Those of the next window are src_pitch on, but the rows between are wanted, too: `how` has them.
    """
    cdef Column columns[COLUMNS]
    cdef Column* to
    cdef const Column* a
    cdef const Column* b
    cdef const once_t* at[COLUMNS]
    cdef double own[COLUMNS]
    cdef double share
    cdef const double* weights = own if how.weighs else NULL
    cdef double factor = how.factor
    cdef Py_ssize_t above = count // how.taps, begin = 0, i, j, m, there
    cdef Py_ssize_t stop = (rows - 1) * how.stride + how.taps
    cdef bint doubtful = False
    for i in range(above):
        own[i] = how.weights[i * how.taps]
    if not (once_t is float):
        for i in range(above):
            at[i] = src[i * how.taps]
        doubtful = far_apart(at, how.apart, above, stop, n)
    while begin < n:
        m = min(n - begin, <Py_ssize_t> CHUNK)
        for i in range((rows - 1) * how.stride + 3):
            to = &columns[i % 3]
            there = i - how.first
            share = how.shares[there] if how.weighs and 0 <= there < stop else 1.0
            for j in range(3):
                at[j] = <const once_t*> (<const char*> (src[min(j, above - 1) * how.taps] + begin)
                                         + there * how.apart)
            if ahead != NULL:
                fetch(<const char*> at[above - 1] + ahead.lead, m * <Py_ssize_t> sizeof(once_t))
            if there < 0 or there >= stop:
                memset(to, 0, sizeof(Column))
            elif above == 3:
                column(to, at, m, 3, weights, share)
            elif above == 2:
                column(to, at, m, 2, weights, share)
            else:
                column(to, at, m, 1, weights, share)
            if i < 2 or (i - 2) % how.stride != 0:
                continue
            if ahead != NULL:
                fetch(<const char*> (dst + begin) + LEAD_SHARED * dst_pitch,
                      m * <Py_ssize_t> sizeof(once_t))
            a = &columns[(i + 1) % 3]
            b = &columns[(i + 2) % 3]
            if once_t is float:
                doubtful |= float_window(
                    dst + begin, a.sums, b.sums, to.sums, a.most, b.most, to.most, m, 3, factor,
                    ending.margin)
            elif half_window(dst + begin, a, b, to, m, factor, False):
                half_window(dst + begin, a, b, to, m, factor, True)
            dst = <once_t*> (<char*> dst + dst_pitch)
        dst = <once_t*> (<char*> dst - rows * dst_pitch)
        begin += m
    return doubtful


cdef at_once_f choose_shared(int elem) noexcept:
    """The operation for elements of a code and results of the same; NULL if there is none."""
    if elem == FLOAT:
        return <at_once_f> once_shared[float]
    elif elem == HALF:
        return <at_once_f> once_shared[Half]
    elif elem == BRAIN:
        return <at_once_f> once_shared[Brain]
    return NULL
