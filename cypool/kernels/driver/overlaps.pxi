# Rows of windows that overlap much: lifted, to slide over each other, or joined.


cdef const Pool* lift_rows(
    const Pool* p, const Call* call, Place* place, Py_ssize_t base, Py_ssize_t lo, Py_ssize_t hi,
    char* scratch, char* raw, char* dst, Py_ssize_t dst_row, Py_ssize_t width) noexcept nogil:
    """Fold the windows of an item along all axes but the lanes, where row windows overlap much.

    All the rows are lifted once, into the last block of the scratch, and slid over each other
    into rows of `width` cells.  Returns what to go on with.
    """
    cdef Py_ssize_t acc_cell = p.inner * p.rows.size, block_row = p.pitch * acc_cell, i, run, plane
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
    cdef Span row
    row.first = 0
    row.stop = 1
    row.count = 1
    if narrow:
        p.rows.clear(lifted_rows, 0, 1, (n + reach) * p.pitch * p.inner)
    for plane in range(place.planes):
        # The padding below a plane is also above the next.
        if not narrow:
            p.rows.clear(at, 0, 1, top * p.pitch * p.inner)
            pad(p, at + top * block_row, bottom - top, lo, hi)
            run = max(rows, step) if plane + 1 < place.planes else rows
            p.rows.clear(at + bottom * block_row, 0, 1, (run - bottom) * p.pitch * p.inner)
        i = top
        if direct:
            given = call.x + place.x_at + (base + lo) * p.lane.xs + (start + top) * p.row.xs
            p.rows.lift(at + top * block_row + lo * acc_cell, block_row, &given, p.row.xs, 1,
                        bottom - top, (hi - lo) * p.inner, True, NULL)
            i = bottom
        while i < bottom:
            row.start = start + i
            run = min(bottom - i, p.staged_rows) if call.staged else bottom - i
            vertical(p, call, place, &row, run, 1, at + i * block_row + lo * acc_cell, block_row,
                     base + lo, hi - lo, raw)
            i += run
        at += step * block_row
        move_on(p, place, 1)
    move_on(p, place, -place.planes)
    if (direct and bottom - top == p.row.n and p.row.xs == (hi - lo) * p.inner * p.size
            and (place.planes == 1 or p.outer[p.nouter - 1].xs == p.row.n * p.row.xs)):
        p = surest(p, call.x + place.x_at, 0, 1, place.planes * p.row.n * (hi - lo) * p.inner)
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
    const Pool* p, const Call* call, Place* place, Py_ssize_t base, Py_ssize_t lo, Py_ssize_t hi,
    Py_ssize_t taps, bint fresh, char* result, Py_ssize_t result_row, char* scratch) noexcept nogil:
    """Fold the windows of an item, where row windows overlap much and rows are long.

    Positions are counted from the start of the first window of the axis, and so are the blocks
    that windows are joined of: a sum is the same in every tile.
    """
    cdef Py_ssize_t acc_cell = p.inner * p.rows.size, block_row = p.pitch * acc_cell
    cdef Py_ssize_t n = (hi - lo) * p.inner, d = p.row.d, whole = p.row.k * d
    cdef Py_ssize_t first = place.row * p.row.s, last_at = first + (place.rows - 1) * p.row.s
    cdef Py_ssize_t stop = last_at + whole - d + 1
    cdef Py_ssize_t top = clamped(p.row.before, first, stop)
    cdef Py_ssize_t bottom = clamped(p.row.before + p.row.n, top, stop)
    cdef char* suffixes = scratch + p.at_joined
    cdef char* next_suffixes = suffixes + whole * block_row
    cdef char* prefixes = next_suffixes + whole * block_row
    cdef char* lifted_rows = prefixes + d * block_row
    cdef const char* src = lifted_rows     # the row at `first`
    cdef const char* out = call.out + place.out_at + place.row * p.row.os + place.lane * p.lane.os
    cdef const char* batch[2]
    cdef char* window_row = scratch + lo * acc_cell
    cdef char* prefix
    cdef Py_ssize_t pitch = block_row, begin, end = -1, at, last, next_ = 0, i, r, ahead
    cdef bint direct = single(p, place) and not call.staged and p.rows.lift_join != NULL
    cdef bint sure = False, next_sure
    cdef const Pool* q = p
    cdef fold_f fold
    cdef join_f join
    cdef Span row
    if direct:
        pitch = p.row.xs
        src = call.x + place.x_at + (base + lo) * p.lane.xs + (first - p.row.before) * pitch
        if place.scans and top < bottom:
            p.rows.scan(src + (top - first) * pitch, pitch, bottom - top, n, &place.range_)
    else:
        row.first = 0
        row.stop = 1
        row.count = 1
        i = top
        while i < bottom:
            row.start = i - p.row.before
            r = min(bottom - i, p.staged_rows) if call.staged else bottom - i
            vertical(p, call, place, &row, r, 1, lifted_rows + (i - first) * block_row, block_row,
                     base + lo, hi - lo, scratch + p.at_raw)
            i += r
    if not p.leading:
        pad(p, scratch, 1, lo, hi)
    for r in range(place.rows):
        at = first + r * p.row.s
        if at >= end:
            begin = at // whole * whole
            if begin == end and p.sure != NULL:
                suffixes, next_suffixes = next_suffixes, suffixes
                sure = next_sure
            else:
                sure = fold_block(p, direct, suffixes, block_row, src + (begin - first) * pitch,
                                  pitch, at - begin, top - begin, bottom - begin, n, end < 0)
            end = begin + whole
            q = p
            if p.sure != NULL:
                # Windows from here on reach into the next block, which may have a NaN.
                if last_at >= end:
                    next_sure = fold_block(p, direct, next_suffixes, block_row,
                                           src + (end - first) * pitch, pitch, 0, top - end,
                                           bottom - end, n, begin <= first)
                else:
                    i = min(max(end, top), bottom)
                    next_sure = surest(p, src + (i - first) * pitch, pitch, bottom - i, n) != p
                q = p.sure if sure and next_sure else p
            fold = q.rows.lift if direct else q.rows.fold
            join = q.rows.lift_join if direct else q.rows.fold_join
            p.rows.clear(prefixes, block_row, d, n)
            next_ = end
        # What the next block is folded of after this one, or what is read two rows later.
        ahead = at + 2 * whole if p.sure != NULL else at + whole - d + 1 + 2 * p.row.s
        for i in range(ahead, min(ahead + p.row.s, bottom) if direct else 0):
            fetch(src + (i - first) * pitch, n * p.size)
        if direct and p.plain and p.rows.finish == NULL:
            fetch(out + r * p.row.os, place.lanes * p.inner * p.out_size)
        if p.leading:
            window_row = result + r * result_row
        batch[0] = suffixes + (at - begin) * block_row
        if at < begin + d:
            p.rows.fold(window_row, 0, batch, 0, 1, 1, n, True, NULL)
        else:
            last = at + whole - d
            for i in range(next_, last + 1):
                prefix = prefixes + i % d * block_row
                batch[1] = src + (i - first) * pitch
                if not top <= i < bottom:
                    continue
                if i == last:
                    join(window_row, prefix, batch[0], batch[1], n)
                else:
                    fold(prefix, 0, batch + 1, 0, 1, 1, n, False, NULL)
            next_ = last + 1
            if not top <= last < bottom:
                batch[1] = prefixes + last % d * block_row
                p.rows.fold(window_row, 0, batch, 0, 2, 1, n, True, NULL)
        if not p.leading:
            across(q, result + r * result_row, result_row, scratch, block_row, 1, place.lanes,
                   taps, NULL, fresh, scratch + p.block_bytes)


