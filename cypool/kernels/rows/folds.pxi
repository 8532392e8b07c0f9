# Row operations that fold rows into a row, element by element.
#
# `count` and `fresh` are literals where the *_few functions are called, and these are inlined, so
# that the compiler sees straight loops.  Three sources at a time, or all nine of a window of 3 by
# 3, spare most of the traffic of the accumulator row.
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
    double* hi, double* lo, double* most, const char** src, Py_ssize_t at, Py_ssize_t n, int count,
    bint fresh, int code, bint ranged) noexcept nogil:
    """Add up to three rows, or six, or four fresh ones; if `ranged`, keep the greatest magnitudes.

    They begin `at` bytes into their sources.
    """
    cdef const char* a = src[0] + at
    cdef const char* b = src[1 if count > 1 else 0] + at
    cdef const char* c = src[2 if count > 2 else 0] + at
    cdef const char* d = src[3 if count > 3 else 0] + at
    cdef const char* e = src[4 if count > 4 else 0] + at
    cdef const char* f = src[5 if count > 4 else 0] + at
    cdef Py_ssize_t j
    cdef double top = 0.0, y
    cdef Twin x, z
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
        if count == 4:
            y = term(d, j, code, &y)
            x = with_one(x, y)
            top = larger(fabs(y), top)
        if not fresh:
            x = added[Twin](twin(hi[j], lo[j]), x)
            if ranged:
                top = larger(most[j], top)
        if count > 4:
            # The next three by themselves, as if they came alone.
            y = term(d, j, code, &y)
            z = twin(y, 0.0)
            top = larger(fabs(y), top)
            y = term(e, j, code, &y)
            z = two_sum(z.hi, y)
            top = larger(fabs(y), top)
            y = term(f, j, code, &y)
            z = with_one(z, y)
            top = larger(fabs(y), top)
            x = added[Twin](x, z)
        hi[j] = x.hi
        lo[j] = x.lo
        if ranged:
            most[j] = top


cdef inline void twin_columns(
    double* hi, double* lo, double* most, const char** src, Py_ssize_t at, Py_ssize_t n,
    Py_ssize_t count, int code, bint ranged) noexcept nogil:
    """Add up n columns of `count` rows, from `at` bytes on, three at a time."""
    cdef Py_ssize_t i = 6
    if count > 5:
        twin_few(hi, lo, most, src, at, n, 6, True, code, ranged)
    elif count == 4:
        twin_few(hi, lo, most, src, at, n, 4, True, code, ranged)
    elif count > 2:
        twin_few(hi, lo, most, src, at, n, 3, True, code, ranged)
        i = 3
    elif count == 2:
        twin_few(hi, lo, most, src, at, n, 2, True, code, ranged)
    else:
        twin_few(hi, lo, most, src, at, n, 1, True, code, ranged)
    while i < count:
        if count - i > 5:
            twin_few(hi, lo, most, src + i, at, n, 6, False, code, ranged)
            i += 3
        elif count - i > 2:
            twin_few(hi, lo, most, src + i, at, n, 3, False, code, ranged)
        elif count - i == 2:
            twin_few(hi, lo, most, src + i, at, n, 2, False, code, ranged)
        else:
            twin_few(hi, lo, most, src + i, at, n, 1, False, code, ranged)
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


cdef inline void best_clear(
    elem_t* dst, Py_ssize_t pitch, Py_ssize_t rows, Py_ssize_t n, int order) noexcept nogil:
    cdef Py_ssize_t j, r
    for r in range(rows):
        for j in range(n):
            dst[j] = worst[elem_t](dst, order)
        dst = <elem_t*> (<char*> dst + pitch)


cdef void zero_clear(
    sum_t* dst, Py_ssize_t pitch, Py_ssize_t rows, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t r
    for r in range(rows):
        memset(<char*> dst + r * pitch, 0, n * sizeof(sum_t))


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
