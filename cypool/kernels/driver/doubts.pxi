# Sums that cannot be trusted, and their windows, which are added up again.

cdef enum:
    NEIGHBOURS = 32     # sums that are looked at together
    MOST_NEAR = 8192    # columns of elements that their windows may reach over


cdef inline int log_terms(const Pool* p) noexcept nogil:
    cdef int exponent
    frexp(p.terms, &exponent)
    return exponent


cdef inline double bound_of(const Pool* p, int peak, bint* overflows) noexcept nogil:
    """The magnitude below which sums of elements of less than 2**(peak + 1 - bias) are suspect.

    A sum of n terms below m, each rounded at most `depth` times to 53 bits, is off by less than
    n * m * depth * 2**-53; what the sums of Twins round is off by depth**2 * 2**-106 of n * m
    (Ogita, Rump and Oishi, "Accurate sum and dot product", SIAM J. Sci. Comput. 26, 2005).
    """
    overflows[0] = peak + 2 - p.rows.bias + log_terms(p) >= 1024
    if p.rows.twins:
        return ldexp(p.terms * p.depth * p.depth, peak + 1 - p.rows.bias - 50)
    return ldexp(p.terms * p.depth, peak + 1 - p.rows.bias - 27)


cdef double doubt(const Pool* p, const Range* range_, bint* overflows) noexcept nogil:
    """The magnitude below which sums of elements in a range are suspect; 0 if none is.

    They are exact if all are multiples of one unit, and have few enough of them.
    """
    cdef int mantissa = p.rows.digits - 1, peak, low, digits
    cdef double bound
    if range_.peak == 0:
        return 0.0
    peak = <int> clamped(range_.peak >> mantissa, 1, 2046)
    low = <int> clamped((range_.low + 1) >> mantissa, 1, 2046)
    bound = bound_of(p, peak, overflows)
    if p.roots:
        # Powers do not cancel, but they overflow, and are rounded away below 2**-1022.
        return 2.0**-900 if overflows[0] or low - p.rows.bias < -960 else 0.0
    digits = peak - low + p.rows.digits + log_terms(p)
    if p.rows.twins:
        return 0.0 if not overflows[0] and digits + log_terms(p) + 2 <= 104 else bound
    return 0.0 if digits <= 53 else bound


cdef void each_tap(
    const Pool* p, const Call* call, const Place* place, Py_ssize_t r, Py_ssize_t i, Span lane,
    const Mapping* how, visit_f visit, void* state, char* scratch) noexcept nogil:
    """Visit what is lifted of the taps `lane` of element i of an item's row r, piece by piece."""
    cdef Span row = window(&p.row, place.row + r)
    cdef Taps outer
    cdef Py_ssize_t t, tap, n, at, along
    cdef char* raw = scratch + p.at_raw
    cdef char* native = scratch + p.at_native if p.rows.map != NULL else raw
    cdef const char* src
    # What lies together needs no room.
    cdef bint whole = not call.staged and p.inner == p.lane.d == 1
    first_taps(p, call.x + place.x_at + i % p.inner * p.inner_xs, place.index, &outer)
    while not place.empty:
        for t in range(row.first, row.stop):
            at = row.start + t * p.row.d
            tap = lane.first
            while tap < lane.stop:
                n = lane.stop - tap
                along = lane.start + tap * p.lane.d
                src = outer.src + at * p.row.xs + along * p.lane.xs
                if whole:
                    visit(state, src, n)
                    break
                n = min(n, p.pitch)
                p.stage(NULL, native, p.x_size, p.x_size, src, p.lane.d * p.lane.xs, 0, n, 1,
                        p.swap)
                if p.nshared > 0:
                    map_shares(p, raw, native, n, outer.index + at * p.row.step
                               + along * p.lane.step, how, scratch)
                elif p.rows.map != NULL:
                    p.rows.map(raw, native, n, 1, 0, how)
                visit(state, raw, n)
                tap += n
        if not next_taps(p, place, &outer):
            break


cdef void map_shares(
    const Pool* p, char* dst, const char* src, Py_ssize_t n, Py_ssize_t index,
    const Mapping* how, char* scratch) noexcept nogil:
    """Map an element of each of n taps along the lanes, from an index on, that has its own share."""
    cdef Mapping one = how[0]
    cdef Py_ssize_t j, o
    for j in range(n):
        o = begin_shares(p, index + j * p.lane.d * p.lane.step, 1, &one, scratch)
        one.share *= row_share(p, o)
        p.rows.map(dst + j * p.size, src + j * p.x_size, 1, 1, 0, &one)


