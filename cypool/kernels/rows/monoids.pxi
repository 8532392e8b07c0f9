# The monoids: what is greater, and what is added up, of elements and accumulators of each type.


cdef inline bint above(Wide a, Wide b) noexcept nogil:
    return a.hi > b.hi or (a.hi == b.hi and a.lo > b.lo)


cdef inline int order_of(order_t* _) noexcept nogil:
    """What a tag wants, which is a literal to the compiler."""
    if order_t is Most:
        return MOST
    elif order_t is Least:
        return LEAST
    elif order_t is MostOther:
        return MOST_OTHER
    else:
        return LEAST_OTHER


cdef inline bint wants_most(int order) noexcept nogil:
    return order == MOST or order == MOST_OTHER


cdef inline bint is_other(int order) noexcept nogil:
    return order == MOST_OTHER or order == LEAST_OTHER


# What is NaN wins.  A comparison takes b if either is: of several elements in turn, a NaN is lost
# unless it is the last.  Whether there was one, of two elements in one instruction, is told at the
# end by setting all bits, which is a NaN, too.
cdef inline elem_t preferred(elem_t a, elem_t b, int order) noexcept nogil:
    """The better of two numbers; b if either is NaN."""
    if elem_t is Wide:
        if wants_most(order):
            return a if above(a, b) else b
        else:
            return b if above(a, b) else a
    elif wants_most(order):
        return a if a > b else b
    else:
        return a if a < b else b


cdef inline uint32_t unordered(elem_t a, elem_t b, int order) noexcept nogil:
    """Whether either is NaN."""
    if elem_t is float:
        return 0 if is_other(order) else unordered_floats(a, b)
    elif elem_t is double:
        return 0 if is_other(order) else unordered_doubles(a, b)
    else:
        return 0


cdef inline elem_t unless_nan(elem_t x, uint32_t nan, int order) noexcept nogil:
    """x, or NaN if there was one."""
    if elem_t is float:
        if not is_other(order):
            (<uint32_t*> &x)[0] |= <uint32_t> 0 - nan
    elif elem_t is double:
        if not is_other(order):
            (<uint64_t*> &x)[0] |= <uint64_t> 0 - nan
    return x


cdef inline elem_t better(elem_t a, elem_t b, int order) noexcept nogil:
    return unless_nan(preferred(a, b, order), unordered(a, a, order), order)


cdef inline elem_t worst(elem_t* _, int order) noexcept nogil:
    """The identity of max (min): the least (greatest) value of the type."""
    cdef elem_t wide
    cdef bint most = wants_most(order)
    if elem_t is Wide:
        wide.hi = <int64_t> (((<uint64_t> 1) << 63) - (0 if most else 1))
        wide.lo = <uint64_t> (0 if most else -1)
        return wide
    elif elem_t is float or elem_t is double:
        return -INFINITY if most else INFINITY
    elif elem_t is uint8_t or elem_t is uint16_t or elem_t is uint32_t or elem_t is uint64_t:
        return <elem_t> (0 if most else -1)
    else:
        # In unsigned arithmetic: the sign bit alone, or all but the sign bit.
        return <elem_t> (
            ((<uint64_t> 1) << (8 * sizeof(elem_t) - 1)) - (0 if most else 1))

cdef enum:
    HALF_NANS = 0x3FF   # how many NaNs of a sign there are
    BRAIN_NANS = 0x7F


cdef inline elem_t taken(elem_t x, int order) noexcept nogil:
    """An element as it is compared: the bits of a 16-bit float as a key of its order.

    Where the greatest is wanted, all keys go down so far that the NaNs below minus infinity turn up
    above infinity, where the others are; and the other way round.  So NaNs win, and the identity is
    the key of an infinity.
    """
    cdef int16_t key
    if elem_t is int16_t or elem_t is uint16_t:
        if is_other(order):
            key = <int16_t> x
            key = <int16_t> (key ^ <int16_t> (<uint16_t> (key >> 15) >> 1))
            if elem_t is int16_t:
                return <int16_t> (key - (HALF_NANS if order == MOST_OTHER else -HALF_NANS))
            else:
                key = <int16_t> (key - (BRAIN_NANS if order == MOST_OTHER else -BRAIN_NANS))
                return <uint16_t> key ^ <uint16_t> 0x8000   # which orders it as it was
    return x


