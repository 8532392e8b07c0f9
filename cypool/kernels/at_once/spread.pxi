# Transposed windows, whose means are spread over the lanes that are in them; and pairs of cells.

cdef enum:
    ROOM = 1024         # columns of sums that are kept for transposed windows
    PHASE = ROOM + 3 * COLUMNS  # what lanes a stride apart may take, and beyond it


cdef inline void repeat(bits_t* dst, const bits_t* src, Py_ssize_t n, Py_ssize_t s) noexcept nogil:
    """dst[j] = src[j // s] for j < n."""
    cdef Py_ssize_t i, j
    if s == 2:
        for j in range(n // 2):
            dst[2 * j] = src[j]
            dst[2 * j + 1] = src[j]
    else:
        for j in range(n // s):
            for i in range(s):
                dst[j * s + i] = src[j]
    for j in range(n // s * s, n):
        dst[j] = src[n // s]


cdef inline void weave(
    bits_t* dst, const bits_t* a, const bits_t* b, Py_ssize_t n) noexcept nogil:
    """Lay out n cells, of two rows in turn."""
    cdef Py_ssize_t j
    for j in range(n // 2):
        dst[2 * j] = a[j]
        dst[2 * j + 1] = b[j]
    if n % 2:
        dst[n - 1] = a[n // 2]


cdef bint once_spread(
    once_t* dst, Py_ssize_t dst_pitch, const once_t** src, Py_ssize_t src_pitch, Py_ssize_t count,
    Py_ssize_t rows, Py_ssize_t n, const Once* how, Ending ending,
    const Ahead* ahead) noexcept nogil:
    """dst[r, j] = a factor times the sum of src[i][r, (how.start + j) // how.s] for i < count.

    Where there is no such cell, it is 0.
    """
    cdef once_t done[CHUNK]
    cdef const once_t* at[MOST_ROWS]
    cdef Py_ssize_t s = how.s, begin, cell, cells, i, m, r
    cdef Py_ssize_t stop = clamped(how.cells * s - how.start, 0, n)
    cdef bint doubtful = False
    for r in range(rows):
        fetch_row(ahead, <const char**> src, count, src_pitch, r)
        if r + 1 < rows:
            fetch(<char*> dst + dst_pitch, n * <Py_ssize_t> sizeof(once_t))
        begin = 0
        while begin < stop:
            cell = (how.start + begin) // s
            m = min((cell + 1) * s - how.start, stop)
            cells = 1
            if m - begin == s:      # no part of a cell
                cells = min(how.cells - cell, <Py_ssize_t> CHUNK)
                m = min(begin + cells * s, stop)
            for i in range(count):
                at[i] = past(src[i], r * src_pitch) + cell
            doubtful |= once_rows(done, 0, at, 0, count, 1, cells, how, ending, NULL)
            if once_t is float:
                repeat(<uint32_t*> dst + begin, <const uint32_t*> done, m - begin, s)
            else:
                repeat(<uint16_t*> dst + begin, <const uint16_t*> done, m - begin, s)
            begin = m
        for i in range(stop, n):
            memset(dst + i, 0, sizeof(once_t))
        dst = <once_t*> (<char*> dst + dst_pitch)
    return doubtful

# Transposed windows that overlap: what the rows of a cell add up to, a column, is kept for all the
# lanes that it goes to.  Lanes a stride apart are made of neighbouring columns, as many each, but
# for those at the ends of a row.  Rows end to end are one row to all but these.
cdef struct Columns:
    double sums[ROOM]
    uint32_t most[ROOM]


cdef inline bint float_windows(
    float* dst, const Columns* columns, Py_ssize_t at, Py_ssize_t apart, Py_ssize_t n,
    Py_ssize_t count, double factor, uint32_t margin) noexcept nogil:
    """float_window() of one to three columns, `apart` from each other, from the one at `at` on."""
    cdef const double* a = columns.sums + at
    cdef const double* b = a + (apart if count > 1 else 0)
    cdef const double* c = a + (2 * apart if count > 2 else 0)
    cdef const uint32_t* a_most = columns.most + at
    cdef const uint32_t* b_most = a_most + (b - a)
    cdef const uint32_t* c_most = a_most + (c - a)
    if count == 3:
        return float_window(dst, a, b, c, a_most, b_most, c_most, n, 3, factor, margin)
    elif count == 2:
        return float_window(dst, a, b, c, a_most, b_most, c_most, n, 2, factor, margin)
    return float_window(dst, a, b, c, a_most, b_most, c_most, n, 1, factor, margin)


cdef bint once_couples(
    float* dst, Py_ssize_t dst_pitch, const float** src, Py_ssize_t src_pitch, Py_ssize_t count,
    Py_ssize_t rows, Py_ssize_t n, const Once* how, Ending ending,
    const Ahead* ahead) noexcept nogil:
    """once_rows() of a single row of results: of one source or two, and of the cells beside these.

    What the sources of a cell add up to is kept for the window where it is the one beside.
    """
    cdef Columns columns
    cdef Py_ssize_t begin = 0, apart, m
    cdef bint doubtful = False
    while begin < n:
        m = min(n - begin, max(ROOM - how.inner, <Py_ssize_t> ROOM // 2))
        apart = min(how.inner, m)
        add_couples(columns.sums, columns.most, src, begin, m + how.inner if apart < m else m, count)
        if apart == m:
            add_couples(columns.sums + m, columns.most + m, src, begin + how.inner, m, count)
        doubtful |= float_windows(
            dst + begin, &columns, 0, apart, m, 2, how.factor, ending.margin)
        begin += m
    return doubtful


cdef inline void add_couples(
    double* sums, uint32_t* greatest, const float** src, Py_ssize_t at, Py_ssize_t n,
    Py_ssize_t count) noexcept nogil:
    """float_column() of the first half of one or two couples, from the element at `at` on."""
    cdef const float* rows[FEW]
    rows[0] = src[0] + at
    rows[1] = src[1] + at
    if count == 4:
        float_column(sums, greatest, rows, n, 2)
    else:
        float_column(sums, greatest, rows, n, 1)


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
        return <at_once_f> once_spread[float]
    elif elem == HALF:
        return <at_once_f> once_spread[Half]
    elif elem == BRAIN:
        return <at_once_f> once_spread[Brain]
    return NULL
