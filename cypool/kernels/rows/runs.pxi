# Row operations that reduce runs to single elements.
#
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
    double* hi, double* lo, const double* src_hi, const double* src_lo,
    Py_ssize_t n) noexcept nogil:
    """The same of Twins whose parts lie apart, which makes vectors."""
    cdef Py_ssize_t j
    cdef Twin x
    for j in range(n):
        x = added[Twin](
            twin(src_hi[2 * j], src_lo[2 * j]), twin(src_hi[2 * j + 1], src_lo[2 * j + 1]))
        hi[j] = x.hi
        lo[j] = x.lo


cdef inline Twin with_term(Twin a, const char* src, Py_ssize_t j, int code) noexcept nogil:
    cdef Twin x = term(src, j, code, &a)
    return added[Twin](a, x) if code == TWIN else with_one(a, x.hi)


cdef inline void twin_terms(
    double* hi, double* lo, const char* src, Py_ssize_t i, int count, int code) noexcept nogil:
    """Add 1, 2 or 4 terms that are LANES apart to each lane, by vectors, from term i on.

    A sum that goes to memory and back takes as long as two additions.
    """
    cdef double high[CYPOOL_DOUBLES]
    cdef double low[CYPOOL_DOUBLES]
    cdef Py_ssize_t j, lane = 0
    cdef Twin x
    while lane < LANES:
        for j in range(CYPOOL_DOUBLES):
            x = with_term(twin(hi[lane + j], lo[lane + j]), src, i + lane + j, code)
            if count > 1:
                x = with_term(x, src, i + LANES + lane + j, code)
            if count > 2:
                x = with_term(x, src, i + 2 * LANES + lane + j, code)
                x = with_term(x, src, i + 3 * LANES + lane + j, code)
            high[j] = x.hi
            low[j] = x.lo
        for j in range(CYPOOL_DOUBLES):
            hi[lane + j] = high[j]
        for j in range(CYPOOL_DOUBLES):
            lo[lane + j] = low[j]
        cypool_apart()
        lane += CYPOOL_DOUBLES


cdef inline void twin_lanes(
    double* hi, double* lo, const char* src, Py_ssize_t n, int code) noexcept nogil:
    """Add up terms that are LANES apart, of n, as Twins whose parts lie apart."""
    cdef Py_ssize_t i = LANES, j
    cdef Twin x
    for j in range(LANES):
        x = term(src, j, code, &x)
        hi[j] = x.hi
        lo[j] = x.lo
    while i + 4 * LANES <= n:
        twin_terms(hi, lo, src, i, 4, code)
        i += 4 * LANES
    if i + 2 * LANES <= n:
        twin_terms(hi, lo, src, i, 2, code)
        i += 2 * LANES
    if i + LANES <= n:
        twin_terms(hi, lo, src, i, 1, code)


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
