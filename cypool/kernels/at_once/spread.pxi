# Transposed windows, whose means are spread over the lanes that are in them.

cdef enum:
    PHASE = ROOM + 3 * COLUMNS  # what lanes a stride apart may take, and beyond it
    REPEATED = 2048     # bytes of a row whose lines are fetched together


cdef bint once_repeated(
    once_t* dst, Py_ssize_t dst_pitch, const once_t** src, Py_ssize_t src_pitch, Py_ssize_t count,
    Py_ssize_t rows, Py_ssize_t n, const Once* how, Ending ending,
    const Ahead* ahead) noexcept nogil:
    """dst[r, j] = a factor times the sum of src[i][r, (how.start + j) // how.s] for i < count.

    Where there is no such cell, it is 0.  Of each row there are how.down, how.below apart.
    """
    cdef once_t done[CHUNK]
    cdef const once_t* at[MOST_ROWS]
    cdef Py_ssize_t s = how.s, inner = how.inner, lanes = n // inner
    cdef Py_ssize_t size = inner * <Py_ssize_t> sizeof(once_t)
    cdef Py_ssize_t most = clamped(REPEATED // (min(s, lanes) * size), 1, max(CHUNK // inner, 1))
    cdef Py_ssize_t stop = clamped(how.cells * s - how.start, 0, lanes)
    cdef Py_ssize_t begin, cell, cells, first, width, i, m, r, share
    cdef char* next_
    cdef bint doubtful = False
    for r in range(rows):
        fetch_row(ahead, <const char**> src, count, src_pitch, r)
        begin = 0
        while begin < stop:
            cell = (how.start + begin) // s
            m = min((cell + 1) * s - how.start, stop)
            cells = 1
            if m - begin == s:      # no part of a cell
                cells = min(how.cells - cell, most)
                m = min(begin + cells * s, stop)
            # A store waits for its line: of what comes next, or below.
            next_ = <char*> dst + (m * size if m < stop else dst_pitch)
            share = (m - begin) // cells * <Py_ssize_t> sizeof(once_t)
            first = 0
            while first < cells * inner:
                width = min(cells * inner - first, <Py_ssize_t> CHUNK)
                for i in range(how.down):
                    fetch(next_ + i * how.below + first * share, width * share)
                for i in range(count):
                    at[i] = past(src[i], r * src_pitch) + cell * inner + first
                doubtful |= once_rows(done, 0, at, 0, count, 1, width, how, ending, NULL)
                for i in range(how.down):
                    repeat_cells(
                        <once_t*> past(dst, i * how.below) + begin * inner + first, inner, done,
                        min(width, inner), m - begin, s)
                first += width
            begin = m
        for i in range(how.down):
            memset(<once_t*> past(dst, i * how.below) + stop * inner, 0, (lanes - stop) * size)
        dst = <once_t*> (<char*> dst + dst_pitch)
    return doubtful


cdef inline void repeat_cells(
    once_t* dst, Py_ssize_t pitch, const once_t* src, Py_ssize_t size, Py_ssize_t n,
    Py_ssize_t s) noexcept nogil:
    """repeat() of cells of `size` elements, which go `pitch` elements apart."""
    cdef Py_ssize_t j = 0
    if pitch > 1:
        while j < n:
            copy_rows(
                <char*> (dst + j * pitch), pitch * <Py_ssize_t> sizeof(once_t), <const char*> src,
                0, min(s, n - j), size * <Py_ssize_t> sizeof(once_t))
            src += size
            j += s
    elif once_t is float:
        repeat(<uint32_t*> dst, <const uint32_t*> src, n, s)
    else:
        repeat(<uint16_t*> dst, <const uint16_t*> src, n, s)


# Transposed windows that overlap: what the rows of a cell add up to, a column, is kept for all the
# lanes that it goes to.  Lanes a stride apart are made of neighbouring columns, as many each, but
# for those at the ends of a row.  Rows end to end are one row to all but these.

cdef inline Py_ssize_t first_cell(const Once* how, Py_ssize_t lane) noexcept nogil:
    """The first cell that goes to a lane, be there one or not."""
    cdef Py_ssize_t above = how.start + lane - how.k
    return above // how.s + 1 if above >= 0 else -(-(above + 1) // how.s)


cdef bint once_phases(
    float* dst, Py_ssize_t dst_pitch, const float** src, Py_ssize_t src_pitch, Py_ssize_t count,
    Py_ssize_t rows, Py_ssize_t n, const Once* how, Ending ending,
    const Ahead* ahead) noexcept nogil:
    """dst[r, j] = a factor times the sum of src[i][r, c] for i < count and each c that has lane j.

    Those have (how.start + j) // how.s and, while how.k allows it, the ones before it.
    """
    cdef Columns columns
    cdef const float* at[FEW]
    cdef Py_ssize_t s = how.s, inner = how.inner, lanes = n // inner, r = 0, begin, block, run
    cdef Py_ssize_t size = inner * <Py_ssize_t> sizeof(float), low, cells, i, m
    cdef bint doubtful = False
    block = min(lanes, (ROOM // inner - COLUMNS) * s)
    while r < rows:
        run = 1
        if (block == lanes <= (how.cells + COLUMNS) * s
                and src_pitch == how.cells * size):
            run = clamped(ROOM // (how.cells * inner), 1, rows - r)
        begin = 0
        while begin < lanes:
            m = min(lanes - begin, block)
            low = 0
            cells = how.cells
            if run == 1:
                low = max(first_cell(how, begin), 0)
                cells = max(min((how.start + begin + m - 1) // s + 1, cells) - low, 0)
            for i in range(run):    # a store waits for its line
                fetch(<char*> (dst + begin * inner) + i * dst_pitch, m * size)
            for i in range(count):
                at[i] = past(src[i], r * src_pitch) + low * inner
            if count == 4:
                float_column(columns.sums, columns.most, at, run * cells * inner, 4)
            elif count == 3:
                float_column(columns.sums, columns.most, at, run * cells * inner, 3)
            elif count == 2:
                float_column(columns.sums, columns.most, at, run * cells * inner, 2)
            else:
                float_column(columns.sums, columns.most, at, run * cells * inner, 1)
            doubtful |= lay_phases(
                <char*> (dst + begin * inner), dst_pitch, &columns, run, cells, low, begin, m, how,
                ending.margin)
            begin += m
        dst = <float*> (<char*> dst + run * dst_pitch)
        r += run
    return doubtful


cdef inline bint lay_phases(
    char* dst, Py_ssize_t pitch, const Columns* columns, Py_ssize_t rows, Py_ssize_t cells,
    Py_ssize_t low, Py_ssize_t begin, Py_ssize_t lanes, const Once* how,
    uint32_t margin) noexcept nogil:
    """Lay out the lanes of rows from `begin` on; the columns of a row are those of cells from `low`
    on."""
    cdef float done[2 * PHASE]
    cdef float woven[2 * PHASE]
    cdef float* of_phase
    cdef Py_ssize_t s = how.s, inner = how.inner, size = inner * <Py_ssize_t> sizeof(float)
    cdef Py_ssize_t i, j, m, r, first, taps, lane, next_
    cdef bint doubtful = False, weaves = s == 2 and inner == 1 and lanes > 1
    for j in range(min(s, lanes)):
        # As if no row ended; what lacks a cell there is made again.
        first = first_cell(how, begin + j) - low
        taps = (how.start + begin + j) // s + 1 - low - first
        of_phase = done + (j * PHASE if weaves else 0) + COLUMNS
        doubtful |= float_windows(
            of_phase, columns, 0, inner, (rows * cells - taps + 1) * inner, taps, how.factor,
            margin)
        m = min((lanes - j + s - 1) // s, cells - taps - first + 1)
        for r in range(0 if weaves else rows):
            for i in range(max(-first, 0), m):
                memcpy(dst + r * pitch + (j + i * s) * size,
                       of_phase + (r * cells + first + i) * inner, size)
        if j == 1 and weaves:
            m = lanes // 2
            i = first_cell(how, begin) - low
            weave(<uint32_t*> woven, <const uint32_t*> (done + COLUMNS + i),
                  <const uint32_t*> (of_phase + first), 2 * ((rows - 1) * cells + m))
            for r in range(rows):
                memcpy(dst + r * pitch, woven + 2 * r * cells, 2 * m * size)
    for j in range(min(s, lanes)):
        first = first_cell(how, begin + j) - low
        taps = (how.start + begin + j) // s + 1 - low - first
        lane = j
        while lane < lanes:
            next_ = 1
            if first < 0 or first + taps > cells or (weaves and lane == lanes - 1):
                doubtful |= cut_lane(
                    dst + lane * size, pitch, columns, rows, cells, max(first, 0),
                    min(first + taps, cells) - max(first, 0), inner, how.factor, margin)
            else:       # the next that lacks a cell, or the last one
                next_ = max(min(cells - taps - first + 1, (lanes - 1 - lane) // s), 1)
            first += next_
            lane += s * next_
    return doubtful


cdef inline bint cut_lane(
    char* dst, Py_ssize_t pitch, const Columns* columns, Py_ssize_t rows, Py_ssize_t cells,
    Py_ssize_t first, Py_ssize_t count, Py_ssize_t inner, double factor,
    uint32_t margin) noexcept nogil:
    """float_windows() of the same few columns of each row, or of none."""
    cdef uint32_t doubtful = 0, most
    cdef Py_ssize_t r, i, at = first * inner
    cdef double x
    cdef float y
    if count <= 0:
        for r in range(rows):
            memset(dst + r * pitch, 0, inner * sizeof(float))
        return False
    for r in range(rows):
        if inner > 1:
            doubtful |= float_windows(
                <float*> dst, columns, at, inner, inner, count, factor, margin)
        else:
            x = columns.sums[at]
            most = columns.most[at]
            for i in range(1, count):
                x = x + columns.sums[at + i]
                most = columns.most[at + i] if columns.most[at + i] > most else most
            y = <float> (x * factor)
            doubtful |= <uint32_t> (magnitude(y) + margin < most)
            (<float*> dst)[0] = one_nan(y)
        at += cells * inner
        dst += pitch
    return doubtful != 0


cdef at_once_f choose_spread(int elem, bint overlap) noexcept:
    """The operation for elements of a code and results of the same; NULL if there is none."""
    if overlap:
        return <at_once_f> once_phases if elem == FLOAT else NULL
    elif elem == FLOAT:
        return <at_once_f> once_repeated[float]
    elif elem == HALF:
        return <at_once_f> once_repeated[Half]
    elif elem == BRAIN:
        return <at_once_f> once_repeated[Brain]
    return NULL
