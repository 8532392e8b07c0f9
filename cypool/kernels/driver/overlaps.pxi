# Rows of windows that overlap much: lifted, to slide over each other, or joined.


cdef const Pool* lift_rows(
    const Pool* p, const Call* call, Place* place, Py_ssize_t base, Py_ssize_t lo, Py_ssize_t hi,
    char* scratch, char* raw, char* dst, Py_ssize_t dst_row, Py_ssize_t width) noexcept nogil:
    """Fold the windows of an item along all axes but the lanes, where row windows overlap much.

    All the rows are lifted once, into the last block of the scratch, and slid over each other
    into rows of `width` cells.  Returns what to go on with.
    """
    cdef Py_ssize_t acc_cell = p.inner * p.rows.size, block_row = p.pitch * acc_cell, run, plane
    cdef Py_ssize_t reach = (p.row.k - 1) * p.row.d, outputs = rows_of(p, place)
    cdef Py_ssize_t n = (outputs - 1) * p.row.s + 1
    cdef Py_ssize_t rows = (place.rows - 1) * p.row.s + 1 + reach
    cdef Py_ssize_t start = place.row * p.row.s - p.row.before
    cdef Py_ssize_t top = clamped(-start, 0, rows), bottom = clamped(p.row.n - start, top, rows)
    cdef char* lifted_rows = scratch + 3 * p.block_bytes
    cdef char* at = lifted_rows
    cdef const char* src = dst
    cdef bint picks = p.row.s > 1 or dst_row != block_row
    cdef Py_ssize_t step = p.plane_rows * p.row.s
    cdef bint narrow = block_row <= SHORT_ROW
    cdef bint direct = single(p, place) and not (call.staged or place.scans)
    cdef const char* given
    if narrow:
        p.rows.clear(lifted_rows, 0, 1, (n + reach) * p.pitch * p.inner)
    for plane in range(place.planes):
        # The padding below a plane is also above the next.
        if not narrow:
            p.rows.clear(at, 0, 1, top * p.pitch * p.inner)
            pad(p, at + top * block_row, bottom - top, lo, hi)
            run = max(rows, step) if plane + 1 < place.planes else rows
            p.rows.clear(at + bottom * block_row, 0, 1, (run - bottom) * p.pitch * p.inner)
        if direct:
            given = call.x + place.x_at + (base + lo) * p.lane.xs + (start + top) * p.row.xs
            p.rows.lift(at + top * block_row + lo * acc_cell, block_row, &given, p.row.xs, 1,
                        bottom - top, (hi - lo) * p.inner, True, NULL)
        else:
            fold_rows(p, call, place, start + top, bottom - top,
                      at + top * block_row + lo * acc_cell, block_row, base + lo, hi - lo, raw)
        at += step * block_row
        move_on(p, place, 1)
    move_on(p, place, -place.planes)
    if (direct and bottom - top == p.row.n and p.row.xs == (hi - lo) * p.inner * p.size
            and (place.planes == 1 or p.outer[p.nouter - 1].xs == p.row.n * p.row.xs)):
        # They lie end to end.
        p = surest(p, call.x + place.x_at + (base + lo) * p.lane.xs, 0, 1,
                   place.planes * p.row.n * (hi - lo) * p.inner)
    else:
        p = surest(p, lifted_rows, 0, 1, (n + reach) * p.pitch * p.inner)
    if picks:
        src = scratch
    slide(p, p.rows.fold, <char*> src, True, lifted_rows, False, n * p.pitch,
          p.row.d * p.pitch * p.inner, p.row.k, scratch + p.block_bytes)
    if picks:
        # Every s-th row moves, and maybe up: none is written before it was read.
        p.rows.fold(
            dst, dst_row, &src, p.row.s * block_row, 1, outputs, width * p.inner, True, NULL)
    return p


