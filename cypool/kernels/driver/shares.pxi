# Gradients of means, which are shared out over the positions that their windows count.
#
# Where all windows count the same, the sums of the gradients are divided in the end.  Elsewhere each
# gradient is multiplied, before it is added up, by a common multiple over its window's count, and
# the sums are divided by that multiple; or if it were too large, each is divided by the count.


cdef inline double share(const Pool* p, int a, Py_ssize_t count) noexcept nogil:
    """What gradients are multiplied or divided by, whose windows count so much along an axis."""
    count = max(count, <Py_ssize_t> 1)  # nobody gets any of 0
    return count if p.mapping.divides else p.wholes[a] / count


cdef const double* shares_along(
    const Pool* p, Py_ssize_t first, Py_ssize_t n, char* scratch) noexcept nogil:
    """share() of n windows from the first one on along the lanes, for each element of a cell."""
    cdef Memory* memory = <Memory*> (scratch + p.at_memory)
    cdef double* shares = <double*> (scratch + p.at_shares)
    cdef const Axis* axis = &p.shared[p.lane_shared]
    cdef Windows windows = windows_from(axis, first)
    cdef Py_ssize_t j = 0, i, run
    cdef Span span
    cdef double one
    if memory.first_share == first and memory.share_count >= n:
        return shares
    memory.first_share = first
    memory.share_count = n
    while j < n:
        span = next_window(&windows)
        run = alike(axis, &span, n - j)
        windows.o += run - 1
        one = share(p, p.lane_shared, span.count)
        for i in range(j * p.inner, (j + run) * p.inner):
            shares[i] = one
        j += run
    return shares


cdef inline Py_ssize_t begin_shares(
    const Pool* p, int64_t index, Py_ssize_t n, Mapping* how, char* scratch) noexcept nogil:
    """Say what n cells along the lanes, from an index on, are multiplied or divided by.

    But for the share of the row axis: its position there is returned.
    """
    cdef const Axis* axis
    cdef Py_ssize_t o, row = 0
    cdef int a
    how.shares = NULL
    how.share = 1.0
    for a in range(p.nshared):
        axis = &p.shared[a]
        o = index // axis.step % (axis.out + 1)
        if a == p.lane_shared:
            how.shares = shares_along(p, o, n, scratch)
        elif a == p.row_shared:
            row = o
        else:
            how.share *= share(p, a, window(axis, o).count)
    return row


cdef inline double row_share(const Pool* p, Py_ssize_t o) noexcept nogil:
    """The share of position o along the row axis."""
    if p.row_shared < 0:
        return 1.0
    return share(p, p.row_shared, window(&p.shared[p.row_shared], o).count)
