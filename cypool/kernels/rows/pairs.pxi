# Row operations that fold rows, and neighbours in them, at once.
#
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
