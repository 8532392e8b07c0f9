# Sums that cannot be trusted, and their windows, which are added up again.

cdef enum:
    NEIGHBOURS = 32     # sums that are looked at together


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
    overflows[0] = peak + 2 - p.rows.bias + log_terms >= 1024
    if p.roots:
        # Powers do not cancel, but they overflow, and are rounded away below 2**-1022.
        return 2.0**-900 if overflows[0] or low - p.rows.bias < -960 else 0.0
    if p.rows.twins:
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
    # What lies together needs no room.
    cdef bint whole = not call.staged and p.inner == p.lane.d == 1
    for a in range(p.nouter):
        taken[a] = 0
    while not place.empty:
        for t in range(row.first, row.stop):
            tap = lane.first
            if whole:
                visit(state, src + t * p.row.d * p.row.xs + tap * p.x_size, lane.stop - tap)
                tap = lane.stop
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

cdef double doubt_near(
    const Pool* p, const Call* call, const Place* place, Py_ssize_t r, Py_ssize_t first,
    Py_ssize_t last, bint* overflows) noexcept nogil:
    """doubt() of the windows of lanes `first` to `last` of an item's row r, that lie in memory."""
    cdef Span row = window(&p.row, place.row + r)
    cdef Span begin = window(&p.lane, place.lane + first), end = window(&p.lane, place.lane + last)
    # Some may lie wholly in the padding.
    cdef Py_ssize_t at = clamped(begin.start + begin.first * p.lane.d, 0, p.lane.n)
    cdef Py_ssize_t stop = clamped(end.start + (end.stop - 1) * p.lane.d + 1, at, p.lane.n)
    cdef Py_ssize_t n = (stop - at) * p.inner
    cdef Py_ssize_t taken[MAX_OUTER]
    cdef Py_ssize_t a, index = 0
    cdef const char* src = (call.x + place.x_at + at * p.lane.xs
                            + (row.start + row.first * p.row.d) * p.row.xs)
    cdef Range range_
    range_.peak = 0
    range_.low = <uint64_t> -1
    for a in range(p.nouter):
        taken[a] = 0
    while not place.empty and row.first < row.stop and n > 0:
        p.rows.scan(src, p.row.d * p.row.xs, row.stop - row.first, n, &range_)
        if not next_taps(p, place, taken, &src, &index):
            break
    return doubt(p, &range_, overflows)


cdef void mend_row(
    const Pool* p, const Call* call, const Place* place, Py_ssize_t r, char* dst, const char* sums,
    double bound, bint overflows, char* scratch) noexcept nogil:
    """Look for sums of an item's row r that cannot be trusted, and put the right results.

    The bound is first lowered to that of the windows nearby: one element may be far greater than
    all others.
    """
    cdef Memory* memory = <Memory*> (scratch + p.at_memory)
    cdef Py_ssize_t n = place.lanes * p.inner, i = 0, stop
    cdef bint near = not call.staged and p.lane.spacing != TRANSPOSED
    cdef double bound_near = bound
    cdef bint overflows_near = overflows
    while True:
        i = p.rows.suspect(sums, i, n, bound, overflows)
        if i >= n:
            return
        stop = min(i + NEIGHBOURS, n)
        if near:
            overflows_near = False
            bound_near = doubt_near(
                p, call, place, r, i // p.inner, (stop - 1) // p.inner, &overflows_near)
        while i < stop:
            i = p.rows.suspect(sums, i, stop, bound_near, overflows_near)
            if i < stop:
                memory.mended += p.terms
                if memory.mended > p.patience:
                    return
                mend(p, call, place, r, i, dst + i * p.out_size, sums + i * p.rows.size, scratch)
                i += 1


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
        divisor = p.rows.scale / divisor
    p.rows.finish(dst, 0, <const char*> &total, 0, 1, 1, &divisor, p.ending)
