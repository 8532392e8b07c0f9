# Float sums that cancel, and norms that overflow.
#
# A sum is exact while all its terms are multiples of one unit and their total stays below 2**53
# (2**106) of it, as the greatest and least magnitudes of an item tell, or while the processor has
# nothing rounded.  Else a sum that is small against its terms is suspect, and its window is added
# up again with more care.

ctypedef fused real_t:
    float
    double
    Half
    Brain


cdef inline uint64_t infinite_bits(const real_t* _) noexcept nogil:
    """The bits of infinity; those of NaNs, without the sign, are above."""
    if real_t is float:
        return 0x7F800000
    elif real_t is Half:
        return 0x7C00
    elif real_t is Brain:
        return 0x7F80
    else:
        return <uint64_t> 0x7FF0000000000000


cdef inline void scan_rows(
    const real_t* src, Py_ssize_t pitch, Py_ssize_t rows, Py_ssize_t n, Range* range_,
    bint finite) noexcept nogil:
    """Widen a range to rows of n elements, or to the finite ones among them."""
    cdef Py_ssize_t half, j, r
    cdef uint32_t bits, peak, low
    cdef uint16_t size, high, least
    cdef int64_t bits_, more, most, peak_, low_
    cdef uint64_t sign = <uint64_t> 1 << 63
    cdef int64_t infinite = <int64_t> (infinite_bits(src) | sign)
    # Masks, where a second select would keep GCC from vectorising.
    if real_t is float:
        peak = <uint32_t> range_.peak
        low = <uint32_t> min(range_.low, <uint64_t> 0xFFFFFFFF)
        for r in range(rows):
            for j in range(n):
                bits = (<const uint32_t*> src)[j] & <uint32_t> 0x7FFFFFFF
                if finite:
                    bits &= <uint32_t> 0 - <uint32_t> (bits < <uint32_t> infinite_bits(src))
                peak = bits if bits > peak else peak
                bits = bits - <uint32_t> 1
                low = bits if bits < low else low
            src = past(src, pitch)
        range_.peak = peak
        range_.low = low
    elif real_t is Half or real_t is Brain:
        high = <uint16_t> range_.peak
        least = <uint16_t> min(range_.low, <uint64_t> 0xFFFF)
        for r in range(rows):
            for j in range(n):
                size = src[j].bits & <uint16_t> 0x7FFF
                if finite:
                    size &= <uint16_t> -<int> (size < <uint16_t> infinite_bits(src))
                high = size if size > high else high
                size = <uint16_t> (size - 1)
                least = size if size < least else least
            src = past(src, pitch)
        range_.peak = high
        range_.low = least
    else:
        # As signed numbers, since AVX2 compares no others of 64 bits: all are made negative ones,
        # which have the order of the magnitudes, and that of 0 less 1 is beyond them all.
        peak_ = <int64_t> (range_.peak ^ sign)
        low_ = <int64_t> (range_.low ^ sign)
        half = (n + 1) // 2     # two at a time, as these comparisons are slow
        for r in range(rows):
            for j in range(half):
                bits_ = <int64_t> ((<const uint64_t*> src)[j] | sign)
                more = <int64_t> ((<const uint64_t*> src)[n - half + j] | sign)
                if finite:
                    bits_ &= -<int64_t> (bits_ < infinite) | <int64_t> sign
                    more &= -<int64_t> (more < infinite) | <int64_t> sign
                most = bits_ if bits_ > more else more
                peak_ = most if most > peak_ else peak_
                bits_ = <int64_t> (<uint64_t> bits_ - 1)
                more = <int64_t> (<uint64_t> more - 1)
                bits_ = bits_ if bits_ < more else more
                low_ = bits_ if bits_ < low_ else low_
            src = past(src, pitch)
        range_.peak = <uint64_t> peak_ ^ sign
        range_.low = <uint64_t> low_ ^ sign


