# Row operations: sums into output, divided and rounded once.


cdef inline out_t settled(double x, out_t* tag) noexcept nogil:
    """x as an output element: floats round once more, integers half to even and saturate."""
    cdef double least, above, y
    cdef out_t half
    if out_t is Half or out_t is Brain:
        half.bits = half_bits(x, tag)
        return half
    elif out_t is float or out_t is double:
        return <out_t> x
    else:
        if out_t is uint8_t or out_t is uint16_t or out_t is uint32_t or out_t is uint64_t:
            least = 0.0
            above = 2.0 * (<double> ((<uint64_t> 1) << (8 * sizeof(out_t) - 1)))
        else:
            above = <double> ((<uint64_t> 1) << (8 * sizeof(out_t) - 1))
            least = -above
        # Nested selects, so that it vectorises; NaN, which is no integer, becomes 0.
        y = x if x > least else least
        y = y if x == x else 0.0
        if sizeof(out_t) < 8:
            y = y if y < above - 1.0 else above - 1.0
            # Adding 1.5 * 2**52 leaves no bits for a fraction: rint, but on every processor.
            return <out_t> ((y + 6755399441055744.0) - 6755399441055744.0)
        y = rint(y)
        return <out_t> y if y < above else worst[out_t](tag, LEAST)


cdef inline out_t settled_small(float x, out_t* tag) noexcept nogil:
    """The same for a quotient below 2**16 in magnitude: float has room for it and its half."""
    cdef int32_t y, least, most
    if out_t is Half or out_t is Brain:
        return settled[out_t](<double> x, tag)
    elif out_t is float or out_t is double:
        return <out_t> x
    else:
        least = 0
        most = 65535
        if out_t is int8_t:
            least = -128
        elif out_t is int16_t:
            least = -32768
        elif out_t is int32_t or out_t is int64_t:
            least = -65535
        if out_t is uint8_t:
            most = 255
        elif out_t is int8_t:
            most = 127
        elif out_t is int16_t:
            most = 32767
        y = <int32_t> ((x + <float> 12582912.0) - <float> 12582912.0)
        y = y if y > least else least
        return <out_t> (y if y < most else most)


cdef inline double quotient(Twin x, double divisor, bint whole) noexcept nogil:
    """(hi + lo) / divisor: the remainder of the first division is carried into a second.

    If the result is to be `whole`, what only seems to be halfway is rounded by what is left.
    """
    cdef double total = x.hi + x.lo
    cdef double q, rest
    q = (total if isfinite(total) else x.hi) / divisor
    if divisor != 1.0 and isfinite(total) and isfinite(q):
        q = q + (fma(-q, divisor, total) + ((x.hi - total) + x.lo)) / divisor
    if whole and fabs(q - rint(q)) == 0.5:
        rest = fma(-q, divisor, x.hi) + x.lo
        if rest != 0.0:
            q += 0.5 if (rest > 0.0) == (divisor > 0.0) else -0.5
    return q


cdef inline void put_quotient(
    out_t* dst, Twin x, double divisor, bint whole) noexcept nogil:
    """dst[0] = x / divisor, rounded once."""
    cdef double q = quotient(x, divisor, whole), size = fabs(q), more
    cdef uint64_t magnitude = 0
    if out_t is int64_t or out_t is uint64_t:
        if 2.0**52 <= size <= 2.0**64:
            # What double has no digits for: a whole number, and what is left of it may be another.
            more = rint(quotient(two_sum(fma(-q, divisor, x.hi), x.lo), divisor, True))
            more = -more if q < 0.0 else more
            if size < 2.0**64 or more < 0.0:
                if size < 2.0**64:
                    magnitude = <uint64_t> size
                dst[0] = placed(magnitude + <uint64_t> <int64_t> more, q < 0.0, dst)
                return
    put(dst, q)


cdef inline Twin present(Sparse x) noexcept nogil:
    """The sum of what is not NaN; NaN if nothing is left of the elements."""
    if x.seen == 0 and x.nans > 0:
        return twin(NAN, 0.0)
    return twin(x.hi, x.lo)


