# The arithmetic of cypool: a pooling is a monoid over windows.
#
# One source, compiled once per instruction set (see baseline.pyx).  Every kind of pooling is an
# identity, an associative combine and a finish; the loops below know nothing else of it:
#
#   1. the input rows of each output row's window are folded element by element into a scratch row
#      ("vertical": whole contiguous rows, so it vectorises for every dtype and kind);
#   2. the scratch rows are folded along the last pooled axis ("horizontal": either the rows slid
#      over themselves, or each long run of taps reduced);
#   3. the accumulators are finished (divided, rounded) into the output.
#
# The driver at the end of the file moves bytes and calls typed row operations through pointers, so
# that it exists once; the row operations are small fused functions.

from cpython.buffer cimport (
    PyBUF_STRIDES,
    PyBUF_WRITABLE,
    Py_buffer,
    PyBuffer_Release,
    PyObject_GetBuffer,
)
from cython.parallel cimport prange, threadid
from libc.math cimport INFINITY, NAN, fabs, fma, frexp, isfinite, ldexp, pow, rint, sqrt
from libc.stdint cimport (
    int8_t,
    int16_t,
    int32_t,
    int64_t,
    uint8_t,
    uint16_t,
    uint32_t,
    uint64_t,
    uintptr_t,
)
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

cdef extern from *:
    """
    #include <fenv.h>
    #ifdef FE_INEXACT
    #define cypool_forget() feclearexcept(FE_INEXACT)
    #define cypool_rounded() (fetestexcept(FE_INEXACT) != 0)
    #else
    #define cypool_forget()
    #define cypool_rounded() 1
    #endif
    #ifdef _OPENMP
    #include <omp.h>
    #define cypool_openmp 1
    #define cypool_max_threads() omp_get_max_threads()
    #else
    #define cypool_openmp 0
    #define cypool_max_threads() 1
    #endif
    """
    bint cypool_openmp
    int cypool_max_threads() nogil
    # Whether any operation since `forget` was rounded, as the processor remembers.
    void cypool_forget() nogil
    bint cypool_rounded() nogil


# ---------------------------------------------------------------------------------------------
# Types: elements, accumulators, orders
# ---------------------------------------------------------------------------------------------

# A two's complement integer of 128 bits.
cdef struct Wide:
    uint64_t lo
    int64_t hi

# What is compared and added: elements, or the carriers that maps.pxi makes of them.
ctypedef fused elem_t:
    uint8_t
    int8_t
    uint16_t
    int16_t
    uint32_t
    int32_t
    uint64_t
    int64_t
    float
    double
    Wide

# An unevaluated sum hi + lo of two doubles (Knuth's TwoSum keeps what hi rounds away).
cdef struct Twin:
    double hi
    double lo

# The same of what is not NaN, and how many elements were and were not.
cdef struct Sparse:
    double hi
    double lo
    int64_t seen
    int64_t nans

# Accumulators of sums.  The unsigned ones are modular: signed elements are added modulo 2**bits
# and the result is read as signed in the end.
ctypedef fused sum_t:
    uint16_t
    uint32_t
    uint64_t
    double
    Twin
    Wide
    Sparse

# What a sum is made of: elements, or sums of elements.
ctypedef fused term_t:
    uint8_t
    int8_t
    uint16_t
    int16_t
    uint32_t
    int32_t
    uint64_t
    int64_t
    float
    double
    Twin
    Wide
    Sparse

# Accumulators of sums of floats.
ctypedef fused real_sum_t:
    double
    Twin
    Sparse

# Tags that choose between max and min at compile time.
cdef struct Most:
    char _

cdef struct Least:
    char _

ctypedef fused order_t:
    Most
    Least

# Integers used to move elements of a size, whatever they mean.
ctypedef fused bits_t:
    uint8_t
    uint16_t
    uint32_t
    uint64_t
    Wide
    Sparse

# A float16 and a bfloat16, as their bits.
cdef struct Half:
    uint16_t bits

cdef struct Brain:
    uint16_t bits

# What arrays hold.
ctypedef fused in_t:
    uint8_t
    int8_t
    uint16_t
    int16_t
    uint32_t
    int32_t
    uint64_t
    int64_t
    float
    double
    Half
    Brain

ctypedef fused out_t:
    uint8_t
    int8_t
    uint16_t
    int16_t
    uint32_t
    int32_t
    uint64_t
    int64_t
    float
    double
    Half
    Brain

# How accumulators are read.
cdef struct Ending:
    bint is_signed
    bint wraps          # integer sums that wrap, instead of quotients
    bint averages       # divisors count NaNs, which sums leave out
    bint least          # ranks are complemented
    int shift           # if it is not 0, every divisor is 2**shift

# How elements become carriers.
cdef struct Mapping:
    int64_t flip        # -1 to order by the least, else 0
    int64_t nan         # the rank of a NaN: above all numbers, or below them
    int64_t step        # of the index from a cell to the next
    int64_t inner_step  # and from an element of a cell to the next
    double exponent

# The magnitudes of the floats an item is made of, as bit patterns without the sign.
cdef struct Range:
    uint64_t peak       # the greatest, that of 0 if there is none
    uint64_t low        # the least that is not 0, less 1

# An exact sum of doubles: a fixed-point number of 2**-1074 units in limbs of 32 bits, each held
# in 64 so that carries can wait (Kulisch's long accumulator).
cdef enum:
    LIMBS = 70
    PATIENCE = 1 << 30

cdef struct Exact:
    int64_t limb[LIMBS]
    int64_t pending     # additions since the carries were done
    double special      # the sum of what is not finite
    bint omits          # leave NaNs out
    int64_t seen
    int64_t nans

# The typed row operations of one (kind, input dtype, accumulator, output dtype).
ctypedef void (*fold_f)(
    char* dst, Py_ssize_t dst_pitch, const char** src, Py_ssize_t src_pitch, Py_ssize_t count,
    Py_ssize_t rows, Py_ssize_t n, bint fresh) noexcept nogil
ctypedef void (*reduce_f)(
    char* dst, Py_ssize_t dst_pitch, const char* src, Py_ssize_t src_pitch, Py_ssize_t rows,
    Py_ssize_t n, bint fresh) noexcept nogil
ctypedef void (*clear_f)(
    char* dst, Py_ssize_t pitch, Py_ssize_t rows, Py_ssize_t n) noexcept nogil
ctypedef void (*finish_f)(
    char* dst, Py_ssize_t dst_pitch, const char* src, Py_ssize_t src_pitch, Py_ssize_t rows,
    Py_ssize_t n, const double* factors, Ending ending) noexcept nogil
ctypedef void (*scan_f)(
    const char* src, Py_ssize_t pitch, Py_ssize_t rows, Py_ssize_t n, Range* range_) noexcept nogil
ctypedef Py_ssize_t (*suspect_f)(
    const char* src, Py_ssize_t j, Py_ssize_t n, double bound, bint overflows) noexcept nogil
ctypedef void (*visit_f)(void* state, const char* src, Py_ssize_t n) noexcept nogil
ctypedef void (*map_f)(
    char* dst, const char* src, Py_ssize_t n, Py_ssize_t inner, int64_t index,
    const Mapping* how) noexcept nogil
ctypedef void (*split_f)(
    char* dst, const char* src, Py_ssize_t cells, Py_ssize_t step, Py_ssize_t inner,
    bint all) noexcept nogil

cdef struct Rows:
    fold_f lift         # elements into accumulators
    fold_f fold         # accumulators into accumulators
    fold_f pairs        # pairs of elements into accumulators; may be NULL
    reduce_f lift_run   # a run of elements into one accumulator
    reduce_f fold_run   # a run of accumulators into one
    clear_f clear       # the identity
    finish_f finish     # accumulators into output; NULL if they are the output
    map_f map           # elements into what is lifted; NULL if they are that
    finish_f indices    # accumulators into indices; NULL if they have none
    Py_ssize_t size     # bytes of an accumulator
    # Float sums only:
    scan_f scan         # widen a range to the elements of a row
    suspect_f suspect   # the next accumulator not to be trusted
    visit_f exact       # elements into an exact sum
    finish_f norm_finish    # a norm into output
    bint twins          # the accumulators are Twins
    bint inverts        # the finish takes inverses of divisors
    int digits          # of an element, in bits
    int bias            # of its exponent

include "maps.pxi"


# ---------------------------------------------------------------------------------------------
# The monoids
# ---------------------------------------------------------------------------------------------

cdef inline bint above(Wide a, Wide b) noexcept nogil:
    return a.hi > b.hi or (a.hi == b.hi and a.lo > b.lo)


cdef inline elem_t better(elem_t a, elem_t b, order_t* order) noexcept nogil:
    # The comparison takes b if either is NaN.  If a is, its bits are all set, which is a NaN too:
    # GCC vectorises this to three instructions, and a second select to many more.
    cdef elem_t best
    if elem_t is Wide:
        if order_t is Most:
            best = a if above(a, b) else b
        else:
            best = b if above(a, b) else a
    elif order_t is Most:
        best = a if a > b else b
    else:
        best = a if a < b else b
    if elem_t is float:
        (<uint32_t*> &best)[0] |= <uint32_t> 0 - <uint32_t> (a != a)
    elif elem_t is double:
        (<uint64_t*> &best)[0] |= <uint64_t> 0 - <uint64_t> (a != a)
    return best


cdef inline elem_t worst(elem_t* _, order_t* order) noexcept nogil:
    """The identity of max (min): the least (greatest) value of the type."""
    cdef elem_t wide
    if elem_t is Wide:
        wide.hi = <int64_t> (((<uint64_t> 1) << 63) - (0 if order_t is Most else 1))
        wide.lo = <uint64_t> (0 if order_t is Most else -1)
        return wide
    elif elem_t is float or elem_t is double:
        return -INFINITY if order_t is Most else INFINITY
    elif elem_t is uint8_t or elem_t is uint16_t or elem_t is uint32_t or elem_t is uint64_t:
        return <elem_t> (0 if order_t is Most else -1)
    else:
        # In unsigned arithmetic: the sign bit alone, or all but the sign bit.
        return <elem_t> (
            ((<uint64_t> 1) << (8 * sizeof(elem_t) - 1)) - (0 if order_t is Most else 1))


cdef inline sum_t lifted(term_t x, sum_t* _) noexcept nogil:
    cdef sum_t y
    if sum_t is Twin:
        if term_t is Twin:
            return x
        elif term_t is Wide or term_t is Sparse:
            pass
        else:
            y.hi = x
            y.lo = 0.0
            return y
    elif sum_t is Sparse:
        if term_t is Sparse:
            return x
        elif term_t is double:
            y.hi = x if x == x else 0.0
            y.lo = 0.0
            y.nans = x != x
            y.seen = 1 - y.nans
            return y
    elif sum_t is Wide:
        if term_t is Wide:
            return x
        elif term_t is Twin or term_t is float or term_t is double or term_t is Sparse:
            pass
        else:
            y.lo = <uint64_t> x
            y.hi = -1 if x < 0 else 0
            return y
    elif term_t is Twin or term_t is Wide or term_t is Sparse:
        pass
    else:
        return <sum_t> x


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


# ---------------------------------------------------------------------------------------------
# Row operations: the fold of rows, the reduction of a run
# ---------------------------------------------------------------------------------------------
# `count` and `fresh` are literals where the *_few functions are called, and these are inlined, so
# that the compiler sees six straight loops.  Three sources at a time spare most of the traffic of
# the accumulator row.

cdef inline void best_few(
    elem_t* dst, const elem_t* a, const elem_t* b, const elem_t* c,
    Py_ssize_t n, int count, bint fresh, order_t* order) noexcept nogil:
    cdef Py_ssize_t j
    cdef elem_t x
    for j in range(n):
        x = a[j]
        if count > 1:
            x = better[elem_t, order_t](x, b[j], order)
        if count > 2:
            x = better[elem_t, order_t](x, c[j], order)
        if not fresh:
            x = better[elem_t, order_t](dst[j], x, order)
        dst[j] = x


cdef inline void sum_few(
    sum_t* dst, const term_t* a, const term_t* b, const term_t* c,
    Py_ssize_t n, int count, bint fresh) noexcept nogil:
    cdef Py_ssize_t j
    cdef sum_t x
    for j in range(n):
        x = lifted[term_t, sum_t](a[j], dst)
        if count > 1:
            x = added[sum_t](x, lifted[term_t, sum_t](b[j], dst))
        if count > 2:
            x = added[sum_t](x, lifted[term_t, sum_t](c[j], dst))
        if not fresh:
            x = added[sum_t](dst[j], x)
        dst[j] = x


cdef inline const term_t* past(const term_t* src, Py_ssize_t n) noexcept nogil:
    """The pointer n bytes further on."""
    return <const term_t*> (<const char*> src + n)


cdef void best_fold(
    elem_t* dst, Py_ssize_t dst_pitch, const elem_t** src, Py_ssize_t src_pitch, Py_ssize_t count,
    Py_ssize_t rows, Py_ssize_t n, bint fresh, order_t* order) noexcept nogil:
    """dst[r, j] = best of src[0][r, j] … src[count - 1][r, j], and of dst[r, j] unless `fresh`.

    Rows are `dst_pitch` and `src_pitch` bytes apart.
    """
    cdef Py_ssize_t i, r
    cdef const elem_t* at[3]
    if dst_pitch == src_pitch and dst_pitch == n * <Py_ssize_t> sizeof(elem_t):
        n *= rows       # rows end to end are one row
        rows = 1
    for r in range(rows):
        i = 0
        while i < count:
            at[0] = past(src[i], r * src_pitch)
            at[1] = past(src[i + 1 if i + 1 < count else i], r * src_pitch)
            at[2] = past(src[i + 2 if i + 2 < count else i], r * src_pitch)
            if i == 0 and fresh:
                if count > 2:
                    best_few(dst, at[0], at[1], at[2], n, 3, True, order)
                elif count == 2:
                    best_few(dst, at[0], at[1], at[2], n, 2, True, order)
                else:
                    best_few(dst, at[0], at[1], at[2], n, 1, True, order)
            elif count - i > 2:
                best_few(dst, at[0], at[1], at[2], n, 3, False, order)
            elif count - i == 2:
                best_few(dst, at[0], at[1], at[2], n, 2, False, order)
            else:
                best_few(dst, at[0], at[1], at[2], n, 1, False, order)
            i += 3
        dst = <elem_t*> (<char*> dst + dst_pitch)