cdef void scan(
    const real_t* src, Py_ssize_t pitch, Py_ssize_t rows, Py_ssize_t n,
    Range* range_) noexcept nogil:
    """Widen a range to the finite ones of rows of n elements, `pitch` bytes apart."""
    cdef Range all_ = range_[0]
    if pitch == n * <Py_ssize_t> sizeof(real_t):
        n *= rows
        rows = 1
    scan_rows(src, pitch, rows, n, &all_, False)
    if all_.peak < infinite_bits(src):
        range_[0] = all_
    else:
        scan_rows(src, pitch, rows, n, range_, True)


cdef void exponents(
    const real_t* src, Py_ssize_t pitch, Py_ssize_t rows, Py_ssize_t n,
    uint16_t* peaks) noexcept nogil:
    """Raise the exponent of each of n columns to that of its greatest finite element.

    As elements have them, with a bias; but that of subnormal ones is 1, and only that of 0 is 0.
    """
    cdef int mantissa = 23 if real_t is float else 10 if real_t is Half else 7
    cdef Py_ssize_t j, r
    cdef uint64_t wide
    cdef uint32_t bits
    cdef uint16_t exponent
    for r in range(rows):
        for j in range(n):
            if real_t is double:
                wide = (<const uint64_t*> src)[j] & <uint64_t> 0x7FFFFFFFFFFFFFFF
                wide = wide if wide < infinite_bits(src) else 0
                exponent = <uint16_t> (wide >> 52) if wide >> 52 else <uint16_t> (wide != 0)
            else:
                if real_t is float:
                    bits = (<const uint32_t*> src)[j] & <uint32_t> 0x7FFFFFFF
                else:
                    bits = src[j].bits & <uint32_t> 0x7FFF
                bits = bits if bits < <uint32_t> infinite_bits(src) else 0
                exponent = <uint16_t> (bits >> mantissa) if bits >> mantissa else (
                    <uint16_t> (bits != 0))
            peaks[j] = exponent if exponent > peaks[j] else peaks[j]
        src = past(src, pitch)


cdef inline double total_of(real_sum_t x) noexcept nogil:
    if real_sum_t is double:
        return x
    else:
        return x.hi + x.lo


cdef inline uint32_t doubtful(real_sum_t x, double bound, bint overflows) noexcept nogil:
    """Whether a sum is below the bound in magnitude, or overflowed to infinity or NaN; a power
    that does is the greatest number (see powers)."""
    cdef double size, most = 1.7976931348623157e+308
    size = fabs(total_of(x))
    return <uint32_t> (size < bound) | (<uint32_t> (size >= most or size != size) if overflows
                                        else <uint32_t> 0)


cdef inline Py_ssize_t suspect_by(
    const real_sum_t* src, Py_ssize_t j, Py_ssize_t n, const double* bounds, bint each,
    bint overflows) noexcept nogil:
    """suspect() with an `each` that is known where this is inlined."""
    cdef Py_ssize_t i, stop
    cdef uint32_t any_
    while j < n:
        # A block at a time without branches, which vectorises; then its first one.
        stop = min(j + 256, n)
        any_ = 0
        for i in range(j, stop):
            any_ |= doubtful(src[i], bounds[i if each else 0], overflows)
        if any_:
            for i in range(j, stop):
                if doubtful(src[i], bounds[i if each else 0], overflows):
                    return i
        j = stop
    return n


cdef Py_ssize_t suspect(
    const real_sum_t* src, Py_ssize_t j, Py_ssize_t n, const double* bounds, bint each,
    bint overflows) noexcept nogil:
    """The first sum from j on that is below its bound, or overflowed; n if there is none.

    All have one bound unless `each` has its own.
    """
    if each:
        return suspect_by(src, j, n, bounds, True, overflows)
    return suspect_by(src, j, n, bounds, False, overflows)


