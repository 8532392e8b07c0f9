# An item from the input to the output.

cdef enum:
    DETOURS = 15        # items at most, one that is doubtful and others, that are not done at once


cdef void pool_item(
    const Pool* p, const Call* call, Py_ssize_t item, char* scratch) noexcept nogil:
    """Everything for one item whose windows are not split."""
    cdef Place place
    cdef char* result = scratch + p.at_result
    cdef Py_ssize_t result_row = p.res_pitch * p.inner * p.rows.size
    cdef Memory* memory = <Memory*> (scratch + p.at_memory)
    cdef char* out
    cdef const char* next_
    cdef Py_ssize_t plane, nbytes, half, first, stop
    cdef bint straight, together = True
    if memory.mended > p.patience:
        return
    locate(p, item, &place)
    out = call.out + place.out_at + place.row * p.row.os + place.lane * p.lane.os
    if place.planes > 1:    # without rows between them, which are nobody's
        together = (p.plane_rows == place.rows
                    and p.outer[p.nouter - 1].os == place.rows * p.row.os)
    if p.fetches_planes:
        # The next planes, of which the second half while this item's are finished, and the output.
        nbytes = place.planes * p.outer[p.nouter - 1].xs
        half = nbytes if p.rows.at_once != NULL else nbytes // 2
        next_ = call.x + place.x_at + nbytes
        fetch(next_, half)
        if (p.outer[p.nouter - 1].os == p.row.out * p.lane.out * p.inner * p.out_size
                and p.lane.n * p.inner * p.size < LONG_SOURCE):
            # It is contiguous, and comes with no rows.
            fetch(out, place.planes * p.outer[p.nouter - 1].os)
    if p.rows.at_once != NULL and together and not call.tangled:
        # Next to halfway, Twins may be rounded the other way, and with indices the other way gives
        # all zeros and NaNs one sign: not for what came before in a thread.
        if memory.detours == 0 or p.rows.twins or p.form >= FORM_FIRST:
            place.at_once = True
            place.scans = False
            begin_once(p, &place.once)
            gather(p, call, &place, 0, scratch, out, p.row.os)
            if not place.doubtful:
                memory.last_detours = 0
                return
            place.at_once = False
            memory.last_detours = min(2 * memory.last_detours + 1, DETOURS)
            memory.detours = memory.last_detours
        memory.detours -= 1
    # Accumulators that are the output may be folded straight into it.
    straight = p.rows.finish == NULL and p.plain and (
        p.leading or p.pairs or p.joins or rows_of(p, &place) == 1
        or (p.res_pitch == place.lanes and p.row.os == result_row))
    straight = straight and together
    if straight:
        result_row = p.row.os
    # Most items are spared the scan; where one needs it, the next is likely to, too.
    place.rounded = p.rows.scan != NULL and p.rows.twins
    place.scans = place.rounded or (p.rows.scan != NULL and memory.wary)
    first = place.row
    stop = first + place.rows
    while place.row < stop:
        place.rows = min(stop - place.row, p.strip)
        if straight:
            result = out + (place.row - first) * p.row.os
        gather_warily(p, call, &place, scratch, result, result_row)
        if place.rounded and not place.scans:
            # From here on as where the item before had been rounded, too.
            place.scans = True
            place.rounded = False
            place.row = first
            place.joined.end = -1
            continue
        if p.fetches_planes:
            fetch(next_ + half, nbytes - half)
        for plane in range(0 if straight else place.planes):
            finish(p, call, &place, scratch, result + plane * p.plane_rows * result_row)
            move_on(p, &place, 1)
        place.row += place.rows
    memory.wary = place.rounded


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
    place.rounded = p.rows.scan != NULL
    for part in range(p.parts):
        memcpy(&range_, first + part * unit + p.result_bytes, sizeof(Range))
        place.range_.peak = max(place.range_.peak, range_.peak)
        place.range_.low = min(place.range_.low, range_.low)
        for r in range(place.rows if part > 0 else 0):
            src = first + part * unit + r * row
            p.rows.fold(first + r * row, 0, &src, 0, 1, 1, place.lanes * p.inner, False, NULL)
    finish(p, call, &place, scratch, first)
