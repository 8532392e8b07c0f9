# Elements on their way into the row operations, and what these leave on its way out.
#
# Where the row operations cannot take elements as they are, rows are mapped to carriers first, and
# a finish turns accumulators of carriers into output:
#
#   elements                       carriers                          row operations
#   short rows of 16-bit floats    float                             sum
#   floats, to leave NaNs out      integers of the same order        max
#   anything, for |x|**p           double                            sum
#   float32, for its square        itself                            sum of squares
#   floats, NaNs left out          double                            sum that counts NaNs
#   16-bit floats, for float64     double                            sum
#   anything, with its index       integers of rank and index        max
#
# All orders become max: where the least element is wanted, its rank is complemented.

ctypedef fused half_t:
    Half
    Brain

ctypedef fused key_t:
    int16_t
    int32_t
    int64_t

ctypedef fused packed_t:
    int64_t
    Wide

# What the maps do, as Plan's argument `mapping` names it.
cdef enum:
    MAP_NONE = 0
    MAP_WIDEN = 1           # 16-bit floats to float
    MAP_RANK = 2            # floats to keys of their order
    MAP_POWER = 3           # anything to |x|**p in double
    MAP_NUMBER = 4          # floats to double
    MAP_PACK = 5            # rank and index in 64 bits
    MAP_PACK_WIDE = 6       # rank and index in 64 bits each
    MAP_SQUARE = 7          # floats to their squares, as they are added up
    MAP_SLOPE = 8           # anything to sign(x) |x|**(p - 1) in double; beside outputs only


# ---------------------------------------------------------------------------------------------
# 16-bit floats
# ---------------------------------------------------------------------------------------------

cdef inline float half_single(uint32_t bits, const half_t* _) noexcept nogil:
    """The value of a 16-bit float, of a float16 times 2**-112: its exponent's bits are as they are.

    `bits` are extended by the sign.  Floats have subnormal numbers, doubles made of these do not.
    """
    if half_t is Brain:
        bits <<= 16
    else:
        bits = bits << 13 & <uint32_t> 0x8FFFE000
        # What is not finite has all bits of the exponent set.
        bits |= (<uint32_t> 0x7F800000
                 if bits & <uint32_t> 0x0F800000 == <uint32_t> 0x0F800000 else <uint32_t> 0)
    return (<float*> &bits)[0]


cdef inline double half_scale(const half_t* _) noexcept nogil:
    """What half_single() is to be multiplied by."""
    return 1.0 if half_t is Brain else 2.0**112


cdef inline float half_term(uint32_t two, int i, const half_t* _) noexcept nogil:
    """The i-th of two finite 16-bit floats in one lane, as half_single() makes it."""
    cdef uint32_t bits = two if i == 1 else two << 16
    if half_t is Brain:
        bits &= <uint32_t> 0xFFFF0000
    else:
        # Extended by the sign, which so comes to stay where it was.
        bits = <uint32_t> (<int32_t> bits >> 3) & <uint32_t> 0x8FFFE000
    return (<float*> &bits)[0]


cdef inline uint32_t half_of_term(float x, const half_t* _) noexcept nogil:
    """The bits of the 16-bit float nearest to x, which is as half_term() has it, ties to even."""
    cdef uint32_t bits = (<uint32_t*> &x)[0]
    if half_t is Brain:
        return (bits + 0x7FFF + (bits >> 16 & 1)) >> 16
    bits += 0xFFF + (bits >> 13 & 1)
    return (bits >> 13 & 0x7FFF) | (bits >> 16 & 0x8000)


cdef inline uint64_t half_of(double x, bint product, const half_t* _) noexcept nogil:
    """The bits of the 16-bit float nearest to x over 2**1023, ties to even; NaN becomes infinite.

    So x has exponents as 16-bit floats have them, and 1023 more.  A `product` of a sum and the
    inverse of a number is off by two units of its last digit at most: what is so near to the
    middle of two floats is taken to lie there.
    """
    cdef int digits = 7 if half_t is Brain else 10
    cdef uint64_t least = <uint64_t> 1024 << 52     # the exponent of subnormal numbers
    cdef uint64_t most = <uint64_t> ((255 if half_t is Brain else 31) + 1023) << 52     # of infinity
    cdef uint64_t bits = (<uint64_t*> &x)[0], size, power, larger, sum_bits
    cdef double sum_
    size = bits & <uint64_t> 0x7FFFFFFFFFFFFFFF
    if product:
        size = (bits + 4) & <uint64_t> 0x7FFFFFFFFFFFFFF8
    size = size if size < most else most
    power = size if size > least else least
    power &= <uint64_t> 0x7FF << 52
    # A power of two is added, so much greater that there is room for the digits only; with the
    # leading one that normal numbers have, they are added to the exponent before.
    larger = power + (<uint64_t> (52 - digits) << 52)
    sum_ = (<double*> &size)[0] + (<double*> &larger)[0]
    sum_bits = (<uint64_t*> &sum_)[0] + (power >> (52 - digits)) - (<uint64_t> 1024 << digits)
    return (sum_bits & <uint64_t> 0x7FFF) | (bits >> 48 & <uint64_t> 0x8000)


