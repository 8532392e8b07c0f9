# Gradients of means, which are shared out over the positions that their windows count.
#
# Where all windows count the same, the sums of the gradients are divided in the end.  Elsewhere each
# gradient is multiplied, before it is added up, by a common multiple over its window's count: sums
# are exact, as those of other averages are, and divided by the multiples.  Without such a multiple,
# for float64 and for windows of many different counts, each gradient is divided by the count.


cdef inline double share(const Pool* p, const Axis* axis, Py_ssize_t o) noexcept nogil:
    """What the gradients of window o along an axis are multiplied or divided by."""
    cdef Py_ssize_t count = max(window(axis, o).count, <Py_ssize_t> 1)  # 0: nobody gets any
    return p.whole / count if p.whole > 0.0 else count


cdef const double* shares_along(
    const Pool* p, Py_ssize_t first, Py_ssize_t n, char* scratch) noexcept nogil:
    """The same of n windows from the first one on along the lanes: 1 if they are not shared."""
    cdef Memory* memory = <Memory*> (scratch + p.at_memory)
    cdef double* shares = <double*> (scratch + p.at_shares)
    cdef const Axis* axis = &p.shared[max(p.lane_shared, 0)]
    cdef Py_ssize_t j = 0, i, run
    cdef Span span
    cdef double one = 1.0
    if memory.shared == first and memory.shares >= n:
        return shares
    memory.shared = first
    memory.shares = n
    while j < n:
        run = n
        if p.lane_shared >= 0:
            span = window(axis, first + j)
            run = alike(axis, &span, n - j)
            one = share(p, axis, first + j)
        for i in range(j * p.inner, (j + run) * p.inner):
            shares[i] = one
        j += run
    return shares


cdef void share_out(
    const Pool* p, double* x, int64_t index, Py_ssize_t n, Py_ssize_t inner,
    char* scratch) noexcept nogil:
    """Multiply or divide n cells along the lanes, of which the first has an index.

    One cell may have fewer elements than others.
    """
    cdef const double* shares
    cdef const Axis* axis
    cdef double above = 1.0
    cdef Py_ssize_t first = 0, o, j
    cdef int a
    for a in range(p.nshared):
        axis = &p.shared[a]
        o = index // axis.step % (axis.out + 1)
        if a == p.lane_shared:
            first = o
        else:
            above *= share(p, axis, o)
    shares = shares_along(p, first, n, scratch)
    if p.whole > 0.0:
        for j in range(n * inner):
            x[j] *= above * shares[j]
    else:
        for j in range(n * inner):
            x[j] /= above * shares[j]
