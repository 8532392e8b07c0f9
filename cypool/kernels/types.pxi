# What the kernels' modules import, and the types of elements, accumulators and row operations.

from cpython.buffer cimport (
    PyBUF_STRIDES,
    PyBUF_WRITABLE,
    Py_buffer,
    PyBuffer_Release,
    PyObject_GetBuffer,
)
from cython.parallel cimport prange, threadid
from libc.math cimport INFINITY, NAN, copysign, fabs, fma, frexp, isfinite, ldexp, pow, rint, sqrt
from libc.stdint cimport (
    int8_t,
    int16_t,
    int32_t,
    int64_t,
    uint8_t,
    uint16_t,
    uint32_t,
    uint64_t,
    uintptr_t,
)
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

cdef extern from "<math.h>" nogil:
    bint unordered_floats "isunordered"(float, float)
    bint unordered_doubles "isunordered"(double, double)

cdef extern from *:
    """
    #include <fenv.h>
    #ifdef FE_INEXACT
    #define cypool_rounded() (fetestexcept(FE_INEXACT) != 0)
    #else
    #define FE_INEXACT 0
    #define cypool_rounded() 1
    #endif
    #ifdef __GNUC__
    #define cypool_prefetch(at) __builtin_prefetch(at)
    #define cypool_apart() __atomic_signal_fence(__ATOMIC_SEQ_CST)
    #else
    #define cypool_prefetch(at) ((void) (at))
    #define cypool_apart() ((void) 0)
    #endif
    #if defined(__AVX512F__)
    #define CYPOOL_DOUBLES 8
    #elif defined(__AVX__)
    #define CYPOOL_DOUBLES 4
    #else
    #define CYPOOL_DOUBLES 2
    #endif
    #ifdef _OPENMP
    #include <omp.h>
    #define cypool_openmp 1
    #define cypool_max_threads() omp_get_max_threads()
    #else
    #define cypool_openmp 0
    #define cypool_max_threads() 1
    #endif
    """
    bint cypool_openmp
    int cypool_max_threads() nogil
    # Have a cache line brought nearer: a hint, which any address may be given to.
    void cypool_prefetch(const char* at) nogil
    # Compilers make vectors of what stands between two of these, not of several turns of a loop.
    void cypool_apart() nogil
    enum: CYPOOL_DOUBLES    # that a vector has
    # Whether any operation was rounded since the flags were cleared, as the processor remembers.
    bint cypool_rounded() nogil
    int FE_INEXACT
    ctypedef struct fenv_t:
        pass
    int feclearexcept(int) nogil
    int feholdexcept(fenv_t*) nogil
    int fesetenv(const fenv_t*) nogil

# Codes of types: of elements, as they are known outside, and of what else is added up.
cdef enum:
    UINT8 = 0
    INT8 = 1
    UINT16 = 2
    INT16 = 3
    UINT32 = 4
    INT32 = 5
    UINT64 = 6
    INT64 = 7
    FLOAT = 8
    DOUBLE = 9
    HALF = 10
    BRAIN = 11
    WIDE = 12
    SQUARE = 13
    TWIN = 14
    SPARSE = 15

# Codes of what is done: order by the greatest or the least, or add.
cdef enum:
    MAX = 0
    MIN = 1
    SUM = 2

# Codes of accumulators of sums: the types of `sum_t`, in the order of their declarations.
cdef enum:
    IN_UINT16 = 0
    IN_UINT32 = 1
    IN_UINT64 = 2
    IN_DOUBLE = 3
    IN_TWIN = 4
    IN_WIDE = 5
    IN_SPARSE = 6

# A two's complement integer of 128 bits.
cdef struct Wide:
    uint64_t lo
    int64_t hi

# A float16 and a bfloat16, as their bits.
cdef struct Half:
    uint16_t bits

cdef struct Brain:
    uint16_t bits

# A float32 whose square is added up.
cdef struct Square:
    float root

# What is compared and added: elements, or the carriers that rows/maps.pxi makes of them.
ctypedef fused elem_t:
    uint8_t
    int8_t
    uint16_t
    int16_t
    uint32_t
    int32_t
    uint64_t
    int64_t
    float
    double
    Wide