cdef inline uint32_t half_near(
    float nearest, uint32_t low, uint32_t* doubtful, const half_t* tag) noexcept nogil:
    """half_of() of a product from the float nearest to it and the low half of its bits.

    It is scaled as half_term() has it.  `doubtful` is set where that is not good enough: where the
    float, but maybe not the product, lies in the middle of two 16-bit floats, so that rounding
    twice may be wrong; and where nothing finite is near.
    """
    cdef int digits = 16 if half_t is Brain else 13     # to be lost
    cdef uint32_t middle = (<uint32_t> 1) << (digits - 1)
    cdef uint32_t bits = (<uint32_t*> &nearest)[0], size = bits & <uint32_t> 0x7FFFFFFF
    cdef uint32_t near, rest, odd, beyond = 0x7F800000 if half_t is Brain else 0x0F800000
    # What the float does not have of the product; of subnormal ones, more.
    rest = ((low + 4) & <uint32_t> 0x1FFFFFF8) | <uint32_t> (size < 0x00800000)
    near = (size + middle) >> digits
    odd = 1 if size & (2 * middle - 1) == middle else 0
    doubtful[0] |= (rest if odd else <uint32_t> 0) | <uint32_t> (size >= beyond)
    return (near & ~odd) | (bits >> 16 & 0x8000)


cdef inline uint16_t half_bits(double x, half_t* tag) noexcept nogil:
    """The bits of the nearest 16-bit float; NaN is the one with all bits set."""
    cdef double scale = 2.0**127 if half_t is Brain else 2.0**15
    return <uint16_t> (half_of(x * scale, False, tag)
                       | (<uint64_t> 0 - <uint64_t> (x != x)))


cdef inline double number(in_t x) noexcept nogil:
    if in_t is Half or in_t is Brain:
        return half_single(<uint32_t> <int16_t> x.bits, &x) * half_scale(&x)
    else:
        return <double> x


cdef inline bint is_nan(in_t x) noexcept nogil:
    if in_t is Half:
        return (x.bits & 0x7FFF) > 0x7C00
    elif in_t is Brain:
        return (x.bits & 0x7FFF) > 0x7F80
    elif in_t is float or in_t is double:
        return x != x
    else:
        return False


# ---------------------------------------------------------------------------------------------
# Ranks: integers of the elements' order
# ---------------------------------------------------------------------------------------------

cdef inline int64_t rank(in_t x) noexcept nogil:
    """An integer that is greater for the greater of two elements; NaN aside."""
    cdef int16_t bits16
    cdef int32_t bits32
    cdef int64_t bits64
    if in_t is Half or in_t is Brain:
        bits16 = <int16_t> x.bits
        return <int16_t> (bits16 ^ <int16_t> (<uint16_t> (bits16 >> 15) >> 1))
    elif in_t is float:
        bits32 = (<int32_t*> &x)[0]
        return bits32 ^ <int32_t> (<uint32_t> (bits32 >> 31) >> 1)
    elif in_t is double:
        bits64 = (<int64_t*> &x)[0]
        return bits64 ^ <int64_t> (<uint64_t> (bits64 >> 63) >> 1)
    elif in_t is uint32_t:
        return <int64_t> x - <int64_t> 0x80000000
    elif in_t is uint64_t:
        return <int64_t> (x ^ <uint64_t> 0x8000000000000000)
    else:
        return <int64_t> x


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


