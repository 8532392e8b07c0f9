# The rows of windows, folded into one: as they lie, in pieces, or staged; what comes is fetched.

cdef enum:
    SLOTS = 3           # source rows handed to a fold at once that are staged tap by tap
    LONG_ROWS = 8192    # bytes of a window's rows: longer ones are folded in pieces
    PIECE = 1024        # of so many bytes of all rows together
    LEAD = 8192         # what is fetched lies so many bytes further on, or a share of that
    LEAD_NEAR = 4096    # or where all of a window's rows lie end to end
    LEAD_PIECES = 4096  # or in pieces of rows
    LEAD_RUNS = 2048    # or where runs are added up
    LEAD_OUT = 2048     # and output that is not written at the end
    MOST_FETCHED = 65536    # bytes of sources that are worth it
    LONG_SOURCE = 128   # in which rows have so many, where all of a window's lie end to end
    FAR_SOURCE = 1024   # or so many, where windows lie far from each other
    SHORT_PAIRS = 100   # rows of fewer pairs are finished together


cdef Py_ssize_t end_to_end(
    const char** batch, Py_ssize_t step, Py_ssize_t count, Py_ssize_t rows,
    Py_ssize_t n) noexcept nogil:
    """How many sources of n bytes lie end to end each time, or reach into the next.

    0 if they are not worth fetching.
    """
    cdef Py_ssize_t i, near = 1
    cdef bint pays = True
    while near < count and 0 < batch[near] - batch[near - 1] <= n:
        near += 1
    for i in range(near, count):
        if i % near > 0 and not 0 < batch[i] - batch[i - 1] <= n:
            return 0
    if rows == 1 or step > near * n:
        pays = n >= FAR_SOURCE
    elif near == count:
        pays = n >= LONG_SOURCE     # shorter ones, in order, come by themselves
    return near if pays and step >= 0 and count * n <= MOST_FETCHED else 0


cdef inline void results_of(
    const Pool* p, const Place* place, Ahead* ahead, bint fresh) noexcept nogil:
    """Where the results of rows go, when these are folded first.

    Those of pairs are few, and with the indices of windows along the lanes it is no faster.
    """
    cdef bint pays = not p.pairs and (p.leading or p.rows.indices == NULL)
    pays = pays and (place.at_once or not p.lifts)      # what is lifted belongs to no row yet
    ahead.out = place.results
    ahead.out_step = place.results_step
    ahead.out_size = 0
    if pays and fresh and p.plain and p.parts == 1:
        ahead.out_size = place.lanes * p.inner * p.out_size
        if place.at_once or (p.rows.finish == NULL and p.leading):
            ahead.out += LEAD_OUT   # they are written at the same time


