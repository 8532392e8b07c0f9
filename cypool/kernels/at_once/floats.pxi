# Rows of float32, and pairs along them.

cdef enum:
    CHUNK = 256         # results, or columns of sums, that are made together
    FEW = 4             # sources that there are straight loops for
    NEAR = 25 << 23     # floats that add up to exact doubles span so many exponents


cdef inline uint32_t magnitude(float x) noexcept nogil:
    """The bits without the sign: they are ordered as magnitudes are."""
    return (<uint32_t*> &x)[0] & <uint32_t> 0x7FFFFFFF


cdef inline double float_sum(
    const float* a, const float* b, const float* c, const float* d, Py_ssize_t j,
    int count) noexcept nogil:
    """The sum of the j-th of up to four terms."""
    cdef double x = a[j]
    if count > 1:
        x = x + <double> b[j]
    if count > 2:
        x = x + <double> c[j]
    if count > 3:
        x = x + <double> d[j]
    return x


cdef inline void float_sums(
    double* sums, const float* a, const float* b, const float* c, const float* d, Py_ssize_t n,
    int count) noexcept nogil:
    """float_sum() of n terms, by vectors as in sum_few()."""
    cdef double x[CYPOOL_DOUBLES]
    cdef Py_ssize_t whole = n - n % CYPOOL_DOUBLES, i, j = 0
    while j < whole:
        for i in range(CYPOOL_DOUBLES):
            x[i] = float_sum(a, b, c, d, j + i, count)
        for i in range(CYPOOL_DOUBLES):
            sums[j + i] = x[i]
        cypool_apart()
        j += CYPOOL_DOUBLES
    for j in range(whole, n):
        sums[j] = float_sum(a, b, c, d, j, count)


cdef inline uint32_t float_most(
    const float* a, const float* b, const float* c, const float* d, Py_ssize_t j,
    int count) noexcept nogil:
    """The greatest magnitude of the j-th of up to four terms."""
    cdef uint32_t most = magnitude(a[j])
    if count > 1:
        most = max(most, magnitude(b[j]))
    if count > 2:
        most = max(most, magnitude(c[j]))
    if count > 3:
        most = max(most, magnitude(d[j]))
    return most


cdef inline void reach(uint32_t* most, uint32_t* least, float x) noexcept nogil:
    """Widen a range of magnitudes to one more; the least is that which is not 0, less 1."""
    cdef uint32_t size = magnitude(x)
    most[0] = size if size > most[0] else most[0]
    size -= 1
    least[0] = size if size < least[0] else least[0]


cdef inline bint near_floats(
    const float* a, const float* b, const float* c, const float* d, Py_ssize_t n,
    int count) noexcept nogil:
    """Whether any eight elements of up to four rows are finite, and add up to an exact double."""
    cdef uint32_t most = 0, least = <uint32_t> -1
    cdef Py_ssize_t j
    for j in range(n):
        reach(&most, &least, a[j])
        if count > 1:
            reach(&most, &least, b[j])
        if count > 2:
            reach(&most, &least, c[j])
        if count > 3:
            reach(&most, &least, d[j])
    return most < <uint32_t> 0x7F800000 and <uint64_t> most <= <uint64_t> least + NEAR