cdef bint fold_block(
    const Pool* p, bint direct, char* dst, Py_ssize_t dst_pitch, const char* src,
    Py_ssize_t src_pitch, Py_ssize_t begin, Py_ssize_t top, Py_ssize_t bottom,
    Py_ssize_t n, bint touches) noexcept nogil:
    """Fold each row of a block of k from `begin` on with those below it, d rows further each.

    There are rows only from `top` on and before `bottom`, which are touched first if they come from
    memory.  Returns whether it is sure that none of them has a NaN: the first of the results would
    have it.
    """
    cdef Py_ssize_t d = p.row.d, whole = p.row.k * d, i
    for i in range(max(begin, top), min(whole, bottom) if direct and touches else 0):
        touch(src + i * src_pitch, n * p.size, dst)
    for i in range(whole - d, whole):
        accumulate(p, direct, dst + i * dst_pitch, dst_pitch, src + i * src_pitch, src_pitch,
                   (i - begin) // d + 1 if i >= begin else 0, top - i, bottom - i, n)
    return surest(p, dst + begin * dst_pitch, dst_pitch, min(d, whole - begin), n) != p


cdef void accumulate(
    const Pool* p, bint direct, char* dst, Py_ssize_t dst_pitch, const char* src,
    Py_ssize_t src_pitch, Py_ssize_t count, Py_ssize_t top, Py_ssize_t bottom,
    Py_ssize_t n) noexcept nogil:
    """Fold up every d-th of the rows up to src, each with those below it, into those up to dst.

    There are rows only from `top` on and before `bottom`, as counted from src.
    """
    cdef Py_ssize_t i = 0, d = p.row.d, run
    cdef const char* last
    while i < count:
        run = 1
        if top <= -i * d < bottom:
            run = min(count - i, (-i * d - top) // d + 1)
            (p.rows.lift_accumulate if direct else p.rows.fold_accumulate)(
                dst - i * d * dst_pitch, -d * dst_pitch, src - i * d * src_pitch, -d * src_pitch,
                run, n, i == 0)
        elif i == 0:
            p.rows.clear(dst, 0, 1, n)
        else:
            last = dst - (i - 1) * d * dst_pitch
            p.rows.fold(dst - i * d * dst_pitch, 0, &last, 0, 1, 1, n, True, NULL)
        i += run