# An unevaluated sum hi + lo of two doubles (Knuth's TwoSum keeps what hi rounds away).
cdef struct Twin:
    double hi
    double lo

# The same of what is not NaN, and how many elements were and were not.
cdef struct Sparse:
    double hi
    double lo
    int64_t seen
    int64_t nans

# Accumulators of sums.  The unsigned ones are modular: signed elements are added modulo 2**bits
# and the result is read as signed in the end.
ctypedef fused sum_t:
    uint16_t
    uint32_t
    uint64_t
    double
    Twin
    Wide
    Sparse

# What a sum is made of: elements, or sums of elements.
ctypedef fused term_t:
    uint8_t
    int8_t
    uint16_t
    int16_t
    uint32_t
    int32_t
    uint64_t
    int64_t
    float
    double
    Half
    Brain
    Square
    Twin
    Wide
    Sparse

# Accumulators of sums of floats.
ctypedef fused real_sum_t:
    double
    Twin
    Sparse

# What is wanted, max or min.  The last two read elements in another way: floats as numbers, none of
# which is NaN; int16 as the bits of float16, and uint16 as those of bfloat16, which become keys of
# their order when they are lifted.
cdef enum:
    MOST = 0
    LEAST = 1
    MOST_OTHER = 2
    LEAST_OTHER = 3

# Tags that choose between these in fused types.
cdef struct Most:
    char _

cdef struct Least:
    char _

cdef struct MostOther:
    char _

cdef struct LeastOther:
    char _

ctypedef fused order_t:
    Most
    Least
    MostOther
    LeastOther

# Integers used to move elements of a size, whatever they mean.
ctypedef fused bits_t:
    uint8_t
    uint16_t
    uint32_t
    uint64_t
    Wide
    Sparse

# What arrays hold.
ctypedef fused in_t:
    uint8_t
    int8_t
    uint16_t
    int16_t
    uint32_t
    int32_t
    uint64_t
    int64_t
    float
    double
    Half
    Brain

ctypedef fused out_t:
    uint8_t
    int8_t
    uint16_t
    int16_t
    uint32_t
    int32_t
    uint64_t
    int64_t
    float
    double
    Half
    Brain

# How accumulators are read.
cdef struct Ending:
    bint is_signed
    bint wraps          # integer sums that wrap, instead of quotients
    bint averages       # divisors count NaNs, which sums leave out
    bint least          # ranks are complemented
    int shift           # if it is not 0, every divisor is 2**shift
    bint saturates      # quotients may be beyond what the output holds
    bint inverts        # factors are inverses of divisors: integers below 2**24, as sums are
    uint32_t margin     # how far below an element a mean may be, in exponents of float's bits
    double share        # of its greatest element, which a sum of doubles has to have
    double exponent     # of norms

# How elements become carriers.
cdef struct Mapping:
    int64_t flip        # -1 to order by the least, else 0
    int64_t nan         # the rank of a NaN: above all numbers, or below them
    int64_t step        # of the index from a cell to the next
    int64_t inner_step  # and from an element of a cell to the next
    double exponent
    const double* shares    # what each element of a row is multiplied by, times
    double share            # this; if there are none, that of all
    bint divides            # or divided

# The magnitudes of the floats an item is made of, as bit patterns without the sign.
cdef struct Range:
    uint64_t peak       # the greatest, that of 0 if there is none
    uint64_t low        # the least that is not 0, less 1

# An exact sum of doubles: a fixed-point number of 2**-1074 units in limbs of 32 bits, each held
# in 64 so that carries can wait (Kulisch's long accumulator).
cdef enum:
    LIMBS = 70
    PATIENCE = 1 << 30

cdef struct Exact:
    int64_t limb[LIMBS]
    int64_t pending     # additions since the carries were done
    double special      # the sum of what is not finite
    bint omits          # leave NaNs out
    bint subtracts      # take back what was added
    int64_t seen
    int64_t nans