cdef inline key_t tied_key(in_t x, key_t flip, key_t nan) noexcept nogil:
    """The rank by which to look for the first of the greatest: -0.0 and 0.0 have the same."""
    cdef key_t key = <key_t> rank(x)
    if in_t is float or in_t is double or in_t is Half or in_t is Brain:
        key = <key_t> (key + (key == -1))      # -0.0
        key = <key_t> (key ^ flip)
        return nan if is_nan(x) else key
    else:
        return <key_t> (key ^ flip)


# ---------------------------------------------------------------------------------------------
# Maps
# ---------------------------------------------------------------------------------------------
# dst[j, c] = map of src[j, c] for j < n and c < inner; the first element has the index `index`.

cdef void to_single(
    float* dst, const half_t* src, Py_ssize_t n, Py_ssize_t inner, int64_t index,
    const Mapping* how) noexcept nogil:
    cdef Py_ssize_t j
    for j in range(n * inner):
        dst[j] = half_single(<uint32_t> <int16_t> src[j].bits, src)


cdef void to_number(
    double* dst, const in_t* src, Py_ssize_t n, Py_ssize_t inner, int64_t index,
    const Mapping* how) noexcept nogil:
    cdef Py_ssize_t j
    for j in range(n * inner):
        dst[j] = number(src[j])


cdef void to_key(
    key_t* dst, const in_t* src, Py_ssize_t n, Py_ssize_t inner, int64_t index,
    const Mapping* how) noexcept nogil:
    cdef Py_ssize_t j
    cdef key_t flip = <key_t> how.flip, nan = <key_t> how.nan, key
    for j in range(n * inner):
        key = <key_t> (<key_t> rank(src[j]) ^ flip)
        dst[j] = nan if is_nan(src[j]) else key


cdef inline bint is_small(double exponent) noexcept nogil:
    """Whether small_power() takes an exponent."""
    return 0.0 <= exponent < 16.0 and exponent == rint(exponent)


cdef inline double small_power(double x, int exponent) noexcept nogil:
    """x ** exponent; the selects are the same for every x, so that loops over it vectorise."""
    cdef double y = x if exponent & 1 else 1.0
    x *= x
    y *= x if exponent & 2 else 1.0
    x *= x
    y *= x if exponent & 4 else 1.0
    x *= x
    y *= x if exponent & 8 else 1.0
    return y


cdef inline double bounded(double power, double x) noexcept nogil:
    """A power of |x|, but 0 and infinite only if x is; by mere minima and maxima."""
    cdef double size = fabs(x)
    cdef double least = size if size < 2.2250738585072014e-308 else 2.2250738585072014e-308
    cdef double most = size if size > 1.7976931348623157e+308 else 1.7976931348623157e+308
    power = least if least > power else power
    return most if most < power else power


cdef enum:
    POWERS = 256        # powers and roots that are made together, of whatever type they are


cdef void powers(double* x, Py_ssize_t n, double exponent) noexcept nogil:
    """|x|**exponent in place of x, but 0 and infinite only if x is."""
    cdef Py_ssize_t j
    cdef int times
    if is_small(exponent):
        times = <int> exponent
        for j in range(n):
            x[j] = bounded(small_power(fabs(x[j]), times), x[j])
    else:
        for j in range(n):
            x[j] = bounded(pow(fabs(x[j]), exponent), x[j])


cdef void slopes(double* x, Py_ssize_t n, double exponent) noexcept nogil:
    """sign(x) |x|**exponent in place of x, and 0 (of either sign) only if x is."""
    cdef Py_ssize_t j
    cdef double y
    cdef int times
    if exponent == 1.0:
        return
    elif is_small(exponent):
        times = <int> exponent
        for j in range(n):
            y = copysign(small_power(fabs(x[j]), times), x[j])
            y = y if x[j] == x[j] else x[j]
            x[j] = 0.0 if x[j] == 0.0 else y
    else:
        for j in range(n):
            # The norm of what is infinite is: the slope is no number.
            y = copysign(pow(fabs(x[j]), exponent), x[j]) if fabs(x[j]) < INFINITY else NAN
            x[j] = 0.0 if x[j] == 0.0 else y


cdef void to_power(
    double* dst, const in_t* src, Py_ssize_t n, Py_ssize_t inner, int64_t index,
    const Mapping* how) noexcept nogil:
    """|x|**p: the range of an item shows what is out of range."""
    cdef Py_ssize_t begin = 0, j, m
    n *= inner
    if how.exponent == 1.0:
        for j in range(n):
            dst[j] = fabs(number(src[j]))
        return
    while begin < n:
        m = min(n - begin, <Py_ssize_t> POWERS)
        to_number(dst + begin, src + begin, m, 1, index, how)
        powers(dst + begin, m, how.exponent)
        begin += m