cdef inline out_t wrapped(uint64_t x, out_t* tag) noexcept nogil:
    """x modulo what an integer type holds; sums that wrap never go into a float."""
    if out_t is Half or out_t is Brain:
        return settled(0.0, tag)
    else:
        return <out_t> x


cdef inline out_t divided(Wide x, double divisor, out_t* tag) noexcept nogil:
    """The exact quotient of a 128-bit integer by an integer below 2**53, rounded once."""
    cdef bint negative = (x.hi < 0) != (divisor < 0)
    cdef uint64_t lo = <uint64_t> 0 - x.lo if x.hi < 0 else x.lo
    cdef uint64_t hi = <uint64_t> x.hi
    cdef uint64_t d = <uint64_t> fabs(divisor), rest = 0, q = 0
    cdef int exponent = 0, i
    cdef double sign = -1.0 if negative else 1.0
    if x.hi < 0:
        hi = ~hi + (lo == 0)
    if d == 0:
        return settled[out_t](NAN, tag)
    if hi == 0 and lo == 0:
        return settled(0.0, tag)
    if hi == 0 and lo >> 52 == 0 and d >> 28 == 0:
        return settled[out_t](sign * (<double> lo / <double> d), tag)
    if out_t is float or out_t is double or out_t is Half or out_t is Brain:
        # Long division, a bit at a time, until 64 significant bits are there; a remainder is
        # kept in the last bit, so that the one rounding below sees it.
        for i in range(128):
            rest = rest << 1 | hi >> 63
            hi = hi << 1 | lo >> 63
            lo <<= 1
            q <<= 1
            if rest >= d:
                rest -= d
                q |= 1
            if q >> 63:
                exponent = 127 - i
                break
        else:
            while q >> 63 == 0:
                rest <<= 1
                q <<= 1
                exponent -= 1
                if rest >= d:
                    rest -= d
                    q |= 1
        q |= (hi | lo | rest) != 0
        if out_t is Half or out_t is Brain:
            # 53 bits, the last of which still tells of a remainder, are more than enough.
            q = q >> 11 | ((q & 0x7FF) != 0)
            return settled[out_t](sign * ldexp(<double> q, exponent + 11), tag)
        else:
            return <out_t> (sign * ldexp(<double> <out_t> q, exponent))
    else:
        for i in range(128):
            if q >> 63:
                return settled[out_t](sign * INFINITY, tag)
            rest = rest << 1 | hi >> 63
            hi = hi << 1 | lo >> 63
            lo <<= 1
            q <<= 1
            if rest >= d:
                rest -= d
                q |= 1
        if 2 * rest > d or (2 * rest == d and q & 1):
            if q == <uint64_t> -1:
                return settled[out_t](sign * INFINITY, tag)
            q += 1
        return placed[out_t](q, negative, tag)


cdef inline out_t placed(uint64_t magnitude, bint negative, out_t* tag) noexcept nogil:
    """A sign and a magnitude as an integer element, saturated."""
    cdef uint64_t top
    if out_t is float or out_t is double or out_t is Half or out_t is Brain:
        return settled(0.0, tag)
    elif out_t is uint8_t or out_t is uint16_t or out_t is uint32_t or out_t is uint64_t:
        top = <uint64_t> <out_t> -1
        if negative:
            return 0
        return <out_t> (magnitude if magnitude < top else top)
    else:
        top = ((<uint64_t> 1) << (8 * sizeof(out_t) - 1)) - 1
        if negative:
            top += 1
        if magnitude > top:
            magnitude = top
        return <out_t> (<uint64_t> 0 - magnitude if negative else magnitude)


cdef inline sum_t shifted(sum_t x, int shift) noexcept nogil:
    """x / 2**shift, half to even; it may be up to 2**(shift - 1) below the greatest."""
    cdef sum_t half
    if sum_t is Twin or sum_t is Wide or sum_t is Sparse or sum_t is double:
        return x
    else:
        # Just below a half is added, and a half where what is before the point is odd.
        half = <sum_t> ((<sum_t> 1) << (shift - 1))
        return <sum_t> (<sum_t> (x + (half - 1) + ((x >> shift) & 1)) >> shift)


