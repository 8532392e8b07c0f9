# Floats of 16 bits, made wider and rounded again.

ctypedef fused half_t:
    Half
    Brain


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
    """The bits of the 16-bit float nearest to x, which is as half_term() has it, ties to even.

    They are the higher half of what is returned; the lower one is 0.
    """
    cdef uint32_t bits = (<uint32_t*> &x)[0]
    if half_t is Brain:
        return bits + 0x7FFF + (bits >> 16 & 1) & <uint32_t> 0xFFFF0000
    bits += 0xFFF + (bits >> 13 & 1)
    return (bits << 3 & <uint32_t> 0x7FFF0000) | (bits & <uint32_t> 0x80000000)


cdef inline uint64_t half_of(double x, bint product, const half_t* _) noexcept nogil:
    """The bits of the 16-bit float nearest to x over 2**1023, ties to even; NaN becomes infinite.

    So x has exponents as 16-bit floats have them, and 1023 more.  A `product` of a sum and the
    inverse of a number is off by two units of its last digit at most: what is so near to the
    middle of two floats is taken to lie there.
    """
    cdef int digits = 7 if half_t is Brain else 10
    cdef uint64_t least = <uint64_t> 1024 << 52     # the exponent of subnormal numbers
    cdef uint64_t most = <uint64_t> ((255 if half_t is Brain else 31) + 1023) << 52   # of infinity
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