cdef void join_rows(
    const Pool* p, const Call* call, Place* place, const Pass* pass_, char* scratch) noexcept nogil:
    """Fold the windows of some rows of an item, where row windows overlap much and rows are long.

    A window that starts in a block of rows is a suffix of the block, with what all windows that
    start there have in common, and a prefix of the rows behind that.  Positions are counted from
    the start of the first window of the axis, and so are blocks: a sum is the same in every tile.
    """
    cdef Py_ssize_t block_row = p.pitch * p.inner * p.rows.size
    cdef Py_ssize_t lo = pass_.lo, n = (pass_.hi - lo) * p.inner
    cdef Py_ssize_t d = p.row.d, whole = p.block * d, reach = p.row.k * d, at, last, ahead, r
    cdef Py_ssize_t position = pass_.base + lo
    cdef Joined* joined = &place.joined
    cdef const char* out = call.out + place.out_at + place.row * p.row.os + place.lane * p.lane.os
    cdef const char* pair[2]
    cdef char* window_row = scratch + lo * p.inner * p.rows.size
    cdef char* prefix
    cdef const Pool* q
    if joined.end < 0:
        begin_joined(p, call, place, position, scratch)
    if not p.leading:
        pad(p, scratch, 1, lo, pass_.hi)
    for r in range(place.rows):
        at = (place.row + r) * p.row.s
        if at >= joined.end:
            begin_block(p, call, place, at, position, pass_.hi - lo, scratch)
        q = p.sure if joined.sure else p
        # What the next block begins with, or what is read two rows later.
        ahead = at + reach + (whole if joined.by_block else 2 * p.row.s - d + 1)
        fetch_rows(joined, ahead, p.row.s, n * p.size)
        if p.block < p.row.k:
            fetch_rows(joined, at + whole, p.row.s, n * p.size)
        if joined.direct and p.plain and p.rows.finish == NULL:
            fetch(out + r * p.row.os, place.lanes * p.inner * p.out_size)
        if p.leading:
            window_row = pass_.result + r * pass_.result_row
        last = at + reach - d
        pair[0] = joined.suffixes + (at + whole - joined.end) * block_row
        if at + whole - joined.end < d:
            p.rows.fold(window_row, 0, pair, 0, 1, 1, n, True, NULL)
        else:
            prefix = joined.prefix + phase(last, d) * block_row
            add_to_prefix(q, joined, last, n)
            joined.next_ = last + 1
            if joined.top <= last < joined.bottom:
                (q.rows.lift_join if joined.direct else q.rows.fold_join)(
                    window_row, prefix, pair[0], row_of(joined, last), n)
            else:
                pair[1] = prefix
                p.rows.fold(window_row, 0, pair, 0, 2, 1, n, True, NULL)
        if not p.leading:
            across(q, pass_.result + r * pass_.result_row, pass_.result_row, scratch, block_row, 1,
                   place.lanes, pass_.taps, NULL, pass_.fresh, scratch + p.block_bytes)


cdef inline const char* row_of(const Joined* joined, Py_ssize_t i) noexcept nogil:
    return joined.src + (i - joined.origin) * joined.pitch


cdef inline Py_ssize_t phase(Py_ssize_t i, Py_ssize_t d) noexcept nogil:
    return i % d if d > 1 else 0


cdef inline char* prefix_from(const Pool* p, const Joined* joined, Py_ssize_t i) noexcept nogil:
    """The prefix, a row for each phase, of the block of rows that begins with row i."""
    cdef Py_ssize_t behind = i - p.row.k % p.block * p.row.d
    cdef Py_ssize_t slot = behind // (p.block * p.row.d) % (p.row.k // p.block)
    return joined.prefixes + slot * p.row.d * p.pitch * p.inner * p.rows.size


cdef void begin_joined(
    const Pool* p, const Call* call, Place* place, Py_ssize_t position,
    char* scratch) noexcept nogil:
    """Say where the rows lie that an item's windows are joined of; none of them is read yet."""
    cdef Joined* joined = &place.joined
    cdef Py_ssize_t block_row = p.pitch * p.inner * p.rows.size, first = place.row * p.row.s
    cdef Py_ssize_t rows = min(p.row.out - place.row, p.tile)
    joined.direct = single(p, place) and not call.staged and p.rows.lift_join != NULL
    joined.sure = False
    joined.by_block = p.sure != NULL or place.scans
    joined.suffixes = scratch + p.at_joined
    joined.prefixes = joined.suffixes + (p.block + 1) * p.row.d * block_row
    joined.given = joined.prefixes + p.row.k // p.block * p.row.d * block_row
    joined.src = joined.given
    joined.pitch = block_row
    joined.origin = first
    if joined.direct:
        joined.src = call.x + place.x_at + position * p.lane.xs
        joined.pitch = p.row.xs
        joined.origin = p.row.before
    joined.top = max(p.row.before, first)
    joined.bottom = min(
        p.row.before + p.row.n, first + (rows - 1) * p.row.s + (p.row.k - 1) * p.row.d + 1)
    joined.next_ = first
    joined.seen = first


