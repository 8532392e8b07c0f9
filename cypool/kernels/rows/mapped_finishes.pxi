# What maps have changed on its way into output: keys, indices, norms and their gradients.


cdef inline int64_t rank_in(packed_t x) noexcept nogil:
    if packed_t is Wide:
        return x.hi
    else:
        return x >> 32


cdef inline bint is_identity(packed_t x) noexcept nogil:
    if packed_t is Wide:
        return x.hi == <int64_t> (<uint64_t> 1 << 63) and x.lo == 0
    else:
        return x == <int64_t> (<uint64_t> 1 << 63)


cdef inline void put(out_t* dst, double x) noexcept nogil:
    """Settle x into dst[0], without the copies of a struct, which are not vectorised."""
    if out_t is Half or out_t is Brain:
        (<uint16_t*> dst)[0] = half_bits(x, dst)
    else:
        dst[0] = one_nan(settled(x, dst))


cdef inline out_t nothing(bint least, out_t* _) noexcept nogil:
    """What a window without elements has for its greatest (least) one."""
    cdef out_t x
    if out_t is Half:
        x.bits = 0x7C00 if least else 0xFC00
        return x
    elif out_t is Brain:
        x.bits = 0x7F80 if least else 0xFF80
        return x
    elif out_t is float or out_t is double:
        return INFINITY if least else -INFINITY
    elif out_t is uint8_t or out_t is uint16_t or out_t is uint32_t or out_t is uint64_t:
        return <out_t> (-1 if least else 0)
    else:
        return <out_t> (((<uint64_t> 1) << (8 * sizeof(out_t) - 1)) - (1 if least else 0))


cdef void key_finish(
    out_t* dst, Py_ssize_t dst_pitch, const key_t* src, Py_ssize_t src_pitch, Py_ssize_t rows,
    Py_ssize_t n, const double* factors, Ending ending) noexcept nogil:
    """Keys back to floats; the least key of all, which no element has, is an empty window's."""
    cdef Py_ssize_t j, r
    cdef key_t flip = <key_t> (-1 if ending.least else 0)
    cdef key_t lowest = <key_t> (<uint64_t> 1 << (8 * sizeof(key_t) - 1))
    cdef key_t empty = <key_t> rank(nothing(ending.least, dst))
    cdef key_t key
    if dst_pitch == n * sizeof(dst[0]) and src_pitch == n * sizeof(src[0]):
        n *= rows
        rows = 1
    for r in range(rows):
        for j in range(n):
            key = <key_t> (src[j] ^ flip)
            key = empty if src[j] == lowest else key
            dst[j] = unranked(<int64_t> key, dst)
        dst = <out_t*> (<char*> dst + dst_pitch)
        src = <const key_t*> (<const char*> src + src_pitch)


cdef void half_finish(
    half_t* dst, Py_ssize_t dst_pitch, const int16_t* src, Py_ssize_t src_pitch, Py_ssize_t rows,
    Py_ssize_t n, const double* factors, Ending ending) noexcept nogil:
    """The way back from taken()."""
    cdef int16_t beyond = HALF_NANS if half_t is Half else BRAIN_NANS, key
    cdef Py_ssize_t j, r
    if ending.least:
        beyond = -beyond
    if dst_pitch == n * sizeof(dst[0]) and src_pitch == n * sizeof(src[0]):
        n *= rows
        rows = 1
    for r in range(rows):
        for j in range(n):
            key = src[j]
            if half_t is Brain:
                key = <int16_t> (key ^ <int16_t> 0x8000)
            key = <int16_t> (key + beyond)
            (<int16_t*> dst)[j] = <int16_t> (key ^ <int16_t> (<uint16_t> (key >> 15) >> 1))
        dst = <half_t*> (<char*> dst + dst_pitch)
        src = past(src, src_pitch)


