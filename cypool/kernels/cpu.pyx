# cython: language_level=3
"""Which of the x86-64 levels this processor and its operating system offer."""

cdef extern from *:
    r"""
    #if defined(__x86_64__) || defined(_M_X64)

    #ifdef _MSC_VER
    #include <intrin.h>
    static int cypool_cpuid(unsigned leaf, unsigned r[4]) {
        int v[4];
        __cpuid(v, (int)(leaf & 0x80000000u));
        if ((unsigned)v[0] < leaf) return 0;
        __cpuidex((int *)r, (int)leaf, 0);
        return 1;
    }
    static unsigned cypool_xcr0(void) { return (unsigned)_xgetbv(0); }
    #else
    #include <cpuid.h>
    static int cypool_cpuid(unsigned leaf, unsigned r[4]) {
        return __get_cpuid_count(leaf, 0, r, r + 1, r + 2, r + 3);
    }
    static unsigned cypool_xcr0(void) {
        unsigned low, high;
        __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
        return low;
    }
    #endif

    #define CYPOOL_BIT(n) (1u << (n))

    /* The features that the psABI supplement lists for each level, as bits of cpuid leaf 1 (ecx),
       leaf 7 (ebx) and leaf 0x80000001 (ecx), and the register states that the system must save
       (XCR0: SSE and AVX; then also the mask registers and both parts of the 512-bit ones). */
    static int cypool_x86_64_level(void) {
        const unsigned v2_1 = CYPOOL_BIT(0) /* SSE3 */ | CYPOOL_BIT(9) /* SSSE3 */
            | CYPOOL_BIT(13) /* CMPXCHG16B */ | CYPOOL_BIT(19) /* SSE4.1 */
            | CYPOOL_BIT(20) /* SSE4.2 */ | CYPOOL_BIT(23) /* POPCNT */;
        const unsigned v3_1 = CYPOOL_BIT(12) /* FMA */ | CYPOOL_BIT(22) /* MOVBE */
            | CYPOOL_BIT(27) /* OSXSAVE */ | CYPOOL_BIT(28) /* AVX */ | CYPOOL_BIT(29) /* F16C */;
        const unsigned v3_7 = CYPOOL_BIT(3) /* BMI1 */ | CYPOOL_BIT(5) /* AVX2 */
            | CYPOOL_BIT(8) /* BMI2 */;
        const unsigned v4_7 = CYPOOL_BIT(16) /* AVX512F */ | CYPOOL_BIT(17) /* AVX512DQ */
            | CYPOOL_BIT(28) /* AVX512CD */ | CYPOOL_BIT(30) /* AVX512BW */
            | CYPOOL_BIT(31) /* AVX512VL */;
        unsigned one[4] = {0}, seven[4] = {0}, more[4] = {0}, saved;
        if (!cypool_cpuid(1, one)) return 1;
        cypool_cpuid(7, seven);
        cypool_cpuid(0x80000001u, more);
        if ((one[2] & v2_1) != v2_1 || !(more[2] & CYPOOL_BIT(0) /* LAHF */)) return 1;
        if ((one[2] & v3_1) != v3_1 || (seven[1] & v3_7) != v3_7
            || !(more[2] & CYPOOL_BIT(5) /* LZCNT */)) return 2;
        saved = cypool_xcr0();
        if ((saved & 0x06u) != 0x06u) return 2;
        if ((seven[1] & v4_7) != v4_7 || (saved & 0xE6u) != 0xE6u) return 3;
        return 4;
    }

    #else
    static int cypool_x86_64_level(void) { return 0; }
    #endif
    """
    int cypool_x86_64_level()


def x86_64_level():
    """The highest x86-64 level, 1 to 4; 0 on other architectures."""
    return cypool_x86_64_level()
