# Row operations that reduce runs to single elements.
#
# A single accumulator would chain every sum to the one before it; independent lanes vectorise.  The
# lanes of several runs are then added up together.

cdef enum:
    LANES = 16          # fewer elements are not worth them
    RUNS = 16
    SINGLES = 2048      # 16-bit floats that are made floats together
    MOST_AHEAD = 1024   # bytes of a run that are fetched at once


cdef inline void fetch_run(
    const Reading* reading, const char* src, Py_ssize_t nbytes) noexcept nogil:
    """Have as many bytes as a run has, of what comes after it, brought nearer."""
    if reading != NULL and reading.lead > 0 and nbytes <= MOST_AHEAD:
        fetch(src + reading.lead, nbytes)


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
    Py_ssize_t n, bint fresh, const Reading* reading, int order) noexcept nogil:
    """dst[r, 0] = best of src[r, 0] … src[r, n - 1], and of dst[r, 0] unless `fresh`; n >= 1."""
    cdef Py_ssize_t i, r
    cdef elem_t x
    cdef int32_t best32
    cdef int64_t best64
    for r in range(rows):
        fetch_run(reading, <const char*> src, n * <Py_ssize_t> sizeof(elem_t))
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


# Magnitudes are compared as integers: a select between doubles is a branch to compilers, until they
# make vectors of a loop, and what they unroll before stays one.
cdef inline int64_t size_bits(const char* src, Py_ssize_t j) noexcept nogil:
    """The bits of a double's magnitude."""
    return (<const int64_t*> src)[j] & <int64_t> 0x7FFFFFFFFFFFFFFF


cdef inline int64_t greatest(const char* src, Py_ssize_t n) noexcept nogil:
    """The bits of the greatest magnitude of n doubles."""
    cdef int64_t most = 0
    cdef Py_ssize_t j
    for j in range(n):
        most = max(most, size_bits(src, j))
    return most


cdef inline void twin_term(
    double* hi, double* lo, int64_t* most, const char* src, bint fresh, int code,
    bint ranged) noexcept nogil:
    """Add a term to each lane, and keep the greatest magnitudes if `ranged`."""
    cdef Py_ssize_t j
    cdef Twin x
    for j in range(LANES):
        if fresh:
            x = term(src, j, code, &x)
        else:
            x = with_term(twin(hi[j], lo[j]), src, j, code)
        hi[j] = x.hi
        lo[j] = x.lo
    cypool_apart()      # so short a loop becomes vectors if it does one thing
    for j in range(LANES if ranged else 0):
        most[j] = max(most[j], size_bits(src, j))
    cypool_apart()


cdef inline void twin_terms(
    double* hi, double* lo, int64_t* most, const char* src, int lanes, int count, bint fresh,
    int code, bint ranged) noexcept nogil:
    """The same of three or four terms to each of some lanes; a lane's are as many apart.

    A sum that goes to memory and back takes as long as two additions.
    """
    cdef Py_ssize_t j
    cdef int64_t top
    cdef Twin x
    for j in range(lanes):
        if fresh:
            x = term(src, j, code, &x)
        else:
            x = with_term(twin(hi[j], lo[j]), src, j, code)
        x = with_term(x, src, lanes + j, code)
        x = with_term(x, src, 2 * lanes + j, code)
        if count > 3:
            x = with_term(x, src, 3 * lanes + j, code)
        hi[j] = x.hi
        lo[j] = x.lo
        if ranged:
            top = max(most[j], size_bits(src, j))
            top = max(top, size_bits(src, lanes + j))
            top = max(top, size_bits(src, 2 * lanes + j))
            if count > 3:
                top = max(top, size_bits(src, 3 * lanes + j))
            most[j] = top


