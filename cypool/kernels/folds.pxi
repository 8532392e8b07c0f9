# The monoids, and the row operations that combine: rows into rows, runs into single elements.

# ---------------------------------------------------------------------------------------------
# The monoids
# ---------------------------------------------------------------------------------------------

cdef inline bint above(Wide a, Wide b) noexcept nogil:
    return a.hi > b.hi or (a.hi == b.hi and a.lo > b.lo)


cdef inline int order_of(order_t* _) noexcept nogil:
    """What a tag wants, which is a literal to the compiler."""
    if order_t is Most:
        return MOST
    elif order_t is Least:
        return LEAST
    elif order_t is MostOther:
        return MOST_OTHER
    else:
        return LEAST_OTHER


cdef inline bint wants_most(int order) noexcept nogil:
    return order == MOST or order == MOST_OTHER


cdef inline bint is_other(int order) noexcept nogil:
    return order == MOST_OTHER or order == LEAST_OTHER


# What is NaN wins.  A comparison takes b if either is: of several elements in turn, a NaN is lost
# unless it is the last.  Whether there was one, of two elements in one instruction, is told at the
# end by setting all bits, which is a NaN, too.

cdef inline elem_t preferred(elem_t a, elem_t b, int order) noexcept nogil:
    """The better of two numbers; b if either is NaN."""
    if elem_t is Wide:
        if wants_most(order):
            return a if above(a, b) else b
        else:
            return b if above(a, b) else a
    elif wants_most(order):
        return a if a > b else b
    else:
        return a if a < b else b


cdef inline uint32_t unordered(elem_t a, elem_t b, int order) noexcept nogil:
    """Whether either is NaN."""
    if elem_t is float:
        return 0 if is_other(order) else unordered_floats(a, b)
    elif elem_t is double:
        return 0 if is_other(order) else unordered_doubles(a, b)
    else:
        return 0


cdef inline elem_t unless_nan(elem_t x, uint32_t nan, int order) noexcept nogil:
    """x, or NaN if there was one."""
    if elem_t is float:
        if not is_other(order):
            (<uint32_t*> &x)[0] |= <uint32_t> 0 - nan
    elif elem_t is double:
        if not is_other(order):
            (<uint64_t*> &x)[0] |= <uint64_t> 0 - nan
    return x


cdef inline elem_t better(elem_t a, elem_t b, int order) noexcept nogil:
    return unless_nan(preferred(a, b, order), unordered(a, a, order), order)


cdef inline elem_t worst(elem_t* _, int order) noexcept nogil:
    """The identity of max (min): the least (greatest) value of the type."""
    cdef elem_t wide
    cdef bint most = wants_most(order)
    if elem_t is Wide:
        wide.hi = <int64_t> (((<uint64_t> 1) << 63) - (0 if most else 1))
        wide.lo = <uint64_t> (0 if most else -1)
        return wide
    elif elem_t is float or elem_t is double:
        return -INFINITY if most else INFINITY
    elif elem_t is uint8_t or elem_t is uint16_t or elem_t is uint32_t or elem_t is uint64_t:
        return <elem_t> (0 if most else -1)
    else:
        # In unsigned arithmetic: the sign bit alone, or all but the sign bit.
        return <elem_t> (
            ((<uint64_t> 1) << (8 * sizeof(elem_t) - 1)) - (0 if most else 1))


cdef enum:
    HALF_NANS = 0x3FF   # how many NaNs of a sign there are
    BRAIN_NANS = 0x7F


cdef inline elem_t taken(elem_t x, int order) noexcept nogil:
    """An element as it is compared: the bits of a 16-bit float as a key of its order.

    Where the greatest is wanted, all keys go down so far that the NaNs below minus infinity turn up
    above infinity, where the others are; and the other way round.  So NaNs win, and the identity is
    the key of an infinity.
    """
    cdef int16_t key
    if elem_t is int16_t or elem_t is uint16_t:
        if is_other(order):
            key = <int16_t> x
            key = <int16_t> (key ^ <int16_t> (<uint16_t> (key >> 15) >> 1))
            if elem_t is int16_t:
                return <int16_t> (key - (HALF_NANS if order == MOST_OTHER else -HALF_NANS))
            else:
                key = <int16_t> (key - (BRAIN_NANS if order == MOST_OTHER else -BRAIN_NANS))
                return <uint16_t> key ^ <uint16_t> 0x8000   # which orders it as it was
    return x


cdef inline int code_of(const term_t* _) noexcept nogil:
    """The code of a type, which is a literal to the compiler."""
    if term_t is uint8_t:
        return UINT8
    elif term_t is int8_t:
        return INT8
    elif term_t is uint16_t:
        return UINT16
    elif term_t is int16_t:
        return INT16
    elif term_t is uint32_t:
        return UINT32
    elif term_t is int32_t:
        return INT32
    elif term_t is uint64_t:
        return UINT64
    elif term_t is int64_t:
        return INT64
    elif term_t is float:
        return FLOAT
    elif term_t is double:
        return DOUBLE
    elif term_t is Half:
        return HALF
    elif term_t is Brain:
        return BRAIN
    elif term_t is Wide:
        return WIDE
    elif term_t is Square:
        return SQUARE
    elif term_t is Twin:
        return TWIN
    else:
        return SPARSE