cdef inline void shifted_row(
    out_t* dst, const sum_t* src, Py_ssize_t n, int shift, bint is_signed,
    bint saturates) noexcept nogil:
    """dst[j] = src[j] / 2**shift, half to even, where sums are wider than elements.

    Without conversions, divisions and wider lanes.  Signed numbers are moved up by the least one.
    """
    cdef Py_ssize_t j
    cdef sum_t x, up, moved, half, least, most, top
    if sum_t is Twin or sum_t is Wide or sum_t is Sparse or sum_t is double:
        pass
    elif out_t is float or out_t is double or out_t is Half or out_t is Brain:
        pass
    elif sizeof(out_t) < sizeof(sum_t):
        half = <sum_t> ((<sum_t> 1) << (shift - 1))
        up = <sum_t> ((<uint64_t> is_signed) << (8 * sizeof(sum_t) - 1))
        moved = <sum_t> (up >> shift)
        least = 0
        if is_signed:
            least = <sum_t> (moved + <sum_t> nothing(False, dst))
        most = <sum_t> (moved + <sum_t> nothing(True, dst))
        top = <sum_t> (<sum_t> -1 - half)   # what is above saturates
        if not saturates:
            for j in range(n):
                dst[j] = <out_t> (shifted[sum_t](<sum_t> (src[j] + up), shift) - moved)
            return
        for j in range(n):
            x = <sum_t> (src[j] + up)
            x = x if x < top else top
            x = shifted[sum_t](x, shift)
            x = x if x > least else least
            x = x if x < most else most
            dst[j] = <out_t> (x - moved)


cdef inline void inverted_row(
    out_t* dst, const sum_t* src, Py_ssize_t n, const double* inverses,
    bint is_signed) noexcept nogil:
    """dst[j] = src[j] * inverses[j], rounded as if divided.

    Sums and divisors are below 2**24, and integers hold all quotients.  A product is nearer to its
    quotient than that is to halfway between two results, unless it is just there: a float's never
    is, and for integers, products are first rounded to a grid that what is halfway is on.
    """
    cdef Py_ssize_t j
    cdef double y
    cdef float z
    if not (sum_t is uint16_t or sum_t is uint32_t):
        pass
    elif sum_t is uint32_t and out_t is float:
        for j in range(n):
            dst[j] = <out_t> (<double> <int32_t> src[j] * inverses[j])
    elif sum_t is uint16_t and (out_t is uint8_t or out_t is int8_t):
        for j in range(n):      # divisors are up to 256
            z = <float> (<int32_t> signed_value(src[j]) if is_signed else <int32_t> src[j])
            z = (z * <float> inverses[j] + <float> 12288.0) - <float> 12288.0
            z = z + <float> 12582912.0      # whose lowest bits are the integer
            dst[j] = <out_t> (<uint32_t*> &z)[0]
    elif sum_t is uint32_t and (
            out_t is uint8_t or out_t is int8_t or out_t is uint16_t or out_t is int16_t):
        for j in range(n):
            y = <double> <int32_t> src[j] * inverses[j]
            y = (y + 6291456.0) - 6291456.0
            y = y + 6755399441055744.0
            dst[j] = <out_t> (<uint64_t*> &y)[0]


cdef inline out_t one_nan(out_t x) noexcept nogil:
    """x, or if it is NaN one with all bits set: which of two NaNs a sum keeps is not defined."""
    if out_t is float:
        (<uint32_t*> &x)[0] |= <uint32_t> 0 - <uint32_t> (x != x)
    elif out_t is double:
        (<uint64_t*> &x)[0] |= <uint64_t> 0 - <uint64_t> (x != x)
    return x

cdef enum:
    ROUNDED = 256       # 16-bit floats that are rounded at once


