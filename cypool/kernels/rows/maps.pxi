# Elements on their way into the row operations; mapped_finishes.pxi has the way back.
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
#   floats that are shared out     double                            sum
#   anything, with its index       integers of rank and index        max
#
# All orders become max: where the least element is wanted, its rank is complemented.

ctypedef fused packed_t:
    int64_t
    Wide

ctypedef fused key_t:
    int16_t
    int32_t
    int64_t

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
    MAP_SHARE = 8           # floats to double, multiplied or divided
    MAP_SIZE = 9            # anything to |x| in double, and what is left out to -1
    MAP_SLOPE = 10          # anything to sign(x) |x|**(p - 1) in double; beside outputs only


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


cdef inline key_t tied_key(in_t x, key_t flip, key_t nan) noexcept nogil:
    """The rank by which to look for the first of the greatest: -0.0 and 0.0 have the same."""
    cdef key_t key = <key_t> rank(x)
    if in_t is float or in_t is double or in_t is Half or in_t is Brain:
        key = <key_t> (key + (key == -1))      # -0.0
        key = <key_t> (key ^ flip)
        return nan if is_nan(x) else key
    else:
        return <key_t> (key ^ flip)


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


cdef void to_size(
    double* dst, const in_t* src, Py_ssize_t n, Py_ssize_t inner, int64_t index,
    const Mapping* how) noexcept nogil:
    cdef Py_ssize_t j
    cdef double nan = -1.0 if how.nan < 0 else NAN, size
    for j in range(n * inner):
        size = fabs(number(src[j]))
        dst[j] = size if size == size else nan


cdef void to_share(
    double* dst, const in_t* src, Py_ssize_t n, Py_ssize_t inner, int64_t index,
    const Mapping* how) noexcept nogil:
    cdef Py_ssize_t j
    cdef const double* shares = how.shares
    cdef double share = how.share
    n *= inner
    if shares == NULL and how.divides:
        for j in range(n):
            dst[j] = number(src[j]) / share
    elif shares == NULL:
        for j in range(n):
            dst[j] = number(src[j]) * share
    elif how.divides:
        for j in range(n):
            dst[j] = number(src[j]) / (share * shares[j])
    else:
        for j in range(n):
            dst[j] = number(src[j]) * (share * shares[j])


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
