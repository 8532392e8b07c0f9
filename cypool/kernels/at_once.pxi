# Row operations that go from elements to output at once, with no accumulators in memory.
#
# Floats of up to four rows, or four rows of pairs, are added up, multiplied and rounded: the sums
# are those of sum_fold and sum_pairs, bit by bit.  So are narrow integers, where the divisor is a
# power of two.  16-bit floats, of up to nine rows, stay where they are in lanes of 32 bits, which
# hold two.  Doubles are added up as Twins, of any rows that are read together, and of windows of two
# or three cells along them.  Where means of channels overlap, they share what columns of rows add up
# to.  Norms of order 2 go the same way, and cannot cancel.  Where each row of a window has one
# index, the greatest elements are compared with nothing but each other, and the index goes along.

ctypedef fused lane_t:
    float
    double

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

# The same bits, without a sign.
ctypedef fused unsigned_t:
    uint8_t
    uint16_t

# Of which the greatest is found with its index; unsigned integers are made signed ones.
ctypedef fused first_t:
    int8_t
    int16_t
    int32_t
    int64_t
    float
    double

ctypedef fused index_t:
    int32_t
    int64_t

cdef enum:
    PHASES = 4096       # elements of all sources, dealt out
    GROUP = 128         # results of 16-bit floats, all of which are added up anew
    SEVERAL = 8         # if more than so many are to be
    BLOCK = 8 * GROUP   # and of which that is found out before
    TINY = 5 << 10      # bits of a float16 whose quarter is not subnormal, as that may be slow
    CHUNK = 256         # elements that are kept with their indices, or columns of sums
    FEW = 4             # sources that there are straight loops for
    LEAD_INDICES = 2048     # indices are fetched so many bytes further on
    LEAD_SHARED = 4     # so many windows further on their place is fetched
    COLUMNS = 3         # of as many rows, that windows share
    ROOM = 1024         # columns of sums that are kept for transposed windows
    PHASE = ROOM + 3 * COLUMNS  # what lanes a stride apart may take, and beyond it
    MOST_ROWS = 9       # of 16-bit floats that are added up at once, or that are compared
    NEAR = 25 << 23     # floats that add up to exact doubles span so many exponents
    SPAN = 39 << 7      # what is added up exactly spans so many exponents, in the bits of a Brain


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


# Doubles are added up as Twins, some hundred columns at a time.

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
    Py_ssize_t apart, const double* divisors, const double* inverses, bint each,
    bint exact) noexcept nogil:
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
        doubtful |= <uint64_t> (fabs(total) < top * 2.0**-30) | <uint64_t> (top > 2.0**1000)
        dst[j] = one_nan(y)
    return doubtful != 0


