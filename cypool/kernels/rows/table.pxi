# The choice of all row operations, for a kind of pooling and its types, by the codes of types.pxi.


# What is called through pointers: a function for each type and order, around an inlined one.
cdef void best_fold_of(
    elem_t* dst, Py_ssize_t dst_pitch, const elem_t** src, Py_ssize_t src_pitch, Py_ssize_t count,
    Py_ssize_t rows, Py_ssize_t n, bint fresh, const Ahead* ahead, order_t* tag) noexcept nogil:
    best_fold(dst, dst_pitch, src, src_pitch, count, rows, n, fresh, ahead, order_of(tag))


cdef void best_pairs_of(
    elem_t* dst, Py_ssize_t dst_pitch, const elem_t** src, Py_ssize_t src_pitch, Py_ssize_t count,
    Py_ssize_t rows, Py_ssize_t n, bint fresh, const Ahead* ahead, order_t* tag) noexcept nogil:
    best_pairs(dst, dst_pitch, src, src_pitch, count, rows, n, fresh, ahead, order_of(tag))


cdef void best_run_of(
    elem_t* dst, Py_ssize_t dst_pitch, const elem_t* src, Py_ssize_t src_pitch, Py_ssize_t rows,
    Py_ssize_t n, bint fresh, Reading* reading, order_t* tag) noexcept nogil:
    best_run(dst, dst_pitch, src, src_pitch, rows, n, fresh, reading, order_of(tag))


cdef void best_accumulate_of(
    elem_t* dst, Py_ssize_t dst_pitch, const elem_t* src, Py_ssize_t src_pitch, Py_ssize_t rows,
    Py_ssize_t n, bint fresh, order_t* tag) noexcept nogil:
    best_accumulate(dst, dst_pitch, src, src_pitch, rows, n, fresh, order_of(tag))


cdef void best_join_of(
    elem_t* dst, elem_t* prefix, const elem_t* suffix, const elem_t* src, Py_ssize_t n,
    order_t* tag) noexcept nogil:
    best_join(dst, prefix, suffix, src, n, order_of(tag))


cdef void best_clear_of(
    elem_t* dst, Py_ssize_t pitch, Py_ssize_t rows, Py_ssize_t n, order_t* tag) noexcept nogil:
    best_clear(dst, pitch, rows, n, order_of(tag))


cdef void sum_fold_of(
    sum_t* dst, Py_ssize_t dst_pitch, const term_t** src, Py_ssize_t src_pitch, Py_ssize_t count,
    Py_ssize_t rows, Py_ssize_t n, bint fresh, const Ahead* ahead) noexcept nogil:
    sum_fold(dst, dst_pitch, <const char**> src, src_pitch, count, rows, n, fresh, ahead,
             code_of[term_t](NULL))


cdef void sum_run_of(
    sum_t* dst, Py_ssize_t dst_pitch, const term_t* src, Py_ssize_t src_pitch, Py_ssize_t rows,
    Py_ssize_t n, bint fresh, Reading* reading) noexcept nogil:
    sum_run(dst, dst_pitch, <const char*> src, src_pitch, rows, n, fresh, reading, code_of(src))


cdef void sum_accumulate_of(
    sum_t* dst, Py_ssize_t dst_pitch, const term_t* src, Py_ssize_t src_pitch, Py_ssize_t rows,
    Py_ssize_t n, bint fresh) noexcept nogil:
    sum_accumulate(dst, dst_pitch, <const char*> src, src_pitch, rows, n, fresh, code_of(src))


cdef void sum_join_of(
    sum_t* dst, sum_t* prefix, const sum_t* suffix, const term_t* src, Py_ssize_t n) noexcept nogil:
    sum_join(dst, prefix, suffix, <const char*> src, n, code_of(src))


