# Elements to and from the places that indices name: unpooling, and the gradients of max and min.
#
# Values and indices have the same axes.  The places have them too, with other lengths where they
# are pooled; an index is flat, in C order, over those.  What is not pooled is shared out over
# threads, so that no two meet in a place, and what comes to a place comes in C order.

ctypedef fused real_or_bits_t:
    uint8_t
    uint16_t
    uint32_t
    uint64_t
    float
    double

# What is done: elements go to their places, are fetched from there, or are added to what is there.
cdef enum:
    PUT = 0
    TAKE = 1
    ADD = 2

cdef enum:
    INDICES = 64        # that are checked together, before values are moved
    RUN = 1 << 14       # and before any are, by one thread
    AHEAD = 256         # so many values and indices further on, these are brought nearer
    LEAD_CLEARED = 4096     # and places so many bytes behind those that are cleared

# An axis of values and indices: its length and the bytes of a step.
cdef struct Walk:
    Py_ssize_t n
    Py_ssize_t value
    Py_ssize_t index
    Py_ssize_t place    # 0 where the axis is pooled

# A pooled axis of the places.
cdef struct Slot:
    Py_ssize_t n
    Py_ssize_t step

cdef struct Route:
    Walk outer[MAX_OUTER]   # not pooled: what is shared out
    Walk inner[MAX_OUTER]   # the others, the last one, which may not be pooled, walked fastest
    Slot slots[MAX_OUTER]
    int nouter
    int ninner
    int nslots
    Py_ssize_t items
    Py_ssize_t positions    # what an index may be, from 0 on
    bint clears             # the places are to be 0 where nothing comes

ctypedef bint (*walk_f)(
    void* tag, const Route* route, char* value, const char* index, char* place, Py_ssize_t low,
    Py_ssize_t stop, int way) noexcept nogil


cdef inline Py_ssize_t offset_of(const Route* route, Py_ssize_t position) noexcept nogil:
    cdef Py_ssize_t offset = 0
    cdef int a
    for a in range(route.nslots - 1, 0, -1):
        offset += position % route.slots[a].n * route.slots[a].step
        position //= route.slots[a].n
    return offset + position * route.slots[0].step


cdef inline void clear_bytes(char* to, Py_ssize_t n) noexcept nogil:
    """Clear n bytes, in pieces of a size that the compiler knows: others are slow to start."""
    cdef char* last = to + n - 64
    if n < 64:
        memset(to, 0, n)
        return
    while to < last:
        memset(to, 0, 64)
        to += 64
    memset(last, 0, 64)


cdef Py_ssize_t clear_places(
    const Route* route, char* place, Py_ssize_t at, Py_ssize_t least, Py_ssize_t stop,
    Py_ssize_t size) noexcept nogil:
    """Clear the places of an item from position `at` to `least` or a bit further; say how far."""
    cdef const Walk* row = &route.inner[route.ninner - 1]
    cdef Py_ssize_t n = row.n if row.place != 0 else 1, position, j
    if route.nslots == 1 and route.slots[0].step == n * size and (n == 1 or row.place == size):
        # Up to where a cache line starts.
        least += <Py_ssize_t> ((0 - <uintptr_t> (place + least * n * size)) % 64) // (n * size)
        least = min(least, stop)
        fetch(place + at * n * size + LEAD_CLEARED, (least - at) * n * size)
        clear_bytes(place + at * n * size, (least - at) * n * size)
        return least
    for position in range(at, least):
        for j in range(n):
            memset(place + offset_of(route, position) + j * row.place, 0, size)
    return least


cdef inline void move_values(
    real_or_bits_t* _, char* value, Py_ssize_t value_step, const int64_t* positions, char* place,
    Py_ssize_t place_step, Py_ssize_t step, Py_ssize_t n, int way) noexcept nogil:
    """Move n values to, or from, places that are `step` bytes from one index to the next."""
    cdef Py_ssize_t j
    cdef real_or_bits_t x, y
    cdef char* at
    for j in range(n):
        at = place + j * place_step + positions[j] * step
        if way == TAKE:
            memcpy(value + j * value_step, at, sizeof(x))
        else:
            memcpy(&x, value + j * value_step, sizeof(x))
            if way == ADD:
                memcpy(&y, at, sizeof(y))
                x = <real_or_bits_t> (x + y)
            memcpy(at, &x, sizeof(x))