cdef void sum_fold(
    sum_t* dst, Py_ssize_t dst_pitch, const term_t** src, Py_ssize_t src_pitch, Py_ssize_t count,
    Py_ssize_t rows, Py_ssize_t n, bint fresh) noexcept nogil:
    """dst[r, j] = src[0][r, j] + … + src[count - 1][r, j], and dst[r, j] unless `fresh`."""
    cdef Py_ssize_t i, r
    cdef const term_t* at[3]
    if (dst_pitch == n * <Py_ssize_t> sizeof(sum_t)
            and src_pitch == n * <Py_ssize_t> sizeof(term_t)):
        n *= rows
        rows = 1
    for r in range(rows):
        i = 0
        while i < count:
            at[0] = past(src[i], r * src_pitch)
            at[1] = past(src[i + 1 if i + 1 < count else i], r * src_pitch)
            at[2] = past(src[i + 2 if i + 2 < count else i], r * src_pitch)
            if i == 0 and fresh:
                if count > 2:
                    sum_few(dst, at[0], at[1], at[2], n, 3, True)
                elif count == 2:
                    sum_few(dst, at[0], at[1], at[2], n, 2, True)
                else:
                    sum_few(dst, at[0], at[1], at[2], n, 1, True)
            elif count - i > 2:
                sum_few(dst, at[0], at[1], at[2], n, 3, False)
            elif count - i == 2:
                sum_few(dst, at[0], at[1], at[2], n, 2, False)
            else:
                sum_few(dst, at[0], at[1], at[2], n, 1, False)
            i += 3
        dst = <sum_t*> (<char*> dst + dst_pitch)


# Pairs of neighbours are folded in one pass over up to three rows, with nothing stored in between:
# most of what deep networks and pictures pool.

cdef inline void best_pairs_few(
    elem_t* dst, const elem_t* a, const elem_t* b, const elem_t* c, Py_ssize_t n, int count,
    bint fresh, order_t* order) noexcept nogil:
    cdef Py_ssize_t j
    cdef elem_t x
    for j in range(n):
        x = better[elem_t, order_t](a[2 * j], a[2 * j + 1], order)
        if count > 1:
            x = better[elem_t, order_t](
                x, better[elem_t, order_t](b[2 * j], b[2 * j + 1], order), order)
        if count > 2:
            x = better[elem_t, order_t](
                x, better[elem_t, order_t](c[2 * j], c[2 * j + 1], order), order)
        if not fresh:
            x = better[elem_t, order_t](dst[j], x, order)
        dst[j] = x


cdef inline void sum_pairs_few(
    sum_t* dst, const term_t* a, const term_t* b, const term_t* c, Py_ssize_t n, int count,
    bint fresh) noexcept nogil:
    cdef Py_ssize_t j
    cdef sum_t x
    for j in range(n):
        x = added[sum_t](lifted[term_t, sum_t](a[2 * j], dst),
                         lifted[term_t, sum_t](a[2 * j + 1], dst))
        if count > 1:
            x = added[sum_t](x, added[sum_t](lifted[term_t, sum_t](b[2 * j], dst),
                                             lifted[term_t, sum_t](b[2 * j + 1], dst)))
        if count > 2:
            x = added[sum_t](x, added[sum_t](lifted[term_t, sum_t](c[2 * j], dst),
                                             lifted[term_t, sum_t](c[2 * j + 1], dst)))
        if not fresh:
            x = added[sum_t](dst[j], x)
        dst[j] = x


cdef void best_pairs(
    elem_t* dst, Py_ssize_t dst_pitch, const elem_t** src, Py_ssize_t src_pitch, Py_ssize_t count,
    Py_ssize_t rows, Py_ssize_t n, bint fresh, order_t* order) noexcept nogil:
    """dst[r, j] = best of src[i][r, 2 j] and src[i][r, 2 j + 1] for i < count, as in best_fold."""
    cdef Py_ssize_t i, r
    cdef const elem_t* at[3]
    for r in range(rows):
        i = 0
        while i < count:
            at[0] = past(src[i], r * src_pitch)
            at[1] = past(src[i + 1 if i + 1 < count else i], r * src_pitch)
            at[2] = past(src[i + 2 if i + 2 < count else i], r * src_pitch)
            if i == 0 and fresh:
                if count > 2:
                    best_pairs_few(dst, at[0], at[1], at[2], n, 3, True, order)
                elif count == 2:
                    best_pairs_few(dst, at[0], at[1], at[2], n, 2, True, order)
                else:
                    best_pairs_few(dst, at[0], at[1], at[2], n, 1, True, order)
            elif count - i > 2:
                best_pairs_few(dst, at[0], at[1], at[2], n, 3, False, order)
            elif count - i == 2:
                best_pairs_few(dst, at[0], at[1], at[2], n, 2, False, order)
            else:
                best_pairs_few(dst, at[0], at[1], at[2], n, 1, False, order)
            i += 3
        dst = <elem_t*> (<char*> dst + dst_pitch)


cdef void sum_pairs(
    sum_t* dst, Py_ssize_t dst_pitch, const term_t** src, Py_ssize_t src_pitch, Py_ssize_t count,
    Py_ssize_t rows, Py_ssize_t n, bint fresh) noexcept nogil:
    """dst[r, j] = sum of src[i][r, 2 j] and src[i][r, 2 j + 1] for i < count, as in sum_fold."""
    cdef Py_ssize_t i, r
    cdef const term_t* at[3]
    for r in range(rows):
        i = 0
        while i < count:
            at[0] = past(src[i], r * src_pitch)
            at[1] = past(src[i + 1 if i + 1 < count else i], r * src_pitch)
            at[2] = past(src[i + 2 if i + 2 < count else i], r * src_pitch)
            if i == 0 and fresh:
                if count > 2:
                    sum_pairs_few(dst, at[0], at[1], at[2], n, 3, True)
                elif count == 2:
                    sum_pairs_few(dst, at[0], at[1], at[2], n, 2, True)
                else:
                    sum_pairs_few(dst, at[0], at[1], at[2], n, 1, True)
            elif count - i > 2:
                sum_pairs_few(dst, at[0], at[1], at[2], n, 3, False)
            elif count - i == 2:
                sum_pairs_few(dst, at[0], at[1], at[2], n, 2, False)
            else:
                sum_pairs_few(dst, at[0], at[1], at[2], n, 1, False)
            i += 3
        dst = <sum_t*> (<char*> dst + dst_pitch)


# Floats as integers of the same order: of two's complement, and a NaN is beyond all numbers.
# Compilers vectorise the reduction of integers by max or min, but not that of floats.

cdef inline int32_t key32(float x, order_t* _) noexcept nogil:
    cdef uint32_t bits = (<uint32_t*> &x)[0]
    if order_t is Most:
        bits &= ~(<uint32_t> (x != x) << 31)
    else:
        bits |= <uint32_t> (x != x) << 31
    return <int32_t> bits ^ <int32_t> (<uint32_t> (<int32_t> bits >> 31) >> 1)


cdef inline float value32(int32_t key) noexcept nogil:
    key ^= <int32_t> (<uint32_t> (key >> 31) >> 1)
    return (<float*> &key)[0]


cdef inline int64_t key64(double x, order_t* _) noexcept nogil:
    cdef uint64_t bits = (<uint64_t*> &x)[0]
    if order_t is Most:
        bits &= ~(<uint64_t> (x != x) << 63)
    else:
        bits |= <uint64_t> (x != x) << 63
    return <int64_t> bits ^ <int64_t> (<uint64_t> (<int64_t> bits >> 63) >> 1)


cdef inline double value64(int64_t key) noexcept nogil:
    key ^= <int64_t> (<uint64_t> (key >> 63) >> 1)
    return (<double*> &key)[0]


cdef void best_run(
    elem_t* dst, Py_ssize_t dst_pitch, const elem_t* src, Py_ssize_t src_pitch, Py_ssize_t rows,
    Py_ssize_t n, bint fresh, order_t* order) noexcept nogil:
    """dst[r, 0] = best of src[r, 0] … src[r, n - 1], and of dst[r, 0] unless `fresh`; n >= 1."""
    cdef Py_ssize_t i, r
    cdef elem_t x
    cdef int32_t best32
    cdef int64_t best64
    for r in range(rows):
        if n <= 3:
            x = src[0]
            if n > 1:
                x = better[elem_t, order_t](x, src[1], order)
            if n > 2:
                x = better[elem_t, order_t](x, src[2], order)
        elif elem_t is float:
            best32 = key32(src[0], order)
            for i in range(1, n):
                best32 = better[int32_t, order_t](best32, key32(src[i], order), order)
            x = value32(best32)
        elif elem_t is double:
            best64 = key64(src[0], order)
            for i in range(1, n):
                best64 = better[int64_t, order_t](best64, key64(src[i], order), order)
            x = value64(best64)
        else:
            x = src[0]
            for i in range(1, n):
                x = better[elem_t, order_t](x, src[i], order)
        dst[0] = x if fresh else better[elem_t, order_t](dst[0], x, order)
        dst = <elem_t*> (<char*> dst + dst_pitch)
        src = past(src, src_pitch)


# A single accumulator would chain every sum to the one before it; independent lanes vectorise.  The
# lanes of several runs are then added up together.
cdef enum:
    LANES = 16
    RUNS = 16


cdef inline void halve(sum_t* dst, const sum_t* src, Py_ssize_t n) noexcept nogil:
    """dst[j] = src[2 j] + src[2 j + 1] for j < n."""
    cdef Py_ssize_t j
    for j in range(n):
        dst[j] = added[sum_t](src[2 * j], src[2 * j + 1])


cdef void sum_run(
    sum_t* dst, Py_ssize_t dst_pitch, const term_t* src, Py_ssize_t src_pitch, Py_ssize_t rows,
    Py_ssize_t n, bint fresh) noexcept nogil:
    """dst[r, 0] = src[r, 0] + … + src[r, n - 1], and dst[r, 0] unless `fresh`; n >= 1."""
    cdef sum_t lane[LANES]
    cdef sum_t lanes[LANES * RUNS]
    cdef sum_t halves[LANES * RUNS]
    cdef Py_ssize_t i, j, r, runs
    cdef sum_t x
    while rows > 0:
        runs = min(rows, RUNS)
        for r in range(runs):
            x = lifted[term_t, sum_t](src[0], dst)
            i = 1
            if n >= LANES:
                for j in range(LANES):
                    lane[j] = lifted[term_t, sum_t](src[j], dst)
                i = LANES
                while i + LANES <= n:
                    for j in range(LANES):
                        lane[j] = added[sum_t](lane[j], lifted[term_t, sum_t](src[i + j], dst))
                    i += LANES
                for j in range(LANES):
                    lanes[r * LANES + j] = lane[j]
                for j in range(n - i):
                    lanes[r * LANES + j] = added[sum_t](
                        lanes[r * LANES + j], lifted[term_t, sum_t](src[i + j], dst))
            else:
                for i in range(1, n):
                    x = added[sum_t](x, lifted[term_t, sum_t](src[i], dst))
                lanes[r] = x
            src = past(src, src_pitch)
        if n >= LANES:
            halve(halves, lanes, runs * 8)
            halve(lanes, halves, runs * 4)
            halve(halves, lanes, runs * 2)
            halve(lanes, halves, runs)
        for r in range(runs):
            dst[0] = lanes[r] if fresh else added[sum_t](dst[0], lanes[r])
            dst = <sum_t*> (<char*> dst + dst_pitch)
        rows -= runs


cdef void best_clear(
    elem_t* dst, Py_ssize_t pitch, Py_ssize_t rows, Py_ssize_t n, order_t* order) noexcept nogil:
    cdef Py_ssize_t j, r
    for r in range(rows):
        for j in range(n):
            dst[j] = worst[elem_t, order_t](dst, order)
        dst = <elem_t*> (<char*> dst + pitch)