cdef void packed_finish(
    out_t* dst, Py_ssize_t dst_pitch, const packed_t* src, Py_ssize_t src_pitch, Py_ssize_t rows,
    Py_ssize_t n, const double* factors, Ending ending) noexcept nogil:
    cdef Py_ssize_t j, r
    cdef int64_t flip = -1 if ending.least else 0
    cdef out_t empty = nothing(ending.least, dst)
    if dst_pitch == n * sizeof(dst[0]) and src_pitch == n * sizeof(src[0]):
        n *= rows
        rows = 1
    for r in range(rows):
        for j in range(n):
            dst[j] = unranked(rank_in(src[j]) ^ flip, dst)
            if is_identity(src[j]):
                dst[j] = empty
        dst = <out_t*> (<char*> dst + dst_pitch)
        src = <const packed_t*> (<const char*> src + src_pitch)


cdef void packed_indices(
    int64_t* dst, Py_ssize_t dst_pitch, const packed_t* src, Py_ssize_t src_pitch, Py_ssize_t rows,
    Py_ssize_t n, const double* factors, Ending ending) noexcept nogil:
    """The indices of packed accumulators; an empty window's is -1."""
    cdef Py_ssize_t j, r
    if dst_pitch == n * sizeof(dst[0]) and src_pitch == n * sizeof(src[0]):
        n *= rows
        rows = 1
    for r in range(rows):
        for j in range(n):
            if packed_t is Wide:
                dst[j] = <int64_t> ~src[j].lo
            else:
                dst[j] = <int32_t> ~<uint32_t> src[j]
        dst = <int64_t*> (<char*> dst + dst_pitch)
        src = <const packed_t*> (<const char*> src + src_pitch)


cdef inline double norm_total(real_sum_t x) noexcept nogil:
    cdef double total = total_of(x)
    if real_sum_t is Sparse:
        if x.seen == 0 and x.nans > 0:
            return NAN
    if real_sum_t is not double and total != total:
        return x.hi     # the errors of an infinite sum are NaN
    return total


cdef inline double root(double x, double p) noexcept nogil:
    """x ** (1 / p): 1 / p is rounded, and one step of Newton's makes good for it."""
    cdef double y = pow(x, 1.0 / p)
    cdef double power = pow(y, p)
    cdef double excess = (power - x) / x / p
    return y - y * excess if 0.0 < power < INFINITY and x < INFINITY else y


cdef void norms(double* dst, const real_sum_t* src, Py_ssize_t n, double p) noexcept nogil:
    """dst[j] = src[j] ** (1 / p)."""
    cdef Py_ssize_t j
    if p == 1.0:
        for j in range(n):
            dst[j] = norm_total(src[j])
    elif p == 2.0:
        for j in range(n):
            dst[j] = sqrt(norm_total(src[j]))
    else:
        for j in range(n):
            dst[j] = root(norm_total(src[j]), p)


cdef void root_finish(
    out_t* dst, Py_ssize_t dst_pitch, const real_sum_t* src, Py_ssize_t src_pitch, Py_ssize_t rows,
    Py_ssize_t n, const double* factors, Ending ending) noexcept nogil:
    """dst[r, j] = src[r, j] ** (1 / p); factors[j] is p."""
    cdef double roots[POWERS]
    cdef double p = factors[0]
    cdef Py_ssize_t begin, j, m, r
    if dst_pitch == n * sizeof(dst[0]) and src_pitch == n * sizeof(src[0]):
        n *= rows
        rows = 1
    for r in range(rows):
        begin = n if p == 1.0 or p == 2.0 else 0    # simple roots need no buffer
        if p == 1.0:
            for j in range(n):
                put(dst + j, norm_total(src[j]))
        elif p == 2.0:
            for j in range(n):
                put(dst + j, sqrt(norm_total(src[j])))
        while begin < n:
            m = min(n - begin, <Py_ssize_t> POWERS)
            norms(roots, src + begin, m, p)
            for j in range(m):
                put(dst + begin + j, roots[j])
            begin += m
        dst = <out_t*> (<char*> dst + dst_pitch)
        src = <const real_sum_t*> (<const char*> src + src_pitch)