cdef void halves_finish(
    half_t* dst, const double* src, Py_ssize_t n, const double* factors) noexcept nogil:
    """dst[j] = src[j] * factors[j], which is scaled as half_term() has it."""
    cdef float nearest[ROUNDED]
    cdef uint32_t low[ROUNDED]
    cdef uint32_t doubtful
    cdef Py_ssize_t j, m
    cdef double x
    while n > 0:
        m = min(n, <Py_ssize_t> ROUNDED)
        doubtful = 0
        for j in range(m):      # two loops, each of lanes of one size
            x = src[j] * factors[j]
            nearest[j] = <float> x
            low[j] = <uint32_t> (<uint64_t*> &x)[0]
        for j in range(m):
            (<uint16_t*> dst)[j] = <uint16_t> half_near(nearest[j], low[j], &doubtful, dst)
        for j in range(m if doubtful != 0 else 0):
            x = src[j] * factors[j] * 2.0**127
            (<uint16_t*> dst)[j] = <uint16_t> (
                half_of(x, True, dst) | (<uint64_t> 0 - <uint64_t> (x != x)))
        dst += m
        src += m
        factors += m
        n -= m


cdef void sum_finish(
    out_t* dst, Py_ssize_t dst_pitch, const sum_t* src, Py_ssize_t src_pitch, Py_ssize_t rows,
    Py_ssize_t n, const double* factors, Ending ending) noexcept nogil:
    """dst[r, j] = src[r, j] over its divisor; factors[r, j] is that or, for double too, its inverse."""
    cdef Py_ssize_t j, r
    # No more than there are bits, or compilers would shift in wider lanes.
    cdef int shift = ending.shift & <int> (8 * sizeof(sum_t) - 1)
    cdef double divisor
    cdef bint whole = True
    if out_t is float or out_t is double or out_t is Half or out_t is Brain:
        whole = False
    if dst_pitch == n * sizeof(dst[0]) and src_pitch == n * sizeof(src[0]):
        n *= rows
        rows = 1
    for r in range(rows):
        if sum_t is Twin:
            for j in range(n):
                put_quotient(dst + j, src[j], factors[j], whole)
        elif sum_t is Sparse:
            for j in range(n):
                divisor = factors[j] - src[j].nans if ending.averages else factors[j]
                put_quotient(dst + j, present(src[j]), divisor, whole)
        elif sum_t is Wide:
            for j in range(n):
                dst[j] = divided[out_t](src[j], factors[j], dst)
        elif sum_t is double:
            # Half a unit of float32 is 2**28 roundings of double: the inverse is near enough.
            if out_t is Half or out_t is Brain:
                halves_finish(dst, src, n, factors)
            else:
                for j in range(n):
                    put(dst + j, src[j] * factors[j])
        elif ending.wraps:
            if ending.is_signed:
                for j in range(n):
                    dst[j] = wrapped(<uint64_t> signed_value(src[j]), dst)
            else:
                for j in range(n):
                    dst[j] = wrapped(<uint64_t> src[j], dst)
        elif shift > 0:
            shifted_row(dst, src, n, shift, ending.is_signed, ending.saturates)
        elif ending.inverts:
            if ending.is_signed:
                inverted_row(dst, src, n, factors, True)
            else:
                inverted_row(dst, src, n, factors, False)
        elif sum_t is uint16_t and not (out_t is double):
            # Quotients of 16-bit sums, and the halves between them, are exact enough in float.
            if ending.is_signed:
                for j in range(n):
                    dst[j] = settled_small[out_t](
                        <float> signed_value(src[j]) / <float> factors[j], dst)
            else:
                for j in range(n):
                    dst[j] = settled_small[out_t](<float> src[j] / <float> factors[j], dst)
        elif ending.is_signed:
            for j in range(n):
                put(dst + j, <double> signed_value(src[j]) / factors[j])
        else:
            for j in range(n):
                put(dst + j, <double> src[j] / factors[j])
        dst = <out_t*> (<char*> dst + dst_pitch)
        src = <const sum_t*> (<const char*> src + src_pitch)
        factors += n
