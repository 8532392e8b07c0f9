# What is brought nearer from memory while something else is worked at.


cdef inline void fetch(const char* src, Py_ssize_t n) noexcept nogil:
    """Have n bytes brought nearer."""
    cdef Py_ssize_t i = 0
    while i < n:
        cypool_prefetch(src + i)
        i += 64


cdef inline void fetch_row(
    const Ahead* ahead, const char** src, Py_ssize_t count, Py_ssize_t src_pitch,
    Py_ssize_t r) noexcept nogil:
    """Have what comes after the sources of row r, and its output, brought nearer; NULL: do not.

    Row by row, memory and arithmetic take turns; in bursts, one waits for the other.
    """
    if ahead != NULL:
        fetch_ahead(ahead, src, count, r * src_pitch, r * ahead.out_step)


cdef inline void fetch_share(
    const Ahead* ahead, const char** src, Py_ssize_t count, Py_ssize_t src_pitch, Py_ssize_t r,
    Py_ssize_t begin, Py_ssize_t m, Py_ssize_t n) noexcept nogil:
    """The share of fetch_row() that m of a row's n results have, from the one at `begin` on."""
    cdef Ahead share
    cdef Py_ssize_t at, out_at
    if ahead != NULL:
        share = ahead[0]
        at = ahead.size * begin // n
        out_at = ahead.out_size * begin // n
        share.size = ahead.size * (begin + m) // n - at
        share.out_size = ahead.out_size * (begin + m) // n - out_at
        fetch_ahead(&share, src, count, r * src_pitch + at, r * ahead.out_step + out_at)


cdef void fetch_ahead(
    const Ahead* ahead, const char** src, Py_ssize_t count, Py_ssize_t at,
    Py_ssize_t out_at) noexcept nogil:
    cdef Py_ssize_t i = ahead.first
    while i < count:
        fetch(src[i] + at + ahead.lead, ahead.size)
        i += ahead.near
    fetch(ahead.out + out_at, ahead.out_size)


cdef inline void touch(const char* src, Py_ssize_t n, char* spare) noexcept nogil:
    """Read a byte of each cache line: memory is fast in order, and what follows is not in order."""
    cdef char bits = 0
    cdef Py_ssize_t i = 0
    while i < n:
        bits |= src[i]
        i += 64
    spare[0] = bits