cdef inline bint floats_block(
    float* dst, const float* a, const float* b, const float* c, const float* d, Py_ssize_t n,
    int count, bint pairs, double factor, uint32_t margin) noexcept nogil:
    """floats_row() of up to CHUNK results."""
    cdef double sums[2 * CHUNK]
    cdef uint32_t doubtful = 0, most
    cdef Py_ssize_t j
    cdef double x
    cdef float y
    if count == 1 and not pairs:
        for j in range(n):      # one term cancels with nothing
            dst[j] = one_nan(<float> (<double> a[j] * factor))
        return False
    if pairs and near_floats(a, b, c, d, 2 * n, count):
        # To find the greatest magnitude of each window would be dear.
        float_sums(sums, a, b, c, d, 2 * n, count)
        for j in range(n):
            dst[j] = <float> ((sums[2 * j] + sums[2 * j + 1]) * factor)
        return False
    float_sums(sums, a, b, c, d, 2 * n if pairs else n, count)
    for j in range(n):
        if pairs:
            x = sums[2 * j] + sums[2 * j + 1]
            most = max(float_most(a, b, c, d, 2 * j, count),
                       float_most(a, b, c, d, 2 * j + 1, count))
        else:
            x = sums[j]
            most = float_most(a, b, c, d, j, count)
        y = <float> (x * factor)
        doubtful |= <uint32_t> (magnitude(y) + margin < most)
        dst[j] = one_nan(y)
    return doubtful != 0


cdef inline bint floats_row(
    float* dst, const float* a, const float* b, const float* c, const float* d, Py_ssize_t n,
    int count, bint pairs, double factor, uint32_t margin) noexcept nogil:
    """dst[j] = a factor times the sum of up to four terms, or pairs.

    Returns whether it is so far below one of them, anywhere, that it may not be near enough.
    Subnormal results are compared too leniently, but what they are made of adds up exactly.
    """
    cdef Py_ssize_t begin = 0, at, m
    cdef bint doubtful = False
    while begin < n:
        m = min(n - begin, <Py_ssize_t> CHUNK)
        at = 2 * begin if pairs else begin
        doubtful |= floats_block(
            dst + begin, a + at, b + at, c + at, d + at, m, count, pairs, factor, margin)
        begin += m
    return doubtful


cdef inline bint floats_all(
    float* dst, Py_ssize_t dst_pitch, const float** src, Py_ssize_t src_pitch, Py_ssize_t count,
    Py_ssize_t rows, Py_ssize_t n, bint pairs, double factor, uint32_t margin,
    const Ahead* ahead) noexcept nogil:
    """floats_row() of rows of up to four sources."""
    cdef const float* at[FEW]
    cdef bint doubtful = False
    cdef Py_ssize_t i, r
    if count > FEW:
        return True     # there is no such thing
    for r in range(rows):
        fetch_row(ahead, <const char**> src, count, src_pitch, r)
        for i in range(FEW):
            at[i] = past(src[min(i, count - 1)], r * src_pitch)
        if count == 4:
            doubtful |= floats_row(
                dst, at[0], at[1], at[2], at[3], n, 4, pairs, factor, margin)
        elif count == 3:
            doubtful |= floats_row(
                dst, at[0], at[1], at[2], at[3], n, 3, pairs, factor, margin)
        elif count == 2:
            doubtful |= floats_row(
                dst, at[0], at[1], at[2], at[3], n, 2, pairs, factor, margin)
        else:
            doubtful |= floats_row(
                dst, at[0], at[1], at[2], at[3], n, 1, pairs, factor, margin)
        dst = <float*> (<char*> dst + dst_pitch)
    return doubtful


cdef inline bint float_window(
    float* dst, const double* a, const double* b, const double* c, const uint32_t* a_most,
    const uint32_t* b_most, const uint32_t* c_most, Py_ssize_t n, int count, double factor,
    uint32_t margin) noexcept nogil:
    """dst[j] = a factor times the sum of up to three columns; returns what floats_row() does."""
    cdef uint32_t doubtful = 0, most
    cdef Py_ssize_t j
    cdef double x
    cdef float y
    for j in range(n):
        x = a[j]
        most = a_most[j]
        if count > 1:
            x = x + b[j]
            most = b_most[j] if b_most[j] > most else most
        if count > 2:
            x = x + c[j]
            most = c_most[j] if c_most[j] > most else most
        y = <float> (x * factor)
        doubtful |= <uint32_t> (magnitude(y) + margin < most)
        dst[j] = one_nan(y)
    return doubtful != 0