cdef void map_from(in_t* _, int mapping, Rows* rows, int* carrier) noexcept:
    """The map of elements of a type, and the code of the type that it maps to."""
    if mapping == MAP_WIDEN:
        if in_t is Half or in_t is Brain:
            rows.map = <map_f> to_single[in_t]
        carrier[0] = FLOAT
    elif mapping == MAP_RANK:
        if in_t is Half or in_t is Brain:
            rows.map = <map_f> to_key[int16_t, in_t]
            rows.finish = <finish_f> key_finish[in_t, int16_t]
            carrier[0] = INT16
        elif in_t is float:
            rows.map = <map_f> to_key[int32_t, in_t]
            rows.finish = <finish_f> key_finish[float, int32_t]
            carrier[0] = INT32
        elif in_t is double:
            rows.map = <map_f> to_key[int64_t, in_t]
            rows.finish = <finish_f> key_finish[double, int64_t]
            carrier[0] = INT64
    elif mapping == MAP_POWER:
        rows.map = <map_f> to_power[in_t]
        carrier[0] = DOUBLE
    elif mapping == MAP_SQUARE:
        if in_t is float:
            carrier[0] = SQUARE
    elif mapping == MAP_SIZE:
        rows.map = <map_f> to_size[in_t]
        carrier[0] = DOUBLE
    elif mapping == MAP_SLOPE:
        rows.map = <map_f> to_slope[in_t]
        carrier[0] = DOUBLE
    elif mapping == MAP_NUMBER:
        rows.map = <map_f> to_number[in_t]
        carrier[0] = DOUBLE
    elif mapping == MAP_SHARE:
        if in_t is float or in_t is double or in_t is Half or in_t is Brain:
            rows.map = <map_f> to_share[in_t]
            carrier[0] = DOUBLE
    elif mapping == MAP_PACK and sizeof(in_t) <= 4:
        rows.map = <map_f> to_packed[int64_t, in_t]
        rows.finish = <finish_f> packed_finish[in_t, int64_t]
        rows.indices = <finish_f> packed_indices[int64_t]
        carrier[0] = INT64
    elif mapping == MAP_PACK_WIDE:
        rows.map = <map_f> to_packed[Wide, in_t]
        rows.finish = <finish_f> packed_finish[in_t, Wide]
        rows.indices = <finish_f> packed_indices[Wide]
        carrier[0] = WIDE


cdef void best_rows(elem_t* _, order_t* __, Rows* rows) noexcept:
    rows.lift = <fold_f> best_fold_of[elem_t, order_t]
    rows.fold = rows.lift
    rows.pairs = <fold_f> best_pairs_of[elem_t, order_t]
    rows.lift_run = <run_f> best_run_of[elem_t, order_t]
    rows.fold_run = rows.lift_run
    rows.lift_accumulate = <accumulate_f> best_accumulate_of[elem_t, order_t]
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
        rows.lift_run = <run_f> half_run[term_t]
    else:
        rows.lift_run = <run_f> sum_run_of[sum_t, term_t]
    rows.lift_accumulate = <accumulate_f> sum_accumulate_of[sum_t, term_t]
    rows.lift_join = <join_f> sum_join_of[sum_t, term_t]
    if term_t is float or term_t is double or term_t is Half or term_t is Brain:
        rows.scan = <scan_f> scan[term_t]
        rows.exponents = <exponents_f> exponents[term_t]
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


# What accumulators become.
cdef enum:
    QUOTIENTS = 0
    ROOTS = 1
    SLOPES = 2
    SIZES = 3


cdef finish_f finish_of(out_t* _, sum_t* __, int what) noexcept:
    """The finish of accumulators into an output type; NULL if there is none."""
    if sum_t is double:
        if what == SIZES:
            return <finish_f> size_finish[out_t]
        if what == QUOTIENTS:
            if out_t is float or out_t is Half or out_t is Brain:
                return <finish_f> sum_finish[out_t, sum_t]
            return NULL
    elif what == QUOTIENTS:
        return <finish_f> sum_finish[out_t, sum_t]
    if sum_t is double or sum_t is Twin or sum_t is Sparse:
        if what == ROOTS:
            return <finish_f> root_finish[out_t, sum_t]
    if sum_t is double or sum_t is Twin:
        if out_t is float or out_t is double or out_t is Half or out_t is Brain:
            if what == SLOPES:
                return <finish_f> slope_finish[out_t, sum_t]
    return NULL