cdef inline bint walk_row(
    real_or_bits_t* tag, const Route* route, char* value, const char* index, char* place,
    Py_ssize_t low, Py_ssize_t stop, Py_ssize_t* clear, int way) noexcept nogil:
    """Walk the values of the last axis; return whether any has an index that is no place's.

    The places below `clear` have been cleared, or need not be.
    """
    cdef const Walk* row = &route.inner[route.ninner - 1]
    cdef Py_ssize_t size = sizeof(tag[0]), step = route.slots[0].step, begin = 0, m, j
    cdef bint straight = route.nslots == 1, strays = False
    cdef char* item = place
    cdef int64_t positions[INDICES]
    cdef int64_t position, least, most
    while begin < row.n:
        m = min(row.n - begin, <Py_ssize_t> INDICES)
        least = route.positions
        most = -1
        if row.index == sizeof(position):
            fetch(index + AHEAD * <Py_ssize_t> sizeof(position), m * row.index)
        if row.value == size:
            fetch(value + AHEAD * size, m * size)
        # Each is read once, as another thread of the caller's might write it meanwhile.
        if row.index == sizeof(position):
            for j in range(m):
                memcpy(&position, index + j * <Py_ssize_t> sizeof(position), sizeof(position))
                positions[j] = position
                least = position if position < least else least
                most = position if position > most else most
        else:
            for j in range(m):
                memcpy(&position, index + j * row.index, sizeof(position))
                positions[j] = position
                least = position if position < least else least
                most = position if position > most else most
        strays |= least < -1 or most >= route.positions
        if most < low or least >= stop:
            pass
        elif low <= least and most < stop:
            if way != TAKE and most >= clear[0]:
                clear[0] = clear_places(route, item, clear[0], most + 1, stop, size)
            if not straight:
                for j in range(m):
                    positions[j] = offset_of(route, positions[j])
                move_values(tag, value, row.value, positions, place, row.place, 1, m, way)
            elif row.value == step == sizeof(tag[0]) and row.place == 0:
                move_values(
                    tag, value, sizeof(tag[0]), positions, place, 0, sizeof(tag[0]), m, way)
            elif row.value == sizeof(tag[0]) and row.place == sizeof(tag[0]):
                move_values(
                    tag, value, sizeof(tag[0]), positions, place, sizeof(tag[0]), step, m, way)
            else:
                move_values(tag, value, row.value, positions, place, row.place, step, m, way)
        else:
            for j in range(m):
                position = positions[j]
                if low <= position < stop:
                    if way != TAKE and position >= clear[0]:
                        clear[0] = clear_places(route, item, clear[0], position + 1, stop, size)
                    position = offset_of(route, position)
                    move_values(tag, value + j * row.value, 0, &position,
                                place + j * row.place, 0, 1, 1, way)
        value += m * row.value
        index += m * row.index
        place += m * row.place
        begin += m
    return strays


cdef bint walk(
    real_or_bits_t* tag, const Route* route, char* value, const char* index, char* place,
    Py_ssize_t low, Py_ssize_t stop, int way) noexcept nogil:
    """Walk all values of an item, for the indices from low to stop - 1; returns as walk_row()."""
    cdef Py_ssize_t taken[MAX_OUTER]
    cdef Py_ssize_t clear = low if route.clears else stop
    cdef bint strays = False
    cdef const Walk* axis
    cdef int a
    for a in range(route.ninner):
        taken[a] = 0
    while True:
        if way == TAKE:
            strays |= walk_row(tag, route, value, index, place, low, stop, &clear, TAKE)
        elif way == ADD:
            strays |= walk_row(tag, route, value, index, place, low, stop, &clear, ADD)
        else:
            strays |= walk_row(tag, route, value, index, place, low, stop, &clear, PUT)
        for a in range(route.ninner - 2, -1, -1):
            axis = &route.inner[a]
            taken[a] += 1
            value += axis.value
            index += axis.index
            if taken[a] < axis.n:
                break
            value -= taken[a] * axis.value
            index -= taken[a] * axis.index
            taken[a] = 0
        else:
            if clear < stop:
                clear_places(route, place, clear, stop, stop, sizeof(tag[0]))
            return strays


cdef bint walk_item(
    const Route* route, walk_f walk_, Py_ssize_t item, char* value, const char* index,
    char* place, Py_ssize_t share, Py_ssize_t shares, int way) noexcept nogil:
    # Not positions * share // shares: that overflows for arrays that repeat a few elements.
    cdef Py_ssize_t each = route.positions // shares, more = route.positions % shares, i
    cdef int a
    for a in range(route.nouter - 1, -1, -1):
        i = item % route.outer[a].n
        item //= route.outer[a].n
        value += i * route.outer[a].value
        index += i * route.outer[a].index
        place += i * route.outer[a].place
    return walk_(NULL, route, value, index, place, each * share + min(share, more),
                 each * (share + 1) + min(share + 1, more), way)