cdef enum:
    MAX_OUTER = 64      # axes besides the last two in memory
    BATCH = 27          # source rows handed to a fold at once; a multiple of three
    SOURCES = 64        # or made into output at once, at most
    MOST_SHARES = 192   # columns of sources that windows share have a share each, at most

# Forms of windows that become output at once.
cdef enum:
    FORM_NONE = 0
    FORM_ROWS = 1       # whole rows
    FORM_PAIRS = 2      # pairs of neighbours in them
    FORM_COUPLES = 3    # pairs of cells of several elements
    # What follows wants rows uncut:
    FORM_WINDOWS = 4    # a few cells along rows of doubles
    FORM_RUNS = 5       # runs of cells along rows, one for each window
    FORM_SHARED = 6     # rows that windows share
    FORM_REPEATED = 7   # transposed windows, side by side
    FORM_PHASES = 8     # or that overlap
    # And what follows finds indices:
    FORM_WEIGHED = 9    # whole rows, multiplied before they are added up
    FORM_FIRST = 10     # rows, compared
    FORM_ALONG = 11     # windows along them, too

# What rows that are finished at once need besides.
cdef struct Once:
    double factor       # what sums are multiplied by
    const double* divisors  # of doubles, what each is divided by
    const double* inverses
    double weights[SOURCES]     # what each source is multiplied by before,
    double shares[MOST_SHARES]  # and each column of rows that windows share
    bint weighs         # or nothing is
    int64_t index[SOURCES]  # of each source's first row
    int64_t step        # and from a row to the next
    int64_t along       # and from a cell to the next
    char* indices       # where they go
    Py_ssize_t wide     # as many times as far apart as what they belong to
    # Of windows along the lanes:
    Py_ssize_t start    # where the first of them starts, in cells from the start of a source
    Py_ssize_t cells    # how many a source has
    Py_ssize_t inner    # and how many elements a cell has
    Py_ssize_t k        # their size, stride and dilation
    Py_ssize_t s
    Py_ssize_t d
    # Of windows side by side that were transposed, also along the row axis:
    Py_ssize_t down     # how many rows of results a row has,
    Py_ssize_t below    # and from one to the next, in bytes
    # Of windows that share rows:
    Py_ssize_t first    # the first tap that there is
    Py_ssize_t taps     # and how many there are
    Py_ssize_t stride   # from a window to the next, in rows
    Py_ssize_t apart    # from a row to the next, in bytes
    # Of runs: what lies so many bytes further on is fetched, if it is not 0.
    Py_ssize_t lead

# What is brought nearer while rows are worked at: of the sources of each row those from `first` on,
# of which `near` lie end to end; and where its results go.
cdef struct Ahead:
    Py_ssize_t first
    Py_ssize_t near
    Py_ssize_t lead     # bytes from a source on
    Py_ssize_t size     # and how many are wanted
    const char* out     # the results of the first row, or of one further on
    Py_ssize_t out_step     # bytes from these to the next row's
    Py_ssize_t out_size     # and how many are wanted

# How runs of elements are read where they lie.
cdef struct Reading:
    Py_ssize_t lead     # what lies so many bytes further on is brought nearer, if it is not 0
    bint ranged         # doubles that are added up are looked at
    int64_t peak        # for their greatest magnitude, as bits; negative if nobody has looked

# The typed row operations of one (kind, input dtype, accumulator, output dtype).
ctypedef void (*fold_f)(
    char* dst, Py_ssize_t dst_pitch, const char** src, Py_ssize_t src_pitch, Py_ssize_t count,
    Py_ssize_t rows, Py_ssize_t n, bint fresh, const Ahead* ahead) noexcept nogil
ctypedef void (*accumulate_f)(
    char* dst, Py_ssize_t dst_pitch, const char* src, Py_ssize_t src_pitch, Py_ssize_t rows,
    Py_ssize_t n, bint fresh) noexcept nogil
ctypedef void (*run_f)(
    char* dst, Py_ssize_t dst_pitch, const char* src, Py_ssize_t src_pitch, Py_ssize_t rows,
    Py_ssize_t n, bint fresh, Reading* reading) noexcept nogil