cdef finish_f finisher(sum_t* tag, int out, int what) noexcept:
    """The finish of accumulators into the output type of a code."""
    if out == UINT8:
        return finish_of(<uint8_t*> NULL, tag, what)
    elif out == INT8:
        return finish_of(<int8_t*> NULL, tag, what)
    elif out == UINT16:
        return finish_of(<uint16_t*> NULL, tag, what)
    elif out == INT16:
        return finish_of(<int16_t*> NULL, tag, what)
    elif out == UINT32:
        return finish_of(<uint32_t*> NULL, tag, what)
    elif out == INT32:
        return finish_of(<int32_t*> NULL, tag, what)
    elif out == UINT64:
        return finish_of(<uint64_t*> NULL, tag, what)
    elif out == INT64:
        return finish_of(<int64_t*> NULL, tag, what)
    elif out == FLOAT:
        return finish_of(<float*> NULL, tag, what)
    elif out == DOUBLE:
        return finish_of(<double*> NULL, tag, what)
    elif out == HALF:
        return finish_of(<Half*> NULL, tag, what)
    elif out == BRAIN:
        return finish_of(<Brain*> NULL, tag, what)
    return NULL


cdef void sum_rows(sum_t* tag, int out, Rows* rows) noexcept:
    rows.fold = <fold_f> sum_fold_of[sum_t, sum_t]
    rows.fold_run = <run_f> sum_run_of[sum_t, sum_t]
    rows.fold_accumulate = <accumulate_f> sum_accumulate_of[sum_t, sum_t]
    rows.fold_join = <join_f> sum_join_of[sum_t, sum_t]
    rows.clear = <clear_f> zero_clear[sum_t]
    rows.size = sizeof(sum_t)
    rows.finish = finisher(tag, out, QUOTIENTS)
    rows.inverts = sum_t is double


cdef void rows_from(elem_t* elem, int kind, int acc, int out, Rows* rows) noexcept:
    """The row operations of a kind for what is lifted."""
    if kind == MAX:
        best_rows(elem, <Most*> NULL, rows)
    elif kind == MIN:
        best_rows(elem, <Least*> NULL, rows)
    elif acc == IN_UINT16:
        sum_rows(<uint16_t*> NULL, out, rows)
        if elem_t is uint8_t or elem_t is int8_t:
            sum_lift(elem, <uint16_t*> NULL, rows)
    elif acc == IN_UINT32:
        sum_rows(<uint32_t*> NULL, out, rows)
        if elem_t is uint8_t or elem_t is int8_t or elem_t is uint16_t or elem_t is int16_t:
            sum_lift(elem, <uint32_t*> NULL, rows)
    elif acc == IN_UINT64:
        sum_rows(<uint64_t*> NULL, out, rows)
        if not (elem_t is float or elem_t is double or elem_t is Wide):
            sum_lift(elem, <uint64_t*> NULL, rows)
    elif acc == IN_DOUBLE:
        sum_rows(<double*> NULL, out, rows)
        if elem_t is float or elem_t is double:
            sum_lift(elem, <double*> NULL, rows)
    elif acc == IN_TWIN:
        sum_rows(<Twin*> NULL, out, rows)
        if elem_t is float or elem_t is double:
            sum_lift(elem, <Twin*> NULL, rows)
    elif acc == IN_WIDE:
        sum_rows(<Wide*> NULL, out, rows)
        if not (elem_t is float or elem_t is double or elem_t is Wide):
            sum_lift(elem, <Wide*> NULL, rows)
    elif acc == IN_SPARSE:
        sum_rows(<Sparse*> NULL, out, rows)
        if elem_t is double:
            sum_lift(elem, <Sparse*> NULL, rows)


