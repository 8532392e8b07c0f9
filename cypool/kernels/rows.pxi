# Row operations that move elements, and the choice of all of them for a kind and its types.

# ---------------------------------------------------------------------------------------------
# Row operations: moving elements
# ---------------------------------------------------------------------------------------------

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
    cdef Py_ssize_t j, p, c, phases = step if all else 1
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
    Py_ssize_t src_row, Py_ssize_t src_cell, Py_ssize_t n, Py_ssize_t inner, bint swap) noexcept nogil:
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
    Py_ssize_t src_row, Py_ssize_t src_cell, Py_ssize_t n, Py_ssize_t inner, bint swap) noexcept nogil


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


# ---------------------------------------------------------------------------------------------
# Choosing the row operations
# ---------------------------------------------------------------------------------------------
# Codes of elements are those of types.pxi; those of accumulators number the types of `sum_t` in the
# order of their declarations.

cdef void best_rows(elem_t* _, order_t* __, Rows* rows) noexcept:
    rows.lift = <fold_f> best_fold_of[elem_t, order_t]
    rows.fold = rows.lift
    rows.pairs = <fold_f> best_pairs_of[elem_t, order_t]
    rows.lift_run = <reduce_f> best_run_of[elem_t, order_t]
    rows.fold_run = rows.lift_run
    rows.lift_accumulate = <reduce_f> best_accumulate_of[elem_t, order_t]
    rows.fold_accumulate = rows.lift_accumulate
    rows.lift_join = <join_f> best_join_of[elem_t, order_t]
    rows.fold_join = rows.lift_join
    rows.clear = <clear_f> best_clear_of[elem_t, order_t]
    if elem_t is float or elem_t is double:
        rows.numbers = <check_f> numbers[elem_t]
    rows.finish = NULL
    rows.size = sizeof(elem_t)


cdef void number_rows(elem_t* _, order_t* __, Rows* rows) noexcept:
    rows.lift = <fold_f> best_fold_of[elem_t, order_t]
    rows.fold = rows.lift
    rows.lift_join = <join_f> best_join_of[elem_t, order_t]
    rows.fold_join = rows.lift_join


cdef void choose_numbers(int lifted, bint least, Rows* rows) noexcept:
    """Let floats be combined as if none were NaN."""
    if lifted == FLOAT and not least:
        number_rows(<float*> NULL, <MostOther*> NULL, rows)
    elif lifted == FLOAT:
        number_rows(<float*> NULL, <LeastOther*> NULL, rows)
    elif lifted == DOUBLE and not least:
        number_rows(<double*> NULL, <MostOther*> NULL, rows)
    elif lifted == DOUBLE:
        number_rows(<double*> NULL, <LeastOther*> NULL, rows)


cdef void sum_lift(term_t* _, sum_t* __, Rows* rows) noexcept:
    rows.lift = <fold_f> sum_fold_of[sum_t, term_t]
    if not (sum_t is Wide or sum_t is Sparse):
        rows.pairs = <fold_f> sum_pairs_of[sum_t, term_t]
    if term_t is Half or term_t is Brain:
        rows.lift_run = <reduce_f> half_run[term_t]
    else:
        rows.lift_run = <reduce_f> sum_run_of[sum_t, term_t]
    rows.lift_accumulate = <reduce_f> sum_accumulate_of[sum_t, term_t]
    rows.lift_join = <join_f> sum_join_of[sum_t, term_t]
    if term_t is float or term_t is double or term_t is Half or term_t is Brain:
        rows.scan = <scan_f> scan[term_t]
        rows.exact = <visit_f> exact_add[term_t]
        rows.twins = sum_t is Twin or sum_t is Sparse
        rows.digits = 24 if term_t is float else 53
        rows.bias = 1023 if term_t is double else 127
        if term_t is Half or term_t is Brain:
            rows.digits = 11 if term_t is Half else 8
            rows.scale = half_scale(<term_t*> NULL)
        if sum_t is Twin:
            rows.suspect = <suspect_f> suspect[Twin]
        elif sum_t is Sparse:
            rows.suspect = <suspect_f> suspect[Sparse]
        else:
            rows.suspect = <suspect_f> suspect[double]


