# Rows of 16-bit floats, and pairs along them, in lanes of 32 bits, which hold two.

ctypedef fused lane_t:
    float
    double

cdef enum:
    GROUP = 128         # results of 16-bit floats, all of which are added up anew
    SEVERAL = 8         # if more than so many are to be
    BLOCK = 8 * GROUP   # and of which that is found out before
    TINY = 5 << 10      # bits of a float16 whose quarter is not subnormal, as that may be slow
    MOST_ROWS = 9       # of 16-bit floats that are added up at once, or that are compared
    SPAN = 39 << 7      # what is added up exactly spans so many exponents, in the bits of a Brain


cdef inline void stretch(uint16_t* most, uint16_t* least, const half_t* x) noexcept nogil:
    """Widen a range of magnitudes to one more; the least is that which is not 0, less 1."""
    cdef uint16_t size = <uint16_t> (x.bits & 0x7FFF)
    most[0] = size if size > most[0] else most[0]
    size = <uint16_t> (size - 1)
    least[0] = size if size < least[0] else least[0]


cdef inline void widen(
    uint16_t* most, uint16_t* least, const half_t* src, Py_ssize_t n) noexcept nogil:
    """Widen a range of magnitudes to n elements."""
    cdef uint16_t high = most[0], low = least[0]
    cdef Py_ssize_t j
    for j in range(n):
        stretch(&high, &low, src + j)
    most[0] = high
    least[0] = low