cdef void lift_couples(
    const Pool* p, Place* place, char* dst, Py_ssize_t pitch, const char** batch, Py_ssize_t step,
    Py_ssize_t count, Py_ssize_t rows, Py_ssize_t cells, char* spare,
    const Ahead* ahead) noexcept nogil:
    """Make output of source rows and the cells beside: of all cells, of which every other stays."""
    cdef const char* beside[FEW]
    cdef Py_ssize_t n = cells // p.inner - 1, cell = p.inner * p.out_size, i, r
    cdef Py_ssize_t unit = p.inner if cell in (1, 2, 4, 8, 16) else 1
    for r in range(rows):
        fetch_row(ahead, batch, count, step, r)
        for i in range(count):
            beside[i] = batch[i] + r * step
            beside[count + i] = beside[i] + cell
        place.doubtful |= p.rows.at_once(
            spare, 0, beside, 0, 2 * count, 1, n * p.inner, &place.once, p.ending, NULL)
        splitter(unit * p.out_size)(dst, spare, n, 2, 0, p.inner // unit, False)
        dst += pitch


cdef void lift_at_once(
    const Pool* p, Place* place, char* dst, Py_ssize_t pitch, const char** batch,
    Py_ssize_t step, Py_ssize_t count, Py_ssize_t rows, Py_ssize_t position, Py_ssize_t cells,
    char* raw, const Ahead* ahead) noexcept nogil:
    """Make output of source rows; short ones are laid end to end first, to be one."""
    cdef const char* joined[FEW]
    cdef Py_ssize_t n = place.lanes * p.inner, size = 2 * place.lanes * p.x_size
    cdef Py_ssize_t begin = 0, run = 1, i
    if p.form == FORM_WINDOWS or p.form == FORM_RUNS or p.form >= FORM_FIRST:
        place.once.start = place.lane * p.lane.s - p.lane.before - position
        place.once.cells = cells // p.inner
        place.once.lead = LEAD_RUNS if place.fetches else 0
    elif p.form == FORM_COUPLES:
        lift_couples(p, place, dst, pitch, batch, step, count, rows, cells, raw, ahead)
        return
    elif p.form == FORM_REPEATED or p.form == FORM_PHASES:
        place.once.start = place.lane + p.lane.before - position * p.lane.turned_s
        place.once.cells = cells // p.inner
    elif (p.form == FORM_PAIRS and p.lane.out < SHORT_PAIRS and pitch == n * p.out_size
            and count <= FEW):
        run = min(rows, p.staged_rows // count)
    if run < 2:
        place.doubtful |= p.rows.at_once(
            dst, pitch, batch, step, count, rows, n, &place.once, p.ending, ahead)
        return
    while begin < rows:
        run = min(rows - begin, run)
        for i in range(count):
            joined[i] = raw + i * run * size
            copy_rows(raw + i * run * size, size, batch[i] + begin * step, step, run, size)
        place.doubtful |= p.rows.at_once(
            dst + begin * pitch, 0, joined, 0, count, 1, run * n, &place.once, p.ending, NULL)
        begin += run


cdef void lift_sources(
    const Pool* p, Place* place, char* dst, Py_ssize_t pitch, const char** batch,
    Py_ssize_t step, Py_ssize_t count, Py_ssize_t rows, Py_ssize_t position, Py_ssize_t cells,
    bint fresh, char* raw, const Ahead* ahead) noexcept nogil:
    """Fold source rows that begin at an input position into dst, as cells or as lanes of pairs."""
    if place.at_once:
        lift_at_once(p, place, dst, pitch, batch, step, count, rows, position, cells, raw, ahead)
    elif p.pairs:
        lift_pairs(p, place, dst, pitch, batch, step, count, rows, position, fresh, ahead)
    else:
        p.rows.lift(dst, pitch, batch, step, count, rows, cells, fresh, ahead)


cdef void lift_pieces(
    const Pool* p, Place* place, char* dst, Py_ssize_t pitch, const char** batch,
    Py_ssize_t step, Py_ssize_t count, Py_ssize_t rows, Py_ssize_t position, Py_ssize_t cells,
    bint fresh, char* raw) noexcept nogil:
    """lift_sources() of long rows, whose pieces are folded, and fetched, as if they were rows."""
    cdef const char* part[SOURCES]
    cdef Ahead ahead
    cdef bint couples = place.at_once and p.form == FORM_COUPLES
    cdef Py_ssize_t lanes = place.lanes, first = place.lane, lead = LEAD if couples else LEAD_PIECES
    cdef Py_ssize_t n = cells * (p.x_size if place.at_once else p.size)
    cdef bint by_lane = place.at_once or p.pairs
    cdef Py_ssize_t most = lanes if by_lane else cells, each = p.lane.s * p.inner if by_lane else 1
    cdef Py_ssize_t size = each * (p.x_size if place.at_once else p.size)
    cdef Py_ssize_t acc_size = p.inner * p.out_size if place.at_once else p.rows.size
    # Of couples, each piece is a call, and dearer.
    cdef Py_ssize_t whole = max(
        (2 * PIECE if couples else PIECE) // (count * size), <Py_ssize_t> 32 // each, 1)
    cdef Py_ssize_t uncut = most, i, j, r, run, pieces
    cdef Span lane
    if whole > 64 or each == 1:
        whole = max(whole & -64, <Py_ssize_t> 64)   # a remainder is dear
    if p.pairs and not place.at_once:
        lane = window(&p.lane, first)
        uncut = alike(&p.lane, &lane, most)
    ahead.first = 0
    ahead.near = 1
    if single(p, place) and count > p.row.s:
        # The others were read for the row before.
        ahead.first = count - p.row.s
    for r in range(rows):
        j = 0
        while j < most:
            run = whole
            pieces = (min(uncut, most - 1) - j) // run      # there is some of the row behind them
            ahead.lead = lead
            if j * size + lead < n:
                pieces = min(pieces, (n - lead - j * size) // (run * size) + 1)
            else:
                ahead.lead += step - n      # into the next row
            if pieces <= 0:
                pieces = 1
                run = most - j
            ahead.size = run * size
            results_of(p, place, &ahead, fresh)
            ahead.out += r * ahead.out_step
            ahead.out += (j * p.inner if by_lane else j // p.lane.s) * p.out_size
            ahead.out_step = (run * p.inner if by_lane else run // p.lane.s) * p.out_size
            ahead.out_size = min(ahead.out_size, ahead.out_step)
            for i in range(count):
                part[i] = batch[i]
                if place.at_once or not p.pairs:    # which find their elements by themselves
                    part[i] += j * size
            place.lane = first + j
            place.lanes = run
            i = run * each
            if couples and j + run < most:
                i += p.inner        # all vectors are whole with one cell more
            lift_sources(p, place, dst + j * acc_size, run * acc_size, part, run * size, count,
                         pieces, position, i, fresh, raw, &ahead)
            j += pieces * run
        dst += pitch
        for i in range(count):
            batch[i] += step
    place.lane = first
    place.lanes = lanes


cdef void lift_batch(
    const Pool* p, Place* place, char* dst, Py_ssize_t pitch, const char** batch,
    Py_ssize_t step, Py_ssize_t count, Py_ssize_t rows, Py_ssize_t position, Py_ssize_t cells,
    bint fresh, char* raw) noexcept nogil:
    """Fold source rows that begin at an input position into dst; what comes is fetched meanwhile.

    Sources of a row are read side by side, which is slow from memory.
    """
    cdef Ahead ahead
    cdef Py_ssize_t n = cells * (p.x_size if place.at_once else p.size), near = 0, lead, i = 0
    # Rows that are dealt out, or that windows share, are to stay whole.
    cdef bint whole = place.at_once and p.form >= FORM_WINDOWS
    if place.fetches and count > 1:
        near = end_to_end(batch, step, count, rows, n)
    if near > 0 and rows == 1 and n < LONG_ROWS // 2:
        # Nothing is known of what comes; in pieces, processors do not foresee it either.
        if whole:
            while i < count:
                fetch(batch[i], near * n)
                i += near
    elif near > 0 and rows > 1 and (count * n <= LONG_ROWS or whole):
        results_of(p, place, &ahead, fresh)
        ahead.first = count if p.fetches_planes else 0
        ahead.near = near
        # 16-bit floats are looked at some rows at a time before they are added up.
        lead = LEAD_NEAR if near == count and p.x_size > 2 else LEAD * near // count
        ahead.lead = max(lead // (step + 1), 1) * step
        ahead.size = min(step, near * n)
        i = ahead.first + near
        while i < count:    # the first ones are what was fetched last
            fetch(batch[i], ahead.lead)
            i += near
        lift_sources(p, place, dst, pitch, batch, step, count, rows, position, cells, fresh, raw,
                     &ahead)
        return
    elif near > 0 and not whole:
        lift_pieces(p, place, dst, pitch, batch, step, count, rows, position, cells, fresh, raw)
        return
    lift_sources(
        p, place, dst, pitch, batch, step, count, rows, position, cells, fresh, raw, NULL)


cdef void lift_pairs(
    const Pool* p, const Place* place, char* dst, Py_ssize_t pitch, const char** batch,
    Py_ssize_t step, Py_ssize_t count, Py_ssize_t rows, Py_ssize_t position, bint fresh,
    const Ahead* ahead) noexcept nogil:
    """Fold source rows that begin at an input position into lanes of pairs."""
    cdef const char* inside[BATCH]
    cdef Py_ssize_t j = 0, i, run
    cdef Span lane
    while j < place.lanes:
        lane = window(&p.lane, place.lane + j)
        for i in range(count):
            inside[i] = batch[i] + (lane.start + lane.first - position) * p.size
        if lane.stop - lane.first == p.lane.k:
            run = alike(&p.lane, &lane, place.lanes - j)
            p.rows.pairs(
                dst + j * p.rows.size, pitch, inside, step, count, rows, run, fresh, ahead)
        else:
            # One of the pair, or none.
            run = 1
            if lane.first < lane.stop:
                p.rows.lift(
                    dst + j * p.rows.size, pitch, inside, step, count, rows, 1, fresh, NULL)
            elif fresh:
                p.rows.clear(dst + j * p.rows.size, pitch, rows, 1)
        j += run


cdef void stage_rows(
    const Pool* p, const Call* call, char* dst, const char* src, Py_ssize_t index,
    Py_ssize_t rows, Py_ssize_t stride, Py_ssize_t n, char* scratch) noexcept nogil:
    """Put n lane positions of `rows` input rows end to end, as native elements or carriers."""
    cdef Mapping how = p.mapping
    cdef char* native = scratch + p.at_native
    cdef const char* row
    cdef Py_ssize_t r, position = 0
    cdef double above = 1.0
    if p.nshared > 0:
        position = begin_shares(p, index, n, &how, scratch)
        above = how.share
    elif (not call.tangled and stride * p.row.xs == n * p.inner * p.x_size
            and stride * p.row.step == n * p.lane.step):
        n *= rows       # they are end to end already
        rows = 1
    for r in range(rows):
        row = src
        if call.tangled:
            if p.rows.map == NULL:
                native = dst
            p.stage(NULL, native, p.inner * p.x_size, p.x_size, src, p.lane.xs, p.inner_xs, n,
                    p.inner, p.swap)
            row = native
        if p.nshared > 0:
            how.share = above * row_share(p, position + r * stride)
        if p.rows.map != NULL:
            p.rows.map(dst, row, n, p.inner, index, &how)
        dst += n * p.inner * p.size
        src += stride * p.row.xs
        index += stride * p.row.step


cdef void stage_item(
    const Pool* p, const Call* call, Place* place, Py_ssize_t position, Py_ssize_t n,
    char* scratch) noexcept nogil:
    """Stage all rows of an item, if there is room.

    Uneven row windows come one by one, or a phase at a time, and have rows in common with others.
    """
    cdef Py_ssize_t first, rows, blocks = place.planes, i
    cdef char* dst = scratch + p.at_raw
    cdef Taps outer
    place.given = NULL
    place.given_block = 0
    if not call.staged or place.at_once or p.row.spacing == REGULAR or p.row.d > 1 or place.empty:
        return
    uneven_reach(&p.row, place.row, place.rows, &first, &rows)
    first = clamped(first, 0, p.row.n)
    rows = clamped(rows, first, p.row.n) - first
    for i in range(p.nouter):
        blocks *= place.taps[i]
    if rows * blocks > p.staged_rows or (blocks > place.planes > 1):
        return
    place.given_row = first
    place.given_block = rows * n * p.inner * p.size
    for i in range(place.planes):
        first_taps(p, call.x + place.x_at + position * p.lane.xs + first * p.row.xs,
                   place.index + position * p.lane.step + first * p.row.step, &outer)
        while True:
            stage_rows(p, call, dst, outer.src, outer.index, rows, 1, n, scratch)
            dst += place.given_block
            if not next_taps(p, place, &outer):
                break
        move_on(p, place, 1)
    move_on(p, place, -place.planes)
    place.given = scratch + p.at_raw


cdef void vertical(
    const Pool* p, const Call* call, Place* place, const Span* row, Py_ssize_t rows,
    Py_ssize_t stride, char* dst, Py_ssize_t pitch, Py_ssize_t position, Py_ssize_t n,
    char* raw) noexcept nogil:
    """Fold lane positions `position` … + n of `rows` windows along the row axis into dst.

    `row` is the first window; the others, `stride` further each, have the same taps; there are
    at most `staged_run` where rows are staged.  Where lanes are pairs, dst is a row of lanes.
    """
    cdef const char* batch[SOURCES]
    cdef Taps outer
    cdef Mapping how = p.mapping
    cdef double above = 1.0
    cdef const char* given = place.given
    cdef bint fresh = True
    cdef Py_ssize_t count = 0, i, t, r, cells = n * p.inner, xs = p.row.xs, step = stride * xs
    cdef Py_ssize_t o = 0
    cdef Py_ssize_t first = row.start + row.first * p.row.d
    cdef Py_ssize_t stop = row.start + (row.stop - 1) * p.row.d + 1
    cdef Py_ssize_t reach = stop - first + (rows - 1) * stride
    cdef Py_ssize_t batches = SOURCES if place.at_once else BATCH
    cdef bint staged = call.staged and not place.at_once and given == NULL
    # Input rows are staged together if they are not more than what the windows take.
    cdef bint whole = (staged and reach <= p.staged_rows
                       and reach <= rows * (row.stop - row.first))
    cdef const char* src = call.x + place.x_at + position * p.lane.xs + first * xs
    cdef const char* at
    cdef char* scratch = raw - p.at_raw
    place.fetches = p.fetches_rows and (not call.staged or place.at_once)
    if place.at_once and call.indices != NULL:
        place.once.indices = call.indices + place.once.wide * (dst - call.out)
        place.once.step = stride * p.row.step
    if staged:
        xs = cells * p.size
        step = stride * xs if whole else xs
        if not whole:
            batches = SLOTS
    if given != NULL:
        xs = cells * p.size
        step = stride * xs
        given += (first - place.given_row) * xs
    first_taps(p, src, place.index + position * p.lane.step + first * p.row.step, &outer)
    while row.first < row.stop and not place.empty:
        at = outer.src
        if place.at_once and p.nshared > 0:
            o = begin_shares(p, outer.index, 0, &how, scratch)
            above = how.share
        if given != NULL:
            at = given
            given += place.given_block
        if whole:
            stage_rows(p, call, raw, outer.src, outer.index, reach, 1, n, scratch)
            at = raw
        for t in range(row.stop - row.first):
            batch[count] = at + t * p.row.d * xs
            if place.at_once:
                place.once.index[count] = outer.index + t * p.row.d * p.row.step
                place.once.weights[count] = above
                if p.form == FORM_WEIGHED:
                    place.once.weights[count] *= row_share(p, o + t * p.row.d)
            if staged and not whole:
                at = raw + count * (p.staged_rows // SLOTS) * xs
                stage_rows(p, call, <char*> at, outer.src + t * p.row.d * p.row.xs,
                           outer.index + t * p.row.d * p.row.step, rows, stride, n, scratch)
                batch[count] = at
                if place.scans and first + t * p.row.d >= place.seen:
                    p.rows.scan(at, xs, rows, cells, &place.range_)
            count += 1
            if count == batches:
                lift_batch(
                    p, place, dst, pitch, batch, step, count, rows, position, cells, fresh, raw)
                fresh = False
                count = 0
        if whole and count > 0:
            lift_batch(
                p, place, dst, pitch, batch, step, count, rows, position, cells, fresh, raw)
            fresh = False
            count = 0
        if place.scans and (whole or not staged):
            for r in range(rows):
                i = max(first + r * stride, place.seen)
                t = stop + r * stride
                if r == 0 and (whole or stride <= stop - first):
                    t = stop + (rows - 1) * stride     # all rows at once: they leave no gap
                if i < t:
                    p.rows.scan(at + (i - first) * xs, xs, t - i, cells, &place.range_)
                if t > stop + r * stride:
                    break
        if not next_taps(p, place, &outer):
            break
    place.once.weighs = p.nshared > 0
    for i in range(reach if place.at_once and p.form == FORM_SHARED and p.nshared > 0 else 0):
        place.once.shares[i] = row_share(p, o + i)
    if count > 0:
        lift_batch(
            p, place, dst, pitch, batch, step, count, rows, position, cells, fresh, raw)
    elif fresh and p.spreads and place.at_once:
        # In no window.
        for r in range(rows * place.once.down):
            memset(dst, 0, place.lanes * p.inner * p.out_size)
            dst += pitch // place.once.down
    elif fresh and place.at_once:
        place.doubtful = True       # there is nothing to add up
    elif fresh:
        p.rows.clear(dst, pitch, rows, place.lanes if p.pairs else cells)
    # The rows of a dilated window interleave with the next one's.
    if p.row.d == 1 and row.first < row.stop and stop + (rows - 1) * stride > place.seen:
        place.seen = stop + (rows - 1) * stride