cdef finish_f sum_finisher(sum_t* _, int out) noexcept:
    """The finish of sums into the output type of a code."""
    if sum_t is double:
        if out == FLOAT:
            return <finish_f> sum_finish[float, double]
        elif out == HALF:
            return <finish_f> sum_finish[Half, double]
        elif out == BRAIN:
            return <finish_f> sum_finish[Brain, double]
    elif out == UINT8:
        return <finish_f> sum_finish[uint8_t, sum_t]
    elif out == INT8:
        return <finish_f> sum_finish[int8_t, sum_t]
    elif out == UINT16:
        return <finish_f> sum_finish[uint16_t, sum_t]
    elif out == INT16:
        return <finish_f> sum_finish[int16_t, sum_t]
    elif out == UINT32:
        return <finish_f> sum_finish[uint32_t, sum_t]
    elif out == INT32:
        return <finish_f> sum_finish[int32_t, sum_t]
    elif out == UINT64:
        return <finish_f> sum_finish[uint64_t, sum_t]
    elif out == INT64:
        return <finish_f> sum_finish[int64_t, sum_t]
    elif out == FLOAT:
        return <finish_f> sum_finish[float, sum_t]
    elif out == DOUBLE:
        return <finish_f> sum_finish[double, sum_t]
    elif out == HALF:
        return <finish_f> sum_finish[Half, sum_t]
    elif out == BRAIN:
        return <finish_f> sum_finish[Brain, sum_t]
    return NULL


cdef finish_f root_finisher(real_sum_t* _, int out) noexcept:
    """The finish of sums of powers into the output type of a code."""
    if out == UINT8:
        return <finish_f> root_finish[uint8_t, real_sum_t]
    elif out == INT8:
        return <finish_f> root_finish[int8_t, real_sum_t]
    elif out == UINT16:
        return <finish_f> root_finish[uint16_t, real_sum_t]
    elif out == INT16:
        return <finish_f> root_finish[int16_t, real_sum_t]
    elif out == UINT32:
        return <finish_f> root_finish[uint32_t, real_sum_t]
    elif out == INT32:
        return <finish_f> root_finish[int32_t, real_sum_t]
    elif out == UINT64:
        return <finish_f> root_finish[uint64_t, real_sum_t]
    elif out == INT64:
        return <finish_f> root_finish[int64_t, real_sum_t]
    elif out == FLOAT:
        return <finish_f> root_finish[float, real_sum_t]
    elif out == DOUBLE:
        return <finish_f> root_finish[double, real_sum_t]
    elif out == HALF:
        return <finish_f> root_finish[Half, real_sum_t]
    elif out == BRAIN:
        return <finish_f> root_finish[Brain, real_sum_t]
    return NULL


cdef void sum_rows(sum_t* tag, int out, Rows* rows) noexcept:
    rows.fold = <fold_f> sum_fold_of[sum_t, sum_t]
    rows.fold_run = <reduce_f> sum_run_of[sum_t, sum_t]
    rows.fold_accumulate = <reduce_f> sum_accumulate_of[sum_t, sum_t]
    rows.fold_join = <join_f> sum_join_of[sum_t, sum_t]
    rows.clear = <clear_f> zero_clear[sum_t]
    rows.size = sizeof(sum_t)
    rows.finish = sum_finisher(tag, out)
    rows.inverts = sum_t is double


cdef void rows_from(elem_t* elem, int kind, int acc, int out, Rows* rows) noexcept:
    """The row operations for what is lifted: kind 0 is max, 1 is min, 2 is a sum."""
    if kind == 0:
        best_rows(elem, <Most*> NULL, rows)
    elif kind == 1:
        best_rows(elem, <Least*> NULL, rows)
    elif acc == 0:
        sum_rows(<uint16_t*> NULL, out, rows)
        if elem_t is uint8_t or elem_t is int8_t:
            sum_lift(elem, <uint16_t*> NULL, rows)
    elif acc == 1:
        sum_rows(<uint32_t*> NULL, out, rows)
        if elem_t is uint16_t or elem_t is int16_t:
            sum_lift(elem, <uint32_t*> NULL, rows)
    elif acc == 2:
        sum_rows(<uint64_t*> NULL, out, rows)
        if not (elem_t is float or elem_t is double or elem_t is Wide):
            sum_lift(elem, <uint64_t*> NULL, rows)
    elif acc == 3:
        sum_rows(<double*> NULL, out, rows)
        if elem_t is float or elem_t is double:
            sum_lift(elem, <double*> NULL, rows)
    elif acc == 4:
        sum_rows(<Twin*> NULL, out, rows)
        if elem_t is float or elem_t is double:
            sum_lift(elem, <Twin*> NULL, rows)
    elif acc == 5:
        sum_rows(<Wide*> NULL, out, rows)
        if not (elem_t is float or elem_t is double or elem_t is Wide):
            sum_lift(elem, <Wide*> NULL, rows)
    elif acc == 6:
        sum_rows(<Sparse*> NULL, out, rows)
        if elem_t is double:
            sum_lift(elem, <Sparse*> NULL, rows)