cdef void peaks_of(
    const Pool* p, const Call* call, const Place* place, Py_ssize_t r, Py_ssize_t begin,
    Py_ssize_t cells, uint16_t* peaks) noexcept nogil:
    """Find the exponents of the greatest elements that an item's row r has at some lane positions.

    They are 0 where there is none.
    """
    cdef Py_ssize_t at = clamped(begin, 0, p.lane.n)
    cdef Py_ssize_t n = (clamped(begin + cells, at, p.lane.n) - at) * p.inner
    cdef Taps outer
    cdef Span row = window(&p.row, place.row + r)
    memset(peaks, 0, cells * p.inner * sizeof(uint16_t))
    first_taps(p, call.x + place.x_at + at * p.lane.xs
               + (row.start + row.first * p.row.d) * p.row.xs, 0, &outer)
    while not place.empty and row.first < row.stop and n > 0:
        p.rows.exponents(outer.src, p.row.d * p.row.xs, row.stop - row.first, n,
                         peaks + (at - begin) * p.inner)
        if not next_taps(p, place, &outer):
            break


cdef bint lower_bounds(
    const Pool* p, const Call* call, const Place* place, Py_ssize_t r, Py_ssize_t first,
    Py_ssize_t n, const char* sums, double* bounds) noexcept nogil:
    """Lower the bounds of n sums, from element `first` of an item's row r on.

    First to that of all their elements; or where one is suspect still, each to that of its own: but
    not where these reach very far.  Returns whether any may overflow.
    """
    cdef uint16_t peaks[MOST_NEAR]
    cdef uint16_t most[NEIGHBOURS]
    cdef uint16_t peak = 0
    # Windows that padding cuts have other taps than those beside them, where they are dilated.
    cdef Py_ssize_t begin = window(&p.lane, place.lane + first // p.inner).start
    cdef Py_ssize_t cells = window(&p.lane, place.lane + (first + n - 1) // p.inner).start
    cdef Py_ssize_t step = p.lane.d * p.inner, j, t, at
    cdef bint overflows = False, any_overflows = False
    cells += (p.lane.k - 1) * p.lane.d + 1 - begin
    if cells > MOST_NEAR // p.inner:
        return True
    peaks_of(p, call, place, r, begin, cells, peaks)
    for j in range(cells * p.inner):
        peak = max(peak, peaks[j])
    bounds[0] = bound_of(p, peak, &overflows) if peak > 0 else 0.0
    for j in range(n):
        bounds[j] = bounds[0]
        most[j] = 0
    if p.rows.suspect(sums, 0, n, bounds, False, overflows) == n:
        return overflows
    if p.lane.spacing == REGULAR and p.lane.s == 1:
        at = first % p.inner
        for t in range(p.lane.k):
            for j in range(n):
                most[j] = max(most[j], peaks[at + t * step + j])
    else:
        for j in range(n):
            at = window(&p.lane, place.lane + (first + j) // p.inner).start - begin
            at = at * p.inner + (first + j) % p.inner
            for t in range(p.lane.k):
                most[j] = max(most[j], peaks[at + t * step])
    for j in range(n):
        if most[j] == 0:
            bounds[j] = 0.0
        elif j > 0 and most[j] == most[j - 1]:
            bounds[j] = bounds[j - 1]
        else:
            bounds[j] = bound_of(p, most[j], &overflows)
            any_overflows |= overflows
    return any_overflows


# What a window's elements are: of doubt() for one sum.
cdef struct Probe:
    scan_f scan
    Range range_


cdef void probe(Probe* state, const char* src, Py_ssize_t n) noexcept nogil:
    state.scan(src, 0, 1, n, &state.range_)


# The last window of a row that was added up again.
cdef struct Mended:
    Py_ssize_t element  # negative if there is none
    Exact total


cdef bint slide_exact(
    const Pool* p, const Call* call, const Place* place, Py_ssize_t r, Py_ssize_t i,
    Mended* mended, char* scratch) noexcept nogil:
    """Take an exact sum on to the window of element i, if that is less work; else False.

    What the two windows have in common stays.
    """
    cdef Memory* memory = <Memory*> (scratch + p.at_memory)
    cdef Py_ssize_t left, come
    cdef Span old, lane
    # Nothing is taken from what is not finite.
    if (mended.element < 0 or (i - mended.element) % p.inner != 0 or p.lane.d > 1
            or mended.total.special != 0.0):
        return False
    old = window(&p.lane, place.lane + mended.element // p.inner)
    lane = window(&p.lane, place.lane + i // p.inner)
    left = lane.start + lane.first - old.start - old.first
    come = lane.start + lane.stop - old.start - old.stop
    if left < 0 or come < 0 or left + come >= lane.stop - lane.first:
        return False
    memory.mended += p.terms / min(p.lane.k, p.lane.n) * (left + come)
    old.stop = old.first + left
    mended.total.subtracts = True
    each_tap(p, call, place, r, mended.element, old, &p.mapping, p.rows.exact, &mended.total,
             scratch)
    lane.first = lane.stop - come
    mended.total.subtracts = False
    each_tap(p, call, place, r, i, lane, &p.mapping, p.rows.exact, &mended.total, scratch)
    mended.element = i
    return True


cdef void mend(
    const Pool* p, const Call* call, const Place* place, Py_ssize_t r, Py_ssize_t i, char* dst,
    const char* given, Mended* mended, char* scratch) noexcept nogil:
    """Put the right result in the place of element i of an item's row r.

    Unless the given sum is not suspect by what its own window holds, rather than the item.
    """
    cdef Memory* memory = <Memory*> (scratch + p.at_memory)
    cdef Span lane = window(&p.lane, place.lane + i // p.inner)
    cdef Mapping how = p.mapping
    cdef Probe own
    cdef Exact sum_
    cdef Norm norm
    cdef Sparse total       # begins as a Twin does, and that as a double
    cdef Twin twin
    cdef int scale
    cdef bint overflows = False
    cdef double divisor = p.divisor, bound
    if not slide_exact(p, call, place, r, i, mended, scratch):
        memory.mended += p.terms
        own.scan = p.rows.scan
        own.range_.peak = 0
        own.range_.low = <uint64_t> -1
        each_tap(p, call, place, r, i, lane, &how, <visit_f> probe, &own, scratch)
        bound = doubt(p, &own.range_, &overflows)
        if p.rows.suspect(given, 0, 1, &bound, False, overflows) == 1:
            return
        if not p.roots:
            memset(mended, 0, sizeof(Mended))
            mended.element = i
            mended.total.omits = p.omits
            each_tap(p, call, place, r, i, lane, &how, p.rows.exact, &mended.total, scratch)
    if p.roots:
        memset(&norm, 0, sizeof(Norm))
        norm.exponent = how.exponent
        norm.omits = p.omits
        how.exponent = 1.0
        each_tap(p, call, place, r, i, lane, &how, <visit_f> widest, &norm, scratch)
        each_tap(p, call, place, r, i, lane, &how, <visit_f> norm_add, &norm, scratch)
        twin.hi = norm_of(&norm)
        twin.lo = 0.0
        divisor = 1.0
        p.rows.norm_finish(dst, 0, <const char*> &twin, 0, 1, 1, &divisor, p.ending)
        return
    sum_ = mended.total     # which goes on from here
    twin = exact_twin(&sum_, &scale)
    total.hi = twin.hi
    total.lo = twin.lo
    total.seen = sum_.seen
    total.nans = sum_.nans
    if p.averages:
        divisor = place.count * window(&p.row, place.row + r).count * lane.count
    if p.omits and scale != 0:
        # The finish takes the NaNs from the divisor; here they have to go before it is scaled.
        divisor -= total.nans if p.averages else 0
        total.nans = 0
    divisor = ldexp(divisor, scale)
    if not p.rows.twins:
        # As an exact sum is finished: that of an item with another, rounded one is the same.
        total.hi += total.lo
        divisor = p.rows.scale / divisor
    p.rows.finish(dst, 0, <const char*> &total, 0, 1, 1, &divisor, p.ending)


cdef void mend_row(
    const Pool* p, const Call* call, const Place* place, Py_ssize_t r, char* dst, const char* sums,
    double bound, bint overflows, char* scratch) noexcept nogil:
    """Look for sums of an item's row r that cannot be trusted, and put the right results.

    The bound is first lowered to those of windows side by side: an element may be far greater than
    all others.
    """
    cdef Memory* memory = <Memory*> (scratch + p.at_memory)
    cdef Py_ssize_t n = place.lanes * p.inner, i = 0, j, count
    cdef bint near = not (call.staged or p.roots) and (p.lane.spacing == REGULAR or p.lane.d == 1)
    cdef bint overflow
    cdef double bounds[NEIGHBOURS]
    cdef Mended mended
    mended.element = -1
    while True:
        i = p.rows.suspect(sums, i, n, &bound, False, overflows)
        if i >= n:
            return
        count = min(n - i, <Py_ssize_t> NEIGHBOURS)
        overflow = overflows
        for j in range(count):
            bounds[j] = bound
        if near:
            overflow &= lower_bounds(p, call, place, r, i, count, sums + i * p.rows.size, bounds)
        j = 0
        while j < count:
            j = p.rows.suspect(sums + i * p.rows.size, j, count, bounds, True, overflow)
            if j < count:
                mend(p, call, place, r, i + j, dst + (i + j) * p.out_size,
                     sums + (i + j) * p.rows.size, &mended, scratch)
                if memory.mended > p.patience:
                    return
                j += 1
        i += count
