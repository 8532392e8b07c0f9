# Row operations that move elements: in other byte orders, from and to any strides, into phases.

cdef enum:
    SHORT_ROW = 512     # a row of up to so many bytes is cleared whole, or copied without a call


cdef inline bint low_byte_first() noexcept nogil:
    """Whether the processor keeps the low byte of a word first."""
    cdef uint16_t one = 1
    return (<uint8_t*> &one)[0] == 1


cdef inline void pack(char* dst, const char* src, Py_ssize_t n, int size) noexcept nogil:
    """Copy every other one of 16 n cells of three bytes or more, in words put together of them."""
    cdef uint64_t word, part
    cdef Py_ssize_t j
    cdef int w, i, cell, low
    for j in range(n):
        for w in range(size):
            word = 0
            for i in range(4):
                cell = 8 * w // size + i
                low = cell * size - 8 * w   # where it begins in the word
                if low < 8:
                    memcpy(&part, src + 8 * w + cell * size, 8)
                    part &= <uint64_t> -1 << (8 * max(low, 0))
                    word |= part & <uint64_t> -1 >> (8 * max(8 - low - size, 0))
            memcpy(dst + 8 * w, &word, 8)
        dst += 8 * size
        src += 16 * size


cdef void split(
    bits_t* dst, const bits_t* src, Py_ssize_t cells, Py_ssize_t step, Py_ssize_t m,
    Py_ssize_t inner, bint all) noexcept nogil:
    """Deal a row of cells out into its `step` phases: dst[p, j, c] = src[j * step + p, c].

    A cell is `inner` elements; phases begin m cells, at least ceil(cells / step), after each other.
    Only the first is wanted unless `all`.
    """
    cdef Py_ssize_t n = cells // step
    cdef Py_ssize_t j, p, c, phases = min(step, cells) if all else 1
    cdef Py_ssize_t size = inner * <Py_ssize_t> sizeof(bits_t)
    if (size == 3 or size == 6) and step == 2 and not all and low_byte_first():
        # Pixels of colour pictures.
        if size == 3:
            pack(<char*> dst, <const char*> src, n // 8, 3)
        else:
            pack(<char*> dst, <const char*> src, n // 8, 6)
        for j in range(n - n % 8, n):
            memcpy(dst + j * inner, src + 2 * j * inner, size)
    elif inner > 1 and not all and size <= 32 and n > 0:
        # Cells are copied in a few words; what that writes past a cell, the next overwrites.
        for j in range(n - 1):
            if size <= 8:
                memcpy(dst + j * inner, src + j * step * inner, 8)
            elif size <= 16:
                memcpy(dst + j * inner, src + j * step * inner, 16)
            else:
                memcpy(dst + j * inner, src + j * step * inner, 32)
        memcpy(dst + (n - 1) * inner, src + (n - 1) * step * inner, size)
    elif inner > 1:
        for p in range(phases):
            for j in range(n):
                for c in range(inner):
                    dst[(p * m + j) * inner + c] = src[(j * step + p) * inner + c]
    elif step == 2 and all:
        for j in range(n):
            dst[j] = src[2 * j]
            dst[m + j] = src[2 * j + 1]
    elif step == 3 and all:
        for j in range(n):
            dst[j] = src[3 * j]
            dst[m + j] = src[3 * j + 1]
            dst[2 * m + j] = src[3 * j + 2]
    elif step == 4 and all:
        for j in range(n):
            dst[j] = src[4 * j]
            dst[m + j] = src[4 * j + 1]
            dst[2 * m + j] = src[4 * j + 2]
            dst[3 * m + j] = src[4 * j + 3]
    else:
        for p in range(phases):
            for j in range(n):
                dst[p * m + j] = src[j * step + p]
    for p in range(min(cells - n * step, phases)):
        for c in range(inner):
            dst[(p * m + n) * inner + c] = src[(n * step + p) * inner + c]


cdef void pick(
    bits_t* dst, Py_ssize_t dst_pitch, const bits_t* src, Py_ssize_t src_pitch, Py_ssize_t rows,
    const int32_t* at, Py_ssize_t n) noexcept nogil:
    """dst[r, j] = src[r, at[j]] for n cells of each row; pitches are in bytes."""
    cdef Py_ssize_t r, j
    cdef const char* from_
    cdef char* to
    if n < rows:
        for j in range(n):
            from_ = <const char*> (src + at[j])
            to = <char*> (dst + j)
            for r in range(rows):
                (<bits_t*> (to + r * dst_pitch))[0] = (<const bits_t*> (from_ + r * src_pitch))[0]
        return
    for r in range(rows):
        for j in range(n):
            dst[j] = src[at[j]]
        dst = <bits_t*> (<char*> dst + dst_pitch)
        src = <const bits_t*> (<const char*> src + src_pitch)


cdef pick_f picker(Py_ssize_t size) noexcept nogil:
    if size == 1:
        return <pick_f> pick[uint8_t]
    elif size == 2:
        return <pick_f> pick[uint16_t]
    elif size == 4:
        return <pick_f> pick[uint32_t]
    elif size == 8:
        return <pick_f> pick[uint64_t]
    elif size == 16:
        return <pick_f> pick[Wide]
    return <pick_f> pick[Sparse]


cdef inline bits_t swapped(bits_t x) noexcept nogil:
    cdef bits_t y
    cdef size_t i
    if bits_t is Wide or bits_t is Sparse:
        return x
    else:
        y = 0
        for i in range(sizeof(bits_t)):
            y = <bits_t> (y << 8) | <bits_t> (x & 0xFF)
            x = <bits_t> (x >> 8)
        return y


cdef void move(
    bits_t* tag, char* dst, Py_ssize_t dst_row, Py_ssize_t dst_cell, const char* src,
    Py_ssize_t src_row, Py_ssize_t src_cell, Py_ssize_t n, Py_ssize_t inner,
    bint swap) noexcept nogil:
    """Copy n × inner elements between any byte strides, aligned or not, perhaps byte-swapped."""
    cdef Py_ssize_t i, c
    cdef bits_t x
    for i in range(n):
        for c in range(inner):
            memcpy(&x, src + i * src_row + c * src_cell, sizeof(bits_t))
            if swap:
                x = swapped[bits_t](x)
            memcpy(dst + i * dst_row + c * dst_cell, &x, sizeof(bits_t))

ctypedef void (*move_f)(
    void* tag, char* dst, Py_ssize_t dst_row, Py_ssize_t dst_cell, const char* src,
    Py_ssize_t src_row, Py_ssize_t src_cell, Py_ssize_t n, Py_ssize_t inner,
    bint swap) noexcept nogil


cdef move_f mover(Py_ssize_t size) noexcept:
    if size == 1:
        return <move_f> move[uint8_t]
    elif size == 2:
        return <move_f> move[uint16_t]
    elif size == 4:
        return <move_f> move[uint32_t]
    return <move_f> move[uint64_t]


cdef split_f splitter(Py_ssize_t size) noexcept nogil:
    if size == 1:
        return <split_f> split[uint8_t]
    elif size == 2:
        return <split_f> split[uint16_t]
    elif size == 4:
        return <split_f> split[uint32_t]
    elif size == 8:
        return <split_f> split[uint64_t]
    elif size == 16:
        return <split_f> split[Wide]
    return <split_f> split[Sparse]


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


cdef inline void copy_blocks(char* dst, const char* src, Py_ssize_t n, int size) noexcept nogil:
    """Copy n bytes, `size` or more, in blocks of `size`; the last reaches back into the others."""
    cdef Py_ssize_t i = 0
    while i < n - size:
        memcpy(dst + i, src + i, size)
        i += size
    memcpy(dst + n - size, src + n - size, size)


cdef void copy_rows(
    char* dst, Py_ssize_t dst_pitch, const char* src, Py_ssize_t src_pitch, Py_ssize_t rows,
    Py_ssize_t n) noexcept nogil:
    """Copy rows of n bytes; a call of memcpy() for each takes longer, where they are short."""
    cdef Py_ssize_t r
    if 32 <= n <= SHORT_ROW:
        for r in range(rows):
            copy_blocks(dst + r * dst_pitch, src + r * src_pitch, n, 32)
    elif 8 <= n < 32:
        for r in range(rows):
            copy_blocks(dst + r * dst_pitch, src + r * src_pitch, n, 8)
    elif n == 4:
        for r in range(rows):
            memcpy(dst + r * dst_pitch, src + r * src_pitch, 4)
    else:
        for r in range(rows):
            memcpy(dst + r * dst_pitch, src + r * src_pitch, n)