cdef void key_rows(elem_t* elem, order_t* order, Rows* rows) noexcept:
    """Let the bits of 16-bit floats become keys when they are lifted."""
    rows.lift = <fold_f> best_fold_of[elem_t, order_t]
    rows.pairs = <fold_f> best_pairs_of[elem_t, order_t]
    rows.lift_run = <reduce_f> best_run_of[elem_t, order_t]
    rows.lift_accumulate = NULL
    rows.lift_join = NULL


cdef void half_rows(half_t* elem, int kind, int acc, int out, Rows* rows) noexcept:
    """The row operations for 16-bit floats as they are."""
    if kind == 2 and acc == 3:
        sum_rows(<double*> NULL, out, rows)
        sum_lift(elem, <double*> NULL, rows)
    elif kind == 0 and half_t is Half:
        best_rows(<int16_t*> NULL, <Most*> NULL, rows)
        key_rows(<int16_t*> NULL, <MostOther*> NULL, rows)
    elif kind == 0:
        best_rows(<uint16_t*> NULL, <Most*> NULL, rows)
        key_rows(<uint16_t*> NULL, <MostOther*> NULL, rows)
    elif kind == 1 and half_t is Half:
        best_rows(<int16_t*> NULL, <Least*> NULL, rows)
        key_rows(<int16_t*> NULL, <LeastOther*> NULL, rows)
    elif kind == 1:
        best_rows(<uint16_t*> NULL, <Least*> NULL, rows)
        key_rows(<uint16_t*> NULL, <LeastOther*> NULL, rows)
    if kind < 2:
        rows.finish = <finish_f> half_finish[half_t]


cdef void square_rows(int kind, int acc, int out, Rows* rows) noexcept:
    """The row operations for sums of squares of floats."""
    if kind == 2 and acc == 3:
        sum_rows(<double*> NULL, out, rows)
        sum_lift(<Square*> NULL, <double*> NULL, rows)


cdef void choose_map(int elem, int mapping, Rows* rows, int* carrier) noexcept:
    """Fill in the map of elements of a code, and the code of what it maps to."""
    if elem == UINT8:
        map_from(<uint8_t*> NULL, mapping, rows, carrier)
    elif elem == INT8:
        map_from(<int8_t*> NULL, mapping, rows, carrier)
    elif elem == UINT16:
        map_from(<uint16_t*> NULL, mapping, rows, carrier)
    elif elem == INT16:
        map_from(<int16_t*> NULL, mapping, rows, carrier)
    elif elem == UINT32:
        map_from(<uint32_t*> NULL, mapping, rows, carrier)
    elif elem == INT32:
        map_from(<int32_t*> NULL, mapping, rows, carrier)
    elif elem == UINT64:
        map_from(<uint64_t*> NULL, mapping, rows, carrier)
    elif elem == INT64:
        map_from(<int64_t*> NULL, mapping, rows, carrier)
    elif elem == FLOAT:
        map_from(<float*> NULL, mapping, rows, carrier)
    elif elem == DOUBLE:
        map_from(<double*> NULL, mapping, rows, carrier)
    elif elem == HALF:
        map_from(<Half*> NULL, mapping, rows, carrier)
    elif elem == BRAIN:
        map_from(<Brain*> NULL, mapping, rows, carrier)


cdef finish_f slope_finisher(real_sum_t* _, int out) noexcept:
    """The finish of sums, times the slopes beside them, into the output type of a code."""
    if out == FLOAT:
        return <finish_f> slope_finish[float, real_sum_t]
    elif out == DOUBLE:
        return <finish_f> slope_finish[double, real_sum_t]
    elif out == HALF:
        return <finish_f> slope_finish[Half, real_sum_t]
    elif out == BRAIN:
        return <finish_f> slope_finish[Brain, real_sum_t]
    return NULL