cdef void key_rows(elem_t* elem, order_t* order, Rows* rows) noexcept:
    """Let the bits of 16-bit floats become keys when they are lifted."""
    rows.lift = <fold_f> best_fold_of[elem_t, order_t]
    rows.pairs = <fold_f> best_pairs_of[elem_t, order_t]
    rows.lift_run = <run_f> best_run_of[elem_t, order_t]
    rows.lift_accumulate = NULL
    rows.lift_join = NULL


cdef void half_rows(half_t* elem, int kind, int acc, int out, Rows* rows) noexcept:
    """The row operations for 16-bit floats as they are."""
    if kind == SUM and acc == IN_DOUBLE:
        sum_rows(<double*> NULL, out, rows)
        sum_lift(elem, <double*> NULL, rows)
    elif kind == MAX and half_t is Half:
        best_rows(<int16_t*> NULL, <Most*> NULL, rows)
        key_rows(<int16_t*> NULL, <MostOther*> NULL, rows)
    elif kind == MAX:
        best_rows(<uint16_t*> NULL, <Most*> NULL, rows)
        key_rows(<uint16_t*> NULL, <MostOther*> NULL, rows)
    elif kind == MIN and half_t is Half:
        best_rows(<int16_t*> NULL, <Least*> NULL, rows)
        key_rows(<int16_t*> NULL, <LeastOther*> NULL, rows)
    elif kind == MIN:
        best_rows(<uint16_t*> NULL, <Least*> NULL, rows)
        key_rows(<uint16_t*> NULL, <LeastOther*> NULL, rows)
    if kind != SUM:
        rows.finish = <finish_f> half_finish[half_t]


cdef void square_rows(int kind, int acc, int out, Rows* rows) noexcept:
    """The row operations for sums of squares of floats."""
    if kind == SUM and acc == IN_DOUBLE:
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


cdef bint choose_beside(int elem, int mapping, int acc, int out, Rows* rows) noexcept:
    """Finish with factors made of elements of a code that lie as the output does; else False."""
    cdef Rows mapped
    cdef int carrier = elem
    memset(&mapped, 0, sizeof(Rows))
    choose_map(elem, MAP_SLOPE if mapping == MAP_NONE else MAP_NUMBER, &mapped, &carrier)
    rows.beside = mapped.map
    rows.finish = NULL
    if mapping == MAP_POWER or mapping == MAP_SQUARE:
        if acc == IN_DOUBLE and out == DOUBLE:
            rows.finish = <finish_f> weight_finish[double]
        elif acc == IN_TWIN and out == DOUBLE:
            rows.finish = <finish_f> weight_finish[Twin]
    elif mapping == MAP_NONE:
        if acc == IN_DOUBLE:
            rows.finish = finisher(<double*> NULL, out, SLOPES)
        elif acc == IN_TWIN:
            rows.finish = finisher(<Twin*> NULL, out, SLOPES)
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
    if mapping == MAP_SIZE:
        rows.finish = finisher(<double*> NULL, out, SIZES)
    elif mapping == MAP_POWER or mapping == MAP_SQUARE:
        if acc == IN_DOUBLE:
            rows.finish = finisher(<double*> NULL, out, ROOTS)
        elif acc == IN_TWIN:
            rows.finish = finisher(<Twin*> NULL, out, ROOTS)
        elif acc == IN_SPARSE:
            rows.finish = finisher(<Sparse*> NULL, out, ROOTS)
        rows.norm_finish = finisher(<Twin*> NULL, out, QUOTIENTS)
        rows.inverts = False
    if (rows.map == NULL) != (mapping == MAP_NONE or mapping == MAP_SQUARE):
        return False
    return rows.lift != NULL and (kind != SUM or rows.finish != NULL)
