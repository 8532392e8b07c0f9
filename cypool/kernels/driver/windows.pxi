# Windows along an axis.

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
    Py_ssize_t turned_inverse   # of the stride over turned_d / d, modulo d

# One window along one axis: its taps first … stop - 1 lie on input positions start + tap * d.
cdef struct Span:
    Py_ssize_t start
    Py_ssize_t first
    Py_ssize_t stop
    Py_ssize_t count


cdef inline Py_ssize_t taps_below(
    const Axis* axis, Py_ssize_t start, Py_ssize_t limit) noexcept nogil:
    """How many of the window's taps lie below `limit`."""
    cdef Py_ssize_t room = limit - start
    if axis.d > 1 and room > 0:
        room = (room + axis.d - 1) // axis.d
    return clamped(room, 0, axis.k)


cdef inline Py_ssize_t product_modulo(Py_ssize_t a, Py_ssize_t b, Py_ssize_t m) noexcept nogil:
    """a * b modulo m, which is more than both and less than 2**62."""
    cdef Py_ssize_t product = 0
    if m < (<Py_ssize_t> 1) << 31:
        return a * b % m
    while b > 0:
        if b & 1:
            product = (product + a) % m
        a = 2 * a % m
        b >>= 1
    return product


cdef Span uneven_window(const Axis* axis, Py_ssize_t o) noexcept nogil:
    cdef Span span
    cdef Py_ssize_t at, high, common, d = axis.d
    span.first = 0
    if axis.spacing == ADAPTIVE:
        span.start = o * axis.n // axis.out
        span.stop = ((o + 1) * axis.n + axis.out - 1) // axis.out - span.start
    else:
        # The windows q that have o = q * s - before + t * turned_d for some t from 0 to k - 1.
        at = o + axis.before
        high = min(axis.n, at // axis.turned_s + 1)
        common = axis.turned_d // d
        span.start = max(first_window(axis, o), 0)
        span.stop = 0
        if at % common == 0:
            at = product_modulo(at // common % d, axis.turned_inverse, d) - span.start % d
            span.start += at if at >= 0 else at + d
            if span.start < high:
                span.stop = (high - span.start + d - 1) // d
    span.count = span.stop
    return span


cdef inline Py_ssize_t first_window(const Axis* axis, Py_ssize_t o) noexcept nogil:
    """The first window that may have position o among its taps, be there one or not."""
    cdef Py_ssize_t room = o + axis.before - (axis.turned_k - 1) * axis.turned_d
    return -(-room // axis.turned_s) if room <= 0 else (room - 1) // axis.turned_s + 1


cdef inline void uneven_reach(
    const Axis* axis, Py_ssize_t o, Py_ssize_t count, Py_ssize_t* begin,
    Py_ssize_t* end) noexcept nogil:
    """From where to where `count` uneven windows, from o on, have their taps, be they there or not."""
    cdef Py_ssize_t last = o + count - 1
    cdef Span span
    if axis.spacing == ADAPTIVE:
        begin[0] = uneven_window(axis, o).start
        span = uneven_window(axis, last)
        end[0] = span.start + span.stop
    else:
        begin[0] = first_window(axis, o)
        end[0] = (last + axis.before) // axis.turned_s + 1


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


# Windows of an axis, one after the other: adaptive ones without the divisions.
cdef struct Windows:
    const Axis* axis
    Py_ssize_t o            # of the next
    Py_ssize_t start        # of the next adaptive one, floor(o n / out),
    Py_ssize_t rest         # and what is left of that division
    Py_ssize_t whole        # the same of n / out
    Py_ssize_t part


cdef inline Windows windows_from(const Axis* axis, Py_ssize_t o) noexcept nogil:
    cdef Windows windows
    windows.axis = axis
    windows.o = o
    if axis.spacing == ADAPTIVE:
        windows.start = o * axis.n // axis.out
        windows.rest = o * axis.n % axis.out
        windows.whole = axis.n // axis.out
        windows.part = axis.n % axis.out
    return windows


cdef inline Span next_window(Windows* windows) noexcept nogil:
    cdef Py_ssize_t out = windows.axis.out
    cdef bint carries
    cdef Span span
    windows.o += 1
    if windows.axis.spacing != ADAPTIVE:
        return window(windows.axis, windows.o - 1)
    span.start = windows.start
    span.first = 0
    windows.rest += windows.part
    carries = windows.rest >= out
    windows.rest -= out if carries else 0
    windows.start += windows.whole + carries
    span.stop = span.count = windows.start + (windows.rest > 0) - span.start
    return span


cdef inline Py_ssize_t alike(const Axis* axis, const Span* span, Py_ssize_t most) noexcept nogil:
    """How many windows from this one on (at most `most`) have all their taps, as this one has.

    1 if this one has not.
    """
    cdef Py_ssize_t reach = axis.n - 1 - span.start - (axis.k - 1) * axis.d
    if span.start < 0 or reach < 0 or axis.spacing != REGULAR:
        return 1
    return min(reach // axis.s + 1, most)


cdef inline Py_ssize_t alike_turned(
    const Axis* axis, Py_ssize_t o, Py_ssize_t most) noexcept nogil:
    """How many of the positions o, o + turned_s, … (at most `most`) are in windows next to those of
    the one before; 1 if o itself is in fewer than it might be."""
    if first_window(axis, o) < 0:
        return 1
    return clamped(axis.n - (o + axis.before) // axis.turned_s, 1, most)
