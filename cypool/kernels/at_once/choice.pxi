# The choice of a row operation that goes from elements to output at once, with no accumulators in
# memory.
#
# Floats of up to four rows, or four rows of pairs, are added up, multiplied and rounded: the sums
# are those of sum_fold and sum_pairs, bit by bit.  So are narrow integers, where the divisor is a
# power of two.  16-bit floats, of up to nine rows, stay where they are in lanes of 32 bits, which
# hold two.  Doubles are added up as Twins, of any rows that are read together, of windows of two or
# three cells along them, and of runs that are windows.  Where means of channels overlap, they share
# what columns of rows add up to.  Gradients of windows side by side are made once for all of a
# window, and those of windows that do not count the same are multiplied on the way.  Norms of order
# 2 go the same way, and cannot cancel.  Where each row of a window has one index, the greatest
# elements are compared with nothing but each other, and the index goes along.


cdef at_once_f choose_once(int elem, int form) noexcept:
    """The operation for floats of a code and results of the same; NULL if there is none."""
    if form == FORM_WINDOWS:
        return <at_once_f> double_windows if elem == DOUBLE else NULL
    elif form == FORM_RUNS:
        return <at_once_f> double_runs if elem == DOUBLE else NULL
    elif form == FORM_COUPLES:
        return <at_once_f> once_couples if elem == FLOAT else NULL
    elif form == FORM_SHARED:
        return choose_shared(elem)
    elif elem == FLOAT:
        return <at_once_f> once_pairs[float] if form == FORM_PAIRS else <at_once_f> once_rows[float]
    elif elem == DOUBLE:
        return <at_once_f> double_pairs if form == FORM_PAIRS else <at_once_f> double_rows
    elif elem == HALF:
        return <at_once_f> once_pairs[Half] if form == FORM_PAIRS else <at_once_f> once_rows[Half]
    elif elem == BRAIN:
        return <at_once_f> once_pairs[Brain] if form == FORM_PAIRS else <at_once_f> once_rows[Brain]
    return NULL


cdef at_once_f choose_at_once(
    int elem, int mapping, int acc, int form, bint shifts, Py_ssize_t* most) noexcept:
    """The operation for elements of a code and results of the same; NULL if there is none.

    And how many sources it has room for.
    """
    most[0] = FEW // 2 if form == FORM_COUPLES else FEW     # which become twice as many
    if form == FORM_NONE:
        return NULL
    elif form == FORM_FIRST or form == FORM_ALONG:
        most[0] = BATCH
        return choose_first(elem, form == FORM_ALONG)
    elif form == FORM_REPEATED or form == FORM_PHASES:
        most[0] = MOST_ROWS if elem >= HALF else FEW
        return choose_spread(elem, form == FORM_PHASES)
    elif form == FORM_WEIGHED:
        most[0] = MOST_WEIGHED
        return <at_once_f> once_weighed if elem == FLOAT and mapping == MAP_SHARE else NULL
    elif mapping == MAP_SQUARE:
        if form == FORM_ROWS:
            return <at_once_f> norm_rows
        return <at_once_f> norm_pairs if form == FORM_PAIRS else NULL
    elif acc == IN_DOUBLE or (acc == IN_TWIN and elem == DOUBLE):
        if mapping == MAP_SHARE and (form != FORM_SHARED or elem != FLOAT):
            return NULL
        if form == FORM_SHARED:
            most[0] = COLUMNS * COLUMNS
        elif form == FORM_RUNS:
            most[0] = 1
        elif elem == DOUBLE:
            most[0] = SOURCES
        elif elem >= HALF and form == FORM_ROWS:
            most[0] = MOST_ROWS
        return choose_once(elem, form)
    elif shifts:
        return choose_shifted(elem, form == FORM_PAIRS)
    return NULL