cdef inline bint far_apart(
    const half_t** src, Py_ssize_t pitch, Py_ssize_t count, Py_ssize_t rows,
    Py_ssize_t n) noexcept nogil:
    """Whether any element is not finite, or magnitudes are too far apart for exact sums of doubles.

    Rows end to end are read as one: a few long loops, where a short one for each row is dear.
    """
    cdef uint16_t most = 0, least = <uint16_t> -1
    cdef Py_ssize_t size = n * <Py_ssize_t> sizeof(half_t), i = 0, near, r
    while i < count:
        near = 1
        while (i + near < count
               and <const char*> src[i + near] - <const char*> src[i] == near * size):
            near += 1
        if 0 <= pitch <= near * size:
            widen(&most, &least, src[i], (rows - 1) * pitch // sizeof(half_t) + near * n)
        else:
            for r in range(rows):
                widen(&most, &least, past(src[i], r * pitch), near * n)
        i += near
    if half_t is Brain:
        return most >= 0x7F80 or most > least + SPAN
    return most >= 0x7C00


cdef inline uint16_t too_far(
    uint16_t most, uint16_t least, int bits, const half_t* _) noexcept nogil:
    """A number with the sign set if float is too short for exact sums of 2**bits such terms.

    They are below 2**(e + 1 + bits), for the greatest exponent e, and multiples of 2**-7 (2**-10)
    of the power that the least one has; float has 24 bits for that.
    """
    cdef int digits = 7 if half_t is Brain else 10
    cdef uint16_t far = <uint16_t> ((most | ((1 << digits) - 1)) - least
                                    + (0x7FFF - ((24 - digits - bits) << digits)))
    if half_t is Brain:
        far |= <uint16_t> (most + 0x80 + (bits << 7))   # nor may sums overflow
    return far


cdef inline void far_rows(
    uint16_t* far, uint16_t* top, const half_t** src, Py_ssize_t pitch, Py_ssize_t given,
    Py_ssize_t rows, Py_ssize_t n, int count, bint pairs) noexcept nogil:
    """Give far[r * n + j] a sign if float may be too short for that window.

    And widen top[:n] to the greatest magnitudes of all rows.
    """
    cdef const half_t* a = src[0]
    cdef const half_t* b = src[1 if count > 1 else 0]
    cdef const half_t* c = src[2 if count > 2 else 0]
    cdef const half_t* d = src[3 if count > 2 else 0]
    cdef uint16_t most, least
    cdef Py_ssize_t j, i, r
    for r in range(rows):
        for j in range(n):
            most = 0
            least = <uint16_t> -1
            for i in range(2 if pairs else 1):
                stretch(&most, &least, a + ((2 if pairs else 1) * j + i))
                if count > 1:
                    stretch(&most, &least, b + ((2 if pairs else 1) * j + i))
                if count > 2:
                    stretch(&most, &least, c + ((2 if pairs else 1) * j + i))
                    stretch(&most, &least, d + ((2 if pairs else 1) * j + i))
            far[j] = too_far(
                most, least, (count + 1) // 2 + (1 if pairs and count > 1 else 0), src[0])
            top[j] = most if most > top[j] else top[j]
        far += n
        a = past(a, pitch)
        b = past(b, pitch if given > 1 else 0)
        c = past(c, pitch)
        d = past(d, pitch if given > 3 else 0)


cdef inline lane_t half_terms(
    uint32_t two, int i, bint pairs, const half_t* tag, lane_t* _) noexcept nogil:
    """The i-th element of a lane, or the sum of both."""
    if pairs:
        return <lane_t> half_term(two, 0, tag) + <lane_t> half_term(two, 1, tag)
    return half_term(two, i, tag)


cdef inline uint32_t half_mean(
    uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e, uint32_t f, uint32_t g, uint32_t h,
    uint32_t k, int i, int count, bint pairs, lane_t factor, const half_t* tag) noexcept nogil:
    """The bits of the i-th of the results of lanes: the higher half of what is returned."""
    cdef lane_t x = half_terms(a, i, pairs, tag, &factor)
    if count > 1:
        x = x + half_terms(b, i, pairs, tag, &factor)
    if count > 2:
        x = x + half_terms(c, i, pairs, tag, &factor)
        x = x + half_terms(d, i, pairs, tag, &factor)
    if count > 4:
        x = x + half_terms(e, i, pairs, tag, &factor)
        x = x + half_terms(f, i, pairs, tag, &factor)
        x = x + half_terms(g, i, pairs, tag, &factor)
        x = x + half_terms(h, i, pairs, tag, &factor)
        x = x + half_terms(k, i, pairs, tag, &factor)
    if lane_t is float:
        return half_of_term(x * factor, tag)
    return <uint32_t> half_of(x * factor, True, tag) << 16


cdef inline void half_lanes(
    half_t* dst, Py_ssize_t dst_pitch, const half_t** src, Py_ssize_t pitch, Py_ssize_t given,
    Py_ssize_t rows, Py_ssize_t n, int count, bint pairs, lane_t factor,
    const Ahead* ahead) noexcept nogil:
    """A factor times the sums of n lanes of two elements each, or a pair: of 1, 2, 4 or 9 sources.

    Those that are not given have no rows to go to.
    """
    cdef const half_t* a = src[0]
    cdef const half_t* b = src[1 if count > 1 else 0]
    cdef const half_t* c = src[2 if count > 2 else 0]
    cdef const half_t* d = src[3 if count > 2 else 0]
    cdef const half_t* e = src[4 if count > 4 else 0]
    cdef const half_t* f = src[5 if count > 4 else 0]
    cdef const half_t* g = src[6 if count > 4 else 0]
    cdef const half_t* h = src[7 if count > 4 else 0]
    cdef const half_t* k = src[8 if count > 4 else 0]
    cdef uint32_t la, lb = 0, lc = 0, ld = 0, le = 0, lf = 0, lg = 0, lh = 0, lk = 0, done
    cdef Py_ssize_t j, r
    for r in range(rows):
        fetch_row(ahead, <const char**> src, given, pitch, r)
        for j in range(n):
            memcpy(&la, a + 2 * j, 4)
            if count > 1:
                memcpy(&lb, b + 2 * j, 4)
            if count > 2:
                memcpy(&lc, c + 2 * j, 4)
                memcpy(&ld, d + 2 * j, 4)
            if count > 4:
                memcpy(&le, e + 2 * j, 4)
                memcpy(&lf, f + 2 * j, 4)
                memcpy(&lg, g + 2 * j, 4)
                memcpy(&lh, h + 2 * j, 4)
                memcpy(&lk, k + 2 * j, 4)
            done = half_mean(la, lb, lc, ld, le, lf, lg, lh, lk, 0, count, pairs, factor, dst)
            done >>= 16
            if pairs:
                (<uint16_t*> dst)[j] = <uint16_t> done
            else:
                done |= half_mean(la, lb, lc, ld, le, lf, lg, lh, lk, 1, count, pairs, factor, dst)
                memcpy(dst + 2 * j, &done, 4)
        a = past(a, pitch)
        b = past(b, pitch if given > 1 else 0)
        if count > 2:
            c = past(c, pitch)
            d = past(d, pitch if given > 3 else 0)
        if count > 4:
            e = past(e, pitch)
            f = past(f, pitch if given > 5 else 0)
            g = past(g, pitch if given > 6 else 0)
            h = past(h, pitch if given > 7 else 0)
            k = past(k, pitch if given > 8 else 0)
        dst = <half_t*> (<char*> dst + dst_pitch)


cdef inline void one_half(
    half_t* dst, const half_t** src, Py_ssize_t offset, Py_ssize_t given, int count, bint pairs,
    lane_t factor) noexcept nogil:
    """dst[0] = a factor times the sum of terms, or pairs, at an offset in bytes."""
    cdef uint32_t x[MOST_ROWS]
    cdef Py_ssize_t i
    for i in range(MOST_ROWS):
        x[i] = 0
    for i in range(count):
        memcpy(&x[i], past(src[i], offset if i < given else 0),
               (2 if pairs else 1) * sizeof(half_t))
    dst.bits = <uint16_t> (half_mean(
        x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7], x[8], 0, count, pairs, factor, dst) >> 16)


cdef inline void once_halves(
    half_t* dst, Py_ssize_t dst_pitch, const half_t** src, Py_ssize_t pitch, Py_ssize_t given,
    Py_ssize_t rows, Py_ssize_t n, int count, bint pairs, lane_t factor,
    const Ahead* ahead) noexcept nogil:
    """dst[r, j] = a factor times the sum of 1, 2, 4 or 9 terms, or pairs."""
    cdef Py_ssize_t lanes = n if pairs else n // 2, r
    half_lanes(dst, dst_pitch, src, pitch, given, rows, lanes, count, pairs, factor, ahead)
    # An odd one is a part of no lane.
    for r in range(0 if pairs else n % 2 * rows):
        one_half(<half_t*> (<char*> dst + r * dst_pitch) + n - 1, src,
                 r * pitch + (n - 1) * sizeof(half_t), given, count, False, factor)


cdef inline bint add_up_anew(
    half_t* dst, Py_ssize_t dst_pitch, const uint16_t* far, const half_t** src, Py_ssize_t pitch,
    Py_ssize_t given, Py_ssize_t rows, Py_ssize_t n, int count, bint pairs,
    double factor) noexcept nogil:
    """Make those results by doubles whose `far` has a sign; it has no gaps between rows.

    Returns whether double may be too short as well.
    """
    cdef const half_t* at[MOST_ROWS]
    cdef Py_ssize_t scale = 2 if pairs else 1, i, j, r, offset
    cdef uint16_t number = 0
    cdef uint64_t four
    for j in range(rows * n):
        number += <uint16_t> (far[j] >> 15)
    if number == 0:
        return False
    if number > SEVERAL:
        if half_t is Brain:
            if far_apart(src, pitch, given, rows, scale * n):
                return True
        once_halves(dst, dst_pitch, src, pitch, given, rows, n, count, pairs, factor, NULL)
        return False
    for r in range(rows):
        j = -1
        while j + 1 < n:
            j += 1
            if j + 4 <= n:      # most have none
                memcpy(&four, far + r * n + j, sizeof(four))
                if four & <uint64_t> 0x8000800080008000 == 0:
                    j += 3
                    continue
            if far[r * n + j] < 0x8000:
                continue
            offset = r * pitch + scale * j * <Py_ssize_t> sizeof(half_t)
            if half_t is Brain:
                for i in range(given):
                    at[i] = past(src[i], offset)
                if far_apart(at, 0, given, 1, scale):
                    return True
            one_half(<half_t*> (<char*> dst + r * dst_pitch) + j, src, offset, given, count,
                     pairs, factor)
    return False


cdef inline bint halves_block(
    half_t* dst, Py_ssize_t dst_pitch, const half_t** src, Py_ssize_t pitch, Py_ssize_t given,
    Py_ssize_t rows, Py_ssize_t n, int count, bint pairs, bint in_float, double factor,
    const Ahead* ahead) noexcept nogil:
    """halves_all() of rows of up to BLOCK results, with 1, 2, 4 or 9 sources.

    Sums are those of float if `in_float`, of up to BLOCK results in all; those that it may not have
    room for are added up anew.
    """
    cdef const half_t* at[MOST_ROWS]
    cdef uint16_t nothing[2 * BLOCK]
    cdef uint16_t top[BLOCK]
    cdef uint16_t far[BLOCK]
    cdef uint16_t any_ = 0, infinite = 0x7F80 if half_t is Brain else 0x7C00
    cdef Py_ssize_t scale = 2 if pairs else 1, begin, i, j, m, per, r
    # With exponents as half_of() takes them.
    cdef double wide = factor * 2.0**127
    for i in range(scale * n if given < count else 0):
        nothing[i] = 0x8000     # -0.0
    for i in range(given, count):
        at[i] = <const half_t*> nothing
    for i in range(given):
        at[i] = src[i]
    if in_float:
        memset(top, 0, n * sizeof(top[0]))
        far_rows(far, top, at, pitch, given, rows, n, count, pairs)
        for j in range(n):
            any_ = top[j] if top[j] > any_ else any_
        if any_ >= infinite:
            return True
        in_float = half_t is Brain or any_ == 0 or any_ >= TINY
    if not in_float:
        once_halves(dst, dst_pitch, at, pitch, given, rows, n, count, pairs, wide, ahead)
        return False
    once_halves(dst, dst_pitch, at, pitch, given, rows, n, count, pairs, <float> factor, ahead)
    per = max(<Py_ssize_t> 1, GROUP // n)
    r = 0
    while r < rows:
        begin = 0
        while begin < n:
            m = min(n - begin, <Py_ssize_t> GROUP)
            for i in range(given):
                at[i] = past(src[i], r * pitch) + scale * begin
            if add_up_anew(<half_t*> (<char*> dst + r * dst_pitch) + begin, dst_pitch,
                           far + (r * n + begin), at, pitch, given, min(per, rows - r), m, count,
                           pairs, wide):
                return True
            begin += m
        r += per
    return False


cdef inline bint halves_all(
    half_t* dst, Py_ssize_t dst_pitch, const half_t** src, Py_ssize_t src_pitch, Py_ssize_t count,
    Py_ssize_t rows, Py_ssize_t n, bint pairs, double factor, const Ahead* ahead) noexcept nogil:
    """A factor times the sums of rows of up to nine sources, or four of pairs, block by block."""
    cdef const half_t* at[MOST_ROWS]
    cdef int exponent
    cdef bint doubtful = False, in_float
    cdef Ahead here     # what is ahead of a block
    cdef const Ahead* now
    cdef Py_ssize_t i, r, begin, block, m
    if count > (FEW if pairs else MOST_ROWS):
        return True     # there is no such thing
    # Means by a power of two that are no greater than their elements, of at least the 2**-149th
    # that float has, are exact before they are rounded.
    in_float = (count <= 4 and frexp(factor, &exponent) == 0.5 and exponent >= -12
                and factor * count * (2 if pairs else 1) <= 1.0)
    if half_t is Half and pairs and count > 2:
        in_float = False    # sums of eight seldom fit
    if not in_float and far_apart(src, src_pitch, count, rows, 2 * n if pairs else n):
        return True
    block = max(<Py_ssize_t> 1, <Py_ssize_t> BLOCK // n) if in_float else rows
    r = 0
    while r < rows:
        block = min(block, rows - r)
        begin = 0
        now = NULL
        if ahead != NULL:
            here = ahead[0]
            here.out += r * here.out_step
            now = &here
        while begin < n:
            m = min(n - begin, <Py_ssize_t> BLOCK)
            for i in range(count):
                at[i] = past(src[i], r * src_pitch) + (2 * begin if pairs else begin)
            if count == 1 and pairs:
                doubtful |= halves_block(
                    dst + begin, dst_pitch, at, src_pitch, 1, block, m, 1, True, in_float, factor,
                    now)
            elif count <= 2:
                doubtful |= halves_block(
                    dst + begin, dst_pitch, at, src_pitch, count, block, m, 2, pairs, in_float,
                    factor, now)
            elif count <= 4:
                doubtful |= halves_block(
                    dst + begin, dst_pitch, at, src_pitch, count, block, m, 4, pairs, in_float,
                    factor, now)
            else:
                doubtful |= halves_block(
                    dst + begin, dst_pitch, at, src_pitch, count, block, m, MOST_ROWS, False,
                    False, factor, now)
            begin += m
            now = NULL      # all of a row was fetched with its first elements
        dst = <half_t*> (<char*> dst + block * dst_pitch)
        r += block
    return doubtful