def route(
    values, indices, places, *, list outer, list inner, list slots, int way, bint clears, int kind,
    int threads,
):
    """Move values to, or from, the places that indices name; other indices are passed over.

    Return 0 if these were all -1.  Places where nothing comes become 0 if `clears`.

    `outer` and `inner` list (length, step of values, of indices, of places) of the axes, steps in
    bytes; `slots` (length, step) of the pooled axes of the places.  `kind` is the elements' size,
    or for floats to be added, its negative.
    """
    cdef Route r
    cdef Py_buffer value_view, index_view, place_view
    cdef walk_f walk_
    cdef Py_ssize_t i, shares, strays = 0
    if kind == -4:
        walk_ = <walk_f> walk[float]
    elif kind == -8:
        walk_ = <walk_f> walk[double]
    elif kind == 1:
        walk_ = <walk_f> walk[uint8_t]
    elif kind == 2:
        walk_ = <walk_f> walk[uint16_t]
    elif kind == 4:
        walk_ = <walk_f> walk[uint32_t]
    else:
        walk_ = <walk_f> walk[uint64_t]
    r.nouter = len(outer)
    r.ninner = len(inner)
    r.nslots = len(slots)
    if max(r.nouter, r.ninner, r.nslots) > MAX_OUTER or min(r.ninner, r.nslots) < 1:
        raise ValueError("between 1 and 64 axes can be walked")
    r.clears = clears
    r.items = 1
    for i in range(r.nouter):
        r.outer[i].n, r.outer[i].value, r.outer[i].index, r.outer[i].place = outer[i]
        r.items *= r.outer[i].n
    for i in range(r.ninner):
        r.inner[i].n, r.inner[i].value, r.inner[i].index, r.inner[i].place = inner[i]
    r.positions = 1
    for i in range(r.nslots):
        r.slots[i].n, r.slots[i].step = slots[i]
        r.positions *= r.slots[i].n
    # Few items: each thread takes the places in a part of them.
    shares = 1 if r.items >= 4 * threads else threads
    PyObject_GetBuffer(values, &value_view, PyBUF_STRIDES | (PyBUF_WRITABLE if way == TAKE else 0))
    try:
        PyObject_GetBuffer(indices, &index_view, PyBUF_STRIDES)
        try:
            PyObject_GetBuffer(
                places, &place_view, PyBUF_STRIDES | (0 if way == TAKE else PyBUF_WRITABLE))
            try:
                for i in prange(r.items * shares, nogil=True, num_threads=threads,
                                schedule="static"):
                    strays += walk_item(
                        &r, walk_, i // shares, <char*> value_view.buf,
                        <const char*> index_view.buf, <char*> place_view.buf, i % shares, shares,
                        way)
            finally:
                PyBuffer_Release(&place_view)
        finally:
            PyBuffer_Release(&index_view)
    finally:
        PyBuffer_Release(&value_view)
    return strays


cdef bint strays_in(
    const char* index, Py_ssize_t step, Py_ssize_t n, uint64_t positions) noexcept nogil:
    """Whether any of n indices, `step` bytes apart, is neither a position nor -1."""
    cdef uint64_t position, any_ = 0
    cdef Py_ssize_t j
    if step == sizeof(position):
        for j in range(n):
            memcpy(&position, index + j * <Py_ssize_t> sizeof(position), sizeof(position))
            any_ |= <uint64_t> (position + 1 > positions)
    else:
        for j in range(n):
            memcpy(&position, index + j * step, sizeof(position))
            any_ |= <uint64_t> (position + 1 > positions)
    return any_ != 0


cdef const char* run_at(
    const char* index, const Py_ssize_t* lengths, const Py_ssize_t* steps, Py_ssize_t naxes,
    Py_ssize_t item) noexcept nogil:
    """Where the run with a number starts."""
    cdef Py_ssize_t a
    for a in range(naxes - 1, -1, -1):
        index += item % lengths[a] * steps[a]
        item //= lengths[a]
    return index


def strays(indices, *, list axes, Py_ssize_t positions, int threads):
    """Whether any index is neither a position, from 0 to positions - 1, nor -1.

    `axes` lists (length, step in bytes), the last one walked fastest.
    """
    cdef Py_buffer view
    cdef Py_ssize_t lengths[MAX_OUTER]
    cdef Py_ssize_t steps[MAX_OUTER]
    cdef Py_ssize_t naxes = len(axes) - 1, runs, units, i, n, step
    cdef Py_ssize_t found = 0
    if not 0 <= naxes < MAX_OUTER:
        raise ValueError("between 1 and 64 axes can be walked")
    n, step = axes[naxes]
    runs = units = (n + RUN - 1) // RUN
    for i in range(naxes):
        lengths[i], steps[i] = axes[i]
        units *= lengths[i]
    threads = <int> clamped(units, 1, threads)
    PyObject_GetBuffer(indices, &view, PyBUF_STRIDES)
    try:
        for i in prange(units, nogil=True, num_threads=threads, schedule="static"):
            found += strays_in(
                run_at(<const char*> view.buf, lengths, steps, naxes, i // runs)
                + i % runs * RUN * step,
                step, min(n - i % runs * RUN, <Py_ssize_t> RUN), positions)
    finally:
        PyBuffer_Release(&view)
    return found > 0