cdef inline bint doubles_all(
    double* dst, Py_ssize_t dst_pitch, const double** src, Py_ssize_t src_pitch, Py_ssize_t count,
    Py_ssize_t rows, Py_ssize_t n, int k, int s, Py_ssize_t apart, Py_ssize_t start,
    Py_ssize_t cells, bint each, bint exact, const Once* how, const Ahead* ahead) noexcept nogil:
    """dst[r, j] = the sum of `count` rows of k elements `apart`, from start + s * j on, over a divisor.

    Rows have as many cells, and there is nothing around them.
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
            fetch_share(ahead, <const char**> src, count, src_pitch, r, begin, m, n)
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
            doubtful |= twin_means(
                dst + begin, hi, lo, most, m, k, s, apart, how.divisors + (begin if each else 0),
                how.inverses + (begin if each else 0), each, exact)
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
        return doubles_all(dst, dst_pitch, src, src_pitch, count, rows, n, 2, 1, apart, start, cells,
                           True, False, how, ahead)
    elif how.s == 1:
        return doubles_all(dst, dst_pitch, src, src_pitch, count, rows, n, 3, 1, apart, start, cells,
                           True, False, how, ahead)
    return doubles_all(dst, dst_pitch, src, src_pitch, count, rows, n, 3, 2, 1, start, cells, True,
                       False, how, ahead)


cdef inline void stretch(uint16_t* most, uint16_t* least, const half_t* x) noexcept nogil:
    """Widen a range of magnitudes to one more; the least is that which is not 0, less 1."""
    cdef uint16_t size = <uint16_t> (x.bits & 0x7FFF)
    most[0] = size if size > most[0] else most[0]
    size = <uint16_t> (size - 1)
    least[0] = size if size < least[0] else least[0]


cdef inline void widen(
    uint16_t* most, uint16_t* least, const half_t* src, Py_ssize_t n) noexcept nogil:
    """Widen a range of magnitudes to n elements."""
    cdef uint16_t high = most[0], low = least[0]
    cdef Py_ssize_t j
    for j in range(n):
        stretch(&high, &low, src + j)
    most[0] = high
    least[0] = low


cdef inline bint far_apart(
    const half_t** src, Py_ssize_t pitch, Py_ssize_t count, Py_ssize_t rows,
    Py_ssize_t n) noexcept nogil:
    """Whether any element is not finite, or magnitudes are too far apart for exact sums of doubles.

    Rows end to end are read as one: a few long loops, where a short one for each row is dear.
    """
    cdef uint16_t most = 0, least = <uint16_t> -1
    cdef Py_ssize_t size = n * <Py_ssize_t> sizeof(half_t), i = 0, near, r
    while i < count:
        near = 1
        while i + near < count and <const char*> src[i + near] - <const char*> src[i] == near * size:
            near += 1
        if 0 <= pitch <= near * size:
            widen(&most, &least, src[i], (rows - 1) * pitch // sizeof(half_t) + near * n)
        else:
            for r in range(rows):
                widen(&most, &least, past(src[i], r * pitch), near * n)
        i += near
    if half_t is Brain:
        return most >= 0x7F80 or most > least + SPAN
    return most >= 0x7C00


cdef inline uint16_t too_far(
    uint16_t most, uint16_t least, int bits, const half_t* _) noexcept nogil:
    """A number with the sign set if float is too short for exact sums of 2**bits such terms.

    They are below 2**(e + 1 + bits), for the greatest exponent e, and multiples of 2**-7 (2**-10)
    of the power that the least one has; float has 24 bits for that.
    """
    cdef int digits = 7 if half_t is Brain else 10
    cdef uint16_t far = <uint16_t> ((most | ((1 << digits) - 1)) - least
                                    + (0x7FFF - ((24 - digits - bits) << digits)))
    if half_t is Brain:
        far |= <uint16_t> (most + 0x80 + (bits << 7))   # nor may sums overflow
    return far


cdef inline void far_rows(
    uint16_t* far, uint16_t* top, const half_t** src, Py_ssize_t pitch, Py_ssize_t given,
    Py_ssize_t rows, Py_ssize_t n, int count, bint pairs) noexcept nogil:
    """Give far[r * n + j] a sign if float may be too short for that window.

    And widen top[:n] to the greatest magnitudes of all rows.
    """
    cdef const half_t* a = src[0]
    cdef const half_t* b = src[1 if count > 1 else 0]
    cdef const half_t* c = src[2 if count > 2 else 0]
    cdef const half_t* d = src[3 if count > 2 else 0]
    cdef uint16_t most, least
    cdef Py_ssize_t j, i, r
    for r in range(rows):
        for j in range(n):
            most = 0
            least = <uint16_t> -1
            for i in range(2 if pairs else 1):
                stretch(&most, &least, a + ((2 if pairs else 1) * j + i))
                if count > 1:
                    stretch(&most, &least, b + ((2 if pairs else 1) * j + i))
                if count > 2:
                    stretch(&most, &least, c + ((2 if pairs else 1) * j + i))
                    stretch(&most, &least, d + ((2 if pairs else 1) * j + i))
            far[j] = too_far(
                most, least, (count + 1) // 2 + (1 if pairs and count > 1 else 0), src[0])
            top[j] = most if most > top[j] else top[j]
        far += n
        a = past(a, pitch)
        b = past(b, pitch if given > 1 else 0)
        c = past(c, pitch)
        d = past(d, pitch if given > 3 else 0)


cdef inline lane_t half_terms(
    uint32_t two, int i, bint pairs, const half_t* tag, lane_t* _) noexcept nogil:
    """The i-th element of a lane, or the sum of both."""
    if pairs:
        return <lane_t> half_term(two, 0, tag) + <lane_t> half_term(two, 1, tag)
    return half_term(two, i, tag)


cdef inline uint32_t half_mean(
    uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e, uint32_t f, uint32_t g, uint32_t h,
    uint32_t k, int i, int count, bint pairs, lane_t factor, const half_t* tag) noexcept nogil:
    """The bits of the i-th of the results of lanes."""
    cdef lane_t x = half_terms(a, i, pairs, tag, &factor)
    if count > 1:
        x = x + half_terms(b, i, pairs, tag, &factor)
    if count > 2:
        x = x + half_terms(c, i, pairs, tag, &factor)
        x = x + half_terms(d, i, pairs, tag, &factor)
    if count > 4:
        x = x + half_terms(e, i, pairs, tag, &factor)
        x = x + half_terms(f, i, pairs, tag, &factor)
        x = x + half_terms(g, i, pairs, tag, &factor)
        x = x + half_terms(h, i, pairs, tag, &factor)
        x = x + half_terms(k, i, pairs, tag, &factor)
    if lane_t is float:
        return half_of_term(x * factor, tag)
    return <uint32_t> half_of(x * factor, True, tag)


cdef inline void half_lanes(
    half_t* dst, Py_ssize_t dst_pitch, const half_t** src, Py_ssize_t pitch, Py_ssize_t given,
    Py_ssize_t rows, Py_ssize_t n, int count, bint pairs, lane_t factor,
    const Ahead* ahead) noexcept nogil:
    """A factor times the sums of n lanes of two elements each, or a pair: of 1, 2, 4 or 9 sources.

    Those that are not given have no rows to go to.
    """
    cdef const half_t* a = src[0]
    cdef const half_t* b = src[1 if count > 1 else 0]
    cdef const half_t* c = src[2 if count > 2 else 0]
    cdef const half_t* d = src[3 if count > 2 else 0]
    cdef const half_t* e = src[4 if count > 4 else 0]
    cdef const half_t* f = src[5 if count > 4 else 0]
    cdef const half_t* g = src[6 if count > 4 else 0]
    cdef const half_t* h = src[7 if count > 4 else 0]
    cdef const half_t* k = src[8 if count > 4 else 0]
    cdef uint32_t la, lb = 0, lc = 0, ld = 0, le = 0, lf = 0, lg = 0, lh = 0, lk = 0, done
    cdef Py_ssize_t j, r
    for r in range(rows):
        fetch_row(ahead, <const char**> src, given, pitch, r)
        for j in range(n):
            memcpy(&la, a + 2 * j, 4)
            if count > 1:
                memcpy(&lb, b + 2 * j, 4)
            if count > 2:
                memcpy(&lc, c + 2 * j, 4)
                memcpy(&ld, d + 2 * j, 4)
            if count > 4:
                memcpy(&le, e + 2 * j, 4)
                memcpy(&lf, f + 2 * j, 4)
                memcpy(&lg, g + 2 * j, 4)
                memcpy(&lh, h + 2 * j, 4)
                memcpy(&lk, k + 2 * j, 4)
            done = half_mean(la, lb, lc, ld, le, lf, lg, lh, lk, 0, count, pairs, factor, dst)
            if pairs:
                (<uint16_t*> dst)[j] = <uint16_t> done
            else:
                done |= half_mean(
                    la, lb, lc, ld, le, lf, lg, lh, lk, 1, count, pairs, factor, dst) << 16
                memcpy(dst + 2 * j, &done, 4)
        a = past(a, pitch)
        b = past(b, pitch if given > 1 else 0)
        if count > 2:
            c = past(c, pitch)
            d = past(d, pitch if given > 3 else 0)
        if count > 4:
            e = past(e, pitch)
            f = past(f, pitch if given > 5 else 0)
            g = past(g, pitch if given > 6 else 0)
            h = past(h, pitch if given > 7 else 0)
            k = past(k, pitch if given > 8 else 0)
        dst = <half_t*> (<char*> dst + dst_pitch)


cdef inline void one_half(
    half_t* dst, const half_t** src, Py_ssize_t offset, Py_ssize_t given, int count, bint pairs,
    lane_t factor) noexcept nogil:
    """dst[0] = a factor times the sum of terms, or pairs, at an offset in bytes."""
    cdef const half_t* at[MOST_ROWS]
    cdef uint32_t lanes[MOST_ROWS + 1]
    cdef Py_ssize_t i
    for i in range(count):
        lanes[i] = 0
        memcpy(&lanes[i], past(src[i], offset if i < given else 0),
               (2 if pairs else 1) * sizeof(half_t))
        at[i] = <const half_t*> &lanes[i]
    half_lanes(<half_t*> &lanes[MOST_ROWS], 0, at, 0, given, 1, 1, count, pairs, factor, NULL)
    memcpy(dst, &lanes[MOST_ROWS], sizeof(half_t))


cdef inline void once_halves(
    half_t* dst, Py_ssize_t dst_pitch, const half_t** src, Py_ssize_t pitch, Py_ssize_t given,
    Py_ssize_t rows, Py_ssize_t n, int count, bint pairs, lane_t factor,
    const Ahead* ahead) noexcept nogil:
    """dst[r, j] = a factor times the sum of 1, 2, 4 or 9 terms, or pairs."""
    cdef Py_ssize_t lanes = n if pairs else n // 2, r
    half_lanes(dst, dst_pitch, src, pitch, given, rows, lanes, count, pairs, factor, ahead)
    # An odd one is a part of no lane.
    for r in range(0 if pairs else n % 2 * rows):
        one_half(<half_t*> (<char*> dst + r * dst_pitch) + n - 1, src,
                 r * pitch + (n - 1) * sizeof(half_t), given, count, False, factor)


cdef inline bint add_up_anew(
    half_t* dst, Py_ssize_t dst_pitch, const uint16_t* far, const half_t** src, Py_ssize_t pitch,
    Py_ssize_t given, Py_ssize_t rows, Py_ssize_t n, Py_ssize_t apart, int count, bint pairs,
    double factor) noexcept nogil:
    """Make those results by doubles whose `far` has a sign; its rows are so many `apart`.

    Returns whether double may be too short as well.
    """
    cdef const half_t* at[MOST_ROWS]
    cdef Py_ssize_t scale = 2 if pairs else 1, i, j, r, offset
    cdef uint16_t number = 0
    for r in range(rows):
        for j in range(n):
            number += <uint16_t> (far[r * apart + j] >> 15)
    if number == 0:
        return False
    if number > SEVERAL:
        if half_t is Brain:
            if far_apart(src, pitch, given, rows, scale * n):
                return True
        once_halves(dst, dst_pitch, src, pitch, given, rows, n, count, pairs, factor, NULL)
        return False
    for r in range(rows):
        for j in range(n):
            if far[r * apart + j] < 0x8000:
                continue
            offset = r * pitch + scale * j * <Py_ssize_t> sizeof(half_t)
            if half_t is Brain:
                for i in range(given):
                    at[i] = past(src[i], offset)
                if far_apart(at, 0, given, 1, scale):
                    return True
            one_half(<half_t*> (<char*> dst + r * dst_pitch) + j, src, offset, given, count,
                     pairs, factor)
    return False


cdef inline bint halves_block(
    half_t* dst, Py_ssize_t dst_pitch, const half_t** src, Py_ssize_t pitch, Py_ssize_t given,
    Py_ssize_t rows, Py_ssize_t n, int count, bint pairs, bint in_float, double factor,
    const Ahead* ahead) noexcept nogil:
    """halves_all() of rows of up to BLOCK results, with 1, 2, 4 or 9 sources.

    Sums are those of float if `in_float`, of up to BLOCK results in all; those that it may not have
    room for are added up anew.
    """
    cdef const half_t* at[MOST_ROWS]
    cdef uint16_t nothing[2 * BLOCK]
    cdef uint16_t top[BLOCK]
    cdef uint16_t far[BLOCK]
    cdef uint16_t any_ = 0, infinite = 0x7F80 if half_t is Brain else 0x7C00
    cdef Py_ssize_t scale = 2 if pairs else 1, begin, i, j, m, per, r
    # With exponents as half_of() takes them.
    cdef double wide = factor * 2.0**127
    for i in range(scale * n if given < count else 0):
        nothing[i] = 0x8000     # -0.0
    for i in range(given, count):
        at[i] = <const half_t*> nothing
    for i in range(given):
        at[i] = src[i]
    if in_float:
        memset(top, 0, n * sizeof(top[0]))
        far_rows(far, top, at, pitch, given, rows, n, count, pairs)
        for j in range(n):
            any_ = top[j] if top[j] > any_ else any_
        if any_ >= infinite:
            return True
        in_float = half_t is Brain or any_ == 0 or any_ >= TINY
    if not in_float:
        once_halves(dst, dst_pitch, at, pitch, given, rows, n, count, pairs, wide, ahead)
        return False
    once_halves(dst, dst_pitch, at, pitch, given, rows, n, count, pairs, <float> factor, ahead)
    per = max(<Py_ssize_t> 1, GROUP // n)
    r = 0
    while r < rows:
        begin = 0
        while begin < n:
            m = min(n - begin, <Py_ssize_t> GROUP)
            for i in range(given):
                at[i] = past(src[i], r * pitch) + scale * begin
            if add_up_anew(<half_t*> (<char*> dst + r * dst_pitch) + begin, dst_pitch,
                           far + (r * n + begin), at, pitch, given, min(per, rows - r), m, n, count,
                           pairs, wide):
                return True
            begin += m
        r += per
    return False


cdef inline bint floats_all(
    float* dst, Py_ssize_t dst_pitch, const float** src, Py_ssize_t src_pitch, Py_ssize_t count,
    Py_ssize_t rows, Py_ssize_t n, bint pairs, double factor, uint32_t margin,
    const Ahead* ahead) noexcept nogil:
    """floats_few() of rows of up to four sources."""
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


cdef inline bint halves_all(
    half_t* dst, Py_ssize_t dst_pitch, const half_t** src, Py_ssize_t src_pitch, Py_ssize_t count,
    Py_ssize_t rows, Py_ssize_t n, bint pairs, double factor, const Ahead* ahead) noexcept nogil:
    """A factor times the sums of rows of up to nine sources, or four of pairs, block by block."""
    cdef const half_t* at[MOST_ROWS]
    cdef int exponent
    cdef bint doubtful = False, in_float
    cdef Ahead here     # what is ahead of a block
    cdef const Ahead* now
    cdef Py_ssize_t i, r, begin, block, m
    if count > (FEW if pairs else MOST_ROWS):
        return True     # there is no such thing
    # Means by a power of two that are no greater than their elements, of at least the 2**-149th
    # that float has, are exact before they are rounded.
    in_float = (count <= 4 and frexp(factor, &exponent) == 0.5 and exponent >= -12
                and factor * count * (2 if pairs else 1) <= 1.0)
    if half_t is Half and pairs and count > 2:
        in_float = False    # sums of eight seldom fit
    if not in_float and far_apart(src, src_pitch, count, rows, 2 * n if pairs else n):
        return True
    block = max(<Py_ssize_t> 1, <Py_ssize_t> BLOCK // n) if in_float else rows
    r = 0
    while r < rows:
        block = min(block, rows - r)
        begin = 0
        now = NULL
        if ahead != NULL:
            here = ahead[0]
            here.out += r * here.out_step
            now = &here
        while begin < n:
            m = min(n - begin, <Py_ssize_t> BLOCK)
            for i in range(count):
                at[i] = past(src[i], r * src_pitch) + (2 * begin if pairs else begin)
            if count == 1 and pairs:
                doubtful |= halves_block(
                    dst + begin, dst_pitch, at, src_pitch, 1, block, m, 1, True, in_float, factor,
                    now)
            elif count <= 2:
                doubtful |= halves_block(
                    dst + begin, dst_pitch, at, src_pitch, count, block, m, 2, pairs, in_float,
                    factor, now)
            elif count <= 4:
                doubtful |= halves_block(
                    dst + begin, dst_pitch, at, src_pitch, count, block, m, 4, pairs, in_float,
                    factor, now)
            else:
                doubtful |= halves_block(
                    dst + begin, dst_pitch, at, src_pitch, count, block, m, MOST_ROWS, False,
                    False, factor, now)
            begin += m
            now = NULL      # all of a row was fetched with its first elements
        dst = <half_t*> (<char*> dst + block * dst_pitch)
        r += block
    return doubtful


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


# Windows of three rows each that overlap: what a row adds up to, with those above and below it, is
# kept for all the windows that it is in.  Of 16-bit floats, lanes of 32 bits hold two: the sums of
# the lower ones come first, and from the middle on those of the others.

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


cdef inline bint float_window(
    float* dst, const double* a, const double* b, const double* c, const uint32_t* a_most,
    const uint32_t* b_most, const uint32_t* c_most, Py_ssize_t n, int count, double factor,
    uint32_t margin) noexcept nogil:
    """dst[j] = a factor times the sum of up to three columns; returns what floats_few() does."""
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
    """The bits of the nearest 16-bit float, by half_of(), or by half_near(), which may be doubtful."""
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
    Column* to, const once_t** at, Py_ssize_t n, int count) noexcept nogil:
    if once_t is float:
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
    cdef double factor = how.factor
    cdef Py_ssize_t above = count // how.taps, begin = 0, i, j, m, there
    cdef Py_ssize_t stop = (rows - 1) * how.stride + how.taps
    cdef bint doubtful = False
    if not (once_t is float):
        for i in range(above):
            at[i] = src[i * how.taps]
        doubtful = far_apart(at, how.apart, above, stop, n)
    while begin < n:
        m = min(n - begin, <Py_ssize_t> CHUNK)
        for i in range((rows - 1) * how.stride + 3):
            to = &columns[i % 3]
            there = i - how.first
            for j in range(3):
                at[j] = <const once_t*> (<const char*> (src[min(j, above - 1) * how.taps] + begin)
                                         + there * how.apart)
            if ahead != NULL:
                fetch(<const char*> at[above - 1] + ahead.lead, m * <Py_ssize_t> sizeof(once_t))
            if there < 0 or there >= stop:
                memset(to, 0, sizeof(Column))
            elif above == 3:
                column(to, at, m, 3)
            elif above == 2:
                column(to, at, m, 2)
            else:
                column(to, at, m, 1)
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


cdef at_once_f choose_once(int elem, bint pairs, bint couples, bint windows) noexcept:
    """The operation for elements of a code and results of the same; NULL if there is none."""
    if windows:
        return <at_once_f> double_windows if elem == DOUBLE else NULL
    elif couples:
        return <at_once_f> once_couples if elem == FLOAT else NULL
    if elem == FLOAT:
        return <at_once_f> once_pairs[float] if pairs else <at_once_f> once_rows[float]
    elif elem == DOUBLE:
        return <at_once_f> double_pairs if pairs else <at_once_f> double_rows
    elif elem == HALF:
        return <at_once_f> once_pairs[Half] if pairs else <at_once_f> once_rows[Half]
    elif elem == BRAIN:
        return <at_once_f> once_pairs[Brain] if pairs else <at_once_f> once_rows[Brain]
    return NULL


cdef inline void repeat(bits_t* dst, const bits_t* src, Py_ssize_t n, Py_ssize_t s) noexcept nogil:
    """dst[j] = src[j // s] for j < n."""
    cdef Py_ssize_t i, j
    if s == 2:
        for j in range(n // 2):
            dst[2 * j] = src[j]
            dst[2 * j + 1] = src[j]
    else:
        for j in range(n // s):
            for i in range(s):
                dst[j * s + i] = src[j]
    for j in range(n // s * s, n):
        dst[j] = src[n // s]


cdef inline void weave(
    bits_t* dst, const bits_t* a, const bits_t* b, Py_ssize_t n) noexcept nogil:
    """Lay out n cells, of two rows in turn."""
    cdef Py_ssize_t j
    for j in range(n // 2):
        dst[2 * j] = a[j]
        dst[2 * j + 1] = b[j]
    if n % 2:
        dst[n - 1] = a[n // 2]


cdef bint once_spread(
    once_t* dst, Py_ssize_t dst_pitch, const once_t** src, Py_ssize_t src_pitch, Py_ssize_t count,
    Py_ssize_t rows, Py_ssize_t n, const Once* how, Ending ending,
    const Ahead* ahead) noexcept nogil:
    """dst[r, j] = a factor times the sum of src[i][r, (how.start + j) // how.s] for i < count.

    Where there is no such cell, it is 0.
    """
    cdef once_t done[CHUNK]
    cdef const once_t* at[MOST_ROWS]
    cdef Py_ssize_t s = how.s, begin, cell, cells, i, m, r
    cdef Py_ssize_t stop = clamped(how.cells * s - how.start, 0, n)
    cdef bint doubtful = False
    for r in range(rows):
        fetch_row(ahead, <const char**> src, count, src_pitch, r)
        if r + 1 < rows:
            fetch(<char*> dst + dst_pitch, n * <Py_ssize_t> sizeof(once_t))
        begin = 0
        while begin < stop:
            cell = (how.start + begin) // s
            m = min((cell + 1) * s - how.start, stop)
            cells = 1
            if m - begin == s:      # no part of a cell
                cells = min(how.cells - cell, <Py_ssize_t> CHUNK)
                m = min(begin + cells * s, stop)
            for i in range(count):
                at[i] = past(src[i], r * src_pitch) + cell
            doubtful |= once_rows(done, 0, at, 0, count, 1, cells, how, ending, NULL)
            if once_t is float:
                repeat(<uint32_t*> dst + begin, <const uint32_t*> done, m - begin, s)
            else:
                repeat(<uint16_t*> dst + begin, <const uint16_t*> done, m - begin, s)
            begin = m
        for i in range(stop, n):
            memset(dst + i, 0, sizeof(once_t))
        dst = <once_t*> (<char*> dst + dst_pitch)
    return doubtful


# Transposed windows that overlap: what the rows of a cell add up to, a column, is kept for all the
# lanes that it goes to.  Lanes a stride apart are made of neighbouring columns, as many each, but
# for those at the ends of a row.  Rows end to end are one row to all but these.

cdef struct Columns:
    double sums[ROOM]
    uint32_t most[ROOM]


cdef inline bint float_windows(
    float* dst, const Columns* columns, Py_ssize_t at, Py_ssize_t apart, Py_ssize_t n,
    Py_ssize_t count, double factor, uint32_t margin) noexcept nogil:
    """float_window() of one to three columns, `apart` from each other, from the one at `at` on."""
    cdef const double* a = columns.sums + at
    cdef const double* b = a + (apart if count > 1 else 0)
    cdef const double* c = a + (2 * apart if count > 2 else 0)
    cdef const uint32_t* a_most = columns.most + at
    cdef const uint32_t* b_most = a_most + (b - a)
    cdef const uint32_t* c_most = a_most + (c - a)
    if count == 3:
        return float_window(dst, a, b, c, a_most, b_most, c_most, n, 3, factor, margin)
    elif count == 2:
        return float_window(dst, a, b, c, a_most, b_most, c_most, n, 2, factor, margin)
    return float_window(dst, a, b, c, a_most, b_most, c_most, n, 1, factor, margin)


cdef bint once_couples(
    float* dst, Py_ssize_t dst_pitch, const float** src, Py_ssize_t src_pitch, Py_ssize_t count,
    Py_ssize_t rows, Py_ssize_t n, const Once* how, Ending ending,
    const Ahead* ahead) noexcept nogil:
    """once_rows() of a single row of results: of one source or two, and of the cells beside these.

    What the sources of a cell add up to is kept for the window where it is the one beside.
    """
    cdef Columns columns
    cdef Py_ssize_t begin = 0, apart, m
    cdef bint doubtful = False
    while begin < n:
        m = min(n - begin, max(ROOM - how.inner, <Py_ssize_t> ROOM // 2))
        apart = min(how.inner, m)
        add_couples(columns.sums, columns.most, src, begin, m + how.inner if apart < m else m, count)
        if apart == m:
            add_couples(columns.sums + m, columns.most + m, src, begin + how.inner, m, count)
        doubtful |= float_windows(
            dst + begin, &columns, 0, apart, m, 2, how.factor, ending.margin)
        begin += m
    return doubtful


cdef inline void add_couples(
    double* sums, uint32_t* greatest, const float** src, Py_ssize_t at, Py_ssize_t n,
    Py_ssize_t count) noexcept nogil:
    """float_column() of the first half of one or two couples, from the element at `at` on."""
    cdef const float* rows[FEW]
    rows[0] = src[0] + at
    rows[1] = src[1] + at
    if count == 4:
        float_column(sums, greatest, rows, n, 2)
    else:
        float_column(sums, greatest, rows, n, 1)


cdef inline Py_ssize_t first_cell(const Once* how, Py_ssize_t lane) noexcept nogil:
    """The first cell that goes to a lane, be there one or not."""
    cdef Py_ssize_t above = how.start + lane - how.k
    return above // how.s + 1 if above >= 0 else -(-(above + 1) // how.s)


cdef bint once_phases(
    float* dst, Py_ssize_t dst_pitch, const float** src, Py_ssize_t src_pitch, Py_ssize_t count,
    Py_ssize_t rows, Py_ssize_t n, const Once* how, Ending ending,
    const Ahead* ahead) noexcept nogil:
    """dst[r, j] = a factor times the sum of src[i][r, c] for i < count and each c that has lane j.

    Those have (how.start + j) // how.s and, while how.k allows it, the ones before it.
    """
    cdef Columns columns
    cdef const float* at[FEW]
    cdef Py_ssize_t s = how.s, inner = how.inner, lanes = n // inner, r = 0, begin, block, run
    cdef Py_ssize_t size = inner * <Py_ssize_t> sizeof(float), low, cells, i, m
    cdef bint doubtful = False
    block = min(lanes, (ROOM // inner - COLUMNS) * s)
    while r < rows:
        run = 1
        if (block == lanes <= (how.cells + COLUMNS) * s
                and src_pitch == how.cells * size):
            run = clamped(ROOM // (how.cells * inner), 1, rows - r)
        begin = 0
        while begin < lanes:
            m = min(lanes - begin, block)
            low = 0
            cells = how.cells
            if run == 1:
                low = max(first_cell(how, begin), 0)
                cells = max(min((how.start + begin + m - 1) // s + 1, cells) - low, 0)
            for i in range(run):    # a store waits for its line
                fetch(<char*> (dst + begin * inner) + i * dst_pitch, m * size)
            for i in range(count):
                at[i] = past(src[i], r * src_pitch) + low * inner
            if count == 4:
                float_column(columns.sums, columns.most, at, run * cells * inner, 4)
            elif count == 3:
                float_column(columns.sums, columns.most, at, run * cells * inner, 3)
            elif count == 2:
                float_column(columns.sums, columns.most, at, run * cells * inner, 2)
            else:
                float_column(columns.sums, columns.most, at, run * cells * inner, 1)
            doubtful |= lay_phases(
                <char*> (dst + begin * inner), dst_pitch, &columns, run, cells, low, begin, m, how,
                ending.margin)
            begin += m
        dst = <float*> (<char*> dst + run * dst_pitch)
        r += run
    return doubtful


cdef inline bint lay_phases(
    char* dst, Py_ssize_t pitch, const Columns* columns, Py_ssize_t rows, Py_ssize_t cells,
    Py_ssize_t low, Py_ssize_t begin, Py_ssize_t lanes, const Once* how,
    uint32_t margin) noexcept nogil:
    """Lay out the lanes of rows from `begin` on; the columns of a row are those of cells from `low`
    on."""
    cdef float done[2 * PHASE]
    cdef float woven[2 * PHASE]
    cdef float* of_phase
    cdef Py_ssize_t s = how.s, inner = how.inner, size = inner * <Py_ssize_t> sizeof(float)
    cdef Py_ssize_t i, j, m, r, first, taps, lane, next_
    cdef bint doubtful = False, weaves = s == 2 and inner == 1 and lanes > 1
    for j in range(min(s, lanes)):
        # As if no row ended; what lacks a cell there is made again.
        first = first_cell(how, begin + j) - low
        taps = (how.start + begin + j) // s + 1 - low - first
        of_phase = done + (j * PHASE if weaves else 0) + COLUMNS
        doubtful |= float_windows(
            of_phase, columns, 0, inner, (rows * cells - taps + 1) * inner, taps, how.factor,
            margin)
        m = min((lanes - j + s - 1) // s, cells - taps - first + 1)
        for r in range(0 if weaves else rows):
            for i in range(max(-first, 0), m):
                memcpy(dst + r * pitch + (j + i * s) * size,
                       of_phase + (r * cells + first + i) * inner, size)
        if j == 1 and weaves:
            m = lanes // 2
            i = first_cell(how, begin) - low
            weave(<uint32_t*> woven, <const uint32_t*> (done + COLUMNS + i),
                  <const uint32_t*> (of_phase + first), 2 * ((rows - 1) * cells + m))
            for r in range(rows):
                memcpy(dst + r * pitch, woven + 2 * r * cells, 2 * m * size)
    for j in range(min(s, lanes)):
        first = first_cell(how, begin + j) - low
        taps = (how.start + begin + j) // s + 1 - low - first
        lane = j
        while lane < lanes:
            next_ = 1
            if first < 0 or first + taps > cells or (weaves and lane == lanes - 1):
                doubtful |= cut_lane(
                    dst + lane * size, pitch, columns, rows, cells, max(first, 0),
                    min(first + taps, cells) - max(first, 0), inner, how.factor, margin)
            else:       # the next that lacks a cell, or the last one
                next_ = max(min(cells - taps - first + 1, (lanes - 1 - lane) // s), 1)
            first += next_
            lane += s * next_
    return doubtful


cdef inline bint cut_lane(
    char* dst, Py_ssize_t pitch, const Columns* columns, Py_ssize_t rows, Py_ssize_t cells,
    Py_ssize_t first, Py_ssize_t count, Py_ssize_t inner, double factor,
    uint32_t margin) noexcept nogil:
    """float_windows() of the same few columns of each row, or of none."""
    cdef uint32_t doubtful = 0, most
    cdef Py_ssize_t r, i, at = first * inner
    cdef double x
    cdef float y
    if count <= 0:
        for r in range(rows):
            memset(dst + r * pitch, 0, inner * sizeof(float))
        return False
    for r in range(rows):
        if inner > 1:
            doubtful |= float_windows(
                <float*> dst, columns, at, inner, inner, count, factor, margin)
        else:
            x = columns.sums[at]
            most = columns.most[at]
            for i in range(1, count):
                x = x + columns.sums[at + i]
                most = columns.most[at + i] if columns.most[at + i] > most else most
            y = <float> (x * factor)
            doubtful |= <uint32_t> (magnitude(y) + margin < most)
            (<float*> dst)[0] = one_nan(y)
        at += cells * inner
        dst += pitch
    return doubtful != 0


cdef at_once_f choose_spread(int elem, bint overlap) noexcept:
    """The operation for elements of a code and results of the same; NULL if there is none."""
    if overlap:
        return <at_once_f> once_phases if elem == FLOAT else NULL
    elif elem == FLOAT:
        return <at_once_f> once_spread[float]
    elif elem == HALF:
        return <at_once_f> once_spread[Half]
    elif elem == BRAIN:
        return <at_once_f> once_spread[Brain]
    return NULL


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


cdef inline first_t turned(first_t x, uint64_t flip) noexcept nogil:
    """x with these bits turned over."""
    if first_t is float:
        (<uint32_t*> &x)[0] ^= <uint32_t> flip
        return x
    elif first_t is double:
        (<uint64_t*> &x)[0] ^= flip
        return x
    else:
        return <first_t> (x ^ <first_t> flip)


cdef inline uint64_t flip_of(first_t* _, Ending ending) noexcept nogil:
    """The bits that make the least the greatest, and keep the order of unsigned integers."""
    cdef uint64_t sign = <uint64_t> 1 << (8 * sizeof(first_t) - 1)
    if first_t is float or first_t is double:
        return sign if ending.least else 0
    else:
        return (<uint64_t> 0 - ending.least) ^ (0 if ending.is_signed else sign)


cdef inline index_t index_of_first(
    first_t best, first_t x, index_t where, index_t index) noexcept nogil:
    """The index of the greater; of equals the first stays, and the first NaN."""
    # Masks vectorise to half of what selects do.
    cdef index_t stays = -<index_t> (x <= best) | -<index_t> (best != best)
    return (where & stays) | (index & ~stays)


cdef inline void take(
    first_t* best, index_t* where, first_t x, index_t index) noexcept nogil:
    """Let x be the best, if it is, and its index where that is."""
    where[0] = index_of_first(best[0], x, where[0], index)
    best[0] = better[first_t](best[0], x, MOST)


cdef inline void first_few(
    first_t* best, index_t* where, const first_t** src, const index_t* index, Py_ssize_t n,
    int count, bint fresh, uint64_t flip) noexcept nogil:
    """Find the best of 3, 4 or 9 rows, and of those before unless `fresh`, and where it was."""
    cdef const first_t* a = src[0]
    cdef const first_t* b = src[1]
    cdef const first_t* c = src[2]
    cdef const first_t* d = src[3 if count > 3 else 0]
    cdef const first_t* e = src[4 if count > 4 else 0]
    cdef const first_t* f = src[5 if count > 4 else 0]
    cdef const first_t* g = src[6 if count > 4 else 0]
    cdef const first_t* h = src[7 if count > 4 else 0]
    cdef const first_t* k = src[8 if count > 4 else 0]
    cdef index_t ia = index[0], ib = index[1], ic = index[2], id = 0, i
    cdef index_t ie = 0, if_ = 0, ig = 0, ih = 0, ik = 0
    cdef first_t x
    cdef Py_ssize_t j
    if count > 3:
        id = index[3]
    if count > 4:
        ie = index[4]
        if_ = index[5]
        ig = index[6]
        ih = index[7]
        ik = index[8]
    for j in range(n):
        if fresh:
            x = turned(a[j], flip)
            i = ia
        else:
            x = best[j]
            i = where[j]
            take(&x, &i, turned(a[j], flip), ia)
        take(&x, &i, turned(b[j], flip), ib)
        take(&x, &i, turned(c[j], flip), ic)
        if count > 3:
            take(&x, &i, turned(d[j], flip), id)
        if count > 4:
            take(&x, &i, turned(e[j], flip), ie)
            take(&x, &i, turned(f[j], flip), if_)
            take(&x, &i, turned(g[j], flip), ig)
            take(&x, &i, turned(h[j], flip), ih)
            take(&x, &i, turned(k[j], flip), ik)
        best[j] = x
        where[j] = i


cdef bint first_rows(
    first_t* dst, Py_ssize_t dst_pitch, const first_t** src, Py_ssize_t src_pitch,
    Py_ssize_t count, Py_ssize_t rows, Py_ssize_t n, const Once* how, Ending ending,
    const Ahead* ahead, index_t* _) noexcept nogil:
    """dst[r, j] = the greatest of src[0][r, j] … src[count - 1][r, j], and its index beside it."""
    cdef first_t best[CHUNK]
    cdef index_t where[CHUNK]
    cdef const first_t* at[MOST_ROWS]
    cdef index_t index[MOST_ROWS]
    cdef int64_t* indices
    cdef uint64_t flip = flip_of(best, ending)
    cdef Py_ssize_t begin, i, j, m, r, t, s, few = count if count == 4 or count == 9 else 3
    for r in range(rows):
        fetch_row(ahead, <const char**> src, count, src_pitch, r)
        indices = <int64_t*> (how.indices + r * how.wide * dst_pitch)
        if ahead != NULL:
            fetch(<const char*> indices + LEAD_INDICES, n * <Py_ssize_t> sizeof(int64_t))
        begin = 0
        while begin < n:
            m = min(n - begin, <Py_ssize_t> CHUNK)
            t = 0
            while t < count:
                for s in range(few):    # the last source may come again: it changes nothing
                    i = min(t + s, count - 1)
                    at[s] = past(src[i], r * src_pitch) + begin
                    index[s] = <index_t> (how.index[i] + r * how.step)
                if few == 9:
                    first_few(best, where, at, index, m, 9, True, flip)
                elif few == 4:
                    first_few(best, where, at, index, m, 4, True, flip)
                elif t == 0:
                    first_few(best, where, at, index, m, 3, True, flip)
                else:
                    first_few(best, where, at, index, m, 3, False, flip)
                t += few
            for j in range(m):
                dst[begin + j] = turned(best[j], flip)
                indices[begin + j] = where[j]
            begin += m
        dst = <first_t*> (<char*> dst + dst_pitch)
    return False


cdef bint first_along(
    first_t* dst, Py_ssize_t dst_pitch, const first_t** src, Py_ssize_t src_pitch,
    Py_ssize_t count, Py_ssize_t rows, Py_ssize_t n, const Once* how, Ending ending,
    const Ahead* ahead, index_t* _) noexcept nogil:
    """The same of windows along these rows.

    They are dealt out into phases, with the lowest number where there is no cell, so that each tap
    of the windows is a row of a phase.
    """
    cdef first_t best[CHUNK]
    cdef index_t where[CHUNK]
    cdef first_t phases[PHASES]
    cdef const first_t* at[BATCH]
    cdef const first_t* three[3]
    cdef index_t index[BATCH]
    cdef index_t now[3]
    cdef int64_t* indices
    cdef char* to
    cdef uint64_t flip = flip_of(best, ending)
    cdef first_t lowest = worst[first_t](best, MOST)
    cdef Py_ssize_t s = how.s, taps = count * how.k, reach = (how.k - 1) * how.d
    cdef Py_ssize_t slot = PHASES // count, part, front, cells, cut
    cdef Py_ssize_t begin = 0, start, low, c, i, j, m, r, t, whole, run
    cdef int64_t across = s * how.along
    run = min(((slot - reach - max(-how.start, 0)) // s - 2) & -16, <Py_ssize_t> CHUNK)
    while begin < n:
        m = min(n - begin, run)
        whole = (m + 15) & -16      # a remainder is dear
        start = how.start + begin * s
        low = max(start, 0)
        cut = low - start
        front = (cut + s - 1) // s
        cells = min(how.cells - low, (whole - 1) * s + reach + 1 - cut)
        part = (front * s - cut + reach) // s + whole
        for c in range(count * s):
            i = c // s * slot + c % s * part
            for j in range(front):
                phases[i + j] = turned(lowest, flip)
            for j in range(front + (cells - c % s + s - 1) // s, part):
                phases[i + j] = turned(lowest, flip)
        for c in range(taps):
            i = c // how.k
            t = c % how.k * how.d
            index[c] = <index_t> (how.index[i] + (how.start + t) * how.along)
            t += front * s - cut
            at[c] = phases + i * slot + t % s * part + t // s
        for r in range(rows):
            fetch_row(ahead, <const char**> src, count, src_pitch, r)
            for i in range(count):
                splitter(sizeof(first_t))(
                    <char*> (phases + i * slot + front),
                    <const char*> (past(src[i], r * src_pitch) + low), cells, s, part, 1, True)
            if cut > 0:
                # If all are the lowest, it is the first that there is.
                for j in range(whole):
                    best[j] = lowest
                    where[j] = index[0] + <index_t> (r * how.step)
                for j in range(min(front, m)):
                    t = (cut - j * s + how.d - 1) // how.d * how.d
                    where[j] += <index_t> (t * how.along)
            for t in range(0, taps, 3):
                for i in range(3):      # the last tap may come again: it changes nothing
                    c = min(t + i, taps - 1)
                    three[i] = at[c]
                    now[i] = index[c] + <index_t> (r * how.step)
                if t == 0 and cut == 0:
                    first_few(best, where, three, now, whole, 3, True, flip)
                else:
                    first_few(best, where, three, now, whole, 3, False, flip)
            to = <char*> dst + r * dst_pitch + begin * <Py_ssize_t> sizeof(first_t)
            indices = <int64_t*> (how.indices + how.wide * (to - <char*> dst))
            for j in range(m):
                (<first_t*> to)[j] = turned(best[j], flip)
                indices[j] = where[j] + (begin + j) * across
        begin += m
        ahead = NULL        # all of a row was fetched with its first elements
    return False


cdef at_once_f choose_first(int elem, bint along) noexcept:
    """The operation that finds the greatest elements of a code, and their indices."""
    if elem < UINT16 and along:
        return <at_once_f> first_along[int8_t, int32_t]
    elif elem < UINT16:
        return <at_once_f> first_rows[int8_t, int32_t]
    elif elem < UINT32 and along:
        return <at_once_f> first_along[int16_t, int32_t]
    elif elem < UINT32:
        return <at_once_f> first_rows[int16_t, int32_t]
    elif elem < UINT64 and along:
        return <at_once_f> first_along[int32_t, int32_t]
    elif elem < UINT64:
        return <at_once_f> first_rows[int32_t, int32_t]
    elif elem < FLOAT and along:
        return <at_once_f> first_along[int64_t, int64_t]
    elif elem < FLOAT:
        return <at_once_f> first_rows[int64_t, int64_t]
    elif elem == FLOAT and along:
        return <at_once_f> first_along[float, int32_t]
    elif elem == FLOAT:
        return <at_once_f> first_rows[float, int32_t]
    elif elem == DOUBLE and along:
        return <at_once_f> first_along[double, int64_t]
    elif elem == DOUBLE:
        return <at_once_f> first_rows[double, int64_t]
    return NULL


cdef at_once_f choose_at_once(
    int elem, int mapping, int acc, bint firsts, bint along, bint spreads, bint overlap,
    Py_ssize_t shared, bint pairs, bint couples, bint windows, bint shifts,
    Py_ssize_t* most) noexcept:
    """The operation for elements of a code and results of the same; NULL if there is none.

    And how many sources it has room for.  `shared` is how many rows of each outer tap windows share.
    """
    most[0] = FEW // 2 if couples else FEW      # which become twice as many
    if firsts:
        most[0] = BATCH
        return choose_first(elem, along)
    elif spreads:
        most[0] = MOST_ROWS if elem >= HALF else FEW
        return choose_spread(elem, overlap)
    elif mapping == MAP_SQUARE:
        return <at_once_f> norm_pairs if pairs else <at_once_f> norm_rows
    elif acc == 3 and shared > 0:
        most[0] = COLUMNS * COLUMNS if shared == COLUMNS else 0
        return choose_shared(elem)
    elif acc == 3 or (acc == 4 and elem == DOUBLE):
        if elem == DOUBLE:
            most[0] = SOURCES
        elif elem >= HALF and not pairs:
            most[0] = MOST_ROWS
        return choose_once(elem, pairs, couples, windows)
    elif shifts:
        return choose_shifted(elem, pairs)
    return NULL