cdef bint choose_beside(int elem, int mapping, int acc, int out, Rows* rows) noexcept:
    """Finish with factors made of elements of a code that lie as the output does, or return False."""
    cdef Rows mapped
    cdef int carrier = elem
    memset(&mapped, 0, sizeof(Rows))
    choose_map(elem, MAP_SLOPE if mapping == MAP_NONE else MAP_NUMBER, &mapped, &carrier)
    rows.beside = mapped.map
    rows.finish = NULL
    if mapping == MAP_POWER or mapping == MAP_SQUARE:
        if acc == 3 and out == DOUBLE:
            rows.finish = <finish_f> weight_finish[double]
        elif acc == 4 and out == DOUBLE:
            rows.finish = <finish_f> weight_finish[Twin]
    elif mapping == MAP_NONE:
        if acc == 3:
            rows.finish = slope_finisher(<double*> NULL, out)
        elif acc == 4:
            rows.finish = slope_finisher(<Twin*> NULL, out)
    return rows.finish != NULL and carrier == DOUBLE


cdef bint choose_rows(
    int elem, int mapping, int kind, int acc, int out, int* lifted, Rows* rows) noexcept:
    """Fill `rows` and the code of what they lift; False if there is nothing to fill them with."""
    cdef Rows mapped
    memset(rows, 0, sizeof(Rows))
    memset(&mapped, 0, sizeof(Rows))
    rows.scale = 1.0
    lifted[0] = elem
    choose_map(elem, mapping, &mapped, lifted)
    if lifted[0] == UINT8:
        rows_from(<uint8_t*> NULL, kind, acc, out, rows)
    elif lifted[0] == INT8:
        rows_from(<int8_t*> NULL, kind, acc, out, rows)
    elif lifted[0] == UINT16:
        rows_from(<uint16_t*> NULL, kind, acc, out, rows)
    elif lifted[0] == INT16:
        rows_from(<int16_t*> NULL, kind, acc, out, rows)
    elif lifted[0] == UINT32:
        rows_from(<uint32_t*> NULL, kind, acc, out, rows)
    elif lifted[0] == INT32:
        rows_from(<int32_t*> NULL, kind, acc, out, rows)
    elif lifted[0] == UINT64:
        rows_from(<uint64_t*> NULL, kind, acc, out, rows)
    elif lifted[0] == INT64:
        rows_from(<int64_t*> NULL, kind, acc, out, rows)
    elif lifted[0] == FLOAT:
        rows_from(<float*> NULL, kind, acc, out, rows)
    elif lifted[0] == DOUBLE:
        rows_from(<double*> NULL, kind, acc, out, rows)
    elif lifted[0] == HALF:
        half_rows(<Half*> NULL, kind, acc, out, rows)
    elif lifted[0] == BRAIN:
        half_rows(<Brain*> NULL, kind, acc, out, rows)
    elif lifted[0] == WIDE:
        rows_from(<Wide*> NULL, kind, acc, out, rows)
    elif lifted[0] == SQUARE:
        square_rows(kind, acc, out, rows)
    if mapping == MAP_WIDEN and elem == HALF:
        rows.scale = half_scale(<Half*> NULL)
    if out == HALF:       # as halves_finish() has it
        rows.scale /= half_scale(<Half*> NULL)
    rows.map = mapped.map
    rows.indices = mapped.indices
    if mapped.finish != NULL:
        rows.finish = mapped.finish
    if mapping == MAP_POWER or mapping == MAP_SQUARE:
        if acc == 3:
            rows.finish = root_finisher(<double*> NULL, out)
        elif acc == 4:
            rows.finish = root_finisher(<Twin*> NULL, out)
        elif acc == 6:
            rows.finish = root_finisher(<Sparse*> NULL, out)
        rows.norm_finish = sum_finisher(<Twin*> NULL, out)
        rows.inverts = False
    if (rows.map == NULL) != (mapping == MAP_NONE or mapping == MAP_SQUARE):
        return False
    return rows.lift != NULL and (kind < 2 or rows.finish != NULL)