cdef inline void twin_block(
    double* hi, double* lo, int64_t* most, const char* src, bint fresh, int code,
    bint ranged) noexcept nogil:
    """The same of four terms to all lanes, one half of which comes after the other.

    So lines are read in their order: memory is slow if one is left out, and read after the next.
    """
    cdef Py_ssize_t half = LANES // 2
    twin_terms(hi, lo, most, src, LANES // 2, 4, fresh, code, ranged)
    twin_terms(hi + half, lo + half, most + half, src + 4 * half * size_of(code), LANES // 2, 4,
               fresh, code, ranged)


cdef inline void twin_lanes(
    double* hi, double* lo, int64_t* most, const char* src, Py_ssize_t n, int code, bint ranged,
    Py_ssize_t lead) noexcept nogil:
    """Add up terms that are LANES apart, of n, as Twins whose parts lie apart.

    If there is a lead, what lies so many bytes further on is fetched.
    """
    cdef Py_ssize_t size = size_of(code), i = LANES
    if lead > 0:
        fetch(src + lead, min(n, 4 * LANES) * size)
    if n >= 4 * LANES:
        twin_block(hi, lo, most, src, True, code, ranged)
        i = 4 * LANES
    elif n >= 3 * LANES:
        twin_terms(hi, lo, most, src, LANES, 3, True, code, ranged)
        i = 3 * LANES
    else:
        twin_term(hi, lo, most, src, True, code, ranged)
    while i + 4 * LANES <= n:
        if lead > 0:
            fetch(src + i * size + lead, 4 * LANES * size)
        twin_block(hi, lo, most, src + i * size, False, code, ranged)
        i += 4 * LANES
    while i + LANES <= n:
        twin_term(hi, lo, most, src + i * size, False, code, ranged)
        i += LANES


cdef inline void twin_runs(
    double* hi, double* lo, const char* src, Py_ssize_t src_pitch, Py_ssize_t runs, Py_ssize_t n,
    Reading* reading, int code, bint ranged) noexcept nogil:
    """hi[r] + lo[r] = src[r, 0] + … + src[r, n - 1], of up to RUNS runs.

    If `ranged`, the peak is raised to the greatest magnitude of all elements.
    """
    cdef int64_t most[LANES]
    cdef double high[LANES * RUNS]
    cdef double low[LANES * RUNS]
    cdef double high_[LANES * RUNS]
    cdef double low_[LANES * RUNS]
    cdef double rest_hi[RUNS]
    cdef double rest_lo[RUNS]
    cdef Py_ssize_t i, j, r, whole = n - n % LANES, lead = reading.lead if reading != NULL else 0
    cdef Twin x
    for j in range(LANES if ranged else 0):
        most[j] = 0
    if whole > 0:
        for r in range(runs):
            twin_lanes(high + LANES * r, low + LANES * r, most, src + r * src_pitch, n, code,
                       ranged, lead)
        for r in range(runs):
            for j in range(LANES // 2):
                i = LANES * r + j
                x = added[Twin](
                    twin(high[i], low[i]), twin(high[i + LANES // 2], low[i + LANES // 2]))
                high_[LANES // 2 * r + j] = x.hi
                low_[LANES // 2 * r + j] = x.lo
        halve_twins(high, low, high_, low_, runs * 4)
        halve_twins(high_, low_, high, low, runs * 2)
        halve_twins(hi, lo, high_, low_, runs)
    for r in range(runs if whole < n else 0):
        x = term(src + r * src_pitch, whole, code, &x)
        rest_hi[r] = x.hi
        rest_lo[r] = x.lo
        if ranged:
            most[r] = max(most[r], size_bits(src + r * src_pitch, whole))
    for j in range(whole + 1, n):
        for r in range(runs):
            x = with_term(twin(rest_hi[r], rest_lo[r]), src + r * src_pitch, j, code)
            rest_hi[r] = x.hi
            rest_lo[r] = x.lo
            if ranged:
                most[r] = max(most[r], size_bits(src + r * src_pitch, j))
    for r in range(runs if whole < n else 0):
        x = twin(rest_hi[r], rest_lo[r])
        if whole > 0:
            x = added[Twin](twin(hi[r], lo[r]), x)
        hi[r] = x.hi
        lo[r] = x.lo
    if ranged:
        reading.peak = max(reading.peak, greatest(<const char*> most, LANES))


cdef inline void short_runs(
    sum_t* sums, const char* src, Py_ssize_t src_pitch, Py_ssize_t runs, Py_ssize_t n,
    int code) noexcept nogil:
    """sums[r] = src[r, 0] + … + src[r, n - 1], of up to RUNS runs that have no LANES terms."""
    cdef Py_ssize_t j, r
    for r in range(runs):
        sums[r] = term(src + r * src_pitch, 0, code, sums)
    for j in range(1, n):
        for r in range(runs):
            sums[r] = added[sum_t](sums[r], term(src + r * src_pitch, j, code, sums))


cdef inline void long_runs(
    sum_t* sums, const char* src, Py_ssize_t src_pitch, Py_ssize_t runs, Py_ssize_t n,
    const Reading* reading, int code) noexcept nogil:
    """The same of runs that have as many, or more."""
    cdef sum_t lane[LANES]
    cdef sum_t lanes[LANES * RUNS]
    cdef sum_t halves[LANES * RUNS]
    cdef sum_t rest[RUNS]
    cdef Py_ssize_t i, j, r
    cdef sum_t x
    for r in range(runs):
        fetch_run(reading, src, n * size_of(code))
        for j in range(LANES):
            lane[j] = term(src, j, code, sums)
        i = LANES
        while i + LANES <= n:
            for j in range(LANES):
                lane[j] = added[sum_t](lane[j], term(src, i + j, code, sums))
            i += LANES
        for j in range(LANES // 2):
            lanes[LANES // 2 * r + j] = added[sum_t](lane[j], lane[LANES // 2 + j])
        if i < n:
            x = term(src, i, code, sums)
            for j in range(i + 1, n):
                x = added[sum_t](x, term(src, j, code, sums))
            rest[r] = x
        src += src_pitch
    halve(halves, lanes, runs * 4)
    halve(lanes, halves, runs * 2)
    halve(sums, lanes, runs)
    for r in range(runs if n % LANES > 0 else 0):
        sums[r] = added[sum_t](sums[r], rest[r])


cdef inline void sum_run(
    sum_t* dst, Py_ssize_t dst_pitch, const char* src, Py_ssize_t src_pitch, Py_ssize_t rows,
    Py_ssize_t n, bint fresh, Reading* reading, int code) noexcept nogil:
    """dst[r, 0] = src[r, 0] + … + src[r, n - 1], and dst[r, 0] unless `fresh`; n >= 1."""
    cdef double hi[RUNS]
    cdef double lo[RUNS]
    cdef sum_t sums[RUNS]
    cdef Py_ssize_t r, runs
    cdef sum_t x
    if n <= 3 and not (reading != NULL and reading.ranged):
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
        if sum_t is Twin:
            if code == DOUBLE and reading != NULL and reading.ranged:
                twin_runs(hi, lo, src, src_pitch, runs, n, reading, code, True)
            else:
                twin_runs(hi, lo, src, src_pitch, runs, n, reading, code, False)
            for r in range(runs):
                sums[r] = twin(hi[r], lo[r])
        elif n < LANES:
            short_runs(sums, src, src_pitch, runs, n, code)
        else:
            long_runs(sums, src, src_pitch, runs, n, reading, code)
        for r in range(runs):
            dst[0] = sums[r] if fresh else added[sum_t](dst[0], sums[r])
            dst = <sum_t*> (<char*> dst + dst_pitch)
        src += runs * src_pitch
        rows -= runs


cdef void half_run(
    double* dst, Py_ssize_t dst_pitch, const half_t* src, Py_ssize_t src_pitch, Py_ssize_t rows,
    Py_ssize_t n, bint fresh, const Reading* reading) noexcept nogil:
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
                dst, dst_pitch, values, m * sizeof(float), runs, m, fresh and i == 0, NULL)
            i += m
        dst = <double*> (<char*> dst + runs * dst_pitch)
        src = past(src, runs * src_pitch)
        rows -= runs