cdef inline Py_ssize_t size_of(int code) noexcept nogil:
    """The size of what has a code, in bytes."""
    if code <= INT64:
        return (<Py_ssize_t> 1) << (code // 2)
    elif code == FLOAT or code == SQUARE:
        return 4
    elif code == DOUBLE:
        return 8
    elif code == HALF or code == BRAIN:
        return 2
    return sizeof(Sparse) if code == SPARSE else sizeof(Wide)


cdef inline int64_t integer(const char* src, Py_ssize_t j, int code) noexcept nogil:
    """The j-th of the integers of a code, modulo 2**64."""
    if code == UINT8:
        return (<const uint8_t*> src)[j]
    elif code == INT8:
        return (<const int8_t*> src)[j]
    elif code == UINT16:
        return (<const uint16_t*> src)[j]
    elif code == INT16:
        return (<const int16_t*> src)[j]
    elif code == UINT32:
        return (<const uint32_t*> src)[j]
    elif code == INT32:
        return (<const int32_t*> src)[j]
    elif code == UINT64:
        return <int64_t> (<const uint64_t*> src)[j]
    else:
        return (<const int64_t*> src)[j]


cdef inline sum_t term(const char* src, Py_ssize_t j, int code, const sum_t* _) noexcept nogil:
    """The j-th of the terms of a code, of those that such sums have."""
    cdef sum_t y
    cdef double x
    if sum_t is double:
        if code == FLOAT:
            return (<const float*> src)[j]
        elif code == HALF:
            return half_single(<uint32_t> (<const int16_t*> src)[j], <const Half*> NULL)
        elif code == BRAIN:
            return half_single(<uint32_t> (<const int16_t*> src)[j], <const Brain*> NULL)
        elif code == SQUARE:
            x = (<const float*> src)[j]
            return x * x
        else:
            return (<const double*> src)[j]
    elif sum_t is Twin:
        if code == TWIN:
            return (<const Twin*> src)[j]
        elif code == FLOAT:
            y.hi = (<const float*> src)[j]
        else:
            y.hi = (<const double*> src)[j]
        y.lo = 0.0
        return y
    elif sum_t is Sparse:
        if code == SPARSE:
            return (<const Sparse*> src)[j]
        x = (<const double*> src)[j]
        y.hi = x if x == x else 0.0
        y.lo = 0.0
        y.nans = x != x
        y.seen = 1 - y.nans
        return y
    elif sum_t is Wide:
        if code == WIDE:
            return (<const Wide*> src)[j]
        y.lo = <uint64_t> integer(src, j, code)
        y.hi = -1 if code != UINT64 and integer(src, j, code) < 0 else 0
        return y
    else:
        return <sum_t> integer(src, j, code)


cdef inline sum_t added(sum_t a, sum_t b) noexcept nogil:
    cdef double hi, t, lo
    cdef sum_t y
    if sum_t is Twin or sum_t is Sparse:
        hi = a.hi + b.hi
        t = hi - a.hi
        lo = (a.hi - (hi - t)) + (b.hi - t)
        y.hi = hi
        y.lo = lo + (a.lo + b.lo)
        if sum_t is Sparse:
            y.seen = a.seen + b.seen
            y.nans = a.nans + b.nans
        return y
    elif sum_t is Wide:
        y.lo = a.lo + b.lo
        y.hi = <int64_t> (<uint64_t> a.hi + <uint64_t> b.hi + (y.lo < a.lo))
        return y
    else:
        return <sum_t> (a + b)


cdef inline Twin twin(double hi, double lo) noexcept nogil:
    cdef Twin x
    x.hi = hi
    x.lo = lo
    return x


# The same of elements, whose lower parts need not be added: what a sum leaves is never -0.0.

cdef inline Twin two_sum(double a, double b) noexcept nogil:
    cdef double total = a + b, t = total - a
    return twin(total, (a - (total - t)) + (b - t))


cdef inline Twin with_one(Twin a, double b) noexcept nogil:
    cdef Twin x = two_sum(a.hi, b)
    x.lo = x.lo + a.lo
    return x


# ---------------------------------------------------------------------------------------------
# Row operations: the fold of rows, the reduction of a run
# ---------------------------------------------------------------------------------------------
# `count` and `fresh` are literals where the *_few functions are called, and these are inlined, so
# that the compiler sees straight loops.  Three sources at a time, or all nine of a window of 3 by 3,
# spare most of the traffic of the accumulator row.
#
# `order`, and the `code` of terms, are literals likewise.  As fused types they would have Cython
# make each function for all their combinations, of which few are wanted.

cdef inline const term_t* past(const term_t* src, Py_ssize_t n) noexcept nogil:
    """The pointer n bytes further on."""
    return <const term_t*> (<const char*> src + n)


cdef inline elem_t best_two(elem_t a, elem_t b, uint32_t* nan, int order) noexcept nogil:
    """The better of two elements, and whether either is NaN."""
    a = taken[elem_t](a, order)
    b = taken[elem_t](b, order)
    nan[0] |= unordered[elem_t](a, b, order)
    return preferred[elem_t](a, b, order)


cdef inline void best_few(
    elem_t* dst, const elem_t* a, const elem_t* b, const elem_t* c,
    Py_ssize_t n, int count, bint fresh, int order) noexcept nogil:
    cdef Py_ssize_t j
    cdef elem_t x, y
    cdef uint32_t nan
    for j in range(n):
        nan = 0
        if count > 1:
            x = best_two[elem_t](a[j], b[j], &nan, order)
        else:
            x = taken[elem_t](a[j], order)
        if count > 2:
            y = taken[elem_t](c[j], order)
            if not fresh:
                nan |= unordered[elem_t](y, y, order)
            x = preferred[elem_t](x, y, order)
        if not fresh:
            if count == 1:
                nan |= unordered[elem_t](x, x, order)
            x = preferred[elem_t](x, dst[j], order)
        dst[j] = unless_nan[elem_t](x, nan, order)


cdef inline void best_nine(
    elem_t* dst, const elem_t** src, Py_ssize_t at, Py_ssize_t n, int order) noexcept nogil:
    """Fold nine rows that begin `at` bytes into their sources."""
    cdef const elem_t* a = past(src[0], at)
    cdef const elem_t* b = past(src[1], at)
    cdef const elem_t* c = past(src[2], at)
    cdef const elem_t* d = past(src[3], at)
    cdef const elem_t* e = past(src[4], at)
    cdef const elem_t* f = past(src[5], at)
    cdef const elem_t* g = past(src[6], at)
    cdef const elem_t* h = past(src[7], at)
    cdef const elem_t* k = past(src[8], at)
    cdef Py_ssize_t j
    cdef elem_t x, y
    cdef uint32_t nan
    for j in range(n):
        nan = 0
        x = best_two[elem_t](a[j], b[j], &nan, order)
        y = best_two[elem_t](c[j], d[j], &nan, order)
        x = preferred[elem_t](x, y, order)
        y = best_two[elem_t](e[j], f[j], &nan, order)
        x = preferred[elem_t](x, y, order)
        y = best_two[elem_t](g[j], h[j], &nan, order)
        x = preferred[elem_t](x, y, order)
        x = preferred[elem_t](x, taken[elem_t](k[j], order), order)
        dst[j] = unless_nan[elem_t](x, nan, order)


cdef inline sum_t sum_at(
    const sum_t* dst, const char* a, const char* b, const char* c, Py_ssize_t j, int count,
    bint fresh, int code) noexcept nogil:
    cdef sum_t x = term(a, j, code, dst)
    if count > 1:
        x = added[sum_t](x, term(b, j, code, dst))
    if count > 2:
        x = added[sum_t](x, term(c, j, code, dst))
    return x if fresh else added[sum_t](dst[j], x)


# Floats become doubles on the way.  As many as make a vector of doubles are read by the conversion
# itself; vectors of floats, which a loop would read, have to be taken apart for it.

cdef inline void sum_few(
    sum_t* dst, const char* a, const char* b, const char* c, Py_ssize_t n, int count, bint fresh,
    int code) noexcept nogil:
    cdef sum_t x[CYPOOL_DOUBLES]
    cdef Py_ssize_t whole = 0, i, j = 0
    if sum_t is double:
        if code == FLOAT or code == SQUARE:
            whole = n - n % CYPOOL_DOUBLES
        while j < whole:
            for i in range(CYPOOL_DOUBLES):
                x[i] = sum_at(dst, a, b, c, j + i, count, fresh, code)
            for i in range(CYPOOL_DOUBLES):
                dst[j + i] = x[i]
            cypool_apart()
            j += CYPOOL_DOUBLES
    for j in range(whole, n):
        dst[j] = sum_at(dst, a, b, c, j, count, fresh, code)


cdef inline void sum_nine(
    sum_t* dst, const char** src, Py_ssize_t at, Py_ssize_t n, int code) noexcept nogil:
    """Add up nine rows that begin `at` bytes into their sources."""
    cdef const char* a = src[0] + at
    cdef const char* b = src[1] + at
    cdef const char* c = src[2] + at
    cdef const char* d = src[3] + at
    cdef const char* e = src[4] + at
    cdef const char* f = src[5] + at
    cdef const char* g = src[6] + at
    cdef const char* h = src[7] + at
    cdef const char* k = src[8] + at
    cdef Py_ssize_t j
    cdef sum_t x, y
    for j in range(n):
        x = added[sum_t](term(a, j, code, dst), term(b, j, code, dst))
        x = added[sum_t](x, term(c, j, code, dst))
        y = added[sum_t](term(d, j, code, dst), term(e, j, code, dst))
        x = added[sum_t](x, added[sum_t](y, term(f, j, code, dst)))
        y = added[sum_t](term(g, j, code, dst), term(h, j, code, dst))
        x = added[sum_t](x, added[sum_t](y, term(k, j, code, dst)))
        dst[j] = x


# Twins are vectors where their parts lie apart, which is so until a batch of rows is added up.

cdef enum:
    TWINS = 256         # of which as many are added up together


cdef inline double larger(double a, double b) noexcept nogil:
    """The greater one; b if a is NaN."""
    return a if a > b else b


cdef inline void twin_few(
    double* hi, double* lo, double* most, const char* a, const char* b, const char* c,
    const char* d, Py_ssize_t n, int count, bint fresh, int code, bint ranged) noexcept nogil:
    """Add up to three rows, or four fresh ones; and keep the greatest magnitudes if `ranged`."""
    cdef Py_ssize_t j
    cdef double top = 0.0, y
    cdef Twin x
    for j in range(n):
        y = term(a, j, code, &y)
        x = twin(y, 0.0)
        top = fabs(y)
        if count > 1:
            y = term(b, j, code, &y)
            x = two_sum(x.hi, y)
            top = larger(fabs(y), top)
        if count > 2:
            y = term(c, j, code, &y)
            x = with_one(x, y)
            top = larger(fabs(y), top)
        if count > 3:
            y = term(d, j, code, &y)
            x = with_one(x, y)
            top = larger(fabs(y), top)
        if not fresh:
            x = added[Twin](twin(hi[j], lo[j]), x)
            if ranged:
                top = larger(most[j], top)
        hi[j] = x.hi
        lo[j] = x.lo
        if ranged:
            most[j] = top


cdef inline void twin_columns(
    double* hi, double* lo, double* most, const char** src, Py_ssize_t at, Py_ssize_t n,
    Py_ssize_t count, int code, bint ranged) noexcept nogil:
    """Add up n columns of `count` rows, from `at` bytes on, three at a time."""
    cdef const char* a = src[0] + at
    cdef const char* b = src[min(count, 2) - 1] + at
    cdef const char* c = src[min(count, 3) - 1] + at
    cdef Py_ssize_t i = 3
    if count == 4:
        twin_few(hi, lo, most, a, b, c, src[3] + at, n, 4, True, code, ranged)
        return
    elif count > 2:
        twin_few(hi, lo, most, a, b, c, c, n, 3, True, code, ranged)
    elif count == 2:
        twin_few(hi, lo, most, a, b, b, b, n, 2, True, code, ranged)
    else:
        twin_few(hi, lo, most, a, a, a, a, n, 1, True, code, ranged)
    while i < count:
        a = src[i] + at
        b = src[min(count, i + 2) - 1] + at
        c = src[min(count, i + 3) - 1] + at
        if count - i > 2:
            twin_few(hi, lo, most, a, b, c, c, n, 3, False, code, ranged)
        elif count - i == 2:
            twin_few(hi, lo, most, a, b, b, b, n, 2, False, code, ranged)
        else:
            twin_few(hi, lo, most, a, a, a, a, n, 1, False, code, ranged)
        i += 3


cdef inline void twin_fold(
    Twin* dst, const char** src, Py_ssize_t at, Py_ssize_t count, Py_ssize_t n, bint fresh,
    int code) noexcept nogil:
    """Add up rows that begin `at` bytes into their sources, and dst unless `fresh`."""
    cdef double hi[TWINS]
    cdef double lo[TWINS]
    cdef Py_ssize_t begin = 0, j, m
    cdef Twin x
    while begin < n:
        m = min(n - begin, <Py_ssize_t> TWINS)
        twin_columns(hi, lo, NULL, src, at + begin * size_of(code), m, count, code, False)
        for j in range(m):
            x = twin(hi[j], lo[j])
            dst[begin + j] = x if fresh else added[Twin](dst[begin + j], x)
        begin += m


cdef inline void fetch(const char* src, Py_ssize_t n) noexcept nogil:
    """Have n bytes brought nearer."""
    cdef Py_ssize_t i = 0
    while i < n:
        cypool_prefetch(src + i)
        i += 64


cdef inline void fetch_row(
    const Ahead* ahead, const char** src, Py_ssize_t count, Py_ssize_t src_pitch,
    Py_ssize_t r) noexcept nogil:
    """Have what comes after the sources of row r, and its output, brought nearer; NULL: do not.

    Row by row, memory and arithmetic take turns; in bursts, one waits for the other.
    """
    if ahead != NULL:
        fetch_ahead(ahead, src, count, r * src_pitch, r * ahead.out_step)


cdef inline void fetch_share(
    const Ahead* ahead, const char** src, Py_ssize_t count, Py_ssize_t src_pitch, Py_ssize_t r,
    Py_ssize_t begin, Py_ssize_t m, Py_ssize_t n) noexcept nogil:
    """The share of fetch_row() that m of a row's n results have, from the one at `begin` on."""
    cdef Ahead share
    cdef Py_ssize_t at, out_at
    if ahead != NULL:
        share = ahead[0]
        at = ahead.size * begin // n
        out_at = ahead.out_size * begin // n
        share.size = ahead.size * (begin + m) // n - at
        share.out_size = ahead.out_size * (begin + m) // n - out_at
        fetch_ahead(&share, src, count, r * src_pitch + at, r * ahead.out_step + out_at)


cdef void fetch_ahead(
    const Ahead* ahead, const char** src, Py_ssize_t count, Py_ssize_t at,
    Py_ssize_t out_at) noexcept nogil:
    cdef Py_ssize_t i = ahead.first
    while i < count:
        fetch(src[i] + at + ahead.lead, ahead.size)
        i += ahead.near
    fetch(ahead.out + out_at, ahead.out_size)


cdef inline void best_each(
    elem_t* dst, Py_ssize_t dst_pitch, const elem_t** src, Py_ssize_t src_pitch, int count,
    Py_ssize_t rows, Py_ssize_t n, const Ahead* ahead, int order) noexcept nogil:
    """best_few() of each row."""
    cdef const elem_t* a = src[0]
    cdef const elem_t* b = src[1 if count > 1 else 0]
    cdef const elem_t* c = src[2 if count > 2 else 0]
    cdef Py_ssize_t r
    for r in range(rows):
        fetch_row(ahead, <const char**> src, count, src_pitch, r)
        best_few(dst, a, b, c, n, count, True, order)
        a = past(a, src_pitch)
        b = past(b, src_pitch)
        c = past(c, src_pitch)
        dst = <elem_t*> (<char*> dst + dst_pitch)


cdef inline void best_fold(
    elem_t* dst, Py_ssize_t dst_pitch, const elem_t** src, Py_ssize_t src_pitch, Py_ssize_t count,
    Py_ssize_t rows, Py_ssize_t n, bint fresh, const Ahead* ahead, int order) noexcept nogil:
    """dst[r, j] = best of src[0][r, j] … src[count - 1][r, j], and of dst[r, j] unless `fresh`.

    Rows are `dst_pitch` and `src_pitch` bytes apart.
    """
    cdef const elem_t* at[3]
    cdef Py_ssize_t i, r
    if (ahead == NULL and dst_pitch == src_pitch
            and dst_pitch == n * <Py_ssize_t> sizeof(elem_t)):
        n *= rows       # rows end to end are one row
        rows = 1
    if fresh and count == 3:
        best_each(dst, dst_pitch, src, src_pitch, 3, rows, n, ahead, order)
    elif fresh and count == 2:
        best_each(dst, dst_pitch, src, src_pitch, 2, rows, n, ahead, order)
    elif fresh and count == 1:
        best_each(dst, dst_pitch, src, src_pitch, 1, rows, n, ahead, order)
    elif fresh and count == 9:
        for r in range(rows):
            fetch_row(ahead, <const char**> src, 9, src_pitch, r)
            best_nine(dst, src, r * src_pitch, n, order)
            dst = <elem_t*> (<char*> dst + dst_pitch)
    else:
        for r in range(rows):
            fetch_row(ahead, <const char**> src, count, src_pitch, r)
            for i in range(0, count, 3):
                at[0] = past(src[i], r * src_pitch)
                at[1] = past(src[min(i + 1, count - 1)], r * src_pitch)
                at[2] = past(src[min(i + 2, count - 1)], r * src_pitch)
                if fresh and i == 0:
                    best_few(dst, at[0], at[1], at[2], n, 3, True, order)
                elif count - i > 2:
                    best_few(dst, at[0], at[1], at[2], n, 3, False, order)
                elif count - i == 2:
                    best_few(dst, at[0], at[1], at[2], n, 2, False, order)
                else:
                    best_few(dst, at[0], at[1], at[2], n, 1, False, order)
            dst = <elem_t*> (<char*> dst + dst_pitch)


cdef inline void sum_each(
    sum_t* dst, Py_ssize_t dst_pitch, const char** src, Py_ssize_t src_pitch, int count,
    Py_ssize_t rows, Py_ssize_t n, const Ahead* ahead, int code) noexcept nogil:
    """sum_few() of each row."""
    cdef const char* a = src[0]
    cdef const char* b = src[1 if count > 1 else 0]
    cdef const char* c = src[2 if count > 2 else 0]
    cdef Py_ssize_t r
    for r in range(rows):
        fetch_row(ahead, src, count, src_pitch, r)
        sum_few(dst, a, b, c, n, count, True, code)
        a += src_pitch
        b += src_pitch
        c += src_pitch
        dst = <sum_t*> (<char*> dst + dst_pitch)


cdef inline void sum_fold(
    sum_t* dst, Py_ssize_t dst_pitch, const char** src, Py_ssize_t src_pitch, Py_ssize_t count,
    Py_ssize_t rows, Py_ssize_t n, bint fresh, const Ahead* ahead, int code) noexcept nogil:
    """dst[r, j] = src[0][r, j] + … + src[count - 1][r, j], and dst[r, j] unless `fresh`."""
    cdef const char* at[3]
    cdef Py_ssize_t i, r
    if (ahead == NULL and dst_pitch == n * <Py_ssize_t> sizeof(sum_t)
            and src_pitch == n * size_of(code)):
        n *= rows
        rows = 1
    if fresh and count == 3:
        sum_each(dst, dst_pitch, src, src_pitch, 3, rows, n, ahead, code)
    elif fresh and count == 2:
        sum_each(dst, dst_pitch, src, src_pitch, 2, rows, n, ahead, code)
    elif fresh and count == 1:
        sum_each(dst, dst_pitch, src, src_pitch, 1, rows, n, ahead, code)
    elif fresh and count == 9 and sum_t is double:
        for r in range(rows):
            fetch_row(ahead, src, 9, src_pitch, r)
            sum_nine(dst, src, r * src_pitch, n, code)
            dst = <sum_t*> (<char*> dst + dst_pitch)
    elif count > 3 and sum_t is Twin and code != TWIN:
        for r in range(rows):
            fetch_row(ahead, src, count, src_pitch, r)
            twin_fold(<Twin*> dst, src, r * src_pitch, count, n, fresh, code)
            dst = <sum_t*> (<char*> dst + dst_pitch)
    else:
        for r in range(rows):
            fetch_row(ahead, src, count, src_pitch, r)
            for i in range(0, count, 3):
                at[0] = src[i] + r * src_pitch
                at[1] = src[min(i + 1, count - 1)] + r * src_pitch
                at[2] = src[min(i + 2, count - 1)] + r * src_pitch
                if fresh and i == 0:
                    sum_few(dst, at[0], at[1], at[2], n, 3, True, code)
                elif count - i > 2:
                    sum_few(dst, at[0], at[1], at[2], n, 3, False, code)
                elif count - i == 2:
                    sum_few(dst, at[0], at[1], at[2], n, 2, False, code)
                else:
                    sum_few(dst, at[0], at[1], at[2], n, 1, False, code)
            dst = <sum_t*> (<char*> dst + dst_pitch)


# Pairs of neighbours are folded in one pass over up to three rows, with nothing stored in between,
# or, of floats, with the sums of their columns: most of what deep networks and pictures pool.

cdef enum:
    PAIRS = 128         # of which the sums of columns are kept


cdef inline void best_pairs_few(
    elem_t* dst, const elem_t* a, const elem_t* b, const elem_t* c, Py_ssize_t n, int count,
    bint fresh, int order) noexcept nogil:
    cdef Py_ssize_t j
    cdef elem_t x, y
    for j in range(n):
        x = taken[elem_t](a[2 * j], order)
        x = better[elem_t](x, taken[elem_t](a[2 * j + 1], order), order)
        if count > 1:
            y = taken[elem_t](b[2 * j], order)
            y = better[elem_t](y, taken[elem_t](b[2 * j + 1], order), order)
            x = better[elem_t](x, y, order)
        if count > 2:
            y = taken[elem_t](c[2 * j], order)
            y = better[elem_t](y, taken[elem_t](c[2 * j + 1], order), order)
            x = better[elem_t](x, y, order)
        if not fresh:
            x = better[elem_t](dst[j], x, order)
        dst[j] = x


cdef inline int64_t signed_value(sum_t x) noexcept nogil:
    if sum_t is uint16_t:
        return <int16_t> x
    elif sum_t is uint32_t:
        return <int32_t> x
    elif sum_t is uint64_t:
        return <int64_t> x
    else:
        return 0


cdef inline sum_t pair(const char* src, Py_ssize_t j, int code, sum_t* tag) noexcept nogil:
    """The sum of the terms 2 j and 2 j + 1."""
    cdef sum_t both, size
    cdef uint32_t halves, first, second
    if sum_t is double:
        if code == HALF or code == BRAIN:
            # One lane holds both, as below.
            memcpy(&halves, src + 4 * j, sizeof(halves))
            first = <uint32_t> (<int32_t> (halves << 16) >> 16)
            second = <uint32_t> (<int32_t> halves >> 16)
            if code == HALF:
                return (<double> half_single(first, <const Half*> NULL)
                        + <double> half_single(second, <const Half*> NULL))
            return (<double> half_single(first, <const Brain*> NULL)
                    + <double> half_single(second, <const Brain*> NULL))
    elif sum_t is uint16_t or sum_t is uint32_t or sum_t is uint64_t:
        if 2 * size_of(code) == sizeof(sum_t):
            # One lane holds both, in whatever order: nothing has to move to another.
            memcpy(&both, src + j * <Py_ssize_t> sizeof(both), sizeof(both))
            size = 4 * sizeof(sum_t)
            if code % 2 == 0:   # unsigned
                return <sum_t> ((both >> size) + (both & <sum_t> (<sum_t> -1 >> size)))
            return <sum_t> ((signed_value(both) >> size)
                            + (signed_value(<sum_t> (both << size)) >> size))
    return added(term(src, 2 * j, code, tag), term(src, 2 * j + 1, code, tag))


cdef inline void sum_pairs_few(
    sum_t* dst, const char* a, const char* b, const char* c, Py_ssize_t n, int count, bint fresh,
    int code) noexcept nogil:
    cdef Py_ssize_t j
    cdef sum_t x
    for j in range(n):
        x = pair(a, j, code, dst)
        if count > 1:
            x = added[sum_t](x, pair(b, j, code, dst))
        if count > 2:
            x = added[sum_t](x, pair(c, j, code, dst))
        if not fresh:
            x = added[sum_t](dst[j], x)
        dst[j] = x


cdef inline void best_pairs(
    elem_t* dst, Py_ssize_t dst_pitch, const elem_t** src, Py_ssize_t src_pitch, Py_ssize_t count,
    Py_ssize_t rows, Py_ssize_t n, bint fresh, const Ahead* ahead, int order) noexcept nogil:
    """dst[r, j] = best of src[i][r, 2 j] and src[i][r, 2 j + 1] for i < count, as in best_fold."""
    cdef Py_ssize_t i, r
    cdef const elem_t* at[3]
    for r in range(rows):
        fetch_row(ahead, <const char**> src, count, src_pitch, r)
        i = 0
        while i < count:
            at[0] = past(src[i], r * src_pitch)
            at[1] = past(src[i + 1 if i + 1 < count else i], r * src_pitch)
            at[2] = past(src[i + 2 if i + 2 < count else i], r * src_pitch)
            if i == 0 and fresh:
                if count > 2:
                    best_pairs_few(dst, at[0], at[1], at[2], n, 3, True, order)
                elif count == 2:
                    best_pairs_few(dst, at[0], at[1], at[2], n, 2, True, order)
                else:
                    best_pairs_few(dst, at[0], at[1], at[2], n, 1, True, order)
            elif count - i > 2:
                best_pairs_few(dst, at[0], at[1], at[2], n, 3, False, order)
            elif count - i == 2:
                best_pairs_few(dst, at[0], at[1], at[2], n, 2, False, order)
            else:
                best_pairs_few(dst, at[0], at[1], at[2], n, 1, False, order)
            i += 3
        dst = <elem_t*> (<char*> dst + dst_pitch)


cdef inline void sum_pairs(
    sum_t* dst, Py_ssize_t dst_pitch, const char** src, Py_ssize_t src_pitch, Py_ssize_t count,
    Py_ssize_t rows, Py_ssize_t n, bint fresh, const Ahead* ahead, int code) noexcept nogil:
    """dst[r, j] = sum of src[i][r, 2 j] and src[i][r, 2 j + 1] for i < count, as in sum_fold."""
    cdef Py_ssize_t i, r
    cdef const char* at[3]
    for r in range(rows):
        fetch_row(ahead, src, count, src_pitch, r)
        i = 0
        while i < count:
            at[0] = src[i] + r * src_pitch
            at[1] = src[i + 1 if i + 1 < count else i] + r * src_pitch
            at[2] = src[i + 2 if i + 2 < count else i] + r * src_pitch
            if i == 0 and fresh:
                if count > 2:
                    sum_pairs_few(dst, at[0], at[1], at[2], n, 3, True, code)
                elif count == 2:
                    sum_pairs_few(dst, at[0], at[1], at[2], n, 2, True, code)
                else:
                    sum_pairs_few(dst, at[0], at[1], at[2], n, 1, True, code)
            elif count - i > 2:
                sum_pairs_few(dst, at[0], at[1], at[2], n, 3, False, code)
            elif count - i == 2:
                sum_pairs_few(dst, at[0], at[1], at[2], n, 2, False, code)
            else:
                sum_pairs_few(dst, at[0], at[1], at[2], n, 1, False, code)
            i += 3
        dst = <sum_t*> (<char*> dst + dst_pitch)


# A window of k rows is a block of k rows, or ends in one such block and begins in the one before:
# it is the fold of a suffix and a prefix, so that a row takes three combines however large k is
# (van Herk, Pattern Recognition Letters 13, 1992; Gil and Werman, IEEE PAMI 15, 1993).  Sums hold
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


# A single accumulator would chain every sum to the one before it; independent lanes vectorise.  The
# lanes of several runs are then added up together.
cdef enum:
    LANES = 16          # fewer elements are not worth them
    RUNS = 16
    SINGLES = 2048      # 16-bit floats that are made floats together


# Floats as integers of the same order: of two's complement, and a NaN is beyond all numbers.
# Compilers vectorise the reduction of integers by max or min, but not that of floats.

cdef inline int32_t key32(float x, int order) noexcept nogil:
    cdef uint32_t bits = (<uint32_t*> &x)[0]
    if wants_most(order):
        bits &= ~(<uint32_t> (x != x) << 31)
    else:
        bits |= <uint32_t> (x != x) << 31
    return <int32_t> bits ^ <int32_t> (<uint32_t> (<int32_t> bits >> 31) >> 1)


cdef inline float value32(int32_t key) noexcept nogil:
    key ^= <int32_t> (<uint32_t> (key >> 31) >> 1)
    return (<float*> &key)[0]


cdef inline int64_t key64(double x, int order) noexcept nogil:
    cdef uint64_t bits = (<uint64_t*> &x)[0]
    if wants_most(order):
        bits &= ~(<uint64_t> (x != x) << 63)
    else:
        bits |= <uint64_t> (x != x) << 63
    return <int64_t> bits ^ <int64_t> (<uint64_t> (<int64_t> bits >> 63) >> 1)


cdef inline double value64(int64_t key) noexcept nogil:
    key ^= <int64_t> (<uint64_t> (key >> 63) >> 1)
    return (<double*> &key)[0]


cdef inline void best_run(
    elem_t* dst, Py_ssize_t dst_pitch, const elem_t* src, Py_ssize_t src_pitch, Py_ssize_t rows,
    Py_ssize_t n, bint fresh, int order) noexcept nogil:
    """dst[r, 0] = best of src[r, 0] … src[r, n - 1], and of dst[r, 0] unless `fresh`; n >= 1."""
    cdef Py_ssize_t i, r
    cdef elem_t x
    cdef int32_t best32
    cdef int64_t best64
    for r in range(rows):
        if n <= 3:
            x = taken[elem_t](src[0], order)
            if n > 1:
                x = better[elem_t](x, taken[elem_t](src[1], order), order)
            if n > 2:
                x = better[elem_t](x, taken[elem_t](src[2], order), order)
        elif n < LANES:
            x = taken[elem_t](src[0], order)
            for i in range(1, n):
                x = better[elem_t](x, taken[elem_t](src[i], order), order)
        elif elem_t is float:
            best32 = key32(src[0], order)
            for i in range(1, n):
                best32 = better[int32_t](best32, key32(src[i], order), order)
            x = value32(best32)
        elif elem_t is double:
            best64 = key64(src[0], order)
            for i in range(1, n):
                best64 = better[int64_t](best64, key64(src[i], order), order)
            x = value64(best64)
        else:
            x = taken[elem_t](src[0], order)
            for i in range(1, n):
                x = better[elem_t](x, taken[elem_t](src[i], order), order)
        dst[0] = x if fresh else better[elem_t](dst[0], x, order)
        dst = <elem_t*> (<char*> dst + dst_pitch)
        src = past(src, src_pitch)


cdef inline void halve(sum_t* dst, const sum_t* src, Py_ssize_t n) noexcept nogil:
    """dst[j] = src[2 j] + src[2 j + 1] for j < n."""
    cdef Py_ssize_t j
    for j in range(n):
        dst[j] = added[sum_t](src[2 * j], src[2 * j + 1])


cdef inline void halve_twins(
    double* hi, double* lo, const double* src_hi, const double* src_lo, Py_ssize_t n) noexcept nogil:
    """The same of Twins whose parts lie apart, which makes vectors."""
    cdef Py_ssize_t j
    cdef Twin x
    for j in range(n):
        x = added[Twin](
            twin(src_hi[2 * j], src_lo[2 * j]), twin(src_hi[2 * j + 1], src_lo[2 * j + 1]))
        hi[j] = x.hi
        lo[j] = x.lo


cdef inline void twin_lanes(
    double* hi, double* lo, const char* src, Py_ssize_t n, int code) noexcept nogil:
    """Add up terms that are LANES apart, of n, as Twins whose parts lie apart: by vectors."""
    cdef double high[CYPOOL_DOUBLES]
    cdef double low[CYPOOL_DOUBLES]
    cdef Py_ssize_t i = LANES, j, lane
    cdef Twin x
    for j in range(LANES):
        x = term(src, j, code, &x)
        hi[j] = x.hi
        lo[j] = x.lo
    while i + LANES <= n:
        lane = 0
        while lane < LANES:
            for j in range(CYPOOL_DOUBLES):
                x = term(src, i + lane + j, code, &x)
                if code == TWIN:
                    x = added[Twin](twin(hi[lane + j], lo[lane + j]), x)
                else:
                    x = with_one(twin(hi[lane + j], lo[lane + j]), x.hi)
                high[j] = x.hi
                low[j] = x.lo
            for j in range(CYPOOL_DOUBLES):
                hi[lane + j] = high[j]
            for j in range(CYPOOL_DOUBLES):
                lo[lane + j] = low[j]
            cypool_apart()
            lane += CYPOOL_DOUBLES
        i += LANES


cdef inline void sum_run(
    sum_t* dst, Py_ssize_t dst_pitch, const char* src, Py_ssize_t src_pitch, Py_ssize_t rows,
    Py_ssize_t n, bint fresh, int code) noexcept nogil:
    """dst[r, 0] = src[r, 0] + … + src[r, n - 1], and dst[r, 0] unless `fresh`; n >= 1."""
    cdef double hi[LANES * RUNS]
    cdef double lo[LANES * RUNS]
    cdef double high[LANES * RUNS]
    cdef double low[LANES * RUNS]
    cdef sum_t lane[LANES]
    cdef sum_t lanes[LANES * RUNS]
    cdef sum_t halves[LANES * RUNS]
    cdef sum_t rest[RUNS]
    cdef Py_ssize_t i, j, r, runs
    cdef sum_t x
    if n <= 3:
        for r in range(rows):
            x = term(src, 0, code, dst)
            if n > 1:
                x = added[sum_t](x, term(src, 1, code, dst))
            if n > 2:
                x = added[sum_t](x, term(src, 2, code, dst))
            dst[0] = x if fresh else added[sum_t](dst[0], x)
            dst = <sum_t*> (<char*> dst + dst_pitch)
            src += src_pitch
        return
    while rows > 0:
        runs = min(rows, RUNS)
        for r in range(runs):
            i = 0
            if n >= LANES:
                if sum_t is Twin:
                    i = n - n % LANES
                    twin_lanes(hi + LANES * r, lo + LANES * r, src, n, code)
                else:
                    for j in range(LANES):
                        lane[j] = term(src, j, code, dst)
                    i = LANES
                    while i + LANES <= n:
                        for j in range(LANES):
                            lane[j] = added[sum_t](lane[j], term(src, i + j, code, dst))
                        i += LANES
                    for j in range(LANES // 2):
                        lanes[LANES // 2 * r + j] = added[sum_t](lane[j], lane[LANES // 2 + j])
            if i < n:
                x = term(src, i, code, dst)
                for j in range(i + 1, n):
                    x = added[sum_t](x, term(src, j, code, dst))
                rest[r] = x
            src += src_pitch
        if n >= LANES:
            if sum_t is Twin:
                for r in range(runs):
                    for j in range(LANES // 2):
                        i = LANES * r + j
                        x = added[Twin](
                            twin(hi[i], lo[i]), twin(hi[i + LANES // 2], lo[i + LANES // 2]))
                        high[LANES // 2 * r + j] = x.hi
                        low[LANES // 2 * r + j] = x.lo
                halve_twins(hi, lo, high, low, runs * 4)
                halve_twins(high, low, hi, lo, runs * 2)
                halve_twins(hi, lo, high, low, runs)
                for r in range(runs):
                    halves[r] = twin(hi[r], lo[r])
            else:
                halve(halves, lanes, runs * 4)
                halve(lanes, halves, runs * 2)
                halve(halves, lanes, runs)
        for r in range(runs):
            x = rest[r]
            if n >= LANES:
                x = halves[r] if n % LANES == 0 else added[sum_t](halves[r], x)
            dst[0] = x if fresh else added[sum_t](dst[0], x)
            dst = <sum_t*> (<char*> dst + dst_pitch)
        rows -= runs


cdef inline void best_clear(
    elem_t* dst, Py_ssize_t pitch, Py_ssize_t rows, Py_ssize_t n, int order) noexcept nogil:
    cdef Py_ssize_t j, r
    for r in range(rows):
        for j in range(n):
            dst[j] = worst[elem_t](dst, order)
        dst = <elem_t*> (<char*> dst + pitch)


# What is called through pointers: a function for each type and order, around an inlined one.

cdef void best_fold_of(
    elem_t* dst, Py_ssize_t dst_pitch, const elem_t** src, Py_ssize_t src_pitch, Py_ssize_t count,
    Py_ssize_t rows, Py_ssize_t n, bint fresh, const Ahead* ahead, order_t* tag) noexcept nogil:
    best_fold(dst, dst_pitch, src, src_pitch, count, rows, n, fresh, ahead, order_of(tag))


cdef void best_pairs_of(
    elem_t* dst, Py_ssize_t dst_pitch, const elem_t** src, Py_ssize_t src_pitch, Py_ssize_t count,
    Py_ssize_t rows, Py_ssize_t n, bint fresh, const Ahead* ahead, order_t* tag) noexcept nogil:
    best_pairs(dst, dst_pitch, src, src_pitch, count, rows, n, fresh, ahead, order_of(tag))


cdef void best_run_of(
    elem_t* dst, Py_ssize_t dst_pitch, const elem_t* src, Py_ssize_t src_pitch, Py_ssize_t rows,
    Py_ssize_t n, bint fresh, order_t* tag) noexcept nogil:
    best_run(dst, dst_pitch, src, src_pitch, rows, n, fresh, order_of(tag))


cdef void best_accumulate_of(
    elem_t* dst, Py_ssize_t dst_pitch, const elem_t* src, Py_ssize_t src_pitch, Py_ssize_t rows,
    Py_ssize_t n, bint fresh, order_t* tag) noexcept nogil:
    best_accumulate(dst, dst_pitch, src, src_pitch, rows, n, fresh, order_of(tag))


cdef void best_join_of(
    elem_t* dst, elem_t* prefix, const elem_t* suffix, const elem_t* src, Py_ssize_t n,
    order_t* tag) noexcept nogil:
    best_join(dst, prefix, suffix, src, n, order_of(tag))


cdef void best_clear_of(
    elem_t* dst, Py_ssize_t pitch, Py_ssize_t rows, Py_ssize_t n, order_t* tag) noexcept nogil:
    best_clear(dst, pitch, rows, n, order_of(tag))


cdef void sum_fold_of(
    sum_t* dst, Py_ssize_t dst_pitch, const term_t** src, Py_ssize_t src_pitch, Py_ssize_t count,
    Py_ssize_t rows, Py_ssize_t n, bint fresh, const Ahead* ahead) noexcept nogil:
    sum_fold(dst, dst_pitch, <const char**> src, src_pitch, count, rows, n, fresh, ahead,
             code_of[term_t](NULL))


cdef void sum_pairs_of(
    sum_t* dst, Py_ssize_t dst_pitch, const term_t** src, Py_ssize_t src_pitch, Py_ssize_t count,
    Py_ssize_t rows, Py_ssize_t n, bint fresh, const Ahead* ahead) noexcept nogil:
    cdef sum_t sums[2 * PAIRS]
    cdef const term_t* at[BATCH]
    cdef Py_ssize_t begin, i, j, m, r
    cdef sum_t x
    if not (term_t is float or term_t is double):
        sum_pairs(dst, dst_pitch, <const char**> src, src_pitch, count, rows, n, fresh, ahead,
                  code_of[term_t](NULL))
        return
    # Sums of columns first, which takes half the shuffles.
    for r in range(rows):
        fetch_row(ahead, <const char**> src, count, src_pitch, r)
        begin = 0
        while begin < n:
            m = min(n - begin, <Py_ssize_t> PAIRS)
            for i in range(count):
                at[i] = past(src[i], r * src_pitch) + 2 * begin
            sum_fold_of[sum_t, term_t](sums, 0, at, 0, count, 1, 2 * m, True, NULL)
            for j in range(m):
                x = added[sum_t](sums[2 * j], sums[2 * j + 1])
                dst[begin + j] = x if fresh else added[sum_t](dst[begin + j], x)
            begin += m
        dst = <sum_t*> (<char*> dst + dst_pitch)


cdef void sum_run_of(
    sum_t* dst, Py_ssize_t dst_pitch, const term_t* src, Py_ssize_t src_pitch, Py_ssize_t rows,
    Py_ssize_t n, bint fresh) noexcept nogil:
    sum_run(dst, dst_pitch, <const char*> src, src_pitch, rows, n, fresh, code_of(src))


cdef void sum_accumulate_of(
    sum_t* dst, Py_ssize_t dst_pitch, const term_t* src, Py_ssize_t src_pitch, Py_ssize_t rows,
    Py_ssize_t n, bint fresh) noexcept nogil:
    sum_accumulate(dst, dst_pitch, <const char*> src, src_pitch, rows, n, fresh, code_of(src))


cdef void sum_join_of(
    sum_t* dst, sum_t* prefix, const sum_t* suffix, const term_t* src, Py_ssize_t n) noexcept nogil:
    sum_join(dst, prefix, suffix, <const char*> src, n, code_of(src))


cdef void half_run(
    double* dst, Py_ssize_t dst_pitch, const half_t* src, Py_ssize_t src_pitch, Py_ssize_t rows,
    Py_ssize_t n, bint fresh) noexcept nogil:
    """sum_run() of 16-bit floats: they are made floats together, as many as there is room for."""
    cdef float values[SINGLES]
    cdef Py_ssize_t runs, i, m
    while rows > 0:
        runs = 1
        if src_pitch == n * <Py_ssize_t> sizeof(half_t):
            runs = max(min(rows, SINGLES // n), 1)
        i = 0
        while i < n:
            m = min(n - i, <Py_ssize_t> SINGLES)
            to_single(values, src + i, m, runs, 0, NULL)
            sum_run_of[double, float](
                dst, dst_pitch, values, m * sizeof(float), runs, m, fresh and i == 0)
            i += m
        dst = <double*> (<char*> dst + runs * dst_pitch)
        src = past(src, runs * src_pitch)
        rows -= runs


cdef bint numbers(
    const elem_t* src, Py_ssize_t pitch, Py_ssize_t rows, Py_ssize_t n) noexcept nogil:
    """Whether no element is NaN of rows of n of them, `pitch` bytes apart."""
    cdef Py_ssize_t j, r
    cdef uint32_t nans = 0
    cdef uint64_t nans_ = 0
    if pitch == n * <Py_ssize_t> sizeof(elem_t):
        n *= rows
        rows = 1
    for r in range(rows):
        for j in range(n):
            if elem_t is double:
                nans_ |= <uint64_t> (src[j] != src[j])
            else:
                nans |= <uint32_t> (src[j] != src[j])
        src = past(src, pitch)
    return nans == 0 and nans_ == 0


cdef void zero_clear(
    sum_t* dst, Py_ssize_t pitch, Py_ssize_t rows, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t r
    for r in range(rows):
        memset(<char*> dst + r * pitch, 0, n * sizeof(sum_t))
