# Runs of float64, each of which is a window.


cdef inline void scattered(
    elem_t* dst, Py_ssize_t dst_pitch, const elem_t* src, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        (<elem_t*> (<char*> dst + i * dst_pitch))[0] = src[i]


cdef inline double double_of(int64_t bits) noexcept nogil:
    return (<double*> &bits)[0]


cdef inline bint double_run_means(
    double* dst, Py_ssize_t dst_pitch, const char* src, Py_ssize_t src_pitch, Py_ssize_t runs,
    const Once* how, bint exact, double share) noexcept nogil:
    """dst[r] = the sum of run r over a divisor; returns as double_rows() does."""
    cdef double hi[RUNS]
    cdef double lo[RUNS]
    cdef double most[RUNS]
    cdef double means[RUNS]
    cdef bint doubtful = False
    cdef Reading reading
    cdef Py_ssize_t i, n
    reading.lead = how.lead
    while runs > 0:
        n = min(runs, RUNS)
        reading.peak = 0
        twin_runs(hi, lo, src, src_pitch, n, how.k, &reading, DOUBLE, True)
        # At first the greatest of all runs stands for that of each; that of a NaN tells nothing.
        reading.peak = min(reading.peak, <int64_t> infinite_bits(means))
        for i in range(n):
            most[i] = double_of(reading.peak)
        if twin_means(means, hi, lo, most, n, 1, 1, 1, how.divisors, how.inverses, False, exact,
                      share):
            for i in range(n):
                most[i] = double_of(greatest(src + i * src_pitch, how.k))
            doubtful |= twin_means(means, hi, lo, most, n, 1, 1, 1, how.divisors, how.inverses,
                                   False, exact, share)
        scattered(dst, dst_pitch, means, n)
        dst = <double*> (<char*> dst + n * dst_pitch)
        src += n * src_pitch
        runs -= n
    return doubtful


cdef bint double_runs(
    double* dst, Py_ssize_t dst_pitch, const double** src, Py_ssize_t src_pitch, Py_ssize_t count,
    Py_ssize_t rows, Py_ssize_t n, const Once* how, Ending ending,
    const Ahead* ahead) noexcept nogil:
    """dst[r, j] = the sum of src[0][r, s * j] … over a divisor, for windows of k; count is 1.

    Returns as double_rows() does.
    """
    cdef bint doubtful = False, exact = is_power_of_two(how.divisors[0])
    cdef const char* first = <const char*> (src[0] + how.start)
    cdef Py_ssize_t step = how.s * sizeof(double), r
    if n == 1:
        return double_run_means(dst, dst_pitch, first, src_pitch, rows, how, exact, ending.share)
    for r in range(rows):
        doubtful |= double_run_means(dst, sizeof(double), first, step, n, how, exact, ending.share)
        dst = <double*> (<char*> dst + dst_pitch)
        first += src_pitch
    return doubtful