cdef void zero_clear(
    sum_t* dst, Py_ssize_t pitch, Py_ssize_t rows, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t r
    for r in range(rows):
        memset(<char*> dst + r * pitch, 0, n * sizeof(sum_t))


# ---------------------------------------------------------------------------------------------
# Row operations: the finish
# ---------------------------------------------------------------------------------------------

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
        return <out_t> y if y < above else worst[out_t, Least](tag, <Least*> NULL)


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


cdef inline double quotient(Twin x, double divisor) noexcept nogil:
    """(hi + lo) / divisor: the remainder of the first division is carried into a second."""
    cdef double total = x.hi + x.lo
    cdef double q
    if not isfinite(total):
        return x.hi / divisor
    q = total / divisor
    if divisor == 1.0 or not isfinite(q):
        return q
    return q + (fma(-q, divisor, total) + ((x.hi - total) + x.lo)) / divisor


cdef inline double present(Sparse x, double divisor, Ending ending) noexcept nogil:
    """The quotient of what is not NaN; NaN if nothing is left of the elements."""
    cdef Twin total
    total.hi = x.hi
    total.lo = x.lo
    if x.seen == 0 and x.nans > 0:
        return NAN
    return quotient(total, divisor - x.nans if ending.averages else divisor)


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


cdef inline int64_t signed_value(sum_t x) noexcept nogil:
    if sum_t is uint16_t:
        return <int16_t> x
    elif sum_t is uint32_t:
        return <int32_t> x
    elif sum_t is uint64_t:
        return <int64_t> x
    else:
        return 0


cdef inline void shifted_row(
    out_t* dst, const sum_t* src, Py_ssize_t n, int shift, bint is_signed) noexcept nogil:
    """dst[j] = src[j] / 2**shift, half to even, where sums are wider than elements.

    Without conversions, divisions and wider lanes.  Signed numbers are moved up by the least one.
    """
    cdef Py_ssize_t j
    cdef sum_t x, q, up, half, below, least, most
    if sum_t is Twin or sum_t is Wide or sum_t is Sparse or sum_t is double:
        pass
    elif out_t is float or out_t is double or out_t is Half or out_t is Brain:
        pass
    elif sizeof(out_t) < sizeof(sum_t):
        half = <sum_t> ((<sum_t> 1) << (shift - 1))
        below = <sum_t> (2 * half - 1)
        up = <sum_t> ((<uint64_t> is_signed) << (8 * sizeof(sum_t) - 1))
        least = 0
        if is_signed:
            least = <sum_t> ((up >> shift) + <sum_t> nothing(False, dst))
        most = <sum_t> ((up >> shift) + <sum_t> nothing(True, dst))
        for j in range(n):
            x = <sum_t> (src[j] + up)
            q = <sum_t> (x >> shift)
            q = <sum_t> (q + (<sum_t> ((x & below) + (q & 1)) > half))
            q = q if q > least else least
            q = q if q < most else most
            dst[j] = <out_t> (q - (up >> shift))


cdef inline out_t one_nan(out_t x) noexcept nogil:
    """x, or if it is NaN one with all bits set: which of two NaNs a sum keeps is not defined."""
    if out_t is float:
        (<uint32_t*> &x)[0] |= <uint32_t> 0 - <uint32_t> (x != x)
    elif out_t is double:
        (<uint64_t*> &x)[0] |= <uint64_t> 0 - <uint64_t> (x != x)
    return x


cdef void sum_finish(
    out_t* dst, Py_ssize_t dst_pitch, const sum_t* src, Py_ssize_t src_pitch, Py_ssize_t rows,
    Py_ssize_t n, const double* factors, Ending ending) noexcept nogil:
    """dst[r, j] = src[r, j] over its divisor; factors[r, j] is that, or for double its inverse."""
    cdef Py_ssize_t j, r
    if dst_pitch == n * sizeof(dst[0]) and src_pitch == n * sizeof(src[0]):
        n *= rows
        rows = 1
    for r in range(rows):
        if sum_t is Twin:
            for j in range(n):
                put(dst + j, quotient(src[j], factors[j]))
        elif sum_t is Sparse:
            for j in range(n):
                put(dst + j, present(src[j], factors[j], ending))
        elif sum_t is Wide:
            for j in range(n):
                dst[j] = divided[out_t](src[j], factors[j], dst)
        elif sum_t is double:
            # Half a unit of float32 is 2**28 roundings of double: the inverse is near enough.
            for j in range(n):
                put(dst + j, src[j] * factors[j])
        elif ending.wraps:
            if ending.is_signed:
                for j in range(n):
                    dst[j] = wrapped(<uint64_t> signed_value(src[j]), dst)
            else:
                for j in range(n):
                    dst[j] = wrapped(<uint64_t> src[j], dst)
        elif ending.shift > 0:
            shifted_row(dst, src, n, ending.shift, ending.is_signed)
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


# ---------------------------------------------------------------------------------------------
# Float sums that cancel
# ---------------------------------------------------------------------------------------------
# A sum is exact while all its terms are multiples of one unit and their total stays below 2**53
# (2**106) of it, as the greatest and least magnitudes of an item tell, or while the processor has
# nothing rounded.  Else a sum that is small against its terms is suspect, and its window is added up
# again with more care.

ctypedef fused real_t:
    float
    double


cdef void scan(
    const real_t* src, Py_ssize_t pitch, Py_ssize_t rows, Py_ssize_t n,
    Range* range_) noexcept nogil:
    """Widen a range to the finite ones of rows of n elements, `pitch` bytes apart."""
    cdef Py_ssize_t j, r
    cdef uint32_t bits, peak, low
    cdef uint64_t bits_, peak_, low_
    if pitch == n * <Py_ssize_t> sizeof(real_t):
        n *= rows
        rows = 1
    if real_t is float:
        peak = <uint32_t> range_.peak
        low = <uint32_t> min(range_.low, <uint64_t> 0xFFFFFFFF)
        # Masks, where a second select would keep GCC from vectorising.
        for r in range(rows):
            for j in range(n):
                bits = (<const uint32_t*> src)[j] & <uint32_t> 0x7FFFFFFF
                bits &= <uint32_t> 0 - <uint32_t> (bits < <uint32_t> 0x7F800000)
                peak = bits if bits > peak else peak
                bits = bits - <uint32_t> 1
                low = bits if bits < low else low
            src = past(src, pitch)
        range_.peak = peak
        range_.low = low
    else:
        peak_ = range_.peak
        low_ = range_.low
        for r in range(rows):
            for j in range(n):
                bits_ = (<const uint64_t*> src)[j] & <uint64_t> 0x7FFFFFFFFFFFFFFF
                bits_ &= <uint64_t> 0 - <uint64_t> (bits_ < <uint64_t> 0x7FF0000000000000)
                peak_ = bits_ if bits_ > peak_ else peak_
                bits_ = bits_ - <uint64_t> 1
                low_ = bits_ if bits_ < low_ else low_
            src = past(src, pitch)
        range_.peak = peak_
        range_.low = low_


cdef inline double total_of(real_sum_t x) noexcept nogil:
    if real_sum_t is double:
        return x
    else:
        return x.hi + x.lo


cdef inline uint32_t doubtful(real_sum_t x, double bound, bint overflows) noexcept nogil:
    """Whether a sum is below the bound in magnitude, or overflowed to infinity or NaN; a power
    that does is the greatest number (see to_power)."""
    cdef double size, most = 1.7976931348623157e+308
    size = fabs(total_of(x))
    return <uint32_t> (size < bound) | (<uint32_t> (size >= most or size != size) if overflows
                                        else <uint32_t> 0)


cdef Py_ssize_t suspect(
    const real_sum_t* src, Py_ssize_t j, Py_ssize_t n, double bound, bint overflows) noexcept nogil:
    """The first sum from j on that is below the bound, or overflowed; n if there is none."""
    cdef Py_ssize_t i, stop
    cdef uint32_t any_
    while j < n:
        # A block at a time without branches, which vectorises; then its first one.
        stop = min(j + 256, n)
        any_ = 0
        for i in range(j, stop):
            any_ |= doubtful(src[i], bound, overflows)
        if any_:
            for i in range(j, stop):
                if doubtful(src[i], bound, overflows):
                    return i
        j = stop
    return n


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
    cdef int64_t m, sign
    cdef uint64_t low, high
    cdef double x
    for j in range(n):
        x = src[j]
        if x != x and sum_.omits:
            sum_.nans += 1
            continue
        sum_.seen += 1
        if not isfinite(x):
            sum_.special += x
            continue
        m = <int64_t> ldexp(frexp(x, &exponent), 53)
        exponent += 1021
        if exponent < 0:
            m >>= -exponent     # subnormal: these bits are 0
            exponent = 0
        sign = -1 if m < 0 else 1
        m = m if m > 0 else -m
        i = exponent >> 5
        shift = exponent & 31
        low = <uint64_t> m << shift
        high = <uint64_t> m >> (64 - shift) if shift > 0 else 0
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


# ---------------------------------------------------------------------------------------------
# Row operations: moving elements
# ---------------------------------------------------------------------------------------------

cdef void split(
    bits_t* dst, const bits_t* src, Py_ssize_t cells, Py_ssize_t step, Py_ssize_t inner,
    bint all) noexcept nogil:
    """Deal a row of cells out into its `step` phases: dst[p, j, c] = src[j * step + p, c].

    A cell is `inner` elements; a phase has room for ceil(cells / step) of them.  Only the first
    phase is wanted unless `all`.
    """
    cdef Py_ssize_t n = cells // step, m = (cells + step - 1) // step
    cdef Py_ssize_t j, p, c, phases = step if all else 1
    if inner > 1 and not all and inner * sizeof(bits_t) <= 16 and n > 0:
        # Cells are copied in one or two words; what that writes past a cell, the next overwrites.
        for j in range(n - 1):
            if inner * sizeof(bits_t) <= 8:
                memcpy(dst + j * inner, src + j * step * inner, 8)
            else:
                memcpy(dst + j * inner, src + j * step * inner, 16)
        memcpy(dst + (n - 1) * inner, src + (n - 1) * step * inner, inner * sizeof(bits_t))
    elif inner > 1:
        for p in range(phases):
            for j in range(n):
                for c in range(inner):
                    dst[(p * m + j) * inner + c] = src[(j * step + p) * inner + c]
    elif step == 2 and all:
        for j in range(n):
            dst[j] = src[2 * j]
            dst[m + j] = src[2 * j + 1]
    elif step == 3 and all:
        for j in range(n):
            dst[j] = src[3 * j]
            dst[m + j] = src[3 * j + 1]
            dst[2 * m + j] = src[3 * j + 2]
    elif step == 4 and all:
        for j in range(n):
            dst[j] = src[4 * j]
            dst[m + j] = src[4 * j + 1]
            dst[2 * m + j] = src[4 * j + 2]
            dst[3 * m + j] = src[4 * j + 3]
    else:
        for p in range(phases):
            for j in range(n):
                dst[p * m + j] = src[j * step + p]
    for p in range(min(cells - n * step, phases)):
        for c in range(inner):
            dst[(p * m + n) * inner + c] = src[(n * step + p) * inner + c]


cdef inline bits_t swapped(bits_t x) noexcept nogil:
    cdef bits_t y
    cdef size_t i
    if bits_t is Wide or bits_t is Sparse:
        return x
    else:
        y = 0
        for i in range(sizeof(bits_t)):
            y = <bits_t> (y << 8) | <bits_t> (x & 0xFF)
            x = <bits_t> (x >> 8)
        return y


cdef void move(
    bits_t* tag, char* dst, Py_ssize_t dst_row, Py_ssize_t dst_cell, const char* src,
    Py_ssize_t src_row, Py_ssize_t src_cell, Py_ssize_t n, Py_ssize_t inner, bint swap) noexcept nogil:
    """Copy n × inner elements between any byte strides, aligned or not, perhaps byte-swapped."""
    cdef Py_ssize_t i, c
    cdef bits_t x
    for i in range(n):
        for c in range(inner):
            memcpy(&x, src + i * src_row + c * src_cell, sizeof(bits_t))
            if swap:
                x = swapped[bits_t](x)
            memcpy(dst + i * dst_row + c * dst_cell, &x, sizeof(bits_t))


ctypedef void (*move_f)(
    void* tag, char* dst, Py_ssize_t dst_row, Py_ssize_t dst_cell, const char* src,
    Py_ssize_t src_row, Py_ssize_t src_cell, Py_ssize_t n, Py_ssize_t inner, bint swap) noexcept nogil


cdef move_f mover(Py_ssize_t size) noexcept:
    if size == 1:
        return <move_f> move[uint8_t]
    elif size == 2:
        return <move_f> move[uint16_t]
    elif size == 4:
        return <move_f> move[uint32_t]
    return <move_f> move[uint64_t]


cdef split_f splitter(Py_ssize_t size) noexcept nogil:
    if size == 1:
        return <split_f> split[uint8_t]
    elif size == 2:
        return <split_f> split[uint16_t]
    elif size == 4:
        return <split_f> split[uint32_t]
    elif size == 8:
        return <split_f> split[uint64_t]
    elif size == 16:
        return <split_f> split[Wide]
    return <split_f> split[Sparse]


# ---------------------------------------------------------------------------------------------
# Choosing the row operations
# ---------------------------------------------------------------------------------------------
# Codes number the types of `elem_t` and `sum_t` in the order of their declarations.

cdef void best_rows(elem_t* _, order_t* __, Rows* rows) noexcept:
    rows.lift = <fold_f> best_fold[elem_t, order_t]
    rows.fold = rows.lift
    rows.pairs = <fold_f> best_pairs[elem_t, order_t]
    rows.lift_run = <reduce_f> best_run[elem_t, order_t]
    rows.fold_run = rows.lift_run
    rows.clear = <clear_f> best_clear[elem_t, order_t]
    rows.finish = NULL
    rows.size = sizeof(elem_t)


cdef void sum_lift(term_t* _, sum_t* __, Rows* rows) noexcept:
    rows.lift = <fold_f> sum_fold[sum_t, term_t]
    if not (sum_t is Twin or sum_t is Wide or sum_t is Sparse):
        rows.pairs = <fold_f> sum_pairs[sum_t, term_t]
    rows.lift_run = <reduce_f> sum_run[sum_t, term_t]
    if term_t is float or term_t is double:
        rows.scan = <scan_f> scan[term_t]
        rows.exact = <visit_f> exact_add[term_t]
        rows.twins = sum_t is Twin or sum_t is Sparse
        rows.digits = 24 if term_t is float else 53
        rows.bias = 127 if term_t is float else 1023
        if sum_t is Twin:
            rows.suspect = <suspect_f> suspect[Twin]
        elif sum_t is Sparse:
            rows.suspect = <suspect_f> suspect[Sparse]
        else:
            rows.suspect = <suspect_f> suspect[double]


cdef finish_f sum_finisher(sum_t* _, int out) noexcept:
    """The finish of sums into the output type of a code."""
    if sum_t is double:
        if out == 8:
            return <finish_f> sum_finish[float, double]
        elif out == 10:
            return <finish_f> sum_finish[Half, double]
        elif out == 11:
            return <finish_f> sum_finish[Brain, double]
    elif out == 0:
        return <finish_f> sum_finish[uint8_t, sum_t]
    elif out == 1:
        return <finish_f> sum_finish[int8_t, sum_t]
    elif out == 2:
        return <finish_f> sum_finish[uint16_t, sum_t]
    elif out == 3:
        return <finish_f> sum_finish[int16_t, sum_t]
    elif out == 4:
        return <finish_f> sum_finish[uint32_t, sum_t]
    elif out == 5:
        return <finish_f> sum_finish[int32_t, sum_t]
    elif out == 6:
        return <finish_f> sum_finish[uint64_t, sum_t]
    elif out == 7:
        return <finish_f> sum_finish[int64_t, sum_t]
    elif out == 8:
        return <finish_f> sum_finish[float, sum_t]
    elif out == 9:
        return <finish_f> sum_finish[double, sum_t]
    elif out == 10:
        return <finish_f> sum_finish[Half, sum_t]
    elif out == 11:
        return <finish_f> sum_finish[Brain, sum_t]
    return NULL


cdef finish_f root_finisher(real_sum_t* _, int out) noexcept:
    """The finish of sums of powers into the output type of a code."""
    if out == 0:
        return <finish_f> root_finish[uint8_t, real_sum_t]
    elif out == 1:
        return <finish_f> root_finish[int8_t, real_sum_t]
    elif out == 2:
        return <finish_f> root_finish[uint16_t, real_sum_t]
    elif out == 3:
        return <finish_f> root_finish[int16_t, real_sum_t]
    elif out == 4:
        return <finish_f> root_finish[uint32_t, real_sum_t]
    elif out == 5:
        return <finish_f> root_finish[int32_t, real_sum_t]
    elif out == 6:
        return <finish_f> root_finish[uint64_t, real_sum_t]
    elif out == 7:
        return <finish_f> root_finish[int64_t, real_sum_t]
    elif out == 8:
        return <finish_f> root_finish[float, real_sum_t]
    elif out == 9:
        return <finish_f> root_finish[double, real_sum_t]
    elif out == 10:
        return <finish_f> root_finish[Half, real_sum_t]
    elif out == 11:
        return <finish_f> root_finish[Brain, real_sum_t]
    return NULL


cdef void sum_rows(sum_t* tag, int out, Rows* rows) noexcept:
    rows.fold = <fold_f> sum_fold[sum_t, sum_t]
    rows.fold_run = <reduce_f> sum_run[sum_t, sum_t]
    rows.clear = <clear_f> zero_clear[sum_t]
    rows.size = sizeof(sum_t)
    rows.finish = sum_finisher(tag, out)
    rows.inverts = sum_t is double


cdef void rows_from(elem_t* elem, int kind, int acc, int out, Rows* rows) noexcept:
    """The row operations for what is lifted: kind 0 is max, 1 is min, 2 is a sum."""
    if kind == 0:
        best_rows(elem, <Most*> NULL, rows)
    elif kind == 1:
        best_rows(elem, <Least*> NULL, rows)
    elif acc == 0:
        sum_rows(<uint16_t*> NULL, out, rows)
        if elem_t is uint8_t or elem_t is int8_t:
            sum_lift(elem, <uint16_t*> NULL, rows)
    elif acc == 1:
        sum_rows(<uint32_t*> NULL, out, rows)
        if elem_t is uint16_t or elem_t is int16_t:
            sum_lift(elem, <uint32_t*> NULL, rows)
    elif acc == 2:
        sum_rows(<uint64_t*> NULL, out, rows)
        if not (elem_t is float or elem_t is double or elem_t is Wide):
            sum_lift(elem, <uint64_t*> NULL, rows)
    elif acc == 3:
        sum_rows(<double*> NULL, out, rows)
        if elem_t is float or elem_t is double:
            sum_lift(elem, <double*> NULL, rows)
    elif acc == 4:
        sum_rows(<Twin*> NULL, out, rows)
        if elem_t is float or elem_t is double:
            sum_lift(elem, <Twin*> NULL, rows)
    elif acc == 5:
        sum_rows(<Wide*> NULL, out, rows)
        if not (elem_t is float or elem_t is double or elem_t is Wide):
            sum_lift(elem, <Wide*> NULL, rows)
    elif acc == 6:
        sum_rows(<Sparse*> NULL, out, rows)
        if elem_t is double:
            sum_lift(elem, <Sparse*> NULL, rows)


cdef Py_ssize_t elem_size(int elem) noexcept:
    if elem < 8:
        return (<Py_ssize_t> 1) << (elem // 2)
    if elem == WIDE:
        return sizeof(Wide)
    return 4 if elem == 8 else 8 if elem == 9 else 2


cdef bint choose_rows(
    int elem, int mapping, int kind, int acc, int out, int* lifted, Rows* rows) noexcept:
    """Fill `rows` and the code of what they lift; False if there is nothing to fill them with."""
    cdef Rows mapped
    memset(rows, 0, sizeof(Rows))
    memset(&mapped, 0, sizeof(Rows))
    lifted[0] = elem
    if elem == 0:
        map_from(<uint8_t*> NULL, mapping, &mapped, lifted)
    elif elem == 1:
        map_from(<int8_t*> NULL, mapping, &mapped, lifted)
    elif elem == 2:
        map_from(<uint16_t*> NULL, mapping, &mapped, lifted)
    elif elem == 3:
        map_from(<int16_t*> NULL, mapping, &mapped, lifted)
    elif elem == 4:
        map_from(<uint32_t*> NULL, mapping, &mapped, lifted)
    elif elem == 5:
        map_from(<int32_t*> NULL, mapping, &mapped, lifted)
    elif elem == 6:
        map_from(<uint64_t*> NULL, mapping, &mapped, lifted)
    elif elem == 7:
        map_from(<int64_t*> NULL, mapping, &mapped, lifted)
    elif elem == 8:
        map_from(<float*> NULL, mapping, &mapped, lifted)
    elif elem == 9:
        map_from(<double*> NULL, mapping, &mapped, lifted)
    elif elem == 10:
        map_from(<Half*> NULL, mapping, &mapped, lifted)
    elif elem == 11:
        map_from(<Brain*> NULL, mapping, &mapped, lifted)
    if lifted[0] == 0:
        rows_from(<uint8_t*> NULL, kind, acc, out, rows)
    elif lifted[0] == 1:
        rows_from(<int8_t*> NULL, kind, acc, out, rows)
    elif lifted[0] == 2:
        rows_from(<uint16_t*> NULL, kind, acc, out, rows)
    elif lifted[0] == 3:
        rows_from(<int16_t*> NULL, kind, acc, out, rows)
    elif lifted[0] == 4:
        rows_from(<uint32_t*> NULL, kind, acc, out, rows)
    elif lifted[0] == 5:
        rows_from(<int32_t*> NULL, kind, acc, out, rows)
    elif lifted[0] == 6:
        rows_from(<uint64_t*> NULL, kind, acc, out, rows)
    elif lifted[0] == 7:
        rows_from(<int64_t*> NULL, kind, acc, out, rows)
    elif lifted[0] == 8:
        rows_from(<float*> NULL, kind, acc, out, rows)
    elif lifted[0] == 9:
        rows_from(<double*> NULL, kind, acc, out, rows)
    elif lifted[0] == WIDE:
        rows_from(<Wide*> NULL, kind, acc, out, rows)
    rows.map = mapped.map
    rows.indices = mapped.indices
    if mapped.finish != NULL:
        rows.finish = mapped.finish
    if mapping == MAP_POWER:
        if acc == 3:
            rows.finish = root_finisher(<double*> NULL, out)
        elif acc == 4:
            rows.finish = root_finisher(<Twin*> NULL, out)
        elif acc == 6:
            rows.finish = root_finisher(<Sparse*> NULL, out)
        rows.norm_finish = sum_finisher(<Twin*> NULL, out)
        rows.inverts = False
    if (rows.map == NULL) != (mapping == MAP_NONE):
        return False
    return rows.lift != NULL and (kind < 2 or rows.finish != NULL)


# ---------------------------------------------------------------------------------------------
# The driver: axes, items, tiles
# ---------------------------------------------------------------------------------------------
# An item is a tile of output: `tile` rows by `lanes` positions of one index of the outer axes.
#
#   outer axes   any number, in memory order; their taps are walked by an odometer
#   row axis     the axis just before the lanes: a tile holds some of its outputs
#   lane axis    the last axis in memory, or the last pooled one with `inner` elements per position
#
# An axis that is not pooled is one with k = s = 1.

cdef enum:
    MAX_OUTER = 64
    BATCH = 24          # source rows handed to a fold at once; a multiple of three
    SLOTS = 3           # the same of rows that are staged tap by tap
    SHORT_ROW = 512     # a row of up to so many bytes is cleared whole
    LONG_SHARE = 64     # an eighth of a run is folded as a row from this many elements on
    FACTORS = 1024      # rows are finished together while they have so many elements or less

# How the windows of an axis follow each other.
cdef enum:
    REGULAR = 0
    ADAPTIVE = 1        # they share out the axis: from floor(o n / out) to ceil((o + 1) n / out)
    TRANSPOSED = 2      # they are the regular windows that an input position is in

cdef struct Axis:
    Py_ssize_t n        # input positions
    Py_ssize_t out      # output positions
    Py_ssize_t k        # window size, or the most of them
    Py_ssize_t s        # stride
    Py_ssize_t d        # dilation
    Py_ssize_t before   # padding in front
    Py_ssize_t counted  # padding counts, up to this position; negative: it does not
    Py_ssize_t xs       # stride of the input, bytes
    Py_ssize_t os       # stride of the output, bytes
    Py_ssize_t step     # of the index from a position to the next
    int spacing
    Py_ssize_t turned_k     # size, stride and dilation of the windows that were transposed
    Py_ssize_t turned_s
    Py_ssize_t turned_d

# One window along one axis: its taps first … stop - 1 lie on input positions start + tap * d.
cdef struct Span:
    Py_ssize_t start
    Py_ssize_t first
    Py_ssize_t stop
    Py_ssize_t count

cdef struct Pool:
    Rows rows
    move_f stage            # input elements into a contiguous, aligned, native row
    move_f scatter          # output elements out of a contiguous row
    Axis outer[MAX_OUTER]
    Axis row
    Axis lane
    int nouter
    bint averages           # divide by the window's count
    bint swap               # the input has the other byte order
    bint tangled            # the input's rows are not contiguous native elements
    bint plain              # the output's rows are contiguous
    bint leading            # the lane axis is not pooled: nothing horizontal to do
    bint reduces            # horizontal folds go run by run instead of sliding rows
    bint slides             # strided horizontal folds slide by one, then pick
    bint lifts              # the rows of an item are lifted once and slide over each other
    bint direct             # a row without padding may be read where it lies
    bint pairs              # the lane windows are pairs, folded with their rows at once
    bint bare               # scratch rows have no padding; the windows it cuts are folded apart
    bint spreads            # lane windows are transposed: each phase of the lanes slides
    bint roots              # sums of powers
    bint omits              # NaNs are left out
    Mapping mapping
    Ending ending
    double divisor          # for all windows, unless they are averages
    double terms            # the most elements a window adds up
    double depth            # the most additions an element goes through
    Py_ssize_t inner        # elements per position of the lane axis
    Py_ssize_t inner_xs
    Py_ssize_t inner_os
    Py_ssize_t unit         # elements that a split moves as one
    Py_ssize_t x_size       # bytes of an input element
    Py_ssize_t size         # bytes of what is lifted, elements or carriers
    Py_ssize_t out_size     # bytes of an output element
    Py_ssize_t tile         # rows per item
    Py_ssize_t lanes        # lane positions per item
    Py_ssize_t taps         # lane taps per pass
    Py_ssize_t parts        # pieces a window is split into, to share out few large windows
    bint parts_rows         # parts split the row axis's taps (else the passes over lane taps)
    Py_ssize_t pitch        # cells per scratch row, a multiple of the lane stride
    Py_ssize_t res_pitch    # cells per row of results
    Py_ssize_t lane_blocks
    Py_ssize_t row_blocks
    Py_ssize_t items
    Py_ssize_t block_bytes  # the room for a tile's rows
    Py_ssize_t at_result    # offsets into a thread's scratch
    Py_ssize_t at_raw       # room for staged rows
    Py_ssize_t staged_rows  # how many there may be
    Py_ssize_t staged_run   # how many rows of windows may take theirs from them
    Py_ssize_t at_native    # a row in the native layout, to be mapped
    Py_ssize_t at_done
    Py_ssize_t at_factors
    Py_ssize_t factors      # how many
    Py_ssize_t at_memory
    Py_ssize_t result_bytes
    Py_ssize_t scratch_bytes

# One call: the arrays, and what is to be done with the rows of this input.
cdef struct Call:
    const char* x
    char* out
    char* indices
    bint tangled            # they are not contiguous native elements
    bint staged             # they are tangled or mapped, and go through scratch

# What a thread remembers from item to item; behind it, what the rows of factors count.
cdef struct Memory:
    bint wary               # sums of the last item were rounded
    Py_ssize_t lane         # the first lane that the factors are for

# Where an item lies.
cdef struct Place:
    Py_ssize_t x_at         # byte offset of the first tap of the outer axes
    Py_ssize_t index        # and its index
    Py_ssize_t out_at
    double count            # product of the outer windows' counts
    bint empty              # an outer window without input
    Py_ssize_t taps[MAX_OUTER]
    Py_ssize_t row          # first output row, and how many
    Py_ssize_t rows
    Py_ssize_t lane         # first lane, and how many
    Py_ssize_t lanes
    bint scans              # the item's elements widen
    Range range_            # this range
    Py_ssize_t seen         # rows before this position are in it already


cdef inline Py_ssize_t clamped(Py_ssize_t x, Py_ssize_t least, Py_ssize_t most) noexcept nogil:
    return least if x < least else (most if x > most else x)


cdef inline Py_ssize_t taps_below(
    const Axis* axis, Py_ssize_t start, Py_ssize_t limit) noexcept nogil:
    """How many of the window's taps lie below `limit`."""
    cdef Py_ssize_t room = limit - start
    if axis.d > 1 and room > 0:
        room = (room + axis.d - 1) // axis.d
    return clamped(room, 0, axis.k)


cdef Span uneven_window(const Axis* axis, Py_ssize_t o) noexcept nogil:
    cdef Span span
    cdef Py_ssize_t at, high, i
    span.first = 0
    if axis.spacing == ADAPTIVE:
        span.start = o * axis.n // axis.out
        span.stop = ((o + 1) * axis.n + axis.out - 1) // axis.out - span.start
    else:
        # The windows q that have o = q * s - before + t * d for some t from 0 to k - 1.
        at = o + axis.before
        high = min(axis.n, at // axis.turned_s + 1)
        span.start = max(first_window(axis, o), 0)
        span.stop = 0
        for i in range(axis.d):
            if span.start >= high:
                break
            if (at - span.start * axis.turned_s) % axis.turned_d == 0:
                span.stop = (high - span.start + axis.d - 1) // axis.d
                break
            span.start += 1
    span.count = span.stop
    return span


cdef inline Py_ssize_t first_window(const Axis* axis, Py_ssize_t o) noexcept nogil:
    """The first window that may have position o among its taps, be there one or not."""
    cdef Py_ssize_t room = o + axis.before - (axis.turned_k - 1) * axis.turned_d
    return -(-room // axis.turned_s) if room <= 0 else (room - 1) // axis.turned_s + 1


cdef inline Span window(const Axis* axis, Py_ssize_t o) noexcept nogil:
    cdef Span span
    if axis.spacing != REGULAR:
        return uneven_window(axis, o)
    span.start = o * axis.s - axis.before
    span.first = taps_below(axis, span.start, 0)
    span.stop = taps_below(axis, span.start, axis.n)
    if axis.counted < 0:
        span.count = span.stop - span.first
    else:
        span.count = taps_below(axis, span.start, axis.counted)
    return span


cdef inline Py_ssize_t alike(const Axis* axis, const Span* span, Py_ssize_t most) noexcept nogil:
    """How many windows from this one on (at most `most`) have all their taps, as this one has.

    1 if this one has not.
    """
    cdef Py_ssize_t reach = axis.n - 1 - span.start - (axis.k - 1) * axis.d
    if span.start < 0 or reach < 0 or axis.spacing != REGULAR:
        return 1
    return min(reach // axis.s + 1, most)


cdef void locate(const Pool* p, Py_ssize_t item, Place* place) noexcept nogil:
    cdef Py_ssize_t o, i
    cdef Span span
    cdef const Axis* axis
    place.lane = 0
    if p.lane_blocks > 1:       # divisions are dear
        place.lane = item % p.lane_blocks * p.lanes
        item //= p.lane_blocks
    place.lanes = min(p.lane.out - place.lane, p.lanes)
    place.row = 0
    if p.row_blocks > 1:
        place.row = item % p.row_blocks * p.tile
        item //= p.row_blocks
    place.rows = min(p.row.out - place.row, p.tile)
    place.x_at = 0
    place.index = 0
    place.out_at = 0
    place.count = 1
    place.empty = False
    place.range_.peak = 0
    place.range_.low = <uint64_t> -1
    for i in range(p.nouter - 1, -1, -1):
        axis = &p.outer[i]
        o = item
        if i > 0:
            o = item % axis.out
            item //= axis.out
        span = window(axis, o)
        place.x_at += (span.start + span.first * axis.d) * axis.xs
        place.index += (span.start + span.first * axis.d) * axis.step
        place.out_at += o * axis.os
        place.count *= span.count
        place.taps[i] = span.stop - span.first
        if span.stop <= span.first:
            place.empty = True


cdef bint next_taps(
    const Pool* p, const Place* place, Py_ssize_t* taken, const char** src,
    Py_ssize_t* index) noexcept nogil:
    """Step to the next taps of the outer axes; False after the last."""
    cdef int i
    cdef const Axis* axis
    for i in range(p.nouter - 1, -1, -1):
        axis = &p.outer[i]
        taken[i] += 1
        src[0] += axis.d * axis.xs
        index[0] += axis.d * axis.step
        if taken[i] < place.taps[i]:
            return True
        src[0] -= taken[i] * axis.d * axis.xs
        index[0] -= taken[i] * axis.d * axis.step
        taken[i] = 0
    return False


cdef void lift_batch(
    const Pool* p, const Place* place, char* dst, Py_ssize_t pitch, const char** batch,
    Py_ssize_t step, Py_ssize_t count, Py_ssize_t rows, Py_ssize_t position, Py_ssize_t cells,
    bint fresh) noexcept nogil:
    """Fold source rows that begin at an input position into dst, as cells or as lanes of pairs."""
    cdef const char* inside[BATCH]
    cdef Py_ssize_t j = 0, i, run
    cdef Span lane
    if not p.pairs:
        p.rows.lift(dst, pitch, batch, step, count, rows, cells, fresh)
        return
    while j < place.lanes:
        lane = window(&p.lane, place.lane + j)
        for i in range(count):
            inside[i] = batch[i] + (lane.start + lane.first - position) * p.size
        if lane.stop - lane.first == p.lane.k:
            run = alike(&p.lane, &lane, place.lanes - j)
            p.rows.pairs(dst + j * p.rows.size, pitch, inside, step, count, rows, run, fresh)
        else:
            # One of the pair, or none.
            run = 1
            if lane.first < lane.stop:
                p.rows.lift(dst + j * p.rows.size, pitch, inside, step, count, rows, 1, fresh)
            elif fresh:
                p.rows.clear(dst + j * p.rows.size, pitch, rows, 1)
        j += run


cdef void stage_rows(
    const Pool* p, const Call* call, char* dst, const char* src, Py_ssize_t index,
    Py_ssize_t rows, Py_ssize_t stride, Py_ssize_t n, char* native) noexcept nogil:
    """Put n lane positions of `rows` input rows end to end, as native elements or carriers."""
    cdef const char* row
    cdef Py_ssize_t r
    if (not call.tangled and stride * p.row.xs == n * p.inner * p.x_size
            and stride * p.row.step == n * p.lane.step):
        n *= rows       # they are end to end already
        rows = 1
    for r in range(rows):
        row = src
        if call.tangled:
            if p.rows.map == NULL:
                native = dst
            p.stage(NULL, native, p.inner * p.x_size, p.x_size, src, p.lane.xs, p.inner_xs, n,
                    p.inner, p.swap)
            row = native
        if p.rows.map != NULL:
            p.rows.map(dst, row, n, p.inner, index, &p.mapping)
        dst += n * p.inner * p.size
        src += stride * p.row.xs
        index += stride * p.row.step


cdef void vertical(
    const Pool* p, const Call* call, Place* place, const Span* row, Py_ssize_t rows,
    Py_ssize_t stride, char* dst, Py_ssize_t pitch, Py_ssize_t position, Py_ssize_t n,
    char* raw) noexcept nogil:
    """Fold lane positions `position` … + n of `rows` windows along the row axis into dst.

    `row` is the first window; the others, `stride` further each, have the same taps; there are
    at most `staged_run` where rows are staged.  Where lanes are pairs, dst is a row of lanes.
    """
    cdef const char* batch[BATCH]
    cdef Py_ssize_t taken[MAX_OUTER]
    cdef bint fresh = True
    cdef Py_ssize_t count = 0, i, t, r, cells = n * p.inner, xs = p.row.xs, step = stride * xs
    cdef Py_ssize_t first = row.start + row.first * p.row.d
    cdef Py_ssize_t stop = row.start + (row.stop - 1) * p.row.d + 1
    cdef Py_ssize_t index = place.index + position * p.lane.step + first * p.row.step
    cdef Py_ssize_t reach = stop - first + (rows - 1) * stride, batches = BATCH
    # Input rows are staged all at once if they are not more than what the windows take.
    cdef bint whole = (call.staged and reach <= p.staged_rows
                       and reach <= rows * (row.stop - row.first))
    cdef const char* src = call.x + place.x_at + position * p.lane.xs + first * xs
    cdef const char* at
    cdef char* native = raw - p.at_raw + p.at_native
    if call.staged:
        xs = cells * p.size
        step = stride * xs if whole else xs
        if not whole:
            batches = SLOTS
    for i in range(p.nouter):
        taken[i] = 0
    while row.first < row.stop and not place.empty:
        at = src
        if whole:
            stage_rows(p, call, raw, src, index, reach, 1, n, native)
            at = raw
        for t in range(row.stop - row.first):
            batch[count] = at + t * p.row.d * xs
            if call.staged and not whole:
                at = raw + count * (p.staged_rows // SLOTS) * xs
                stage_rows(p, call, <char*> at, src + t * p.row.d * p.row.xs,
                           index + t * p.row.d * p.row.step, rows, stride, n, native)
                batch[count] = at
                if place.scans and first + t * p.row.d >= place.seen:
                    p.rows.scan(at, xs, rows, cells, &place.range_)
            count += 1
            if count == batches:
                lift_batch(p, place, dst, pitch, batch, step, count, rows, position, cells, fresh)
                fresh = False
                count = 0
        if whole and count > 0:
            lift_batch(p, place, dst, pitch, batch, step, count, rows, position, cells, fresh)
            fresh = False
            count = 0
        if place.scans and (whole or not call.staged):
            for r in range(rows):
                i = max(first + r * stride, place.seen)
                t = stop + r * stride
                if r == 0 and (whole or stride <= stop - first):
                    t = stop + (rows - 1) * stride     # all rows at once: they leave no gap
                if i < t:
                    p.rows.scan(at + (i - first) * xs, xs, t - i, cells, &place.range_)
                if t > stop + r * stride:
                    break
        if not next_taps(p, place, taken, &src, &index):
            break
    if count > 0:
        lift_batch(p, place, dst, pitch, batch, step, count, rows, position, cells, fresh)
    elif fresh:
        p.rows.clear(dst, pitch, rows, place.lanes if p.pairs else cells)
    # The rows of a dilated window interleave with the next one's.
    if p.row.d == 1 and stop + (rows - 1) * stride > place.seen:
        place.seen = stop + (rows - 1) * stride


cdef void reduce_taps(
    const Pool* p, char* dst, const char* src, Py_ssize_t taps, bint raw, bint fresh,
    char* spare) noexcept nogil:
    """Fold `taps` neighbouring cells into one: long runs by folding eighths of them as rows."""
    cdef const char* batch[BATCH]
    cdef fold_f fold = p.rows.lift if raw else p.rows.fold
    cdef Py_ssize_t cell = p.inner * (p.size if raw else p.rows.size)
    cdef Py_ssize_t share = taps // 8, i
    if share * p.inner >= LONG_SHARE or (p.inner > 1 and taps >= BATCH):
        for i in range(8):
            batch[i] = src + i * share * cell
        fold(spare, 0, batch, 0, 8, 1, share * p.inner, True)
        reduce_taps(p, dst, spare, share, False, fresh, spare + share * p.inner * p.rows.size)
        fresh = False
        src += 8 * share * cell
        taps -= 8 * share
    if taps == 0:
        return
    if p.inner == 1:
        (p.rows.lift_run if raw else p.rows.fold_run)(dst, 0, src, 0, 1, taps, fresh)
        return
    for i in range(taps):
        batch[i] = src + i * cell
    fold(dst, 0, batch, 0, taps, 1, p.inner, fresh)


cdef void horizontal(
    const Pool* p, char* dst, const char* src, Py_ssize_t src_pitch, Py_ssize_t rows,
    Py_ssize_t lanes, Py_ssize_t taps, bint raw, bint fresh, char* spare) noexcept nogil:
    """Fold `taps` cells along each row of src into each of its lanes in dst."""
    cdef reduce_f run
    cdef const char* batch[BATCH]
    cdef fold_f fold = p.rows.lift if raw else p.rows.fold
    cdef Py_ssize_t s = p.lane.s, d = p.lane.d
    cdef Py_ssize_t cell = p.inner * (p.size if raw else p.rows.size)
    cdef Py_ssize_t acc_cell = p.inner * p.rows.size
    cdef Py_ssize_t cells, at, count = 0, t, j, r, n
    if p.reduces:
        if p.inner == 1 and taps < 8 * LONG_SHARE:
            # Short runs, a row of them in one call: along the lanes, or one in each row.
            run = p.rows.lift_run if raw else p.rows.fold_run
            if lanes == 1:
                run(dst, p.res_pitch * acc_cell, src, src_pitch, rows, taps, fresh)
                return
            for r in range(rows):
                run(dst + r * p.res_pitch * acc_cell, acc_cell, src + r * src_pitch, s * cell,
                    lanes, taps, fresh)
            return
        for r in range(rows):
            for j in range(lanes):
                reduce_taps(p, dst + (r * p.res_pitch + j) * acc_cell,
                            src + r * src_pitch + j * s * cell, taps, raw, fresh, spare)
        return
    # Several rows slide as one: what crosses from a row into the next lands in cells of the
    # result that no lane reads.
    n = (rows - 1) * p.res_pitch + lanes
    if s == 1:
        slide(p, fold, dst, fresh, src, raw, n, d * p.inner, taps, spare)
        return
    cells = (rows - 1) * p.pitch + (lanes - 1) * s + (taps - 1) * d + 1
    if p.slides and not raw:
        # Every window of the row, then every s-th of them.
        at = p.block_bytes
        slide(p, fold, spare, True, src, raw, cells - (taps - 1) * d, d * p.inner, taps,
              spare + at)
        splitter(p.unit * p.rows.size)(
            spare + at, spare, cells - (taps - 1) * d, s, p.inner // p.unit, False)
        batch[0] = spare + at
        p.rows.fold(dst, 0, batch, 0, 1, 1, n * p.inner, fresh)
        return
    splitter(p.unit * (p.size if raw else p.rows.size))(
        spare, src, cells, s, p.inner // p.unit, True)
    cells = (cells + s - 1) // s
    for t in range(taps):
        at = t * d
        batch[count] = spare + (at % s * cells + at // s) * cell
        count += 1
        if count == BATCH or t == taps - 1:
            fold(dst, 0, batch, 0, count, 1, n * p.inner, fresh)
            fresh = False
            count = 0


cdef void slide(
    const Pool* p, fold_f fold, char* dst, bint fresh, const char* src, bint raw, Py_ssize_t n,
    Py_ssize_t distance, Py_ssize_t taps, char* spare) noexcept nogil:
    """dst[j] = fold of src[j + t * distance] for t < taps, for n cells of `inner` elements.

    Windows of width w make those of 2 w, or of 2 w + 1 with the cells themselves: a window of k
    takes about log2(k) folds.  `distance` is in elements; `raw` says that src is elements, not
    accumulators.
    """
    cdef const char* batch[3]
    cdef Py_ssize_t w = 1, bit = 1, count, cells
    cdef Py_ssize_t step = distance * (p.size if raw else p.rows.size)
    cdef const char* widest = src
    cdef char* target
    n *= p.inner
    while 2 * bit <= taps:
        bit *= 2
    while bit > 1:
        bit //= 2
        batch[0] = widest
        batch[1] = widest + w * step
        count = 2
        w *= 2
        if taps & bit:
            batch[2] = src + w * step
            w += 1
            count = 3
        if bit == 1:
            break
        target = spare if widest != spare else spare + p.block_bytes
        cells = n + (taps - w) * distance
        fold(target, 0, batch, 0, count, 1, cells, True)
        widest = target
    if taps == 1:
        batch[0] = src
        count = 1
    fold(dst, 0, batch, 0, count, 1, n, fresh)


cdef void gather(
    const Pool* p, const Call* call, Place* place, Py_ssize_t part, char* scratch,
    char* result, Py_ssize_t result_row) noexcept nogil:
    """Fold the windows of one item (or one part of them) into rows of accumulators."""
    cdef Py_ssize_t acc_cell = p.inner * p.rows.size, block_row = p.pitch * acc_cell
    cdef Py_ssize_t tap = window(&p.lane, place.lane + place.lanes - 1).first
    cdef Py_ssize_t stop = window(&p.lane, place.lane).stop
    cdef Py_ssize_t passes, taps, base, cells, lo, hi, r, m, run
    cdef bint fresh = True
    # Runs are reduced row by row; short rows slide together.
    cdef bint by_row = p.reduces or p.tile == 1 or p.lane.spacing != REGULAR
    cdef bint alone = (by_row and p.direct and not p.lifts and not call.staged
                       and p.lane.spacing == REGULAR and single(p, place))
    cdef Span row, lane
    cdef const char* src
    cdef char* block
    cdef char* spare = scratch + p.block_bytes
    cdef char* raw = scratch + p.at_raw
    if p.lane.spacing != REGULAR and place.lanes > 1:
        stop = p.lane.k     # in one pass
    if p.parts > 1 and not p.parts_rows:
        passes = (stop - tap + p.taps - 1) // p.taps
        stop = clamped(tap + passes * (part + 1) // p.parts * p.taps, 0, stop)
        tap += passes * part // p.parts * p.taps
    while tap < stop:
        taps = clamped(stop - tap, 0, p.taps)
        base = place.lane * p.lane.s - p.lane.before + tap * p.lane.d
        cells = (place.lanes - 1) * p.lane.s + (taps - 1) * p.lane.d + 1
        if p.lane.spacing != REGULAR:
            lane_reach(p, place, tap, taps, &base, &cells)
        lo = clamped(-base, 0, cells)
        hi = clamped(p.lane.n - base, lo, cells)
        if p.bare:
            lo = -base
            hi = lo + p.lane.n
        place.seen = 0
        block = scratch
        if p.lifts:
            lift_rows(p, call, place, base, lo, hi, scratch, raw)
        r = 0
        while r < place.rows:
            run = 1
            if p.lifts:
                run = place.rows
            else:
                row = window(&p.row, place.row + r)
                if p.parts > 1 and p.parts_rows:
                    m = row.stop - row.first if row.stop > row.first else 0
                    row.stop = row.first + m * (part + 1) // p.parts
                    row.first += m * part // p.parts
                else:
                    run = alike(&p.row, &row, place.rows - r)
                    if call.staged:
                        run = min(run, p.staged_run)
            if p.pairs or (p.leading and not p.lifts):
                vertical(p, call, place, &row, run, p.row.s, result + r * result_row, result_row,
                         base + lo, hi - lo, raw)
            elif p.leading:
                src = block
                p.rows.fold(result, result_row, &src, block_row, 1, run, cells * p.inner, True)
            elif alone and row.stop - row.first == 1 and lo == 0 and hi == cells:
                # Windows that take a single row, without padding, are read where they lie.
                src = (call.x + place.x_at + base * p.lane.xs
                       + (row.start + row.first * p.row.d) * p.row.xs)
                across(p, result + r * result_row, result_row, src, p.row.s * p.row.xs, run,
                       place.lanes, taps, True, fresh, spare)
                if place.scans:
                    p.rows.scan(src, p.row.s * p.row.xs, run, cells * p.inner, &place.range_)
            else:
                if not p.lifts:
                    if not p.bare:
                        pad(p, block + r * block_row, run, lo, hi)
                    vertical(p, call, place, &row, run, p.row.s,
                             block + r * block_row + lo * acc_cell, block_row, base + lo,
                             hi - lo, raw)
                if p.lane.spacing != REGULAR:
                    for m in range(run):
                        uneven(p, place, result + (r + m) * result_row, block + (r + m) * block_row,
                               base, tap, taps, fresh, spare)
                elif by_row:
                    across(p, result + r * result_row, result_row, block + r * block_row,
                           block_row, run, place.lanes, taps, False, fresh, spare)
            r += run
        if not (p.leading or p.pairs or by_row):
            horizontal(p, result, block, block_row, place.rows, place.lanes, taps, False, fresh,
                       spare)
        if p.bare:
            fold_cut(p, place, result, result_row, block + lo * acc_cell, block_row)
        fresh = False
        tap += p.taps
    if fresh:
        p.rows.clear(result, result_row, place.rows, place.lanes * p.inner)


cdef void lane_reach(
    const Pool* p, const Place* place, Py_ssize_t tap, Py_ssize_t taps, Py_ssize_t* base,
    Py_ssize_t* cells) noexcept nogil:
    """The first position, and how many, that uneven lane windows take their taps from."""
    cdef Py_ssize_t last = place.lane + place.lanes - 1, end
    cdef Span span
    if place.lanes == 1:
        base[0] = window(&p.lane, last).start + tap * p.lane.d
        cells[0] = (taps - 1) * p.lane.d + 1
        return
    if p.lane.spacing == ADAPTIVE:
        base[0] = window(&p.lane, place.lane).start
        span = window(&p.lane, last)
        end = span.start + span.stop
    else:
        base[0] = first_window(&p.lane, place.lane)
        end = (last + p.lane.before) // p.lane.turned_s + 1
        if not p.spreads:
            base[0] = clamped(base[0], 0, p.lane.n)
            end = min(end, p.lane.n)
    cells[0] = max(end - base[0], 0)


cdef void uneven(
    const Pool* p, const Place* place, char* dst, const char* src, Py_ssize_t base,
    Py_ssize_t tap, Py_ssize_t taps, bint fresh, char* spare) noexcept nogil:
    """Fold uneven lane windows along a row whose first cell is position `base`."""
    cdef const char* batch[BATCH]
    cdef Py_ssize_t cell = p.inner * p.rows.size, s = p.lane.turned_s
    cdef Py_ssize_t j, t, n, low, count, lanes, first
    cdef char* phase = spare + 2 * p.block_bytes
    cdef const char* at
    cdef bint begun
    cdef Span lane
    if p.spreads and place.lanes > 1:
        # Positions s apart are in neighbouring windows: each phase slides by one.
        for j in range(min(s, place.lanes)):
            first = place.lane + j
            low = first_window(&p.lane, first)
            n = (first + p.lane.before) // s + 1 - low
            lanes = (place.lanes - j + s - 1) // s
            if n > 0:
                slide(p, p.rows.fold, phase, True, src + (low - base) * cell, False, lanes,
                      p.inner, n, spare)
            else:
                p.rows.clear(phase, 0, 1, lanes * p.inner)
            spread(dst + j * cell, phase, lanes, s * cell, cell)
        return
    for j in range(place.lanes):
        lane = window(&p.lane, place.lane + j)
        begun = not fresh
        n = clamped(lane.stop - tap, 0, taps)
        at = src + (lane.start + tap * p.lane.d - base) * cell
        if p.lane.d == 1:
            if n > 0:
                reduce_taps(p, dst, at, n, False, fresh, spare)
                begun = True
        else:
            count = 0
            for t in range(n):
                batch[count] = at + t * p.lane.d * cell
                count += 1
                if count == BATCH or t == n - 1:
                    p.rows.fold(dst, 0, batch, 0, count, 1, p.inner, not begun)
                    begun = True
                    count = 0
        if not begun:
            p.rows.clear(dst, 0, 1, p.inner)
        dst += cell


cdef void spread(
    char* dst, const char* src, Py_ssize_t n, Py_ssize_t step, Py_ssize_t cell) noexcept nogil:
    """Lay out cells end to end `step` bytes apart."""
    cdef Py_ssize_t j
    if cell == 8:
        for j in range(n):
            memcpy(dst + j * step, src + j * 8, 8)
    elif cell == 16:
        for j in range(n):
            memcpy(dst + j * step, src + j * 16, 16)
    else:
        for j in range(n):
            memcpy(dst + j * step, src + j * cell, cell)


cdef void gather_warily(
    const Pool* p, const Call* call, Place* place, char* scratch, char* result,
    Py_ssize_t result_row) noexcept nogil:
    """Gather, with the range of the elements if any sum was rounded.

    Most items are spared the scan; where one needs it, the next is likely to, too.  Sums of Twins
    are always rounded.
    """
    cdef Memory* memory = <Memory*> (scratch + p.at_memory)
    place.scans = p.rows.scan != NULL and (p.rows.twins or memory.wary)
    if p.rows.scan == NULL or p.rows.twins:
        gather(p, call, place, 0, scratch, result, result_row)
        return
    cypool_forget()
    gather(p, call, place, 0, scratch, result, result_row)
    memory.wary = cypool_rounded()
    if not memory.wary:
        place.range_.peak = 0
    elif not place.scans:
        place.scans = True
        gather(p, call, place, 0, scratch, result, result_row)


cdef void fold_cut(
    const Pool* p, const Place* place, char* result, Py_ssize_t result_row, const char* block,
    Py_ssize_t block_row) noexcept nogil:
    """Fold the windows that stick out of bare rows, which slid into their neighbours' cells."""
    cdef Py_ssize_t lane = 0, cell = p.rows.size
    cdef Span span
    while lane < place.lanes:
        span = window(&p.lane, lane)
        if span.stop - span.first == p.lane.k:
            lane += alike(&p.lane, &span, place.lanes - lane)
            continue
        p.rows.fold_run(result + lane * cell, result_row, block + (span.start + span.first) * cell,
                        block_row, place.rows, span.stop - span.first, True)
        lane += 1


cdef void across(
    const Pool* p, char* dst, Py_ssize_t dst_pitch, const char* src, Py_ssize_t src_pitch,
    Py_ssize_t rows, Py_ssize_t lanes, Py_ssize_t taps, bint raw, bint fresh,
    char* spare) noexcept nogil:
    """Fold along rows that do not slide together: at once if they are runs, or one by one."""
    cdef Py_ssize_t r
    if p.reduces and dst_pitch == p.res_pitch * p.inner * p.rows.size:
        horizontal(p, dst, src, src_pitch, rows, lanes, taps, raw, fresh, spare)
        return
    for r in range(rows):
        horizontal(p, dst + r * dst_pitch, src + r * src_pitch, src_pitch, 1, lanes, taps, raw,
                   fresh, spare)


cdef void pad(
    const Pool* p, char* block, Py_ssize_t rows, Py_ssize_t lo, Py_ssize_t hi) noexcept nogil:
    """Put the identity into the cells of a block's rows that are before lo or from hi on.

    The others may get it too: it is for rows that are yet to be filled.
    """
    cdef Py_ssize_t acc_cell = p.inner * p.rows.size, row = p.pitch * acc_cell
    if lo == 0 and hi == p.pitch:
        return
    if row <= SHORT_ROW:
        p.rows.clear(block, 0, 1, rows * p.pitch * p.inner)
        return
    p.rows.clear(block, row, rows, lo * p.inner)
    p.rows.clear(block + hi * acc_cell, row, rows, (p.pitch - hi) * p.inner)


cdef void lift_rows(
    const Pool* p, const Call* call, Place* place, Py_ssize_t base, Py_ssize_t lo, Py_ssize_t hi,
    char* dst, char* raw) noexcept nogil:
    """Fold the windows of an item along all axes but the lanes, where row windows overlap much.

    All the rows are lifted once, into the last block of the scratch, and slid over each other
    into the first.
    """
    cdef Py_ssize_t acc_cell = p.inner * p.rows.size, block_row = p.pitch * acc_cell, i, run
    cdef Py_ssize_t n = (place.rows - 1) * p.row.s + 1
    cdef Py_ssize_t rows = n + (p.row.k - 1) * p.row.d
    cdef Py_ssize_t start = place.row * p.row.s - p.row.before
    cdef Py_ssize_t top = clamped(-start, 0, rows), bottom = clamped(p.row.n - start, top, rows)
    cdef char* lifted_rows = dst + 3 * p.block_bytes
    cdef const char* src = dst
    cdef Span row
    row.first = 0
    row.stop = 1
    row.count = 1
    p.rows.clear(lifted_rows, 0, 1, top * p.pitch * p.inner)
    pad(p, lifted_rows + top * block_row, bottom - top, lo, hi)
    i = top
    while i < bottom:
        row.start = start + i
        run = min(bottom - i, p.staged_rows) if call.staged else bottom - i
        vertical(p, call, place, &row, run, 1, lifted_rows + i * block_row + lo * acc_cell,
                 block_row, base + lo, hi - lo, raw)
        i += run
    p.rows.clear(lifted_rows + bottom * block_row, 0, 1, (rows - bottom) * p.pitch * p.inner)
    slide(p, p.rows.fold, dst, True, lifted_rows, False, n * p.pitch,
          p.row.d * p.pitch * p.inner, p.row.k, dst + p.block_bytes)
    if p.row.s > 1:
        # Every s-th row moves up; none is written before it was read.
        p.rows.fold(dst, block_row, &src, p.row.s * block_row, 1, place.rows,
                    p.pitch * p.inner, True)


cdef inline bint single(const Pool* p, const Place* place) noexcept nogil:
    """Whether the outer axes bring one row only."""
    cdef int i
    for i in range(p.nouter):
        if place.taps[i] != 1:
            return False
    return True


cdef double doubt(const Pool* p, const Range* range_, bint* overflows) noexcept nogil:
    """The magnitude below which an item's sums cannot be trusted; 0 if all are near enough.

    A sum of n terms below m, each rounded at most `depth` times to 53 bits, is off by less than
    n * m * depth * 2**-53; what the sums of Twins round is off by depth**2 * 2**-106 of n * m
    (Ogita, Rump and Oishi, "Accurate sum and dot product", SIAM J. Sci. Comput. 26, 2005).
    """
    cdef int mantissa = p.rows.digits - 1, log_terms, peak, low
    if range_.peak == 0:
        return 0.0
    peak = <int> clamped(range_.peak >> mantissa, 1, 2046)
    low = <int> clamped((range_.low + 1) >> mantissa, 1, 2046)
    frexp(p.terms, &log_terms)
    # Every magnitude is below 2**(peak + 1 - bias).
    if p.roots:
        # Powers do not cancel, but they overflow, and are rounded away below 2**-1022.
        overflows[0] = peak + 2 - p.rows.bias + log_terms >= 1024
        return 2.0**-900 if overflows[0] or low - p.rows.bias < -960 else 0.0
    if p.rows.twins:
        overflows[0] = peak + 2 - p.rows.bias + log_terms >= 1024
        if not overflows[0] and peak - low + p.rows.digits + 2 * log_terms <= 104:
            return 0.0
        return ldexp(p.terms * p.depth * p.depth, peak + 1 - p.rows.bias - 50)
    if peak - low + p.rows.digits + log_terms <= 53:
        return 0.0
    return ldexp(p.terms * p.depth, peak + 1 - p.rows.bias - 27)


cdef void each_tap(
    const Pool* p, const Call* call, const Place* place, Py_ssize_t r, Py_ssize_t i,
    const Mapping* how, visit_f visit, void* state, char* scratch) noexcept nogil:
    """Visit what is lifted of the window of element i of an item's row r, piece by piece."""
    cdef Span row = window(&p.row, place.row + r)
    cdef Span lane = window(&p.lane, place.lane + i // p.inner)
    cdef Py_ssize_t taken[MAX_OUTER]
    cdef Py_ssize_t a, t, tap, n, index = 0
    cdef char* raw = scratch + p.at_raw
    cdef char* native = scratch + p.at_native if p.rows.map != NULL else raw
    cdef const char* src = (call.x + place.x_at + row.start * p.row.xs + lane.start * p.lane.xs
                            + i % p.inner * p.inner_xs)
    for a in range(p.nouter):
        taken[a] = 0
    while not place.empty:
        for t in range(row.first, row.stop):
            tap = lane.first
            while tap < lane.stop:
                n = clamped(lane.stop - tap, 0, p.pitch)
                p.stage(NULL, native, p.x_size, p.x_size,
                        src + t * p.row.d * p.row.xs + tap * p.lane.d * p.lane.xs,
                        p.lane.d * p.lane.xs, 0, n, 1, p.swap)
                if p.rows.map != NULL:
                    p.rows.map(raw, native, n, 1, 0, how)
                visit(state, raw, n)
                tap += n
        if not next_taps(p, place, taken, &src, &index):
            break


# What a window's elements are: of doubt() for one sum.
cdef struct Probe:
    scan_f scan
    Range range_


cdef void probe(Probe* state, const char* src, Py_ssize_t n) noexcept nogil:
    state.scan(src, 0, 1, n, &state.range_)


cdef void mend(
    const Pool* p, const Call* call, const Place* place, Py_ssize_t r, Py_ssize_t i, char* dst,
    const char* given, char* scratch) noexcept nogil:
    """Put the right result in the place of element i of an item's row r.

    Unless the given sum is not suspect by what its own window holds, rather than the item.
    """
    cdef Mapping how = p.mapping
    cdef Probe own
    cdef Exact sum_
    cdef Norm norm
    cdef Sparse total       # begins as a Twin does, and that as a double
    cdef Twin twin
    cdef int scale
    cdef bint overflows = False
    cdef double divisor = p.divisor, bound
    own.scan = p.rows.scan
    own.range_.peak = 0
    own.range_.low = <uint64_t> -1
    each_tap(p, call, place, r, i, &how, <visit_f> probe, &own, scratch)
    bound = doubt(p, &own.range_, &overflows)
    if p.rows.suspect(given, 0, 1, bound, overflows) == 1:
        return
    if p.roots:
        memset(&norm, 0, sizeof(Norm))
        norm.exponent = how.exponent
        norm.omits = p.omits
        how.exponent = 1.0
        each_tap(p, call, place, r, i, &how, <visit_f> widest, &norm, scratch)
        each_tap(p, call, place, r, i, &how, <visit_f> norm_add, &norm, scratch)
        twin.hi = norm_of(&norm)
        twin.lo = 0.0
        divisor = 1.0
        p.rows.norm_finish(dst, 0, <const char*> &twin, 0, 1, 1, &divisor, p.ending)
        return
    memset(&sum_, 0, sizeof(Exact))
    sum_.omits = p.omits
    each_tap(p, call, place, r, i, &how, p.rows.exact, &sum_, scratch)
    twin = exact_twin(&sum_, &scale)
    total.hi = twin.hi
    total.lo = twin.lo
    total.seen = sum_.seen
    total.nans = sum_.nans
    if p.averages:
        divisor = place.count * window(&p.row, place.row + r).count
        divisor *= window(&p.lane, place.lane + i // p.inner).count
    if p.omits and scale != 0:
        # The finish takes the NaNs from the divisor; here they have to go before it is scaled.
        divisor -= total.nans if p.averages else 0
        total.nans = 0
    divisor = ldexp(divisor, scale)
    if not p.rows.twins:
        # As an exact sum is finished: that of an item with another, rounded one is the same.
        total.hi += total.lo
        divisor = 1.0 / divisor
    p.rows.finish(dst, 0, <const char*> &total, 0, 1, 1, &divisor, p.ending)


cdef void finish(
    const Pool* p, const Call* call, const Place* place, char* scratch,
    const char* result) noexcept nogil:
    """Turn an item's rows of accumulators into output."""
    cdef Py_ssize_t row_bytes = p.res_pitch * p.inner * p.rows.size
    cdef Py_ssize_t n = place.lanes * p.inner, r = 0, i, run
    cdef Py_ssize_t group = clamped(FACTORS // n, 1, p.tile) if p.plain else 1
    cdef double bound = 0.0
    cdef double* factors = <double*> (scratch + p.at_factors)
    cdef bint overflows = False
    cdef const char* src
    cdef char* out
    cdef char* dst
    if p.rows.scan != NULL:
        bound = doubt(p, &place.range_, &overflows)
    while r < place.rows:
        src = result + r * row_bytes
        out = call.out + place.out_at + (place.row + r) * p.row.os + place.lane * p.lane.os
        run = min(place.rows - r, group)
        if call.indices != NULL:
            finish_indices(p, call, place, r, run, src, row_bytes, n, scratch + p.at_done)
        if p.rows.finish == NULL:
            for i in range(run if p.plain else 0):
                memcpy(out + i * p.row.os, src + i * row_bytes, n * p.out_size)
        else:
            dst = out if p.plain else scratch + p.at_done
            if p.ending.shift == 0:
                fill_factors(p, place, r, run, factors, <Memory*> (scratch + p.at_memory))
            p.rows.finish(dst, p.row.os, src, row_bytes, run, n, factors, p.ending)
            i = 0
            while bound > 0.0 or overflows:
                # Whole rows of the result, their gaps included, as one.
                i = p.rows.suspect(src, i, (run - 1) * p.res_pitch * p.inner + n, bound, overflows)
                if i >= (run - 1) * p.res_pitch * p.inner + n:
                    break
                if i % (p.res_pitch * p.inner) < n:
                    mend(p, call, place, r + i // (p.res_pitch * p.inner),
                         i % (p.res_pitch * p.inner),
                         dst + i // (p.res_pitch * p.inner) * p.row.os
                         + i % (p.res_pitch * p.inner) * p.out_size, src + i * p.rows.size,
                         scratch)
                i += 1
            src = dst
        if not p.plain:
            p.scatter(NULL, out, p.lane.os, p.inner_os, src, p.inner * p.out_size, p.out_size,
                      place.lanes, p.inner, False)
        r += run


cdef void finish_indices(
    const Pool* p, const Call* call, const Place* place, Py_ssize_t r, Py_ssize_t rows,
    const char* src, Py_ssize_t row_bytes, Py_ssize_t n, char* done) noexcept nogil:
    """Put out the indices of rows of accumulators; they lie as the output does."""
    cdef Py_ssize_t wide = <Py_ssize_t> sizeof(int64_t) // p.out_size
    cdef char* dst = call.indices + wide * (
        place.out_at + (place.row + r) * p.row.os + place.lane * p.lane.os)
    if p.plain:
        p.rows.indices(dst, wide * p.row.os, src, row_bytes, rows, n, NULL, p.ending)
        return
    p.rows.indices(done, 0, src, 0, 1, n, NULL, p.ending)
    move(<uint64_t*> NULL, dst, wide * p.lane.os, wide * p.inner_os, done,
         p.inner * sizeof(int64_t), sizeof(int64_t), place.lanes, p.inner, False)


cdef void fill_factors(
    const Pool* p, const Place* place, Py_ssize_t r, Py_ssize_t rows, double* factors,
    Memory* memory) noexcept nogil:
    """The divisors (or their inverses) of an item's rows from r on, unless they are there."""
    cdef double* counts = <double*> (memory + 1)
    cdef Py_ssize_t n = place.lanes * p.inner, i, stop, j, k, run
    cdef double divisor
    cdef Span row, lane
    if not p.averages:
        for i in range(p.factors if memory.lane < 0 else 0):
            factors[i] = 1.0 / p.divisor if p.rows.inverts else p.divisor
        memory.lane = 0
        return
    if memory.lane != place.lane:
        memset(counts, -1, p.scratch_bytes - p.at_memory - sizeof(Memory))
        memory.lane = place.lane
    i = 0
    while i < rows:
        row = window(&p.row, place.row + r + i)
        stop = i + alike(&p.row, &row, rows - i)
        for i in range(i, stop):
            if counts[i] == place.count * row.count:
                continue
            counts[i] = place.count * row.count
            j = 0
            while j < place.lanes:
                lane = window(&p.lane, place.lane + j)
                run = alike(&p.lane, &lane, place.lanes - j)
                divisor = counts[i] * lane.count
                if p.rows.inverts:
                    divisor = 1.0 / divisor
                for k in range(i * n + j * p.inner, i * n + (j + run) * p.inner):
                    factors[k] = divisor
                j += run
        i = stop


cdef void pool_item(
    const Pool* p, const Call* call, Py_ssize_t item, char* scratch) noexcept nogil:
    """Everything for one item whose windows are not split."""
    cdef Place place
    cdef char* result = scratch + p.at_result
    cdef Py_ssize_t result_row = p.res_pitch * p.inner * p.rows.size
    cdef bint straight
    locate(p, item, &place)
    # Accumulators that are the output may be folded straight into it.
    straight = p.rows.finish == NULL and p.plain and (
        p.leading or p.pairs or place.rows == 1
        or (p.res_pitch == place.lanes and p.row.os == result_row))
    if straight:
        result = (call.out + place.out_at + place.row * p.row.os + place.lane * p.lane.os)
        result_row = p.row.os
    gather_warily(p, call, &place, scratch, result, result_row)
    if not straight:
        finish(p, call, &place, scratch, result)


cdef void pool_part(
    const Pool* p, const Call* call, Py_ssize_t i, char* scratch, char* results) noexcept nogil:
    """The accumulators of one part of an item."""
    cdef Place place
    locate(p, i // p.parts, &place)
    results += i * (p.result_bytes + sizeof(Range))
    place.scans = p.rows.scan != NULL
    gather(p, call, &place, i % p.parts, scratch, results, p.res_pitch * p.inner * p.rows.size)
    memcpy(results + p.result_bytes, &place.range_, sizeof(Range))


cdef void join_parts(
    const Pool* p, const Call* call, Py_ssize_t item, char* scratch, char* results) noexcept nogil:
    """Fold the parts of an item in their order, and finish it."""
    cdef Place place
    cdef Range range_
    cdef Py_ssize_t unit = p.result_bytes + sizeof(Range)
    cdef char* first = results + item * p.parts * unit
    cdef const char* src
    cdef Py_ssize_t part, row = p.res_pitch * p.inner * p.rows.size, r
    locate(p, item, &place)
    for part in range(p.parts):
        memcpy(&range_, first + part * unit + p.result_bytes, sizeof(Range))
        place.range_.peak = max(place.range_.peak, range_.peak)
        place.range_.low = min(place.range_.low, range_.low)
        for r in range(place.rows if part > 0 else 0):
            src = first + part * unit + r * row
            p.rows.fold(first + r * row, 0, &src, 0, 1, 1, place.lanes * p.inner, False)
    finish(p, call, &place, scratch, first)


# ---------------------------------------------------------------------------------------------
# The boundary
# ---------------------------------------------------------------------------------------------

cdef Axis axis_from(object numbers):
    cdef Axis axis
    (axis.n, axis.out, axis.k, axis.s, axis.d, axis.before, axis.counted, axis.xs, axis.os,
     axis.step, axis.spacing, axis.turned_k, axis.turned_s, axis.turned_d) = numbers
    return axis


cdef enum:
    MAX_DIMS = 64       # NumPy's own limit

# The shape and the strides that an array is planned to have.
cdef struct Layout:
    int ndim
    Py_ssize_t shape[MAX_DIMS]
    Py_ssize_t strides[MAX_DIMS]


cdef Layout layout_from(tuple shape, tuple strides):
    cdef Layout layout
    cdef int i
    layout.ndim = len(shape)
    for i in range(layout.ndim):
        layout.shape[i] = shape[i]
        layout.strides[i] = strides[i]
    return layout


cdef bint matches(const Py_buffer* view, const Layout* layout, Py_ssize_t itemsize) noexcept:
    """Whether a buffer has the shape and, where they matter, the strides that are planned."""
    cdef int i
    if view.ndim != layout.ndim or view.itemsize != itemsize:
        return False
    for i in range(view.ndim):
        if view.shape[i] != layout.shape[i]:
            return False
        if view.shape[i] > 1 and view.strides[i] != layout.strides[i]:
            return False
    return True


cdef bint overlap(const Py_buffer* a, const Py_buffer* b) noexcept:
    """Whether two buffers may share memory: whether their extents do."""
    cdef const char* low[2]
    cdef const char* high[2]
    cdef const Py_buffer* view
    cdef Py_ssize_t reach
    cdef int i, j
    for j in range(2):
        view = b if j else a
        low[j] = <const char*> view.buf
        high[j] = low[j] + view.itemsize
        for i in range(view.ndim):
            reach = (view.shape[i] - 1) * view.strides[i]
            if reach < 0:
                low[j] += reach
            else:
                high[j] += reach
    return low[0] < high[1] and low[1] < high[0]


cdef class Plan:
    """All that is known of a pooling before the data: made once, run often."""

    cdef Pool pool
    cdef Layout x_layout
    cdef Layout out_layout

    def __init__(
        self, int kind, int elem, int mapping, int acc, int out, *, tuple x_shape, tuple x_strides,
        tuple out_shape, tuple out_strides, list outer, row, lane, inner, bint swap,
        bint averages, double divisor, double terms, double depth, bint wraps, bint least,
        bint omits, bint scans, bint leading, bint reduces, bint slides, bint lifts, bint bare,
        bint pairs, Py_ssize_t tile,
        Py_ssize_t lanes, Py_ssize_t taps, Py_ssize_t pitch, Py_ssize_t room, Py_ssize_t parts,
        bint parts_rows,
    ):
        cdef Pool* p = &self.pool
        cdef Py_ssize_t i, rows, acc_cell
        cdef int lifted
        memset(p, 0, sizeof(Pool))
        if (not choose_rows(elem, mapping, kind, acc, out, &lifted, &p.rows)
                or (pairs and p.rows.pairs == NULL)):
            raise ValueError(f"no kernel for kind {kind}, types {elem}, {acc}, {out}")
        if not scans:
            p.rows.scan = NULL
        if len(outer) > MAX_OUTER:
            raise ValueError(f"{len(outer)} outer axes; at most {MAX_OUTER} are possible")
        self.x_layout = layout_from(x_shape, x_strides)
        self.out_layout = layout_from(out_shape, out_strides)
        p.nouter = len(outer)
        for i in range(p.nouter):
            p.outer[i] = axis_from(outer[i])
        p.row = axis_from(row)
        p.lane = axis_from(lane)
        p.inner, p.inner_xs, p.inner_os, p.mapping.inner_step = inner
        p.mapping.step = p.lane.step
        p.mapping.flip = -1 if least else 0
        # The ends of the range of ranks are kept for NaN and, below all, for windows of nothing.
        bits = 8 * elem_size(elem)
        p.mapping.nan = (1 - 2 ** (bits - 1)) if omits else 2 ** (bits - 1) - 1
        p.mapping.exponent = divisor
        p.roots = mapping == MAP_POWER
        p.omits = omits
        p.x_size = elem_size(elem)
        p.size = elem_size(lifted)
        p.out_size = elem_size(out)
        p.stage = mover(p.x_size)
        p.scatter = mover(p.out_size)
        p.swap = swap
        p.averages = averages
        p.divisor = divisor
        p.terms = terms
        p.depth = depth
        p.ending.is_signed = elem % 2 == 1 and elem < 8
        p.ending.wraps = wraps
        p.ending.averages = averages
        p.ending.least = least
        # Sums are wider than elements, in 16 to 64 bits, and have one divisor.
        if acc < 3 and out < 8 and p.out_size < p.rows.size and not (wraps or averages):
            for i in range(1, 8 * p.out_size):
                if divisor == <double> ((<uint64_t> 1) << i):
                    p.ending.shift = <int> i
        p.reduces = reduces
        p.slides = slides
        p.lifts = lifts
        p.bare = bare
        p.tile = tile
        p.lanes = lanes
        p.taps = taps
        p.parts = parts
        p.parts_rows = parts_rows
        acc_cell = p.inner * p.rows.size
        p.tangled = swap or p.lane.xs != p.inner * p.x_size or p.inner_xs != p.x_size
        # Steps that are no multiple of an element's size lead to elements that are not aligned.
        p.tangled = p.tangled or p.row.xs % p.x_size != 0
        for i in range(p.nouter):
            p.tangled = p.tangled or p.outer[i].xs % p.x_size != 0
        p.plain = p.lane.os == p.inner * p.out_size and p.inner_os == p.out_size
        p.leading = leading
        p.unit = p.inner if acc_cell in (1, 2, 4, 8, 16) else 1
        # Elements may be aligned for themselves only, and the sums of a row read where it lies
        # are sums of elements, so that one fold has to do.
        p.direct = p.unit == 1 and (p.rows.finish == NULL or reduces or p.lane.s > 1 or taps <= 3)
        p.pairs = pairs
        p.pitch = pitch
        p.res_pitch = pitch // p.lane.s
        if p.leading or p.pairs or reduces or tile == 1 or p.lane.spacing != REGULAR:
            p.res_pitch = lanes
        p.spreads = p.lane.spacing == TRANSPOSED and p.lane.turned_d == 1 and taps >= p.lane.k
        p.lane_blocks = (p.lane.out + lanes - 1) // lanes
        p.row_blocks = (p.row.out + tile - 1) // tile
        p.items = p.lane_blocks * p.row_blocks
        for i in range(p.nouter):
            p.items *= p.outer[i].out
        # The scratch of a thread: four blocks, result, staged rows, native row, finished row,
        # divisors.
        rows = tile
        if lifts:
            rows = (tile - 1) * p.row.s + (p.row.k - 1) * p.row.d + 1
        p.block_bytes = rounded_up((rows * pitch + (2 * p.lane.k if bare else 0)) * acc_cell)
        if (p.leading or p.pairs) and not lifts:
            p.block_bytes = 0
        p.at_result = 4 * p.block_bytes
        p.result_bytes = rounded_up(tile * p.res_pitch * acc_cell)
        p.at_raw = p.at_result + p.result_bytes
        rows = max((tile - 1) * p.row.s + (p.row.k - 1) * p.row.d + 1, SLOTS)
        p.staged_rows = clamped(room // (p.pitch * p.inner * p.size), SLOTS, rows)
        p.staged_run = p.staged_rows // SLOTS
        if p.row.s <= p.row.k <= p.staged_rows and (p.row.d == 1 or p.row.k == 1):
            p.staged_run = (p.staged_rows - p.row.k) // p.row.s + 1
        p.at_native = p.at_raw + rounded_up(p.staged_rows * p.pitch * p.inner * p.size)
        p.at_done = p.at_native + rounded_up(p.pitch * p.inner * p.x_size)
        p.at_factors = p.at_done + rounded_up(
            lanes * p.inner * max(p.out_size, <Py_ssize_t> sizeof(int64_t)))
        p.factors = max(lanes * p.inner, min(tile * lanes * p.inner, FACTORS))
        p.at_memory = p.at_factors + rounded_up(p.factors * sizeof(double))
        p.scratch_bytes = p.at_memory + rounded_up(
            sizeof(Memory) + min(tile, FACTORS) * sizeof(double))

    def run(self, x, out, indices, int threads):
        """Pool x into out: two arrays of exactly the shapes and strides planned for.

        `indices`, if not None, is an array of int64 with the layout of out.  False, with nothing
        done, if x and out may share memory.
        """
        cdef const Pool* p = &self.pool
        cdef Call call
        cdef Py_buffer x_view, out_view
        cdef char[::1] index_view
        cdef Py_ssize_t i, units = p.items * p.parts
        cdef char* memory = NULL
        cdef char* scratch
        cdef char* results
        PyObject_GetBuffer(x, &x_view, PyBUF_STRIDES)
        try:
            PyObject_GetBuffer(out, &out_view, PyBUF_STRIDES | PyBUF_WRITABLE)
            try:
                if not (matches(&x_view, &self.x_layout, p.x_size)
                        and matches(&out_view, &self.out_layout, p.out_size)):
                    raise ValueError("the arrays are not laid out as planned")
                if overlap(&x_view, &out_view):
                    return False
                if threads > units:
                    threads = <int> units
                call.x = <const char*> x_view.buf
                call.out = <char*> out_view.buf
                call.tangled = p.tangled or <uintptr_t> call.x % p.x_size != 0
                call.staged = call.tangled or p.rows.map != NULL
                call.indices = NULL
                if indices is not None:
                    # C-contiguous, as out has to be here.
                    index_view = indices.reshape(-1).view("b")
                    if (p.rows.indices == NULL
                            or index_view.shape[0] * p.out_size != out_view.len * 8):
                        raise ValueError("the indices are not laid out as planned")
                    call.indices = &index_view[0]
                memory = <char*> malloc(
                    64 + threads * p.scratch_bytes
                    + (units * (p.result_bytes + sizeof(Range)) if p.parts > 1 else 0))
                if memory == NULL:
                    raise MemoryError("no memory for the scratch rows")
                scratch = memory + (64 - <uintptr_t> memory % 64)
                results = scratch + threads * p.scratch_bytes
                for i in range(threads):
                    # No lane is -1, and no count the NaN of these bits.
                    memset(scratch + i * p.scratch_bytes + p.at_memory, -1,
                           p.scratch_bytes - p.at_memory)
                    (<Memory*> (scratch + i * p.scratch_bytes + p.at_memory)).wary = False
                    # Around bare rows are cells that are summed, though never used.
                    memset(scratch + i * p.scratch_bytes, 0, p.block_bytes if p.bare else 0)
                if threads == 1 and p.parts == 1:
                    with nogil:
                        for i in range(units):
                            pool_item(p, &call, i, scratch)
                elif p.parts == 1:
                    for i in prange(units, nogil=True, num_threads=threads, schedule="static"):
                        pool_item(p, &call, i, scratch + threadid() * p.scratch_bytes)
                else:
                    for i in prange(units, nogil=True, num_threads=threads, schedule="static"):
                        pool_part(p, &call, i, scratch + threadid() * p.scratch_bytes, results)
                    with nogil:
                        for i in range(p.items):
                            join_parts(p, &call, i, scratch, results)
            finally:
                free(memory)
                PyBuffer_Release(&out_view)
        finally:
            PyBuffer_Release(&x_view)
        return True


cdef Py_ssize_t rounded_up(Py_ssize_t size) noexcept:
    """To whole cache lines, so that no two threads share one."""
    return (size + 63) // 64 * 64


def openmp():
    """Whether the kernels were compiled with OpenMP."""
    return bool(cypool_openmp)


def max_threads():
    """How many threads OpenMP would use by itself (1 without OpenMP)."""
    return cypool_max_threads()