cdef inline int code_of(const term_t* _) noexcept nogil:
    """The code of a type, which is a literal to the compiler."""
    if term_t is uint8_t:
        return UINT8
    elif term_t is int8_t:
        return INT8
    elif term_t is uint16_t:
        return UINT16
    elif term_t is int16_t:
        return INT16
    elif term_t is uint32_t:
        return UINT32
    elif term_t is int32_t:
        return INT32
    elif term_t is uint64_t:
        return UINT64
    elif term_t is int64_t:
        return INT64
    elif term_t is float:
        return FLOAT
    elif term_t is double:
        return DOUBLE
    elif term_t is Half:
        return HALF
    elif term_t is Brain:
        return BRAIN
    elif term_t is Wide:
        return WIDE
    elif term_t is Square:
        return SQUARE
    elif term_t is Twin:
        return TWIN
    else:
        return SPARSE


cdef inline Py_ssize_t size_of(int code) noexcept nogil:
    """The size of what has a code, in bytes."""
    if code <= INT64:
        return (<Py_ssize_t> 1) << (code // 2)
    elif code == FLOAT or code == SQUARE:
        return 4
    elif code == DOUBLE:
        return 8
    elif code == HALF or code == BRAIN:
        return 2
    return sizeof(Sparse) if code == SPARSE else sizeof(Wide)


cdef inline int64_t integer(const char* src, Py_ssize_t j, int code) noexcept nogil:
    """The j-th of the integers of a code, modulo 2**64."""
    if code == UINT8:
        return (<const uint8_t*> src)[j]
    elif code == INT8:
        return (<const int8_t*> src)[j]
    elif code == UINT16:
        return (<const uint16_t*> src)[j]
    elif code == INT16:
        return (<const int16_t*> src)[j]
    elif code == UINT32:
        return (<const uint32_t*> src)[j]
    elif code == INT32:
        return (<const int32_t*> src)[j]
    elif code == UINT64:
        return <int64_t> (<const uint64_t*> src)[j]
    else:
        return (<const int64_t*> src)[j]


cdef inline sum_t term(const char* src, Py_ssize_t j, int code, const sum_t* _) noexcept nogil:
    """The j-th of the terms of a code, of those that such sums have."""
    cdef sum_t y
    cdef double x
    if sum_t is double:
        if code == FLOAT:
            return (<const float*> src)[j]
        elif code == HALF:
            return half_single(<uint32_t> (<const int16_t*> src)[j], <const Half*> NULL)
        elif code == BRAIN:
            return half_single(<uint32_t> (<const int16_t*> src)[j], <const Brain*> NULL)
        elif code == SQUARE:
            x = (<const float*> src)[j]
            return x * x
        else:
            return (<const double*> src)[j]
    elif sum_t is Twin:
        if code == TWIN:
            return (<const Twin*> src)[j]
        elif code == FLOAT:
            y.hi = (<const float*> src)[j]
        else:
            y.hi = (<const double*> src)[j]
        y.lo = 0.0
        return y
    elif sum_t is Sparse:
        if code == SPARSE:
            return (<const Sparse*> src)[j]
        x = (<const double*> src)[j]
        y.hi = x if x == x else 0.0
        y.lo = 0.0
        y.nans = x != x
        y.seen = 1 - y.nans
        return y
    elif sum_t is Wide:
        if code == WIDE:
            return (<const Wide*> src)[j]
        y.lo = <uint64_t> integer(src, j, code)
        y.hi = -1 if code != UINT64 and integer(src, j, code) < 0 else 0
        return y
    else:
        return <sum_t> integer(src, j, code)


cdef inline sum_t added(sum_t a, sum_t b) noexcept nogil:
    cdef double hi, t, lo
    cdef sum_t y
    if sum_t is Twin or sum_t is Sparse:
        hi = a.hi + b.hi
        t = hi - a.hi
        lo = (a.hi - (hi - t)) + (b.hi - t)
        y.hi = hi
        y.lo = lo + (a.lo + b.lo)
        if sum_t is Sparse:
            y.seen = a.seen + b.seen
            y.nans = a.nans + b.nans
        return y
    elif sum_t is Wide:
        y.lo = a.lo + b.lo
        y.hi = <int64_t> (<uint64_t> a.hi + <uint64_t> b.hi + (y.lo < a.lo))
        return y
    else:
        return <sum_t> (a + b)


cdef inline Twin twin(double hi, double lo) noexcept nogil:
    cdef Twin x
    x.hi = hi
    x.lo = lo
    return x


# The same of elements, whose lower parts need not be added: what a sum leaves is never -0.0.
cdef inline Twin two_sum(double a, double b) noexcept nogil:
    cdef double total = a + b, t = total - a
    return twin(total, (a - (total - t)) + (b - t))


cdef inline Twin with_one(Twin a, double b) noexcept nogil:
    cdef Twin x = two_sum(a.hi, b)
    x.lo = x.lo + a.lo
    return x