cdef void to_slope(
    double* dst, const in_t* src, Py_ssize_t n, Py_ssize_t inner, int64_t index,
    const Mapping* how) noexcept nogil:
    """sign(x) |x|**(p - 1)."""
    cdef Py_ssize_t begin = 0, m
    n *= inner
    while begin < n:
        m = min(n - begin, <Py_ssize_t> POWERS)
        to_number(dst + begin, src + begin, m, 1, index, how)
        slopes(dst + begin, m, how.exponent - 1.0)
        begin += m


cdef void to_packed(
    packed_t* dst, const in_t* src, Py_ssize_t n, Py_ssize_t inner, int64_t index,
    const Mapping* how) noexcept nogil:
    """The rank above the complement of the index: of equal elements, the first is the greatest."""
    cdef Py_ssize_t j, c
    cdef int64_t flip = how.flip, nan = how.nan
    cdef int32_t flip32 = <int32_t> flip, nan32 = <int32_t> nan
    cdef uint64_t last = <uint64_t> ~index, step = <uint64_t> how.step
    cdef uint64_t inner_step = <uint64_t> how.inner_step
    if inner == 1:
        inner = n
        inner_step = step
        n = 1
    for j in range(n):
        if packed_t is int64_t:
            for c in range(inner):
                dst[c] = (<int64_t> (<uint64_t> tied_key(src[c], flip32, nan32) << 32)
                          | <int64_t> (<uint32_t> last - <uint32_t> c * <uint32_t> inner_step))
        else:
            for c in range(inner):
                dst[c].hi = tied_key(src[c], flip, nan)
                dst[c].lo = last - <uint64_t> c * inner_step
        dst += inner
        src += inner
        last -= step


# ---------------------------------------------------------------------------------------------
# Finishes
# ---------------------------------------------------------------------------------------------

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


# The gradient of a norm, in two poolings.  With y the norm of a window and g what it is given, the
# first makes g / y**(p - 1) of the powers; the second adds these up over the windows that an element
# x is in, times sign(x) |x|**(p - 1).  What they multiply by, factors, lies beside the output.

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


# ---------------------------------------------------------------------------------------------
# Choosing
# ---------------------------------------------------------------------------------------------

cdef void map_from(in_t* _, int mapping, Rows* rows, int* carrier) noexcept:
    """The map of elements of a type, and the code of the type that it maps to."""
    if mapping == MAP_WIDEN:
        if in_t is Half or in_t is Brain:
            rows.map = <map_f> to_single[in_t]
        carrier[0] = 8
    elif mapping == MAP_RANK:
        if in_t is Half or in_t is Brain:
            rows.map = <map_f> to_key[int16_t, in_t]
            rows.finish = <finish_f> key_finish[in_t, int16_t]
            carrier[0] = 3
        elif in_t is float:
            rows.map = <map_f> to_key[int32_t, in_t]
            rows.finish = <finish_f> key_finish[float, int32_t]
            carrier[0] = 5
        elif in_t is double:
            rows.map = <map_f> to_key[int64_t, in_t]
            rows.finish = <finish_f> key_finish[double, int64_t]
            carrier[0] = 7
    elif mapping == MAP_POWER:
        rows.map = <map_f> to_power[in_t]
        carrier[0] = 9
    elif mapping == MAP_SQUARE:
        if in_t is float:
            carrier[0] = SQUARE
    elif mapping == MAP_SLOPE:
        rows.map = <map_f> to_slope[in_t]
        carrier[0] = 9
    elif mapping == MAP_NUMBER:
        rows.map = <map_f> to_number[in_t]
        carrier[0] = 9
    elif mapping == MAP_PACK and sizeof(in_t) <= 4:
        rows.map = <map_f> to_packed[int64_t, in_t]
        rows.finish = <finish_f> packed_finish[in_t, int64_t]
        rows.indices = <finish_f> packed_indices[int64_t]
        carrier[0] = 7
    elif mapping == MAP_PACK_WIDE:
        rows.map = <map_f> to_packed[Wide, in_t]
        rows.finish = <finish_f> packed_finish[in_t, Wide]
        rows.indices = <finish_f> packed_indices[Wide]
        carrier[0] = WIDE