cdef void exact_carry(Exact* sum_) noexcept nogil:
    cdef int i
    cdef int64_t carry
    for i in range(LIMBS - 1):
        carry = sum_.limb[i] >> 32
        sum_.limb[i] -= carry * <int64_t> 0x100000000
        sum_.limb[i + 1] += carry
    sum_.pending = 0


cdef void exact_add(Exact* sum_, const real_t* src, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t j
    cdef int i, exponent, shift
    cdef int64_t one = -1 if sum_.subtracts else 1, sign
    cdef uint64_t bits, m, low, high
    cdef double x
    for j in range(n):
        if real_t is Half or real_t is Brain:
            x = half_single(<uint32_t> <int16_t> src[j].bits, src)
        else:
            x = src[j]
        if x != x and sum_.omits:
            sum_.nans += one
            continue
        sum_.seen += one
        if not isfinite(x):
            sum_.special += x
            continue
        memcpy(&bits, &x, sizeof(bits))
        sign = -one if bits >> 63 else one
        exponent = <int> (bits >> 52 & 0x7FF)
        m = bits & <uint64_t> 0xFFFFFFFFFFFFF
        if exponent > 0:
            m |= <uint64_t> 1 << 52
            exponent -= 1       # as those of subnormal numbers count, too
        i = exponent >> 5
        shift = exponent & 31
        low = m << shift
        high = m >> (64 - shift) if shift > 0 else 0
        sum_.limb[i] += sign * <int64_t> <uint32_t> low
        sum_.limb[i + 1] += sign * <int64_t> (low >> 32)
        sum_.limb[i + 2] += sign * <int64_t> high
        sum_.pending += 1
        if sum_.pending == PATIENCE:
            exact_carry(sum_)


cdef Twin exact_twin(Exact* sum_, int* scale) noexcept nogil:
    """The sum times 2**scale; scale is not 0 where the sum itself would overflow."""
    cdef int i, top
    cdef bint negative
    cdef Twin total, limb
    scale[0] = 0
    total.hi = sum_.special
    total.lo = 0.0
    if total.hi != 0.0:
        return total
    exact_carry(sum_)
    negative = sum_.limb[LIMBS - 1] < 0
    if negative:
        for i in range(LIMBS):
            sum_.limb[i] = -sum_.limb[i]
        exact_carry(sum_)
    top = LIMBS - 1
    while top > 0 and sum_.limb[top] == 0:
        top -= 1
    scale[0] = -96 if 32 * top > 2048 else 0
    for i in range(top, -1 if top < 4 else top - 5, -1):
        limb.hi = ldexp(<double> sum_.limb[i], 32 * i - 1074 + scale[0])
        limb.lo = 0.0
        total = added[Twin](total, limb)
    if negative:
        total.hi = -total.hi
        total.lo = -total.lo
    return total

# A window's norm with its greatest magnitude taken out, which no power overflows.
cdef struct Norm:
    double exponent
    double peak
    Twin total
    bint omits
    int64_t seen
    int64_t nans


cdef void widest(Norm* norm, const double* src, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t j
    for j in range(n):
        norm.seen += src[j] == src[j]
        norm.nans += src[j] != src[j]
        if src[j] > norm.peak or (src[j] != src[j] and not norm.omits):
            norm.peak = src[j]


cdef void norm_add(Norm* norm, const double* src, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t j
    cdef Twin power
    power.lo = 0.0
    for j in range(n):
        if src[j] == src[j] and isfinite(norm.peak) and norm.peak > 0.0:
            power.hi = pow(src[j] / norm.peak, norm.exponent)
            norm.total = added[Twin](norm.total, power)


cdef double norm_of(const Norm* norm) noexcept nogil:
    if isfinite(norm.peak) and norm.peak > 0.0:
        return norm.peak * root(norm.total.hi + norm.total.lo, norm.exponent)
    return NAN if norm.seen == 0 and norm.nans > 0 else norm.peak
