# Row operations that go from elements to output at once, with no accumulators in memory.
#
# Floats of up to four rows, or four rows of pairs, are added up, multiplied and rounded: the sums
# are those of sum_fold and sum_pairs, bit by bit.  So are narrow integers, where the divisor is a
# power of two.  16-bit floats, of up to nine rows, stay where they are in lanes of 32 bits, which
# hold two.  Doubles are added up as Twins, of any rows that are read together, and of windows of two
# or three cells along them.  Where means of channels overlap, they share what columns of rows add up
# to.  Norms of order 2 go the same way, and cannot cancel.  Where each row of a window has one
# index, the greatest elements are compared with nothing but each other, and the index goes along.


cdef at_once_f choose_once(int elem, bint pairs, bint couples, bint windows) noexcept:
    """The operation for elements of a code and results of the same; NULL if there is none."""
    if windows:
        return <at_once_f> double_windows if elem == DOUBLE else NULL
    elif couples:
        return <at_once_f> once_couples if elem == FLOAT else NULL
    if elem == FLOAT:
        return <at_once_f> once_pairs[float] if pairs else <at_once_f> once_rows[float]
    elif elem == DOUBLE:
        return <at_once_f> double_pairs if pairs else <at_once_f> double_rows
    elif elem == HALF:
        return <at_once_f> once_pairs[Half] if pairs else <at_once_f> once_rows[Half]
    elif elem == BRAIN:
        return <at_once_f> once_pairs[Brain] if pairs else <at_once_f> once_rows[Brain]
    return NULL


cdef at_once_f choose_at_once(
    int elem, int mapping, int acc, bint firsts, bint along, bint spreads, bint overlap,
    Py_ssize_t shared, bint pairs, bint couples, bint windows, bint shifts,
    Py_ssize_t* most) noexcept:
    """The operation for elements of a code and results of the same; NULL if there is none.

    And how many sources it has room for.  `shared` is how many rows of each outer tap windows share.
    """
    most[0] = FEW // 2 if couples else FEW      # which become twice as many
    if firsts:
        most[0] = BATCH
        return choose_first(elem, along)
    elif spreads:
        most[0] = MOST_ROWS if elem >= HALF else FEW
        return choose_spread(elem, overlap)
    elif mapping == MAP_SQUARE:
        return <at_once_f> norm_pairs if pairs else <at_once_f> norm_rows
    elif acc == 3 and shared > 0:
        most[0] = COLUMNS * COLUMNS if shared == COLUMNS else 0
        return choose_shared(elem)
    elif acc == 3 or (acc == 4 and elem == DOUBLE):
        if elem == DOUBLE:
            most[0] = SOURCES
        elif elem >= HALF and not pairs:
            most[0] = MOST_ROWS
        return choose_once(elem, pairs, couples, windows)
    elif shifts:
        return choose_shifted(elem, pairs)
    return NULL