ctypedef void (*join_f)(
    char* dst, char* prefix, const char* suffix, const char* src, Py_ssize_t n) noexcept nogil
ctypedef bint (*check_f)(
    const char* src, Py_ssize_t pitch, Py_ssize_t rows, Py_ssize_t n) noexcept nogil
ctypedef void (*clear_f)(
    char* dst, Py_ssize_t pitch, Py_ssize_t rows, Py_ssize_t n) noexcept nogil
ctypedef void (*finish_f)(
    char* dst, Py_ssize_t dst_pitch, const char* src, Py_ssize_t src_pitch, Py_ssize_t rows,
    Py_ssize_t n, const double* factors, Ending ending) noexcept nogil
ctypedef bint (*at_once_f)(
    char* dst, Py_ssize_t dst_pitch, const char** src, Py_ssize_t src_pitch, Py_ssize_t count,
    Py_ssize_t rows, Py_ssize_t n, const Once* how, Ending ending,
    const Ahead* ahead) noexcept nogil
ctypedef void (*scan_f)(
    const char* src, Py_ssize_t pitch, Py_ssize_t rows, Py_ssize_t n, Range* range_) noexcept nogil
ctypedef Py_ssize_t (*suspect_f)(
    const char* src, Py_ssize_t j, Py_ssize_t n, const double* bounds, bint each,
    bint overflows) noexcept nogil
ctypedef void (*exponents_f)(
    const char* src, Py_ssize_t pitch, Py_ssize_t rows, Py_ssize_t n,
    uint16_t* peaks) noexcept nogil
ctypedef void (*visit_f)(void* state, const char* src, Py_ssize_t n) noexcept nogil
ctypedef void (*map_f)(
    char* dst, const char* src, Py_ssize_t n, Py_ssize_t inner, int64_t index,
    const Mapping* how) noexcept nogil
ctypedef void (*pick_f)(
    void* dst, Py_ssize_t dst_pitch, const void* src, Py_ssize_t src_pitch, Py_ssize_t rows,
    const int32_t* at, Py_ssize_t n) noexcept nogil

ctypedef void (*split_f)(
    char* dst, const char* src, Py_ssize_t cells, Py_ssize_t step, Py_ssize_t m, Py_ssize_t inner,
    bint all) noexcept nogil

cdef struct Rows:
    fold_f lift         # elements into accumulators
    fold_f fold         # accumulators into accumulators
    fold_f pairs        # pairs of elements into accumulators; may be NULL
    run_f lift_run      # a run of elements into one accumulator
    run_f fold_run      # a run of accumulators into one
    accumulate_f lift_accumulate    # rows of elements into rows of what they come to so far
    accumulate_f fold_accumulate    # the same of accumulators
    join_f lift_join    # a row of elements into a prefix, and that and a suffix into a window
    join_f fold_join    # the same of accumulators
    # (The two of elements are NULL where these have to be lifted before.)
    clear_f clear       # the identity
    finish_f finish     # accumulators into output; NULL if they are the output
    map_f map           # elements into what is lifted; NULL if they are that
    finish_f indices    # accumulators into indices; NULL if they have none
    map_f beside        # elements that lie as the output does into its factors; may be NULL
    at_once_f at_once   # elements into output; NULL if there is no such thing
    check_f numbers     # whether no element is NaN; NULL if none can be
    Py_ssize_t size     # bytes of an accumulator
    # Float sums only:
    scan_f scan         # widen a range to the elements of a row
    exponents_f exponents   # of the greatest elements of columns
    suspect_f suspect   # the next accumulator not to be trusted
    visit_f exact       # elements into an exact sum
    finish_f norm_finish    # a norm into output
    bint twins          # the accumulators are Twins
    bint inverts        # the finish takes inverses of divisors
    int digits          # of an element, in bits
    int bias            # of its exponent
    double scale        # of a unit of what is added up, in those of what finishes it


cdef inline Py_ssize_t clamped(Py_ssize_t x, Py_ssize_t least, Py_ssize_t most) noexcept nogil:
    return least if x < least else (most if x > most else x)