cdef void size_finish(
    out_t* dst, Py_ssize_t dst_pitch, const double* src, Py_ssize_t src_pitch, Py_ssize_t rows,
    Py_ssize_t n, const double* factors, Ending ending) noexcept nogil:
    """The greatest magnitude: 0 of no elements, and no number of none but those left out."""
    cdef Py_ssize_t j, r
    for r in range(rows):
        for j in range(n):
            put(dst + j, src[j] if src[j] >= 0.0 else (0.0 if src[j] == -INFINITY else NAN))
        dst = <out_t*> (<char*> dst + dst_pitch)
        src = past(src, src_pitch)


# The gradient of a norm, in two poolings.  With y the norm of a window and g what it is given, the
# first makes g / y**(p - 1) of the powers; the second adds these up over the windows that an
# element x is in, times sign(x) |x|**(p - 1).  What they multiply by, factors, lies beside the
# output.
cdef void weight_finish(
    double* dst, Py_ssize_t dst_pitch, const real_sum_t* src, Py_ssize_t src_pitch,
    Py_ssize_t rows, Py_ssize_t n, const double* factors, Ending ending) noexcept nogil:
    """dst[r, j] = factors[r, j] / y**(p - 1) for the norm y, or 0 if that is."""
    cdef Py_ssize_t j, r
    cdef double p = ending.exponent
    cdef int times
    for r in range(rows):
        norms(dst, src, n, p)
        if is_small(p - 1.0):
            times = <int> (p - 1.0)
            for j in range(n):
                dst[j] = 0.0 if dst[j] == 0.0 else factors[j] / small_power(dst[j], times)
        else:
            for j in range(n):
                dst[j] = 0.0 if dst[j] == 0.0 else factors[j] / pow(dst[j], p - 1.0)
        dst = <double*> (<char*> dst + dst_pitch)
        src = <const real_sum_t*> (<const char*> src + src_pitch)
        factors += n


cdef void slope_finish(
    out_t* dst, Py_ssize_t dst_pitch, const real_sum_t* src, Py_ssize_t src_pitch, Py_ssize_t rows,
    Py_ssize_t n, const double* factors, Ending ending) noexcept nogil:
    """dst[r, j] = src[r, j] * factors[r, j], or 0 if the latter is."""
    cdef Py_ssize_t j, r
    if dst_pitch == n * sizeof(dst[0]) and src_pitch == n * sizeof(src[0]):
        n *= rows
        rows = 1
    for r in range(rows):
        for j in range(n):
            put(dst + j, 0.0 if factors[j] == 0.0 else norm_total(src[j]) * factors[j])
        dst = <out_t*> (<char*> dst + dst_pitch)
        src = <const real_sum_t*> (<const char*> src + src_pitch)
        factors += n


cdef inline out_t unranked(int64_t key, out_t* _) noexcept nogil:
    cdef int16_t bits16
    cdef int32_t bits32
    cdef int64_t bits64
    cdef out_t x
    if out_t is Half or out_t is Brain:
        bits16 = <int16_t> key
        x.bits = <uint16_t> (bits16 ^ <int16_t> (<uint16_t> (bits16 >> 15) >> 1))
        return x
    elif out_t is float:
        bits32 = <int32_t> key
        bits32 ^= <int32_t> (<uint32_t> (bits32 >> 31) >> 1)
        return (<float*> &bits32)[0]
    elif out_t is double:
        bits64 = key ^ <int64_t> (<uint64_t> (key >> 63) >> 1)
        return (<double*> &bits64)[0]
    elif out_t is uint32_t:
        return <uint32_t> (key + <int64_t> 0x80000000)
    elif out_t is uint64_t:
        return <uint64_t> key ^ <uint64_t> 0x8000000000000000
    else:
        return <out_t> key
