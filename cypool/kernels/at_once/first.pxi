# The greatest elements with their indices, where each row of a window has one.

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
    LEAD_INDICES = 2048     # indices are fetched so many bytes further on


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
    cdef bint far = ahead != NULL
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
            to = <char*> dst + r * dst_pitch + begin * <Py_ssize_t> sizeof(first_t)
            indices = <int64_t*> (how.indices + how.wide * (to - <char*> dst))
            if far:
                fetch(to + LEAD_INDICES // how.wide, m * <Py_ssize_t> sizeof(first_t))
                fetch(<const char*> indices + LEAD_INDICES, m * <Py_ssize_t> sizeof(int64_t))
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