cdef void begin_block(
    const Pool* p, const Call* call, Place* place, Py_ssize_t at, Py_ssize_t position,
    Py_ssize_t cells, char* scratch) noexcept nogil:
    """Make the suffixes of the block that the window at position `at` starts in.

    Its windows have in common what is between the block and the end of the first: the prefixes of
    the blocks before, and behind the block some rows.
    """
    cdef Joined* joined = &place.joined
    cdef Py_ssize_t block_row = p.pitch * p.inner * p.rows.size, n = cells * p.inner, d = p.row.d
    cdef Py_ssize_t whole = p.block * d, begin = at // whole * whole, end = begin + whole, f, i, j
    cdef Py_ssize_t tails = begin + p.row.k * d         # rows behind the block's first window,
    cdef Py_ssize_t prefixes = end + p.row.k % p.block * d      # and of the blocks before
    cdef bint goes_on = joined.end == begin, alone = p.block == p.row.k
    cdef char* common = joined.suffixes + whole * block_row
    cdef const char* prefix
    joined.next_ = max(joined.next_, prefixes)
    while joined.next_ < tails:
        i = joined.next_ - (joined.next_ - prefixes) % whole
        if joined.next_ == i:
            read_rows(p, call, place, i, i + whole, position, cells, scratch)
            joined.prefix = prefix_from(p, joined, i)
            p.rows.clear(joined.prefix, block_row, d, n)
        add_to_prefix(p, joined, i + whole, n)
        joined.next_ = i + whole
    if prefixes > end:
        read_rows(p, call, place, end, prefixes, position, cells, scratch)
    p.rows.clear(common, block_row, 0 if alone else d, n)
    for f in range(0 if alone else d):
        for j in range(p.row.k // p.block - 1):
            prefix = prefix_from(p, joined, prefixes + j * whole) + f * block_row
            p.rows.fold(common + f * block_row, 0, &prefix, 0, 1, 1, n, False, NULL)
        add_rows(p, joined, common + f * block_row, end + f, prefixes, n)
    # The rows behind windows that are blocks are those of the next.
    if not (alone and goes_on):
        read_rows(p, call, place, at, end, position, cells, scratch)
    if alone and goes_on and joined.direct and p.sure != NULL:
        joined.suffixes, joined.given = joined.given, joined.suffixes
    else:
        accumulate(p, joined, joined.suffixes, at, end, n)
    read_rows(p, call, place, tails, tails + whole, position, cells, scratch)
    joined.prefix = prefix_from(p, joined, tails)
    p.rows.clear(joined.prefix, block_row, d, n)
    joined.end = end
    i = max(joined.seen, joined.top)
    j = min(tails + whole, joined.bottom)
    if joined.direct and place.scans and i < j:
        p.rows.scan(row_of(joined, i), joined.pitch, j - i, n, &place.range_)
        joined.seen = j
    if p.sure == NULL:
        return
    # A suffix has a NaN if any of its rows has.
    joined.sure = p.rows.numbers(joined.suffixes + at % whole * block_row, block_row,
                                 min(d, end - at), n)
    if alone and joined.direct:
        accumulate(p, joined, joined.given, tails, tails + whole, n)
        joined.sure &= p.rows.numbers(joined.given, block_row, d, n)
    else:
        i = clamped(tails, joined.top, j)
        joined.sure &= p.rows.numbers(row_of(joined, i), joined.pitch, j - i, n)


cdef void read_rows(
    const Pool* p, const Call* call, Place* place, Py_ssize_t begin, Py_ssize_t stop,
    Py_ssize_t position, Py_ssize_t cells, char* scratch) noexcept nogil:
    """Fold rows along the outer axes, or map them, unless they lie as elements in the input."""
    cdef Joined* joined = &place.joined
    cdef Py_ssize_t first = max(begin, joined.top)
    if joined.direct:
        return
    joined.origin = begin
    place.seen = 0
    fold_rows(p, call, place, first - p.row.before, min(stop, joined.bottom) - first,
              joined.given + (first - begin) * joined.pitch, joined.pitch, position, cells,
              scratch + p.at_raw)


cdef void fold_rows(
    const Pool* p, const Call* call, Place* place, Py_ssize_t first, Py_ssize_t rows, char* dst,
    Py_ssize_t pitch, Py_ssize_t position, Py_ssize_t cells, char* raw) noexcept nogil:
    """Fold rows along the outer axes, or map them, each for itself."""
    cdef Py_ssize_t run
    cdef Span row
    row.first = 0
    row.stop = 1
    row.count = 1
    while rows > 0:
        row.start = first
        run = min(rows, p.staged_rows) if call.staged else rows
        vertical(p, call, place, &row, run, 1, dst, pitch, position, cells, raw)
        dst += run * pitch
        first += run
        rows -= run


cdef inline void fetch_rows(
    const Joined* joined, Py_ssize_t begin, Py_ssize_t rows, Py_ssize_t nbytes) noexcept nogil:
    """Fetch rows of the input, as far as there are some."""
    cdef Py_ssize_t i
    for i in range(begin, min(begin + rows, joined.bottom) if joined.direct else 0):
        if i >= joined.top:
            fetch(row_of(joined, i), nbytes)


cdef inline void add_to_prefix(
    const Pool* p, const Joined* joined, Py_ssize_t stop, Py_ssize_t n) noexcept nogil:
    """Fold the next rows, before `stop`, into the prefix of their block."""
    cdef Py_ssize_t i, block_row = p.pitch * p.inner * p.rows.size
    for i in range(joined.next_, min(joined.next_ + p.row.d, stop)):
        add_rows(p, joined, joined.prefix + phase(i, p.row.d) * block_row, i, stop, n)


cdef void add_rows(
    const Pool* p, const Joined* joined, char* dst, Py_ssize_t i, Py_ssize_t stop,
    Py_ssize_t n) noexcept nogil:
    """Fold every d-th of the rows from i on, before `stop`, into dst."""
    cdef const char* batch[BATCH]
    cdef Py_ssize_t count = 0
    cdef fold_f fold = p.rows.lift if joined.direct else p.rows.fold
    while i < min(stop, joined.bottom):
        if i >= joined.top:
            batch[count] = row_of(joined, i)
            count += 1
        if count == BATCH:
            fold(dst, 0, batch, 0, count, 1, n, False, NULL)
            count = 0
        i += p.row.d
    if count > 0:
        fold(dst, 0, batch, 0, count, 1, n, False, NULL)


cdef void accumulate(
    const Pool* p, const Joined* joined, char* suffixes, Py_ssize_t begin, Py_ssize_t end,
    Py_ssize_t n) noexcept nogil:
    """Fold each row of a block from `begin` on with every d-th one behind it.

    What is behind the block comes last; it is nothing if windows are blocks.
    """
    cdef Py_ssize_t block_row = p.pitch * p.inner * p.rows.size, d = p.row.d, f, i, run
    cdef const char* last
    cdef char* dst
    cdef bint fresh
    for f in range(d):
        i = end - d + f
        dst = suffixes + (p.block * d - d + f) * block_row
        fresh = p.block == p.row.k
        while i >= begin:
            run = 1
            last = dst + d * block_row
            if joined.top <= i < joined.bottom:
                run = (i - max(begin, joined.top)) // d + 1
                (p.rows.lift_accumulate if joined.direct else p.rows.fold_accumulate)(
                    dst, -d * block_row, row_of(joined, i), -d * joined.pitch, run, n, fresh)
            elif fresh:
                p.rows.clear(dst, 0, 1, n)
            else:
                p.rows.fold(dst, 0, &last, 0, 1, 1, n, True, NULL)
            fresh = False
            dst -= run * d * block_row
            i -= run * d
